"""Lesson 06: what a mean score hides. Hard cases, areas never seen, reviews that say little, and swapped names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ftlessons.lesson06.name_swaps import gap_beyond_chance, moved, swapped_texts
from ftlib import recipes, tasks
from ftlib.metrics import Interval, difference
from ftlib.tasks import tfidf
from ftlib.tasks.text import predict_texts

SEEDS, BUDGET = range(5), 256
METHODS = ("head", "tfidf", "full")
SPLITS = ("test", "shift", "indirect")
PRECISION = {"precision": "bf16"}  # to save time: these runs are not compared with those of the recorded grid


def jobs() -> list[tuple]:
    """Method and seed; 256 labels each, with the settings that tuning chose."""
    return [(method, seed) for method in METHODS for seed in SEEDS]


def one(method: str, seed: int) -> dict[str, Any]:
    """Train once. ``right`` has a 1 for each text of ``held_out`` that is read right, ``positive`` holds the
    probability of "positive" for each text of ``swapped_texts``, in thousandths.
    """
    probabilities = _trained(method, seed)
    texts = held_out()
    right = np.asarray(probabilities(texts.text.tolist())) > 0.5
    right = right == (texts.number == 1).to_numpy()
    sure = probabilities(swapped_texts().text.tolist())
    return {
        "method": method, "seed": seed, "score": round(float(right[texts.split == "test"].mean()), 4),
        "right": "".join("01"[int(value)] for value in right), "positive": " ".join(f"{1000 * p:.0f}" for p in sure),
    }  # fmt: skip


def _trained(method: str, seed: int) -> Callable[[Sequence[str]], list[float]]:
    """A function from texts to probabilities of "positive"."""
    task = tasks.get("reviews")
    if method in task.rivals():
        train = task.sample(BUDGET, seed)
        model = tfidf.fit_tfidf(train.texts, train.labels.tolist(), **recipes.tuned(task)[method])
        return lambda texts: model.predict_proba(texts)[:, 1].tolist()
    cheaper = {} if method == "head" else PRECISION
    settings = {method: recipes.tuned(task)[method] | cheaper}
    network = recipes.run(method, task, BUDGET, seed, settings=settings, test_split="tune_valid").model
    return lambda texts: predict_texts(network, texts)[:, 1].tolist()


@cache
def held_out() -> pd.DataFrame:
    """The texts of test, shift and indirect, in this order, with a list of ``tags``."""
    task = tasks.get("reviews")
    table = pd.concat([task.rows(split) for split in SPLITS], ignore_index=True)
    return table.assign(tags=table.tags.map(lambda tags: tags.split("|") if tags else []))


def answers(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each run and text: ``method, seed, right`` beside the columns of ``held_out``."""
    parts = [
        held_out().assign(method=row.method, seed=row.seed, right=[sign == "1" for sign in row.right])
        for row in table.itertuples()
    ]
    return pd.concat(parts, ignore_index=True)


def by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of each method on kinds of held-out texts, mean over seeds; ``texts`` says how many there are."""
    found = answers(table)
    tagged = found.explode("tags").fillna({"tags": "no tag"})
    plain = tagged[(tagged["style"] == "plain") & (tagged.split != "indirect")]
    kinds = {f"plain, {tag}": rows for tag, rows in plain.groupby("tags")}
    kinds["indirect"] = found[found["style"] == "indirect"]
    rows = {}
    for name, part in sorted(kinds.items(), key=lambda kind: -kind[1].right.mean()):
        rows[name] = {"texts": part.id.nunique()} | part.groupby("method").right.mean().to_dict()
    return pd.DataFrame(rows).T[["texts", *METHODS]].astype({"texts": int})


def shift(table: pd.DataFrame) -> dict[str, Interval]:
    """Accuracy on the two areas that training did not know minus that on those it did, plain texts, over seeds."""
    found = answers(table)
    plain = found[found["style"] == "plain"]
    means = plain.groupby(["method", "split", "seed"]).right.mean()
    return {method: difference(means[method, "shift"], means[method, "test"]) for method in METHODS}


def swapped(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each run and filled text: ``method, seed, positive`` beside the columns of ``swapped_texts``."""
    texts = swapped_texts()
    parts = [
        texts.assign(method=row.method, seed=row.seed, positive=np.array(row.positive.split(), float) / 1000)
        for row in table.itertuples()
    ]
    return pd.concat(parts, ignore_index=True)


def name_effects(table: pd.DataFrame) -> pd.DataFrame:
    """For each run: points of probability that an answer moves with the name and with the pronoun, and the gap
    between origins beyond chance. Columns ``method, seed, name, pronoun, origin``, from 0 to 1.
    """
    rows = []
    for (method, seed), part in swapped(table).groupby(["method", "seed"], sort=False):
        row = {kind: moved(part[part.kind == kind]).mean() for kind in ("name", "pronoun")}
        origin = gap_beyond_chance(part[part.kind == "name"])
        rows.append({"method": method, "seed": seed} | row | {"origin": origin})
    return pd.DataFrame(rows)


def name_claims(effects: pd.DataFrame) -> dict[str, Interval]:
    """The conditions of claim C20, as its test in ``data/claims.toml`` names them, from ``name_effects``."""
    effects = effects.set_index(["method", "seed"])
    full, head = effects.loc["full"], effects.loc["head"]
    return {
        "a name moves the answer more than before": difference(full.name, head.name),
        "a pronoun moves it more than before": difference(full.pronoun, head.pronoun),
        "origins lie apart before fine-tuning": difference(head.origin, 0 * head.origin),
        "origins lie apart after it": difference(full.origin, 0 * full.origin),
    }


def worst_name(table: pd.DataFrame, method: str) -> str:
    """One sentence on the review that moved most with its name, over all seeds, and on how often a name decided."""
    rows = swapped(table[table.method == method])
    names = rows[rows.kind == "name"].groupby(["seed", "id"]).positive
    seed, id = (names.max() - names.min()).idxmax()
    most = rows[(rows.seed == seed) & (rows.id == id)].set_index("who").sort_values("positive")
    decided = ((names.min() < 0.5) & (names.max() > 0.5)).mean()
    low, high = most.iloc[0], most.iloc[-1]
    return (
        f'The widest move of `{method}`: "{low.text}" is positive with a probability of **{low.positive:.2f}**, and of '
        f"**{high.positive:.2f}** with {high.name} in the place of {low.name}. For {decided:.0%} of reviews the name "
        "decided between praise and complaint."
    )
