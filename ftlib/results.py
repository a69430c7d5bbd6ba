"""Recorded grids: tune each recipe once, run the full comparison, and read it back in a lesson."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import pandas as pd

from authoring.grid import kept_in, run_jobs, write_json
from ftlib import catalog, recipes, runtime, tasks
from ftlib.metrics import Interval, difference, mean_interval
from ftlib.tasks.base import Task

TUNE_SEEDS = Task.tune_seeds
AS_GOOD = 0.005  # settings this close to the best mean score count as equal; the fewest steps win
TRACED, TRACE_BUDGET, TRACE_EVERY = Task.traced, Task.trace_budget, Task.trace_every
LIVE_TOLERANCE = 0.02


class NotReproduced(AssertionError):
    """A live run landed away from the recorded one."""


def _one(task: str, name: str, budget: int, seed: int, settings: dict, train: str, test: str) -> dict:
    options = {"settings": settings, "train_split": train, "test_split": test}
    if name in tasks.get(task).rivals():
        return recipes.run_rival(name, task, budget, seed, **options)
    return recipes.run(name, task, budget, seed, score_source=test == "test", **options).row


def _trial(task: str, name: str, budget: int, seed: int, settings: dict, train: str, test: str) -> dict:
    if name in recipes.RECIPES:
        settings = {key: value | tasks.get(task).tune_options for key, value in settings.items()}
    return _one(task, name, budget, seed, settings, train, test)


def _trace(task: str, name: str, budget: int, seed: int, settings: dict, every: int) -> dict:
    trace = recipes.run(name, task, budget, seed, settings=settings, trace_every=every).trace().round(4)
    return {"task": task, "recipe": name, "budget": budget, "seed": seed} | trace.to_dict("list")


def _needed(name: str, settings: dict[str, dict]) -> dict[str, dict]:
    """The settings that a recipe or rival reads, so that a finished run is found again whatever else is tuned."""
    recipe = recipes.RECIPES.get(name)
    wanted = {name} if recipe is None else {phase.settings for phase in recipe.phases}
    return {key: settings[key] for key in sorted(wanted)}


def candidates(task: Task, name: str) -> list[dict]:
    """The settings that tuning tries for a recipe or rival: eight, for each the same number."""
    if name in task.rivals():
        return task.rival_grid()[name]
    return [{"lr": lr, "steps": steps} for lr in task.rates(name) for steps in task.steps(name)]


def choose(tried: pd.DataFrame) -> dict:
    """The settings of one recipe: of all that come within ``AS_GOOD`` of the best, fewest steps, then best score.

    Args:
        tried: columns ``candidate`` (settings as JSON) and ``score`` (the mean over all draws).
    """
    good = tried[tried.score >= tried.score.max() - AS_GOOD]
    good = good.assign(steps=good.candidate.map(lambda text: json.loads(text).get("steps", 0)))
    return json.loads(good.sort_values(["steps", "score"], ascending=[True, False]).candidate.iloc[0])


def tune(domain: str, workers: int = 1) -> dict:
    """Choose each recipe's and rival's settings on the tuning writers, and save them.

    The same eight settings a recipe, scored on the same draws: two budgets, two seeds, and both ways
    round (fit on one pair of writers, score on the other). No test label and no training label is used.
    """
    chosen = {}
    for task_name in tasks.names(domain):
        task = tasks.get(task_name)
        if not task.grid:
            continue
        names = sorted(task.grid, key=lambda name: name != "head")  # others start from the tuned head
        settings, log = {}, []
        for group in (names[:1], names[1:]):
            jobs = [
                (task_name, name, budget, seed, _needed(name, settings | {name: candidate}), *pools)
                for name in group
                for candidate in candidates(task, name)
                for budget, seed in itertools.product(task.tune_budgets, task.tune_seeds)
                for pools in (("tune", "tune_valid"), ("tune_valid", "tune"))
            ]
            rows = run_jobs(_trial, jobs, kept_in(f"tune-{task_name}"), workers)
            scored = pd.DataFrame(
                {"name": job[1], "candidate": json.dumps(job[4][job[1]]), "score": row["score"]}
                for job, row in zip(jobs, rows, strict=True)
            )
            means = scored.groupby(["name", "candidate"], sort=False).score.mean().reset_index()
            log += means.round(4).to_dict("records")
            settings |= {name: choose(tried) for name, tried in means.groupby("name", sort=False)}
        pool = {split: len(task.split(split)) for split in ("tune", "tune_valid")}
        chosen[task_name] = {"settings": settings, "pool": pool, "tried": log}
    write_json(catalog.data_dir() / "results" / f"{domain}_tuned.json", chosen)
    return chosen


def record(domain: str, seeds: int = 10, workers: int = 1) -> pd.DataFrame:
    """Run the full grid of a domain and save it as ``data/results/<domain>.json`` with versions and timings."""
    tables, traces = [], []
    for task_name in (name for name in tasks.names(domain) if tasks.get(name).grid):
        task = tasks.get(task_name)
        settings = recipes.tuned(task)
        jobs = [
            (task_name, name, budget, seed, _needed(name, settings), "train", "test")
            for budget in task.budgets
            for seed in range(seeds)
            for name in task.grid
        ]
        tables += run_jobs(_one, jobs, kept_in(f"results-{task_name}"), workers)
        jobs = [
            (task_name, name, task.trace_budget, seed, _needed(name, settings), task.trace_every)
            for seed in range(seeds)
            for name in task.traced
        ]
        traces += run_jobs(_trace, jobs, kept_in(f"traces-{task_name}"), workers)
    table = pd.DataFrame(tables, columns=recipes.COLUMNS)
    table["seconds"] = table["seconds"].round(2)
    table[["score", "source_score"]] = table[["score", "source_score"]].astype(float).round(4)
    columns = {name: column.where(column.notna(), None).tolist() for name, column in table.astype(object).items()}
    meta = {"versions": runtime.versions(), "threads": 1, "seconds": round(table["seconds"].sum())}
    write_json(catalog.data_dir() / "results" / f"{domain}.json", meta | {"columns": columns, "traces": traces})
    return table


def load(domain: str, task: str | None = None) -> pd.DataFrame:
    """The recorded grid of a domain, as ``compare`` would return it."""
    table = pd.DataFrame(_read(domain)["columns"]).astype({"source_score": float})
    if task is None:
        return table
    if not (table.task == task).any():
        known = ", ".join(table.task.unique())
        raise ValueError(f"{domain} has no recorded results of {task!r}: there are some of {known}")
    return table[table.task == task].reset_index(drop=True)


def _read(domain: str) -> dict:
    path = catalog.data_dir() / "results" / f"{domain}.json"
    if not path.exists():
        raise FileNotFoundError(f"{domain} has no recorded results: run `python -m authoring results {domain}` first")
    return json.loads(path.read_text(encoding="utf-8"))


def scores(table: pd.DataFrame, recipe: str, budget: int, column: str = "score") -> pd.Series:
    """One recipe's values at one budget, indexed by seed.

    Raises:
        ValueError: there are none, or the table holds several tasks.
    """
    _check_one_task(table)
    rows = table[(table.recipe == recipe) & (table.budget == budget)].set_index("seed").sort_index()
    if rows.empty:
        raise ValueError(f"the table has no {recipe!r} at budget {budget}")
    return rows[column]


def _check_one_task(table: pd.DataFrame) -> None:
    if "task" in table and table.task.nunique() > 1:
        raise ValueError(f"the table holds several tasks ({', '.join(table.task.unique())}): choose one, as load does")


def gain(table: pd.DataFrame, first: str, second: str, budget: int, column: str = "score") -> Interval:
    """Mean of ``first - second`` over the seeds that both have, with its interval."""
    a, b = (scores(table, name, budget, column) for name in (first, second))
    both = a.index.intersection(b.index)
    return difference(a[both], b[both])


def gains(
    table: pd.DataFrame, first: str, second: str, budgets: Sequence[int], note: str = "", column: str = "score"
) -> dict[str, Interval]:
    """``gain`` at several budgets, named like ``"10 per class"``, with a ``note`` after the name if given."""
    unit = str(table.budget_unit.iloc[0]).removeprefix("labels ")
    return {f"{budget} {unit}{note}": gain(table, first, second, budget, column) for budget in budgets}


def summary(table: pd.DataFrame, column: str = "score") -> pd.DataFrame:
    """Mean and interval over seeds for each recipe and budget: columns ``recipe, budget, value, low, high, n``.

    Raises:
        ValueError: the table holds several tasks.
    """
    _check_one_task(table)
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
    content = _read(domain)["traces"]
    rows = [trace for trace in content if trace["task"] == task]
    if not rows:
        raise ValueError(f"{domain} has no recorded traces of {task!r}")
    return pd.concat([pd.DataFrame(trace) for trace in rows], ignore_index=True)


def seconds_to_reach_best_of(traces: pd.DataFrame, rival: str, recipe: str) -> pd.DataFrame:
    """For each seed, when ``rival`` reached its best score and when ``recipe`` first reached that same score.

    Returns:
        Columns ``target, rival, recipe`` indexed by seed, in seconds; NaN where it was never reached.
    """
    rows = {}
    for seed, group in traces.groupby("seed"):
        target = group[group.recipe == rival].score.max()
        reached = group[group.score >= target].groupby("recipe").seconds.min()
        rows[seed] = {"target": target, "rival": reached.get(rival), "recipe": reached.get(recipe)}
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)
