"""Lesson 04: what the learning-rate finder suggests for two depths, and what a run at that rate scores."""

from __future__ import annotations

from typing import Any

from ftlessons.lesson04.hyperparameters import Knobs, measure
from ftlessons.lesson04.lr_finder import find_lr
from ftlessons.lesson04.studies.rates import SEEDS
from ftlib import adapt, tasks


def jobs() -> list[tuple]:
    """Depth, rule of thumb and seed of each run; ten labels per class."""
    return [(depth, rule, seed) for depth in ("full", "head") for rule in ("steepest", "tenth") for seed in SEEDS]


def one(depth: str, rule: str, seed: int) -> dict[str, Any]:
    """The finder's suggestion for one draw of labels, and the run that follows it."""
    task = tasks.get("digits")
    model = task.pretrained()
    adapt.replace_head(model, task.n_outputs, seed=seed)
    if depth == "head":
        adapt.train_from(model, "head")
    sweep = find_lr(model, task.sample(10, seed), seed=seed)
    return measure(task, 10, seed, Knobs(depth=depth, lr=getattr(sweep, rule))) | {"rule": rule}
