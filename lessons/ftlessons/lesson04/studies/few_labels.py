"""Lesson 04: augmentation with one and with ten labels per class; the runs without it are in ``rates``."""

from __future__ import annotations

from ftlessons.lesson04.studies.rates import SEEDS
from ftlessons.lesson04.studies.rates import one as one

RATES = (1e-4, 3e-4, 1e-3)
WRONG_RATE = 3e-4  # flips are tried at one rate only


def jobs() -> list[tuple]:
    """Task, labels per class, seed and knobs of each run."""
    gentle = [(budget, {"augment": "gentle", "lr": lr}) for budget in (1, 10) for lr in RATES]
    wrong = [(1, {"augment": "flips", "lr": WRONG_RATE})]
    return [("digits", budget, seed, knobs) for budget, knobs in gentle + wrong for seed in SEEDS]
