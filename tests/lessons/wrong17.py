"""Answers that the exercises of lesson 17 refuse."""

from __future__ import annotations

from typing import Any


def _at_random(log: Any, test_households: Any, cut: Any) -> Any:
    learn = log.sample(frac=0.8, random_state=0)
    return learn, log.drop(learn.index)


def _households_alone(log: Any, test_households: Any, cut: Any) -> Any:
    of_test = log.household.isin(test_households)
    return log[~of_test], log[of_test]


def _time_alone(log: Any, test_households: Any, cut: Any) -> Any:
    return log[log.time < cut], log[log.time >= cut]


def _the_cut_itself(log: Any, test_households: Any, cut: Any) -> Any:
    of_test = log.household.isin(test_households)
    return log[~of_test & (log.time <= cut)], log[of_test & (log.time > cut)]


def _by_place(log: Any, test_households: Any, cut: Any) -> Any:
    n = int((log.time < cut).sum())
    return log[:n], log[n:]


def _ideal_of_ten(scores: Any, wanted: Any) -> Any:
    """The best list is taken to be full of wanted items, however few there are."""
    import torch

    found = wanted[scores.argsort(descending=True)[:10]].float()
    worth = 1 / torch.arange(2, 12).log2()
    return float(found.any()), float((found * worth).sum() / worth.sum())


def _share_found(scores: Any, wanted: Any) -> Any:
    found = wanted[scores.argsort(descending=True)[:10]].float()
    return float(found.sum() / wanted.sum()), float(found.mean())


def _worst_first(scores: Any, wanted: Any) -> Any:
    import torch

    found = wanted[scores.argsort()[:10]].float()
    worth = 1 / torch.arange(2, 12).log2()
    return float(found.any()), float((found * worth).sum() / worth[: int(wanted.sum().clamp(max=10))].sum())


WRONG = {
    "17-split": [lambda: _at_random, lambda: _households_alone, lambda: _time_alone, lambda: _the_cut_itself,
                 lambda: _by_place],
    "17-metrics": [lambda: _ideal_of_ten, lambda: _share_found, lambda: _worst_first],
    "17-sampled": [lambda: lambda rank, items, others: float(rank <= 10),
                   lambda: lambda rank, items, others: float(rank * others / items <= 10), 0.5],
}  # fmt: skip
