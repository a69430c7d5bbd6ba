"""Answers that the exercises of lesson 16 refuse."""

from __future__ import annotations

from ftlessons.lesson16 import checks


def _succeeded() -> list[int]:
    return [episode.seed for episode in checks.practice() if episode.success][:5]


WRONG = {
    "16-next": [_succeeded, [1, 2, 3, 4, 5], [40_000] * 5, [40_000, 40_001], "the failed ones"],
    "16-choose": [
        checks.RIGHT | {"Ada": "full"},
        checks.RIGHT | {"Ben": "full"},
        checks.RIGHT | {"Chi": "full"},
        checks.RIGHT | {"Ben": "more data"},
        "full",
    ],
}
