"""Answers that the exercises of lesson 14 refuse."""

from __future__ import annotations

from ftlessons.lesson14 import checks


def _all_words(texts: list[str], listed: list[str]) -> list[str]:
    return [word for text in texts for word in text.split()]


def _alphabetical(texts: list[str], listed: list[str]) -> list[str]:
    return sorted(set(_all_words(texts, listed)) - set(listed))[: checks.MOST]


def _known(texts: list[str], listed: list[str]) -> list[str]:
    return list(listed)[: checks.MOST]


WRONG = {
    "14-count": [
        checks.COUNTED | {"wer": 5 / 10},
        checks.COUNTED | {"terms": 3},
        checks.COUNTED | {"added": 1, "wer": 4 / 9},
        checks.COUNTED | {"missing": 0},
        5 / 9,
    ],
    "14-words": [lambda: _alphabetical, lambda: _known, lambda: _all_words, ["notice"]],
    "14-choose": [
        checks.RIGHT | {"Dana": "closed list"}, checks.RIGHT | {"Fay": "open list"},
        checks.RIGHT | {"Eli": "open list"}, checks.RIGHT | {"Eli": "magic"}, "open list",
    ],
}
