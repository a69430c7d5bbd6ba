"""Lesson 04: no schedule, and rates that differ from stage to stage, each at three peak rates.

One cosine for all stages, which they are compared with, is in the study ``rates``.
"""

from __future__ import annotations

from ftlessons.lesson04.studies.rates import SEEDS
from ftlessons.lesson04.studies.rates import one as one

CONSTANT = {"schedule": "constant", "warmup": 0.0}
GENTLER = {"lr_decay": round(1 / 2.6, 4)}  # Howard & Ruder 2018; its rate is that of the head
RATES = {"constant": (1e-4, 3e-4, 1e-3), "gentler": (3e-4, 1e-3, 3e-3)}


def jobs() -> list[tuple]:
    """Task, labels per class, seed and knobs of each run."""
    arms = [(CONSTANT, lr) for lr in RATES["constant"]] + [(GENTLER, lr) for lr in RATES["gentler"]]
    return [("digits", 10, seed, arm | {"lr": lr}) for arm, lr in arms for seed in SEEDS]
