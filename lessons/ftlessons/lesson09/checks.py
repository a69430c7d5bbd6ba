"""Exercises of lesson 09, finance news."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from ftlessons.classroom.checks import exercise, expect
from ftlessons.lesson05 import imbalance
from ftlib import metrics

READERS = ("A", "B", "C")
COLUMNS = ("true", *READERS)
# of 200 headlines: how many of each true class (row) get each answer (column), for each reader
ANSWERS = {
    "A": ((28, 10, 2), (4, 100, 6), (3, 7, 40)),
    "B": ((37, 3, 0), (24, 81, 5), (5, 13, 32)),
    "C": ((24, 16, 0), (5, 104, 1), (3, 25, 22)),
}
USERS = {
    "risk desk": ((0, 10, 20), (1, 0, 1), (2, 1, 0)),
    "good-news letter": ((0, 0, 25), (0, 0, 5), (1, 1, 0)),
}


@cache
def _readers() -> pd.DataFrame:
    columns = {}
    for name, rows in ANSWERS.items():
        answers = [answer for row in rows for answer, count in enumerate(row) for _ in range(count)]
        columns[name] = answers
        columns["true"] = [true for true, row in enumerate(rows) for _ in range(sum(row))]
    table = pd.DataFrame(columns)[list(COLUMNS)]
    return table.iloc[np.random.default_rng(0).permutation(len(table))].reset_index(drop=True)


def three_readers() -> pd.DataFrame:
    """What three models answered on 200 headlines: columns ``true, A, B, C``; 0 negative, 1 neutral, 2 positive."""
    return _readers().copy()


def _best() -> dict[str, str]:
    table = three_readers()
    best = {"macro F1": max(READERS, key=lambda name: metrics.f1(table.true, table[name]))}
    for user, costs in USERS.items():
        best[user] = min(READERS, key=lambda name: imbalance.bill(table.true, table[name], costs))
    return best


@exercise(
    "09-users",
    hints=(
        "`imbalance.bill(table.true, table.A, users['risk desk'])` is what A costs the risk desk per 100 headlines.",
        "Compute three numbers a model: `metrics.f1(table.true, table.A)` and two bills. Each time another model wins.",
    ),
)
def users(answer: Any) -> str:
    """Which model is best by macro F1, and which is cheapest for each of two users."""
    best = _best()
    expect(isinstance(answer, dict) and set(answer) == set(best), f"fill in the entries {', '.join(best)}")
    for what, name in answer.items():
        expect(name in READERS, f"{what} is {name!r}: answer with 'A', 'B' or 'C'")
    for what, name in answer.items():
        expect(name == best[what], f"for {what!r} another model than {name} is best")
    return "Three questions, three models. A score is an answer only if you know whose question it answers."


@exercise(
    "09-known",
    hints=(
        "Sum the news by company and week. For the return of week 5 look up the sum of week 4, of the same company.",
        "`sums.get((company, week - 1), 0)` for each row of `prices`, and drop the first week at the end.",
    ),
)
def known(answer: Any) -> str:
    """A function (news, prices) to prices with a column ``known``: the news sum of the week before."""
    expect(callable(answer), "give a function of news and prices")
    for news, prices, wanted, trap in _cases():
        found = answer(news.copy(), prices.copy())
        expect(found is not None, "the function returns nothing yet")
        expect(hasattr(found, "columns") and {"week", "company", "known"} <= set(found.columns),
               "return the table `prices` with a further column `known`")  # fmt: skip
        got = {(row.company, row.week): row.known for row in found.itertuples()}
        expect(got == wanted, f"{trap} Expected {wanted}, got {got}")
    return "Whatever stands in `known` was in the papers before the week began. Only that could have been traded on."


def _cases() -> list[tuple[pd.DataFrame, pd.DataFrame, dict, str]]:
    def news(*rows: tuple[int, str, int]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["week", "company", "value"])

    def prices(*rows: tuple[int, str]) -> pd.DataFrame:
        return pd.DataFrame([(*row, 0.01) for row in rows], columns=["week", "company", "return"])

    weeks = prices((1, "Ox"), (2, "Ox"), (3, "Ox"))
    two = prices((1, "Ox"), (1, "Elk"), (2, "Ox"), (2, "Elk"), (3, "Ox"), (3, "Elk"))
    return [
        (news((1, "Ox", 1), (1, "Ox", 1), (2, "Ox", -1)), weeks, {("Ox", 2): 2, ("Ox", 3): -1},
         "News of the same week may have come after the price moved."),
        (news((2, "Ox", 1)), weeks, {("Ox", 2): 0, ("Ox", 3): 1}, "A week without news is a 0, not a missing row."),
        (news((1, "Ox", 1), (1, "Elk", -1), (2, "Elk", 1)), two,
         {("Ox", 2): 1, ("Elk", 2): -1, ("Ox", 3): 0, ("Elk", 3): 1}, "Each company has news of its own."),
    ]  # fmt: skip


@exercise(
    "09-kappa",
    hints=(
        "Chance agreement: for each class, the share that the first gives it times the share that the second does.",
        "kappa = (observed - chance) / (1 - chance). If both use one class only, chance is 1: return 0.",
    ),
)
def kappa(answer: Any) -> str:
    """A function of two lists of labels that returns Cohen's kappa."""
    expect(callable(answer), "give a function of two lists of labels")
    trials = (
        (["up"] * 6 + ["down"] * 4, ["up"] * 5 + ["down"] * 5),
        (["flat"] * 9 + ["up"], ["flat"] * 8 + ["up", "flat"]),
        (["a", "b", "c"], ["b", "c", "a"]),
        (["flat"] * 5, ["flat"] * 5),
    )
    for first, second in trials:
        wanted, found = metrics.kappa(first, second) or 0.0, answer(list(first), list(second))
        expect(isinstance(found, int | float), f"the function should return a number, not {found!r}")
        said = f"for {first} and {second} kappa is {wanted:.3f}, not {found:.3f}"
        expect(abs(found - wanted) < 1e-6, said)
    return "Eight in ten equal, and still a kappa below 0: where one class fills the table, agreeing is no art."
