"""Training from scratch with no more passes over its labels than fine-tuning makes: a baseline that is starved."""

from __future__ import annotations

import pandas as pd

from ftlib import recipes
from ftlib.metrics import Interval, difference
from ftlib.results import by_seed, scores
from ftlib.tasks.text import Reviews

BUDGET, SEEDS = 256, range(5)


class Starved(Reviews):
    """The reviews, with as many passes for random weights as for the others."""

    def passes(self, recipe: str) -> int:
        """As few for every recipe."""
        return self.min_passes


def jobs() -> list[tuple]:
    """Five draws of labels."""
    return [(seed,) for seed in SEEDS]


def one(seed: int) -> dict:
    """Train from random weights, at the tuned rate."""
    row = recipes.run("scratch", Starved(), BUDGET, seed).row
    return {"seed": seed, "steps": row["steps"], "score": round(row["score"], 4)}


def leads(table: pd.DataFrame, recorded: pd.DataFrame, best: str) -> dict[str, Interval]:
    """How far ``best`` lies above the starved baseline, and above the one of the grid.

    Args:
        table: this study's record.
        recorded: the grid of the reviews.
    """
    starved = by_seed(table).score
    return {
        "starved": difference(scores(recorded, best, BUDGET), starved),
        "fed": difference(scores(recorded, best, BUDGET), scores(recorded, "scratch", BUDGET)),
    }
