"""Experiments that one lesson needs beyond the grid of recipes: each is run once, recorded, and read back.

A study is a module here with ``LESSON``, ``jobs() -> list[tuple]`` and ``one(*job) -> dict``, one row of
its table. Jobs hold plain values only, so that a killed study goes on where it stopped.
"""

from __future__ import annotations

import json
from importlib import import_module
from types import ModuleType

import pandas as pd

from authoring.grid import kept_in, run_jobs, write_json
from ftlib import catalog, runtime

_STUDIES: tuple[str, ...] = (
    "rates", "schedules", "few_labels", "other_knobs", "finder",
    "depth", "hierarchy", "probes", "sources", "starts", "brakes", "rare", "leaks",
    "finance_start", "imbalance",
    "arm_mixes", "arm_next", "arm_forgetting", "arm_cloning", "arm_worlds",
    "pooling", "slices", "speed", "starved", "recorded_digits",
    "dictation_decoding", "dictation_noise", "dictation_forgetting",
)


def names() -> list[str]:
    """All studies."""
    return list(_STUDIES)


def study(name: str) -> ModuleType:
    """The module of a study.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _STUDIES:
        raise ValueError(f"there is no study {name!r}: choose from {', '.join(_STUDIES)}")
    return import_module(f"authoring.record.{name}")


def record(name: str, workers: int = 1) -> pd.DataFrame:
    """Run a study and save its table as ``data/results/<name>.json``, with versions and timings."""
    module = study(name)
    rows = run_jobs(module.one, module.jobs(), kept_in(f"study-{name}"), workers)
    table = pd.DataFrame(rows)
    columns = {key: column.where(column.notna(), None).tolist() for key, column in table.astype(object).items()}
    meta = {"lesson": module.LESSON, "versions": runtime.versions(), "threads": 1}
    write_json(catalog.data_dir() / "results" / f"{name}.json", meta | {"columns": columns})
    return table


def load(name: str) -> pd.DataFrame:
    """The recorded table of a study.

    Raises:
        FileNotFoundError: it was not recorded; the sentence says how to.
    """
    study(name)
    path = catalog.data_dir() / "results" / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"{name} has no recorded results: run `python -m authoring results {name}` first")
    table = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["columns"])
    return table.infer_objects()
