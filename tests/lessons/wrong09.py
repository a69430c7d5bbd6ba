"""Answers that the exercises of lesson 09 refuse."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def _sums(news: pd.DataFrame) -> pd.Series:
    return news.groupby(["company", "week"]).value.sum()


def _same_week(news: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    sums = _sums(news)
    known = [sums.get(key, 0) for key in zip(prices.company, prices.week, strict=True)]
    return prices.assign(known=known)[prices.week > prices.week.min()]


def _shifted_rows(news: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    sums = _sums(news)
    now = [sums.get(key, 0) for key in zip(prices.company, prices.week, strict=True)]
    return prices.assign(known=now).assign(known=lambda t: t.known.shift(1))[prices.week > prices.week.min()]


def _only_weeks_with_news(news: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    sums = _sums(news).rename("known").reset_index()
    return prices.merge(sums.assign(week=sums.week + 1), on=["company", "week"])


def _plain_agreement(first: Sequence, second: Sequence) -> float:
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def _even_chance(first: Sequence, second: Sequence) -> float:
    chance = 1 / len(set(first) | set(second))
    return 0.0 if chance == 1 else (_plain_agreement(first, second) - chance) / (1 - chance)


WRONG = {
    "09-users": [
        {"macro F1": "A", "risk desk": "A", "good-news letter": "A"},
        {"macro F1": "A", "risk desk": "C", "good-news letter": "B"},
        {"macro F1": "A"},
        "A",
    ],
    "09-known": [lambda: _same_week, lambda: _shifted_rows, lambda: _only_weeks_with_news, [1, 2]],
    "09-kappa": [lambda: _plain_agreement, lambda: _even_chance, 1.0],
}
