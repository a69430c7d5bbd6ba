"""Answers that the exercises of lesson 15 refuse."""

from __future__ import annotations

from ftlib.robot.demonstrations import Demonstrations


def _unchanged(log: Demonstrations) -> Demonstrations:
    return log


def _swapped(log: Demonstrations) -> Demonstrations:
    return Demonstrations(log.seen, log.done[..., [1, 0, 2, 3]], log.seeds)


def _in_place(log: Demonstrations) -> Demonstrations:
    """Wrong, since both names look at the same numbers; it spoils the log that it was given, and no other."""
    log.done[..., 0], log.done[..., 1] = -log.done[..., 1], log.done[..., 0]
    return log


def _turned_again(log: Demonstrations) -> Demonstrations:
    done = log.done.copy()
    done[..., 0], done[..., 1] = log.done[..., 1], -log.done[..., 0]
    return Demonstrations(log.seen, done, log.seeds)


WRONG = {
    "15-episodes": [100, 200, 500, 0.8, "300"],
    "15-log": [lambda: _unchanged, lambda: _swapped, lambda: _turned_again, lambda: _in_place, 3],
}
