"""Lesson 04: turn one knob at a time away from the plain run, and let a frozen backbone's BatchNorm move.

The plain run, everything trained at a rate of 3e-4, is in the study ``rates``.
"""

from __future__ import annotations

from ftlessons.lesson04.studies.rates import SEEDS
from ftlessons.lesson04.studies.rates import one as one

EPOCH = 7  # steps of 16 in an epoch of 100 pictures
TURNED = (
    {"weight_decay": 1.0}, {"dropout": 0.5}, {"label_smoothing": 0.1}, {"steps": 4 * EPOCH},
    {"batch_size": 4, "steps": 350}, {"batch_size": 50, "steps": 28}, {"batch_size": 50, "steps": 28, "lr": 1e-3},
)  # fmt: skip
MOVING = {"depth": "head", "lr": 1e-2, "batchnorm": "train"}


def jobs() -> list[tuple]:
    """Task, labels per class, seed and knobs of each run."""
    trap = [("digits", budget, seed, MOVING) for budget in (1, 10) for seed in SEEDS]
    return trap + [("digits", 10, seed, knobs) for knobs in TURNED for seed in SEEDS]
