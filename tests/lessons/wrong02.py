"""Answers that the exercises of lesson 02 refuse."""

from __future__ import annotations

from typing import Any

import torch

from ftlessons.lesson02 import checks

_ALL_YES = dict.fromkeys(checks.PLANS, "yes")
_RIGHT = {name: answer for name, (answer, _) in checks.PLANS.items()}


def _by_product(z: Any, pool: Any) -> Any:
    return (z @ pool.T).argmax(1)


def _farthest(z: Any, pool: Any) -> Any:
    return -(z @ pool.T).argmax(1)


def _by_distance(z: Any, pool: Any) -> Any:
    return torch.cdist(z, pool).argmin(1)


WRONG = {
    "02-ship": [
        _ALL_YES,
        dict.fromkeys(checks.PLANS, "no"),
        _RIGHT | {"forum": "yes"},
        _RIGHT | {"minilm": "yes"},
        _RIGHT | {"closed": "ask"},
        _RIGHT | {"app": "maybe"},
        "yes",
    ],
    "02-line-up": [("A", 0.1), ("C", 0.2), ("B", 0.0), ("B", 50), ("D", 0.5), "B", ("B", "large")],
    "02-nearest": [lambda: _by_product, lambda: _farthest, lambda: _by_distance, 3],
}
