"""Answers that the exercises of lesson 01 refuse."""

from __future__ import annotations

from typing import Any

from ftlessons.lesson01 import checks


def _never_forgets(model: Any, optimizer: Any, x: Any, y: Any) -> None:
    checks._loss(model, x, y).backward()
    optimizer.step()


def _never_moves(model: Any, optimizer: Any, x: Any, y: Any) -> None:
    optimizer.zero_grad()
    checks._loss(model, x, y).backward()


def _forgets_too_late(model: Any, optimizer: Any, x: Any, y: Any) -> None:
    checks._loss(model, x, y).backward()
    optimizer.zero_grad()
    optimizer.step()


def _climbs(model: Any, optimizer: Any, x: Any, y: Any) -> None:
    optimizer.zero_grad()
    (-checks._loss(model, x, y)).backward()
    optimizer.step()


WRONG = {
    "01-step": [(1.2193, -1.9269), (0.927, -2.073), (1.0807, -1.9731), (0.7, -2.1), (1.0, -2.0), 0.78, ("a", "b")],
    "01-curves": [
        {"rate_too_high": "A", "rate_too_low": "C", "over_fits": "B"},
        {"rate_too_high": "C", "rate_too_low": "B", "over_fits": "A"},
        {"rate_too_high": "B", "rate_too_low": "A", "over_fits": "C"},
        {"rate_too_high": "C", "rate_too_low": "A", "over_fits": "A"},
        "ABC",
    ],
    "01-loop": [lambda: _never_forgets, lambda: _never_moves, lambda: _forgets_too_late, lambda: _climbs, 3],
}
