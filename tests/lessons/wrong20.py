"""Answers that the exercises of lesson 20 refuse."""

from __future__ import annotations

from typing import Any

from ftlessons.lesson20 import checks
from ftlib import models
from ftlib.own.checks import suspects


def _without_looking() -> list[str]:
    return list({*checks._duplicates_alone(), *suspects(checks._raw()).table.id})


def _everything_odd() -> list[str]:
    return [id for id in checks._raw().items.id if id.startswith("camp")]


def _untrained(n_outputs: int) -> Any:
    return models.resnet10(n_outputs)


WRONG = {
    "20-clean": [
        [], ["camp/nothing.png"], checks._duplicates_alone, _everything_odd,
        _without_looking, "camp/hand07_d",
    ],
    "20-train": [
        lambda: (_untrained(4), checks._raw()), lambda: (_untrained(610), checks._raw()), "head", lambda: _untrained(4),
        lambda: (_untrained(4), "task"),
    ],
    "20-budget": [80, 40, 0.03, 5000, "many"],
}
