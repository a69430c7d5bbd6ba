"""Lesson 04: the learning rate and how deep to train, each at several rates, on digits and on their negatives."""

from __future__ import annotations

from typing import Any

from ftlessons.lesson04.hyperparameters import Knobs, measure
from ftlib import tasks

SEEDS = range(6)
RATES = {
    "full": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "layer3": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "layer4": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "head": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}
HEAD_FIRST = (3e-5, 1e-4, 3e-4, 1e-3)
FEW = {"full": (1e-4, 3e-4, 1e-3), "head": (3e-3, 1e-2, 3e-2)}  # one label per class
NEGATIVES = {"full": (3e-4, 1e-3, 3e-3), "head": (3e-3, 1e-2, 3e-2)}


def jobs() -> list[tuple]:
    """Task, labels per class, seed and knobs of each run."""
    plan = [("digits", 10, {"depth": depth, "lr": lr}) for depth, rates in RATES.items() for lr in rates]
    plan += [("digits", 10, {"head_first": True, "lr": lr}) for lr in HEAD_FIRST]
    plan += [("negatives", 10, {"depth": depth, "lr": lr}) for depth, rates in NEGATIVES.items() for lr in rates]
    plan += [("digits", 1, {"depth": depth, "lr": lr}) for depth, rates in FEW.items() for lr in rates]
    return [(task, budget, seed, knobs) for task, budget, knobs in plan for seed in SEEDS]


def one(task: str, budget: int, seed: int, knobs: dict[str, Any]) -> dict[str, Any]:
    """One run, scored on validation and test writers and on the letters of the pre-training."""
    return measure(tasks.get(task), budget, seed, Knobs(**knobs))
