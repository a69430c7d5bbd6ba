"""Can the margin over "not in here" be trusted? Thresholds from tuning documents, on the test documents, five draws."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ftlessons.lesson07.marking import best_threshold, with_silence
from ftlib import recipes, tasks

ARMS = (("zero_shot", 0), ("lora", 100), ("full", 200))
SEEDS = range(5)


def jobs() -> list[tuple]:
    """Recipe, questions and seed of each run; the untouched reader needs one."""
    return [(recipe, budget, seed) for recipe, budget in ARMS for seed in SEEDS if budget or not seed]


def one(recipe: str, budget: int, seed: int) -> dict:
    """F1 with the threshold and without, how often it is silent, and how well margins tell the two kinds apart."""
    house = tasks.get("manuals")
    model = recipes.run(recipe, house, budget, seed, test_split="tune", score_source=False).model
    tune = pd.concat([house.answers(model, house.asked(split)) for split in ("tune", "tune_valid")])
    test, threshold = house.answers(model, house.asked("test")), best_threshold(tune)
    there, silent = test.answer != "", test.margin < threshold
    return {
        "recipe": recipe, "budget": budget, "seed": seed, "threshold": round(threshold, 2),
        "always": round(with_silence(test, float("-inf")), 4), "silence": round(with_silence(test, threshold), 4),
        "tune_always": round(with_silence(tune, float("-inf")), 4),
        "tune_silence": round(with_silence(tune, threshold), 4),
        "silent_without": round(silent[~there].mean(), 4), "silent_with": round(silent[there].mean(), 4),
        "auc": round(ranked(test.margin[there], test.margin[~there]), 4),
    }  # fmt: skip


def ranked(higher: pd.Series, lower: pd.Series) -> float:
    """Of all pairs the share in which the first is larger: 0.5 by chance, 1 at best.

    >>> ranked(pd.Series([3.0, 1.0]), pd.Series([0.0, 2.0]))
    0.75
    """
    pairs = np.subtract.outer(higher.to_numpy(), lower.to_numpy())
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)
