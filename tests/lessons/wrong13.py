"""Answers that the exercises of lesson 13 refuse."""

from __future__ import annotations

from typing import Any

from ftlessons.lesson13 import checks
from ftlib import adapt, tasks


def _untrained_head() -> Any:
    model = tasks.get("spoken_digits").pretrained()
    adapt.replace_head(model, 10, seed=0)
    return model


def _scratch() -> Any:
    return tasks.get("spoken_digits").untrained(0)


def _with_old_head() -> Any:
    return tasks.get("spoken_digits").pretrained()


def _by_letters_alone() -> dict[str, list[int]]:
    return {"stride 2": checks._too_long(1, len), "stride 4": checks._too_long(2, len)}


WRONG = {
    "13-recipe": ["head", _untrained_head, _scratch, _with_old_head],
    "13-swapped": [(0, 1), {2, 5}, [1], "1, 5", (1, 5, 3)],
    "13-fits": [{"stride 2": [], "stride 4": []}, [3], {"stride 2": [3]}, _by_letters_alone],
}
