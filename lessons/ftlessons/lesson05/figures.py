"""Figures for watching a run and for judging a score: curves over epochs, thresholds, intervals over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ftlessons.lesson05.imbalance import THRESHOLDS, at_threshold
from ftlib import plots
from ftlib.metrics import difference
from ftlib.plots import palette


def lines(
    curves: Mapping[str, Sequence[float]], title: str, ylabel: str, epochs_a_look: int = 2, mark: bool = True
) -> plots.Picture:
    """One line a name over the epochs; with ``mark`` the highest point of each carries a marker."""
    fig, ax = plots.figure(title, "epoch", ylabel, size=(6.8, 3.6))
    said = _draw(ax, curves, epochs_a_look, np.argmax if mark else None)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return plots.Picture(fig, f"{title}. {said}.")


def watch(
    looks: pd.DataFrame, title: str, sets: Sequence[str] = ("training", "validation"), epochs_a_look: int = 2
) -> plots.Picture:
    """Accuracy and loss side by side, one line a set; markers stand at the best look of each.

    Args:
        looks: as ``monitor.Monitor.table`` returns them.
    """
    missing = [name for name in sets if name not in looks]
    if missing:
        raise ValueError(f"nobody looked at {missing[0]!r}: there are {', '.join(looks.columns[1::2])}")
    fig, axes = plots.figure(title, "epoch", "", columns=2, size=(8.6, 3.4))
    said = []
    for ax, ylabel, suffix, best in zip(
        axes, ("accuracy", "loss"), ("", " loss"), (np.argmax, np.argmin), strict=True
    ):
        curves = {name: looks[name + suffix].tolist() for name in sets}
        said.append(f"{ylabel.capitalize()}: {_draw(ax, curves, epochs_a_look, best)}")
        ax.set_ylabel(ylabel)
        ax.set_ylim(0, None)
    axes[1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return plots.Picture(fig, f"{title}. {'. '.join(said)}.")


def _draw(ax, curves: Mapping[str, Sequence[float]], epochs_a_look: int, best) -> str:
    if not curves:
        raise ValueError("there is no curve to draw: give at least one")
    said = []
    for i, (name, values) in enumerate(curves.items()):
        style = {"color": plots.COLOURS[i], "linestyle": ("-", "--", "-.", ":")[i % 4]}
        style |= {"marker": plots.MARKERS[i], "markevery": 5, "markersize": 4} if i > 3 else {}
        ax.plot(epochs_a_look * np.arange(1, len(values) + 1), values, label=name, **style)
        text = f"{name} from {values[0]:.2f} to {values[-1]:.2f}"
        if best is not None:
            at = int(best(values))
            ax.plot(epochs_a_look * (at + 1), values[at], plots.MARKERS[i], markersize=7, color=plots.COLOURS[i])
            text += f", best {values[at]:.2f} in epoch {epochs_a_look * (at + 1)}"
        said.append(text)
    return "; ".join(said)


def thresholds(
    sure: Sequence[float], true: Sequence[int], title: str, names: Sequence[str] = ("accuracy", "precision", "recall"),
    at: float | None = None,
) -> plots.Picture:  # fmt: skip
    """Scores over the threshold; a vertical line stands at ``at``."""
    fig, ax = plots.figure(title, "threshold: how sure before it is called rare", "share", size=(7.0, 3.6))
    rows = pd.DataFrame([at_threshold(sure, true, each) for each in THRESHOLDS], index=THRESHOLDS)
    said = []
    for i, name in enumerate(names):
        style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "markevery": 6 + i, "markersize": 5}
        ax.plot(rows.index, rows[name], label=name, **style)
        said.append(f"{name} from {rows[name].iloc[0]:.2f} to {rows[name].iloc[-1]:.2f}")
    if at is not None:
        ax.axvline(at, color=palette.GUIDE, linestyle=":", linewidth=1.2)
    ax.set_ylim(-0.03, 1.03)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return plots.Picture(fig, f"{title}. As the threshold rises: {'; '.join(said)}.")


def over_seeds(pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str) -> plots.Picture:
    """The mean difference of two methods with its 95 % interval, after two seeds, three, and so on.

    Args:
        pairs: scores of both methods, seed by seed, by what to call the comparison.
    """
    if not pairs:
        raise ValueError("there is no pair to compare: give at least one")
    fig, axes = plots.figure(title, "seeds so far", "", columns=len(pairs), size=(3.6 * len(pairs), 3.3))
    said = []
    for i, (ax, (name, (first, second))) in enumerate(zip(np.atleast_1d(axes), pairs.items(), strict=True)):
        counts = range(2, len(first) + 1)
        spans = [difference(first[:n], second[:n]) for n in counts]
        values = [span.value for span in spans]
        reach = [[s.value - s.low for s in spans], [s.high - s.value for s in spans]]
        ax.errorbar(counts, values, reach, color=plots.COLOURS[i], marker=plots.MARKERS[i], markersize=5, capsize=3)
        ax.axhline(0, color=palette.GUIDE, linewidth=1)
        top = 1.3 * max(abs(spans[1 if len(spans) > 1 else 0].low), abs(spans[1 if len(spans) > 1 else 0].high))
        ax.set_ylim(-top, top)  # two seeds give a bar that would hide all others
        ax.set_title(name, fontsize=9, fontweight="normal", loc="left")
        last = spans[-1]
        said.append(f"{name}: after {len(first)} seeds {last.value:.3f} ({last.low:.3f} to {last.high:.3f})")
    np.atleast_1d(axes)[0].set_ylabel("difference in accuracy")
    return plots.Picture(fig, f"{title}. {'; '.join(said)}.")
