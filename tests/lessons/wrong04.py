"""Answers that the exercises of lesson 04 refuse."""

from __future__ import annotations

import pandas as pd


def _luckiest_run(table: pd.DataFrame) -> tuple[str, float]:
    best = table.loc[table.valid.idxmax()]
    return best.depth, best.lr


def _by_the_test_set(table: pd.DataFrame) -> tuple[str, float]:
    return table.groupby(["depth", "lr"]).test.mean().idxmax()


def _best_rate_of_all(table: pd.DataFrame) -> tuple[str, float]:
    rate = table.groupby("lr").valid.mean().idxmax()
    return table[table.lr == rate].groupby("depth").valid.mean().idxmax(), rate


def _no_warmup(step: int, steps: int, warmup: int, peak: float) -> float:
    return peak * (1 - step / steps)


def _never_falls(step: int, steps: int, warmup: int, peak: float) -> float:
    return min(peak, peak * (step + 1) / warmup)


WRONG = {
    "04-diagnose": [
        {"A": "nothing", "B": "rate too low", "C": "BatchNorm moved", "D": "rate too high"},
        {"A": "BatchNorm moved", "B": "nothing", "C": "rate too low", "D": "rate too high"},
        {"A": "BatchNorm moved", "B": "rate too low"},
        "A",
    ],
    "04-choose": [lambda: _luckiest_run, lambda: _by_the_test_set, lambda: _best_rate_of_all, "full"],
    "04-schedule": [lambda: _no_warmup, lambda: _never_falls, 0.001],
}
