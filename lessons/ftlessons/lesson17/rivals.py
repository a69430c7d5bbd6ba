"""What a shop tries first: counting. Each rival learns from some households and then scores any history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from ftlessons.lesson17.network import faded
from ftlessons.lesson17.shops import Household

Says = Callable[[Tensor], Tensor]  # a history (baskets, items) to scores after each basket, of the same shape
TIE = 1e-3  # how much popularity counts where it shall only order what is else equal


def popularity(households: Sequence[Household], items: int, unit: str, weeks: float | None) -> Says:
    """What sells, the same for everybody.

    Args:
        unit: ``"baskets"`` or ``"households"``, what is counted.
        weeks: after how many weeks a purchase counts half; None: never less.
    """
    shares = _shares(households, items, unit, weeks)
    return lambda table: shares.expand(len(table), -1)


def again(households: Sequence[Household], items: int, fade: float, others: float) -> Says:
    """Buy it again: what this household bought, the more often and lately the more; then what sells.

    Args:
        fade: what a purchase is worth one basket later.
        others: how much the best seller counts beside one purchase of one's own.
    """
    shares = others * _shares(households, items)
    return lambda table: faded(table, fade) + shares


def knn(households: Sequence[Household], items: int, unit: str, fade: float, own: float) -> Says:
    """Item-kNN: what is bought by those who buy what this household bought (cosine; Sarwar et al. 2001).

    Args:
        unit: ``"baskets"`` or ``"households"``: together in one basket, or by one household.
        own: how much an item recommends itself.
    """
    tables = [one.table(items).float() for one in households]
    rows = torch.cat(tables) if unit == "baskets" else torch.stack([table.sum(0).log1p() for table in tables])
    alike = nn.functional.normalize(rows, dim=0)
    alike = (alike.T @ alike).fill_diagonal_(own)
    shares = TIE * _shares(households, items)
    return lambda table: faded(table, fade) @ alike + shares


def _shares(
    households: Sequence[Household], items: int, unit: str = "baskets", weeks: float | None = None
) -> Tensor:
    """(items,) how well each sells, the best seller 1."""
    end = max(one.days[-1] for one in households)
    total = np.zeros(items)
    for one in households:
        age = (end - np.array(one.days)) / np.timedelta64(7, "D")
        weight = np.ones(len(age)) if weeks is None else 0.5 ** (age / weeks)
        worth = one.table(items).numpy() * weight[:, None]
        total += worth.sum(0) if unit == "baskets" else worth.max(0)
    return torch.from_numpy(total / total.max()).float()


RIVALS: dict[str, Callable[..., Says]] = {"popularity": popularity, "again": again, "knn": knn}
UNITS = ("baskets", "households")
GRID = {
    "popularity": [{"unit": u, "weeks": w} for u, w in product(UNITS, (None, 52, 26, 13, 8, 4))],
    "again": [{"fade": f, "others": o} for f, o in product((1.0, 0.95, 0.9, 0.8, 0.65, 0.5), (TIE, 0.3))],
    "knn": [{"unit": u, "fade": f, "own": o} for u, f, o in product(UNITS, (1.0, 0.9, 0.7), (1.0, 3.0))],
}  # twelve settings each, as every recipe has
