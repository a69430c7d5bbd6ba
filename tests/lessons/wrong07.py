"""Answers that the exercises of lesson 07 refuse."""

from __future__ import annotations

from typing import Any


def _words(spots: Any, start: int, end: int) -> Any:
    return start // 5, end // 5


def _exact(spots: Any, start: int, end: int) -> Any:
    firsts, lasts = [a for a, _ in spots], [b for _, b in spots]
    return (firsts.index(start) if start in firsts else 0, lasts.index(end) if end in lasts else 0)


def _one_beyond(spots: Any, start: int, end: int) -> Any:
    inside = [i for i, (a, b) in enumerate(spots) if b > start and a <= end]
    return inside[0], inside[-1]


def _each_for_itself(start: Any, end: Any, longest: int) -> Any:
    return int(start.argmax()), int(end.argmax())


def _end_after_the_best_start(start: Any, end: Any, longest: int) -> Any:
    first = int(start.argmax())
    return first, first + int(end[first : first + longest].argmax())


def _any_length(start: Any, end: Any, longest: int) -> Any:
    n = len(start)
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    return max(pairs, key=lambda pair: float(start[pair[0]] + end[pair[1]]))


WRONG = {
    "07-tokens": [lambda: _words, lambda: _exact, lambda: _one_beyond, (0, 1)],
    "07-span": [lambda: _each_for_itself, lambda: _end_after_the_best_start, lambda: _any_length],
    "07-nothing": [lambda: lambda margins, there: 0.0, lambda: lambda margins, there: sum(margins) / len(margins), 1.0],
}
