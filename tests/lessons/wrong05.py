"""Answers that the exercises of lesson 05 refuse."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def _seen(table: pd.DataFrame, columns: Sequence[str]) -> list[int]:
    train, test = table[table.split == "train"], table[table.split == "test"]
    leaks = [test[column].isin(train[column]) for column in columns]
    return test[sum(leaks) > 0].id.tolist()


def _only_contents(table: pd.DataFrame) -> list[int]:
    return _seen(table, ["content"])


def _only_writers(table: pd.DataFrame) -> list[int]:
    return _seen(table, ["writer"])


def _all_rows(table: pd.DataFrame) -> list[int]:
    return table[table.duplicated("writer", keep=False) | table.duplicated("content", keep=False)].id.tolist()


def _never_stops(scores: Sequence[float], patience: int) -> int:
    return max(range(len(scores)), key=lambda look: scores[look])


def _last_look(scores: Sequence[float], patience: int) -> int:
    return len(scores) - 1


def _too_eager(scores: Sequence[float], patience: int) -> int:
    return next((i for i in range(len(scores) - 1) if scores[i + 1] <= scores[i]), len(scores) - 1)


WRONG = {
    "05-curves": [
        {"leaks": "C", "too_small": "A", "sound": "B", "stop_at": 40},
        {"leaks": "B", "too_small": "C", "sound": "A", "stop_at": 10},
        {"leaks": "B", "too_small": "A", "sound": "C", "stop_at": 40},
        {"leaks": "B", "too_small": "A", "sound": "C", "stop_at": 4},
        {"leaks": "B"},
        "B",
    ],
    "05-audit": [lambda: _only_contents, lambda: _only_writers, lambda: _all_rows, []],
    "05-patience": [lambda: _never_stops, lambda: _last_look, lambda: _too_eager, 3],
}
