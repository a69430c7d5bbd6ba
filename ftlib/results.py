"""Read what was recorded: grids of recipes, traces over time, and the studies of single lessons.

Recording them is the business of ``python -m authoring results``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ftlib import catalog, runtime
from ftlib.metrics import Interval, difference, mean_interval

LIVE_TOLERANCE = 0.02


class NotReproduced(AssertionError):
    """A live run landed away from the recorded one."""


def load(domain: str, task: str | None = None) -> pd.DataFrame:
    """The recorded grid of a domain, as ``compare`` would return it.

    Raises:
        FileNotFoundError: it was not recorded; the sentence says how to.
        ValueError: the record is damaged, or has nothing of this task.
    """
    table = _checked(_columns(domain), "task", "source_score").astype({"source_score": float})
    if task is None:
        return table
    if not isinstance(task, str) or not (table.task == task).any():
        known = ", ".join(map(str, table.task.unique()))
        raise ValueError(f"{domain} has no recorded results of {task!r}: there are some of {known}")
    return table[table.task == task].reset_index(drop=True)


def study(name: str) -> pd.DataFrame:
    """The recorded table of a study, an experiment that one lesson needs beyond the grid of recipes.

    Raises:
        FileNotFoundError: it was not recorded; the sentence says how to.
    """
    return _columns(name).infer_objects()


def _columns(name: str) -> pd.DataFrame:
    columns = _read(name, "columns")
    try:
        return pd.DataFrame(columns)
    except (ValueError, TypeError, AttributeError) as problem:
        raise ValueError(f"the record of {name} is damaged ({problem}): install the course again") from problem


def _read(name: str, part: str) -> Any:
    if not isinstance(name, str) or not name.isprintable() or not name or len(name) > 100:
        raise ValueError(f"{str(name)[:40]!r} is no name of a record: give one such as 'vision'")
    path = catalog.data_dir() / "results" / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"{name} has no recorded results: run `python -m authoring results {name}` first")
    try:
        return json.loads(path.read_text(encoding="utf-8"))[part]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise ValueError(f"{path} is damaged, or has no {part}: install the course again") from problem


def _checked(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The table, after a look whether it is one and has these columns."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"the table is of type {type(table).__name__}: give one that compare or results.load returned")
    if missing := [name for name in columns if name not in table]:
        raise ValueError(f"the table has no column {missing[0]!r}: give one that compare or results.load returned")
    return table


def by_seed(table: pd.DataFrame, **where: object) -> pd.DataFrame:
    """The rows in which each named column has that value, by seed: ``by_seed(table, arm="plain").score``.

    Raises:
        ValueError: there are none.
    """
    rows = table
    for name, value in where.items():
        rows = rows[rows[name] == value]
    if rows.empty:
        asked = ", ".join(f"{name} {value!r}" for name, value in where.items())
        raise ValueError(f"the table has no run with {asked}: choose one that was recorded")
    return rows.set_index("seed").sort_index()


def scores(table: pd.DataFrame, recipe: str, budget: int, column: str = "score") -> pd.Series:
    """One recipe's values at one budget, indexed by seed.

    Raises:
        ValueError: there are none, or the table holds several tasks.
    """
    _check_one_task(_checked(table, "recipe", "budget", "seed", column))
    if not isinstance(recipe, str) or not isinstance(budget, int | np.integer):
        raise ValueError(f"recipe is {recipe!r} and budget {budget!r}: give a name and a whole number")
    return by_seed(table, recipe=recipe, budget=budget)[column]


def _check_one_task(table: pd.DataFrame) -> None:
    if "task" in table and table.task.nunique() > 1:
        several = ", ".join(map(str, table.task.unique()))
        raise ValueError(f"the table holds several tasks ({several}): choose one, as load does")


def gain(table: pd.DataFrame, first: str, second: str, budget: int, column: str = "score") -> Interval:
    """Mean of ``first - second`` over the seeds that both have, with its interval."""
    a, b = (scores(table, name, budget, column) for name in (first, second))
    both = a.index.intersection(b.index)
    return difference(a[both], b[both])


def gains(
    table: pd.DataFrame, first: str, second: str, budgets: Sequence[int], note: str = "", column: str = "score"
) -> dict[str, Interval]:
    """``gain`` at several budgets, named like ``"10 per class"``, with a ``note`` after the name if given."""
    unit = str(_checked(table, "budget_unit").budget_unit.iloc[0]).removeprefix("labels ")
    return {f"{budget} {unit}{note}": gain(table, first, second, budget, column) for budget in budgets}


def summary(table: pd.DataFrame, column: str = "score") -> pd.DataFrame:
    """Mean and interval over seeds for each recipe and budget: columns ``recipe, budget, value, low, high, n``.

    Raises:
        ValueError: the table holds several tasks.
    """
    _check_one_task(_checked(table, "recipe", "budget", column))
    rows = []
    for (recipe, budget), group in table.groupby(["recipe", "budget"], sort=False):
        values = group[column].dropna()
        if len(values) < 2:
            continue
        interval = mean_interval(values)
        rows.append((recipe, budget, interval.value, interval.low, interval.high, len(values)))
    return pd.DataFrame(rows, columns=["recipe", "budget", "value", "low", "high", "n"])


def check_live(live: pd.DataFrame, recorded: pd.DataFrame, tolerance: float = LIVE_TOLERANCE) -> pd.DataFrame:
    """Put live runs beside the recorded ones of the same recipe, budget and seed.

    Returns:
        Columns ``recipe, budget, seed, live, recorded, agrees``.

    Raises:
        NotReproduced: in CI, if one lands further than ``tolerance`` away. A learner sees it in the table.
    """
    keys = ["task", "recipe", "budget", "seed"]
    for each in (live, recorded):
        _checked(each, *keys, "score")
    both = live.merge(recorded, on=keys, suffixes=("_live", "_recorded"))
    if len(both) < len(live):
        raise ValueError(f"{len(live) - len(both)} of the live runs were never recorded: choose a recorded seed")
    table = both[keys[1:]].assign(live=both.score_live, recorded=both.score_recorded)
    table["agrees"] = (table.live - table.recorded).abs() <= tolerance + 1e-9
    if runtime.strict() and not table.agrees.all():
        raise NotReproduced(f"live runs differ from the record by more than {tolerance}:\n{table.to_string()}")
    return table


def load_traces(domain: str, task: str) -> pd.DataFrame:
    """Recorded test scores over training time: columns ``recipe, budget, seed, seconds, score``."""
    content = _read(domain, "traces")
    try:
        rows = [pd.DataFrame(trace) for trace in content if trace["task"] == task]
    except (ValueError, KeyError, TypeError) as problem:
        raise ValueError(f"the traces of {domain} are damaged ({problem}): install the course again") from problem
    if not rows:
        raise ValueError(f"{domain} has no recorded traces of {str(task)[:40]!r}: see results.load for what there is")
    return pd.concat(rows, ignore_index=True)


def seconds_to_reach_best_of(traces: pd.DataFrame, rival: str, recipe: str) -> pd.DataFrame:
    """For each seed, when ``rival`` reached its best score and when ``recipe`` first reached that same score.

    Returns:
        Columns ``target, rival, recipe`` indexed by seed, in seconds; NaN where it was never reached.
    """
    rows = {}
    for seed, group in _checked(traces, "seed", "recipe", "seconds", "score").groupby("seed"):
        target = group[group.recipe == rival].score.max()
        reached = group[group.score >= target].groupby("recipe").seconds.min()
        rows[seed] = {"target": target, "rival": reached.get(rival), "recipe": reached.get(recipe)}
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)
