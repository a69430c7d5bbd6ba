"""Figures of runs with different knobs: losses, a sweep over the rate, depth against rate, one knob at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

import numpy as np
import pandas as pd

from ftlessons.lesson04.hyperparameters import at_own_rate
from ftlib import plots
from ftlib.history import History
from ftlib.metrics import Interval, difference, mean_interval
from ftlib.plots import palette
from ftlib.train import Schedule, lr_factor

PANELS = {
    "valid": "accuracy on validation digits",
    "distance": "distance from the start",
    "source": "accuracy on letters",
}
# what turning a knob did: a name, a marker, and where the interval of the difference lies then
BANDS: tuple[tuple[str, str, Callable[[Interval], bool]], ...] = (
    ("costs", "v", lambda span: span.high < 0), ("no difference seen", "o", lambda span: span.low <= 0 <= span.high),
    ("helps", "^", lambda span: span.low > 0),
)  # fmt: skip


def plain(rate: float) -> str:
    """A learning rate without an exponent.

    >>> plain(3e-05)
    '0.00003'
    """
    return np.format_float_positional(rate, trim="-")


def losses(histories: Mapping[str, History], title: str = "Training loss") -> plots.Picture:
    """The training loss of several runs in one figure, smoothed over five steps."""
    if not histories:
        raise ValueError("there is no run to draw: give at least one history")
    fig, ax = plots.figure(title, "optimizer step", "training loss")
    said = []
    for i, (name, history) in enumerate(histories.items()):
        smooth = pd.Series(history.loss).rolling(5, min_periods=1).mean()
        style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "markevery": 15, "markersize": 4}
        ax.plot(range(1, history.steps + 1), smooth, label=name, **style)
        said.append(f"{name}: from {history.loss[0]:.2f} to {smooth.iloc[-1]:.2f}")
    first = max(history.loss[0] for history in histories.values())
    ax.set_ylim(0, min(ax.get_ylim()[1], 2 * first))
    ax.legend()
    return plots.Picture(fig, f"{title}. {'; '.join(said)}.")


def sweep(arms: Mapping[str, pd.DataFrame], title: str, panels: tuple[str, ...] = tuple(PANELS)) -> plots.Picture:
    """Scores over the learning rate side by side: a dot for each seed, a line through the means, 95 % intervals.

    Args:
        arms: rows of a study by name, each at several rates.
        panels: columns of ``PANELS``.
    """
    fig, axes = plots.figure(title, "learning rate", "", columns=len(panels), size=(3.1 * len(panels), 3.4))
    said = []
    for column, ax in zip(panels, np.atleast_1d(axes), strict=True):
        for i, (name, rows) in enumerate(arms.items()):
            style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i]}
            ax.plot(rows.lr, rows[column], ".", color=style["color"], alpha=0.25, markersize=4)
            spans = {rate: mean_interval(values) for rate, values in rows.dropna().groupby("lr")[column]}
            means = [span.value for span in spans.values()]
            reach = [[s.value - s.low for s in spans.values()], [s.high - s.value for s in spans.values()]]
            ax.errorbar(list(spans), means, reach, markersize=5, capsize=3, label=name, **style)
            told = ", ".join(f"{mean:.2f} at {plain(rate)}" for rate, mean in zip(spans, means, strict=True))
            said.append(f"{name}, {PANELS[column]}: {told}")
        ax.set_xscale("log")
        ax.set_title(PANELS[column], fontsize=9, fontweight="normal", loc="left")
    if len(arms) > 1:
        np.atleast_1d(axes)[0].legend()
    return plots.Picture(fig, f"{title}. {'; '.join(said)}.")


def depth_by_rate(rows: pd.DataFrame, title: str, order: Mapping[str, str]) -> plots.Picture:
    """Mean validation score for each depth (row) and rate (column); a frame marks the best rate of each depth.

    Args:
        order: depth to what the axis says, from the least trained to the most.
    """
    means = rows.pivot_table(index="depth", columns="lr", values="valid").reindex(list(order))
    values = means.to_numpy()
    fig, ax = plots.figure(title, "learning rate", "what is trained", size=(6.8, 0.9 + 0.55 * len(means)))
    top = np.nanmax(values)
    shown = ax.imshow(values, cmap="Blues", vmin=top - 0.25, vmax=top + 0.02, aspect="auto")
    ax.grid(False)
    best = np.nanargmax(values, axis=1)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            weight = "bold" if column == best[row] else "normal"
            ax.text(column, row, f"{value:.3f}", ha="center", va="center", fontsize=9, fontweight=weight,
                    color=palette.text_on(shown.to_rgba(value)))  # fmt: skip
    for row, column in enumerate(best):
        ax.add_patch(_frame(column, row))
    ax.set_xticks(range(len(means.columns)), [plain(rate) for rate in means.columns])
    ax.set_yticks(range(len(means)), list(order.values()))
    said = "; ".join(
        f"{order[depth]}: best at {plain(means.columns[at])} with {values[row, at]:.3f}"
        for row, (depth, at) in enumerate(zip(means.index, best, strict=True))
    )
    return plots.Picture(fig, f"{title}. Mean accuracy on validation digits. {said}.")


def _frame(column: int, row: int):
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False, edgecolor=plots.COLOURS[1], linewidth=2.2)


def turned(table: pd.DataFrame, arms: Mapping[str, dict], plain: dict, title: str) -> plots.Picture:
    """What turning one knob does to the validation score: the mean difference to the plain run, seed by seed.

    The knobs stand in three bands, by whether the 95 % interval lies below 0, holds it, or lies above it.

    Args:
        arms: knobs by name, see ``hyperparameters.runs``; each at its own rate unless it names one in ``lr``.
        plain: the knobs that they are compared with.
    """
    reference = at_own_rate(table, **plain).valid
    spans = {}
    for name, arm in arms.items():
        scores = at_own_rate(table, **arm).valid.fillna(0.0)
        both = scores.index.intersection(reference.index)
        spans[name] = difference(100 * scores[both], 100 * reference[both])
    fig, ax = plots.figure(title, "difference in validation accuracy, points", "", size=(7.0, 1.2 + 0.36 * len(arms)))
    names, said = [], []
    for number, (band, marker, belongs) in enumerate(BANDS):
        found = {name: span for name, span in spans.items() if belongs(span)}
        for name, span in found.items():
            ax.errorbar(span.value, len(names), xerr=[[span.value - span.low], [span.high - span.value]], marker=marker,
                        markersize=6, capsize=3, color=plots.COLOURS[number])  # fmt: skip
            names.append(name)
        if found:
            middle = len(names) - (len(found) + 1) / 2
            ax.annotate(band, (1.01, middle), xycoords=("axes fraction", "data"), va="center")
            ax.axhline(len(names) - 0.5, color=palette.GUIDE, linewidth=0.5, linestyle=":")
            shown = (f"{name} {span.value:+.1f} ({span.low:+.1f} to {span.high:+.1f})" for name, span in found.items())
            said.append(f"{band}: {', '.join(shown)}")
    ax.axvline(0, color=palette.GUIDE, linewidth=1)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    return plots.Picture(fig, f"{title}. Points of difference, with 95 % intervals. {'; '.join(said)}.")


def schedules(names: tuple[Schedule, ...] = get_args(Schedule), steps: int = 100, warmup: float = 0.1) -> plots.Picture:
    """The learning rate over a run, as a share of its peak, for each schedule."""
    fig, ax = plots.figure("Four schedules", "optimizer step", "share of the peak rate", size=(6.4, 3.0))
    for i, name in enumerate(names):
        factor = lr_factor(name, steps, 0.0 if name == "constant" else warmup)
        style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "markevery": 12, "markersize": 4}
        ax.plot(range(1, steps + 1), [factor(step) for step in range(steps)], label=name, **style)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    alt = "The rate over a run: constant stays at its peak; the others rise to it first and then fall towards zero."
    return plots.Picture(fig, alt)
