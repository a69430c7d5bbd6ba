"""From scores to figures: ten of all items, a hit or none, how far up, and how much of the shop is ever shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ftlib.metrics import Interval, Score, difference

TOP = 10
GRAIN = 6  # a household has one, two or three baskets: its hit rate is a whole number of sixths


@dataclass(frozen=True)
class Query:
    """A household's baskets (baskets, items), of which the last ``ahead`` are asked for, one after the other."""

    household: str
    table: Tensor
    ahead: int

    @property
    def known(self) -> int:
        """The number of the last basket that is known when the first of them is asked for."""
        return len(self.table) - self.ahead - 1

    @property
    def wanted(self) -> Tensor:
        """(ahead, items), what was bought."""
        return self.table[-self.ahead :].bool()

    @property
    def owned(self) -> Tensor:
        """(ahead, items), what had been bought before each."""
        return self.table.cumsum(0)[self.known : -1].bool()


def top(scores: Tensor, n: int = TOP) -> Tensor:
    """The numbers of the items with the highest scores, best first, (..., n); of equals the first in the catalogue."""
    return scores.argsort(dim=-1, descending=True, stable=True)[..., :n]


def hits(scores: Tensor, wanted: Tensor) -> Tensor:
    """Whether any of the ten is wanted, (queries,) of 0.0 and 1.0."""
    return wanted.gather(-1, top(scores)).any(-1).float()


def ndcg(scores: Tensor, wanted: Tensor) -> Tensor:
    """How far up the wanted items stand among the ten, 0 to 1, (queries,) (Järvelin & Kekäläinen 2002).

    A wanted item at place 1, 2, 3 counts 1/log2(2), 1/log2(3), 1/log2(4); the sum is divided by the best possible one.
    """
    worth = 1 / torch.arange(2, TOP + 2).float().log2()
    right = wanted.gather(-1, top(scores))  # fewer than ten where the shop has fewer
    found = (right * worth[: right.shape[-1]]).sum(-1)
    best = worth.cumsum(0)[wanted.sum(-1).clamp(1, TOP) - 1]
    return found / best


def measure(scores: Sequence[Tensor], queries: Sequence[Query]) -> Score:
    """HR@10, first within each household, then over them.

    Args:
        scores: for each query (ahead, items).

    Returns:
        ``more`` holds ``ndcg``; ``new``, HR@10 when only items that are new to the household are ranked and wanted
        (baskets without one are left out); ``coverage``, the share of all items that stand among somebody's ten;
        ``households``, one digit each: its HR@10 in sixths, in the order of ``queries``.

    Raises:
        ValueError: nobody bought anything after the cut.
    """
    if not queries:
        raise ValueError("no household bought anything after the cut: bring a longer log")
    rows = torch.cat(list(scores))
    wanted, owned = (torch.cat([getattr(query, name) for query in queries]) for name in ("wanted", "owned"))
    whose = np.repeat(np.arange(len(queries)), [query.ahead for query in queries])
    fresh = wanted & ~owned
    some = fresh.any(-1)
    hit = _within(hits(rows, wanted), whose)
    new = _within(hits(rows.masked_fill(owned, -torch.inf)[some], fresh[some]), whose[some.numpy()])
    more = {
        "ndcg": round(_within(ndcg(rows, wanted), whose).mean(), 4), "new": round(new.mean(), 4) if len(new) else None,
        "coverage": round(len(top(rows).unique()) / rows.shape[-1], 4),
        "households": "".join(str(round(GRAIN * value)) for value in hit),
    }  # fmt: skip
    return Score(float(hit.mean()), "HR@10", higher_is_better=True, n=len(hit), more=more)


def _within(values: Tensor, whose: np.ndarray) -> pd.Series:
    """The mean within each household."""
    return pd.Series(values.double().numpy()).groupby(whose).mean()


def by_household(table: pd.DataFrame, recipe: str, budget: int) -> np.ndarray:
    """HR@10 of each test household, mean over the draws of customers.

    Raises:
        ValueError: there is no such run on record.
    """
    rows = table[(table.recipe == recipe) & (table.budget == budget)]
    if rows.empty:
        raise ValueError(f"the table has no {recipe} at {budget} households: choose one that was recorded")
    return np.array([[int(digit) / GRAIN for digit in text] for text in rows.households]).mean(0)


def gain(first: np.ndarray, second: np.ndarray) -> Interval:
    """Mean of ``first - second`` over households, with its interval."""
    return difference(first, second)
