"""Answers that the exercises of lesson 06 refuse."""

from __future__ import annotations

from typing import Any


def _all_tokens(states: Any, mask: Any) -> Any:
    return states.mean(1)


def _wrong_count(states: Any, mask: Any) -> Any:
    return (states * mask.unsqueeze(-1)).mean(1)


def _first_token(states: Any, mask: Any) -> Any:
    return states[:, 0]


def _over_texts(states: Any, mask: Any) -> Any:
    return states.mean(0)


def _over_all(score: Any, templates: Any, names: Any) -> float:
    values = score([template.format(name=name) for template in templates for name in names])
    return max(values) - min(values)


def _first_against_last(score: Any, templates: Any, names: Any) -> float:
    moves = [score([t.format(name=names[0]), t.format(name=names[-1])]) for t in templates]
    return max(abs(a - b) for a, b in moves)


def _over_templates(score: Any, templates: Any, names: Any) -> float:
    values = score([template.format(name=names[0]) for template in templates])
    return max(values) - min(values)


WRONG = {
    "06-mean": [lambda: _all_tokens, lambda: _wrong_count, lambda: _first_token, lambda: _over_texts, "mean"],
    "06-which": [
        {"counts_words": "A", "frozen": "C", "all_trained": "B"},
        {"counts_words": "B", "frozen": "A", "all_trained": "C"},
        {"counts_words": "C", "frozen": "B", "all_trained": "A"},
        {"counts_words": "B"},
        "B",
    ],
    "06-swap": [lambda: _over_all, lambda: _first_against_last, lambda: _over_templates, 0.1],
}
