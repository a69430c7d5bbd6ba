"""Check data of your own before you train: copies, leaks, labels. Each check gives a table and a sentence."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ftlib import metrics
from ftlib.own.base import OwnData
from ftlib.own.splits import SPLITS, alike

ROWS_SHOWN = 12


@dataclass(frozen=True)
class Finding:
    """What a check found; shows itself as its sentence over its table.

    Attributes:
        drop: ids that ``from_folder`` or ``from_csv`` can leave out, as ``drop=``.
    """

    sentence: str
    table: pd.DataFrame
    drop: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        shown = self._shown()
        return self._said() if shown.empty else f"{self._said()}\n{shown.to_string()}"

    def _repr_html_(self) -> str:
        shown = self._shown()
        return f"<p>{html.escape(self._said())}</p>" + ("" if shown.empty else shown.to_html())

    def _said(self) -> str:
        n = len(self.table)
        hidden = f" The first {ROWS_SHOWN} of {n} rows are shown; `.table` holds all." if n > ROWS_SHOWN else ""
        return self.sentence + hidden

    def _shown(self) -> pd.DataFrame:
        return self.table.head(ROWS_SHOWN)


def class_counts(task: OwnData) -> Finding:
    """How many examples each class has in each split, and what always answering the largest would score."""
    table = pd.crosstab(task.items.label, task.items.split).reindex(columns=list(SPLITS), fill_value=0)
    table.insert(0, "all", table.sum(axis=1))
    table = table.sort_values("all", ascending=False).rename_axis(columns=None)
    largest, smallest = table.index[0], table.index[-1]
    in_test = task.items[task.items.split == "test"].label.value_counts(normalize=True)
    sentence = (
        f"{len(table)} classes, from {table['all'].iloc[-1]} ({smallest}) to {table['all'].iloc[0]} ({largest}) "
        f"examples; always answering {in_test.index[0]} would be right in {in_test.iloc[0]:.0%} of the test."
    )
    return Finding(sentence, table)


def unreadable(task: OwnData) -> Finding:
    """What could not be used, and why."""
    table = pd.DataFrame(task.skipped, columns=["id", "reason"])
    n = len(table)
    sentence = f"{n} could not be used: repair or remove {'it' if n == 1 else 'them'}." if n else "All could be used."
    return Finding(sentence, table, drop=table.id.tolist())


def duplicates(task: OwnData, near: bool = True) -> Finding:
    """Examples that are there more than once: exact copies and, with ``near``, those that are almost the same.

    Pictures are compared as coarse grey fields, texts by their letter groups: see ``task.fingerprints``.

    Returns:
        One row an example: ``set`` numbers the examples that belong together. ``drop`` keeps of each set
        the example with the shortest id, and none where labels disagree, because nobody knows which one is right.
    """
    member = _sets(task, near)
    table = task.items.assign(set=member)[["set", "id", "label", "split", "digest"]]
    table = table[table.groupby("set").id.transform("size") > 1]
    table = table.sort_values(["set", "id"], key=lambda column: column if column.name == "set" else column.str.len())
    groups = table.groupby("set")
    exact = groups.digest.nunique() == 1
    table["kind"] = np.where(table.set.map(exact), "exact", "near") if len(table) else ""
    torn = groups.label.transform("nunique") > 1
    drop = table[torn | table.duplicated("set")].id.tolist()
    table["set"] = pd.factorize(table.set)[0] + 1
    n, apart = table.set.nunique(), table[torn].set.nunique()
    spare = len(table) - n
    sentence = f"{spare} of {len(task.items)} examples repeat another one, in {n} sets"
    sentence += f"; in {apart} of the sets the labels disagree." if apart else "; their labels agree." if n else "."
    return Finding(sentence, table.drop(columns="digest").set_index("set"), drop=drop)


def leaks(task: OwnData, near: bool = True) -> Finding:
    """Examples of the test or tuning splits whose copy, exact or near, or whose group, is in another split too."""
    keys = {"copy": _sets(task, near)}
    if (task.items.group != "").any():
        keys["group"] = np.where(task.items.group == "", [f"none {i}" for i in task.items.index], task.items.group)
    parts = []
    for why, key in keys.items():
        spread = task.items.split.groupby(key).transform("nunique") > 1
        order = pd.factorize(key)[0]
        found = task.items[spread].assign(shared=why, order=order[spread]).sort_values(["order", "split"])
        parts.append(found[["shared", "id", "label", "split", "order"]])
    table = pd.concat(parts, ignore_index=True)
    tested = table[table.split == "test"].id.nunique()
    size = int((task.items.split == "test").sum())
    sentence = f"{tested} of {size} test examples have a copy or a relative in another split"
    sentence += ": the test is easier than it should be." if tested else "."
    keep = table.sort_values("split", key=lambda split: split != "test", kind="stable")  # leave out what is not tested
    drop = keep[keep.duplicated(["shared", "order"])].id.unique().tolist()
    return Finding(sentence, table.drop(columns="order"), drop=drop)


def spellings(labels: OwnData | Sequence[str]) -> Finding:
    """Labels that are perhaps one: they differ in capitals and spaces, or by a letter within a long word.

    Which of them are one only you can say: write those down as ``relabel={"biling": "billing"}``.

    Args:
        labels: a task, or the labels themselves where a rare spelling keeps the task from being made.
    """
    counts = Counter(labels.items.label if isinstance(labels, OwnData) else map(str, labels))
    rows = [(rare, counts[rare], common, differs) for rare, common, differs in alike(counts) if rare and common]
    table = pd.DataFrame(rows, columns=["label", "examples", "perhaps", "differs in"])
    return Finding(f"{len(rows)} of {len(counts)} labels look like another one written differently.", table)


def agreement(first: Sequence[str], second: Sequence[str]) -> Finding:
    """How far two people gave the same labels, beyond chance: Cohen's kappa (1960).

    Where one of the two is empty, the example does not count. 1 is full agreement, 0 what chance gives.

    Raises:
        ValueError: the two are not of one length, or no example has both labels.

    >>> agreement(["a", "a", "b", "b"], ["a", "b", "b", "b"]).sentence
    'Two people agree on 3 of 4 examples (75%), kappa 0.50: moderate agreement.'
    """
    if len(first) != len(second):
        raise ValueError(f"there are {len(first)} first and {len(second)} second labels: give one pair an example")
    pairs = pd.DataFrame({"first": list(first), "second": list(second)})
    pairs = pairs[((pairs != "") & pairs.notna()).all(axis=1)]
    if pairs.empty:
        raise ValueError("no example has two labels: let a second person label some of them")
    same = int((pairs["first"] == pairs["second"]).sum())
    kappa = metrics.kappa(pairs["first"], pairs["second"])
    words = "one label throughout" if kappa is None else f"kappa {kappa:.2f}: {_in_words(kappa)}"
    said = f"Two people agree on {same} of {len(pairs)} examples ({same / len(pairs):.0%}), {words}."
    return Finding(said, pd.crosstab(pairs["first"], pairs["second"]))


def _in_words(kappa: float) -> str:
    """The words of Landis & Koch 1977, a convention and no more."""
    steps = ((0.0, "no agreement beyond chance"), (0.2, "slight agreement"), (0.4, "fair agreement"),
             (0.6, "moderate agreement"), (0.8, "substantial agreement"))  # fmt: skip
    return next((words for top, words in steps if kappa <= top), "almost perfect agreement")


def suspects(task: OwnData, n: int = 8) -> Finding:
    """The examples whose own label is least likely to a simple model that was fitted on the others.

    Logistic regression on ``task.features()``, each example judged by a model that has not seen it, in the
    spirit of Northcutt et al. 2021, https://arxiv.org/abs/1911.00068. A suspect may be a wrong label, or just
    an unusual example: look at each one.

    Returns:
        Columns ``id, label, perhaps, p_label``: the model's own answer, and the probability of the label.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    numbers = task.numbers.numpy()
    folds = StratifiedKFold(min(5, int(np.bincount(numbers).min())), shuffle=True, random_state=0)
    model = LogisticRegression(C=1.0, max_iter=1000)
    chances = cross_val_predict(model, task.features(), numbers, cv=folds, method="predict_proba")
    own = chances[np.arange(len(numbers)), numbers]
    doubted = np.flatnonzero(chances.argmax(1) != numbers)
    rows = doubted[own[doubted].argsort()][:n]
    table = task.items.loc[rows, ["id", "label"]]
    table["perhaps"] = [task.classes[i] for i in chances[rows].argmax(1)]
    table["p_label"] = own[rows].round(3)
    sentence = f"{len(doubted)} of {len(numbers)} labels surprise a simple model: check these by eye, the oddest first."
    return Finding(sentence, table.reset_index(drop=True))


def _sets(task: OwnData, near: bool) -> np.ndarray:
    """A number for each example; those that are copies of one another share it."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(task.items)
    first = task.items.groupby("digest").digest.transform(lambda same: same.index[0]).to_numpy(int)
    pairs = [np.stack([np.arange(n), first])]
    if near:
        pairs += _near(task.fingerprints(), task.same)
    rows, columns = np.concatenate(pairs, axis=1)
    return connected_components(coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n)), directed=False)[1]


def _near(rows: Any, same: float, at_once: int = 1000) -> Iterator[np.ndarray]:
    """Pairs of rows, (2, pairs), whose cosine is at least ``same``; never more than a strip of them in memory."""
    for start in range(0, rows.shape[0], at_once):
        likeness = rows[start : start + at_once] @ rows.T
        if hasattr(likeness, "tocoo"):
            likeness = likeness.tocoo()
            close = likeness.data >= same
            found = np.stack([likeness.row[close], likeness.col[close]])
        else:
            found = np.stack(np.nonzero(likeness >= same))
        found[0] += start
        yield found[:, found[0] < found[1]]
