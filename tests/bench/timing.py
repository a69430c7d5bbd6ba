"""Time several ways of doing one thing, in turns, so that a busy machine troubles all of them alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from ftlib.metrics import mean_interval

# prepare() -> what run() takes, outside the clock; run(prepared) -> result, on the clock; score(result), outside again
Arm = tuple[Callable[[], Any], Callable[[Any], Any], Callable[[Any], float]]


def interleave(arms: Mapping[str, Arm], repeats: int) -> pd.DataFrame:
    """Run each arm once to warm up, then all of them in turns, the order reversed from round to round.

    Returns:
        One row a run: ``arm, round, seconds, score``. Seconds are CPU seconds of this process and its children, which
        other programs disturb less than the clock on the wall.
    """
    rows = []
    for number in range(repeats + 1):
        names = list(arms) if number % 2 else list(arms)[::-1]
        for name in names:
            prepare, run, score = arms[name]
            prepared = prepare()
            started = _cpu_seconds()
            result = run(prepared)
            spent = _cpu_seconds() - started
            if number:  # the first round imports and allocates
                rows.append({"arm": name, "round": number, "seconds": spent, "score": score(result)})
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame, against: str) -> pd.DataFrame:
    """For each arm the median of its seconds, of its score, and of its ratio to ``against`` in the same round.

    ``low`` and ``high`` are the 95 % interval of the mean ratio, over rounds.
    """
    seconds = table.pivot(index="round", columns="arm", values="seconds")
    ratio = seconds.div(seconds[against], axis=0)
    found = pd.DataFrame({"seconds": seconds.median(), "ratio": ratio.median()})
    spans = ratio.apply(mean_interval)
    found["low"], found["high"] = spans.map(lambda span: span.low), spans.map(lambda span: span.high)
    found["score"] = table.groupby("arm").score.median()
    return found.loc[list(dict.fromkeys(table.arm))].sort_values("ratio")


def _cpu_seconds() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system
