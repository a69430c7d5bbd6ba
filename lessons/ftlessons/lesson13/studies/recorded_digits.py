"""Lesson 13: the same recipes on digits that people recorded, each run tested on a speaker that it never heard.

The recordings do not ship. Put those of the Free Spoken Digit Dataset (or your own, named the same way) in a folder,
name it in ``FTLIB_RECORDED_DIGITS``, and run ``python -m authoring results recorded_digits``. Rates and step counts are
those tuned on the synthetic voices. ``as_cut`` is ``spelling`` without the silence that is put around each recording.
That silence helps was found on the recordings named above, so its gain there is a hopeful one; how much is put around
them comes from the pre-training (``audio.MARGIN``).
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from ftlessons.lesson13.recorded_digits import RecordedDigits
from ftlib import recipes
from ftlib.speech import audio

FOLDER = "FTLIB_RECORDED_DIGITS"
RECIPES, RIVALS = ("scratch", "head", "head_then_all", "full"), ("spelling", "as_cut")
BUDGETS, SEEDS = (1, 5, 10, 20), range(6)


def jobs() -> list[tuple]:
    """Recipe or rival, clips per word, and seed: the draw, the new weights, and whose turn it is to be the stranger."""
    return [(name, budget, seed) for budget in BUDGETS for seed in SEEDS for name in RECIPES + RIVALS]


def one(name: str, budget: int, seed: int) -> dict[str, Any]:
    """A row: the accuracy on the stranger's recordings, and how many speakers there are in all.

    Raises:
        ValueError: no folder is named, or it cannot be used.
    """
    folder = os.environ.get(FOLDER)
    if not folder:
        raise ValueError(f"name the folder that holds digit_speaker_index.wav in the environment variable {FOLDER}")
    task, stranger, speakers = _task(folder, seed, margin=0 if name == "as_cut" else audio.MARGIN)
    row = recipes.run_rival("spelling", task, budget, seed) if name in RIVALS else _run(name, task, budget, seed)
    kept = {key: row[key] for key in ("budget", "budget_unit", "seed", "metric")}
    return {"recipe": name} | kept | {"score": round(row["score"], 4), "stranger": stranger, "speakers": speakers}


@cache
def _task(folder: str, seed: int, margin: float) -> tuple[RecordedDigits, int, int]:
    """The digits with one speaker left out, which one, and of how many."""
    names = _speakers(folder)
    stranger = seed % len(names)
    return RecordedDigits(folder, [names[stranger]], margin), stranger, len(names)


@cache
def _speakers(folder: str) -> list[str]:
    split = RecordedDigits(folder).speakers
    return sorted(split["train"] + split["test"])


def _run(name: str, task: RecordedDigits, budget: int, seed: int) -> dict[str, Any]:
    return recipes.run(name, task, budget, seed, score_source=False).row
