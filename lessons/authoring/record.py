"""Record what the lessons read: each recipe tuned once, the grid of a domain, and the studies of single lessons.

A study is an experiment that one lesson needs beyond the grid of recipes. It is a module in the folder ``studies`` of
that lesson, ``ftlessons/lesson04/studies/rates.py``, with ``jobs() -> list[tuple]`` and ``one(*job) -> dict``, one row
of its table. Jobs hold plain values only, so that a killed study goes on where it stopped.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd

import ftlessons
from authoring.grid import kept_in, run_jobs
from authoring.notebooks import book
from ftlib import catalog, recipes, results, runtime, tasks

# --- studies ---------------------------------------------------------------------------------------


def names() -> list[str]:
    """All studies, lesson by lesson."""
    return list(_studies())


def study(name: str) -> ModuleType:
    """The module of a study.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _studies():
        raise ValueError(f"there is no study {name!r}: choose from {', '.join(_studies())}")
    return import_module(_studies()[name])


def _studies() -> dict[str, str]:
    folder, found = Path(ftlessons.__file__).parent, {}
    for file in sorted(folder.glob("lesson[0-9][0-9]/studies/[a-z]*.py")):
        lesson = file.parent.parent.name
        if file.stem in found:
            raise ValueError(f"two studies are called {file.stem!r}: rename the one of {lesson}")
        found[file.stem] = f"ftlessons.{lesson}.studies.{file.stem}"
    return found


def record_study(name: str, workers: int = 1) -> pd.DataFrame:
    """Run a study and save its table as ``data/results/<name>.json``, with versions and timings."""
    module = study(name)
    rows = run_jobs(module.one, module.jobs(), kept_in(f"study-{name}"), workers)
    table = pd.DataFrame(rows)
    lesson = module.__name__.split(".")[1].removeprefix("lesson")
    meta = {"lesson": lesson, "versions": runtime.versions(), "threads": 1}
    _save(name, meta | {"columns": _columns(table)})
    return table


def _columns(table: pd.DataFrame) -> dict[str, list]:
    """A table as JSON holds it: each column as a list, None where there is no value."""
    return {key: column.where(column.notna(), None).tolist() for key, column in table.astype(object).items()}


def _save(name: str, content: dict) -> None:
    book.write(catalog.data_dir() / "results" / f"{name}.json", json.dumps(content, indent=1) + "\n")


# --- recipes and rivals ----------------------------------------------------------------------------


def _one(task: str, name: str, budget: int, seed: int, settings: dict, train: str, test: str) -> dict:
    options = {"settings": settings, "train_split": train, "test_split": test}
    if name == "zero_shot":
        return _untouched(task, test) | {"budget": budget, "seed": seed}
    if name in tasks.get(task).rivals():
        return recipes.run_rival(name, task, budget, seed, **options)
    return recipes.run(name, task, budget, seed, score_source=test == "test", **options).row


@cache
def _untouched(task: str, test: str) -> dict:
    """No label and no seed changes what an untouched model scores."""
    return recipes.run("zero_shot", task, 1, settings={}, test_split=test).row


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


def tune(domain: str, workers: int = 1) -> dict:
    """Choose each recipe's and rival's settings on the tuning writers, and save them.

    As many settings a recipe, scored on the same draws: the task's budgets and seeds, and both ways
    round (fit on one pool, score on the other). No test label and no training label is used.
    """
    chosen = {}
    for task_name in tasks.names(domain):
        task = tasks.get(task_name)
        if not task.grid:
            continue
        trained = [name for name in task.grid if name != "zero_shot"]
        names = sorted(trained, key=lambda name: name != "head")  # others start from the tuned head
        settings, log = {}, []
        for group in (names[:1], names[1:]):
            jobs = [
                (task_name, name, budget, seed, _needed(name, settings | {name: candidate}), *pools)
                for name in group
                for candidate in recipes.candidates(task, name)
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
            settings |= {name: recipes.choose(tried) for name, tried in means.groupby("name", sort=False)}
        pool = {split: len(task.split(split)) for split in ("tune", "tune_valid")}
        chosen[task_name] = {"settings": settings, "pool": pool, "tried": log}
    _save(f"{domain}_tuned", chosen)
    return chosen


def record_grid(domain: str, seeds: int = 10, workers: int = 1) -> pd.DataFrame:
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
    table = pd.DataFrame(tables)
    table["seconds"] = table["seconds"].round(2)
    table[["score", "source_score"]] = table[["score", "source_score"]].astype(float).round(4)
    meta = {"versions": runtime.versions(), "threads": 1, "seconds": round(table["seconds"].sum())}
    _save(domain, meta | {"columns": _columns(table), "traces": traces})
    return table


# --- the two commands ------------------------------------------------------------------------------


def tune_main(argv: Sequence[str]) -> int:
    """``python -m authoring tune DOMAIN``."""
    args = _parser("tune", _domains()).parse_args(argv)
    for task, found in tune(args.domain, args.workers).items():
        print(f"{task}: tuned on {found['pool']}")
        for name, settings in found["settings"].items():
            print(f"  {name:24} {settings}")
    return 0


def results_main(argv: Sequence[str]) -> int:
    """``python -m authoring results DOMAIN`` or ``STUDY``."""
    parser = _parser("results", _domains() + names())
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args(argv)
    if args.domain in names():
        print(record_study(args.domain, args.workers).describe(include="all").to_string())
        return 0
    table = record_grid(args.domain, args.seeds, args.workers)
    for task, part in table.groupby("task", sort=False):
        print(f"{task}\n{results.summary(part).round(3).to_string(index=False)}")
    return 0


def _domains() -> list[str]:
    return sorted({tasks.get(name).domain for name in tasks.names()})


def _parser(command: str, choices: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m authoring {command}")
    parser.add_argument("domain", choices=choices)
    parser.add_argument("--workers", type=int, default=1, help="single-threaded processes at once")
    return parser
