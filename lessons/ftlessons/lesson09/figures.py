"""Figures of news: what several readers make of each company, week by week, and news beside prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ftlib import plots
from ftlib.metrics import correlation
from ftlib.plots import palette


def trends(table: pd.DataFrame, readers: Mapping[str, str], companies: Sequence[str], title: str) -> plots.Picture:
    """The sum of sentiment so far, one panel a company, one line a reader.

    Args:
        table: one row a headline: ``week``, ``company``, and for each reader a column of -1, 0 or 1.
        readers: column to what the legend says.
    """
    fig, axes = plots.figure(title, "week", "good minus bad news so far", columns=len(companies), size=(9.6, 3.3))
    weeks, said = range(1, int(table.week.max()) + 1), []
    for ax, company in zip(np.atleast_1d(axes), companies, strict=True):
        rows = table[table.company == company]
        for i, (column, name) in enumerate(readers.items()):
            sums = rows.groupby("week")[column].sum().reindex(weeks, fill_value=0).cumsum()
            style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "markevery": 5 + i, "markersize": 5}
            ax.plot(weeks, sums, label=name, **style)
            said.append(f"{company}, {name}: {sums.iloc[-1]:+d} in the end")
        ax.axhline(0, color=palette.GUIDE, linewidth=1)
        ax.set_title(company, fontsize=10, fontweight="normal", loc="left")
    np.atleast_1d(axes)[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return plots.Picture(fig, f"{title}. {'; '.join(said)}.")


def against_returns(pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str) -> plots.Picture:
    """Summed sentiment against returns, one panel a pairing, with the correlation and its interval as a heading.

    Args:
        pairs: sums and returns (0.01 is one per cent) by what to call the pairing.
    """
    fig, axes = plots.figure(title, "good minus bad news in a week", "return, %", columns=len(pairs), size=(7.6, 3.4))
    rng, said = np.random.default_rng(0), []
    for i, (ax, (name, (news, returns))) in enumerate(zip(np.atleast_1d(axes), pairs.items(), strict=True)):
        news, returns = np.asarray(news, dtype=float), 100 * np.asarray(returns, dtype=float)
        found = correlation(news, returns)
        told = f"correlation {found.value:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
        spread = news + rng.uniform(-0.15, 0.15, len(news))  # whole numbers would hide each other
        ax.plot(spread, returns, plots.MARKERS[i], color=plots.COLOURS[i], alpha=0.5, markersize=4)
        ax.axhline(0, color=palette.GUIDE, linewidth=1)
        ax.set_title(f"{name}\n{told}", fontsize=9, fontweight="normal", loc="left")
        said.append(f"{name}: {told}")
    return plots.Picture(fig, f"{title}. {'; '.join(said)}.")
