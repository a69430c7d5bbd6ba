"""Figures in one style, each with alt text: a title, labelled axes, colours that all eyes can tell apart."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ftlib.plots import palette
from ftlib.plots.palette import COLOURS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

STYLE = {
    "figure.figsize": (6.4, 3.8), "figure.dpi": 100, "figure.facecolor": "white", "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd",
    "grid.linewidth": 0.6, "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "legend.frameon": False, "lines.linewidth": 1.8,
}  # fmt: skip
RECIPES = ("scratch", "head", "full", "head_then_all", "lora", "top")  # each has one colour and marker everywhere
SHORTEST_ALT = 20
FEWEST_TO_JOIN = 10  # points of fewer answers than this jump about, and no line should join them


class Picture:
    """A finished figure with its alt text; shows itself as an HTML image that screen readers can announce.

    Args:
        photos: the figure holds photographs: keep small things of a colour of their own.

    Raises:
        ValueError: the alt text is missing or too short to say what the figure shows, or two lines differ in
            colour alone, or one is too pale.
    """

    def __init__(self, figure: Figure, alt: str, photos: bool = False):
        if len(alt.strip()) < SHORTEST_ALT:
            raise ValueError(f"alt text {alt!r} is too short: say in a sentence what the figure shows")
        if fault := next(palette.hard_to_see(figure), None):
            raise ValueError(f"a figure for all eyes: {fault}")
        self.figure, self.alt, self.photos = figure, " ".join(alt.split()), photos

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        data = base64.b64encode(_png(self.figure, self.photos)).decode()
        width = round(self.figure.get_figwidth() * 100)
        style = f"max-width: {width}px; width: 100%"
        image = f'<img alt="{html.escape(self.alt)}" style="{style}" src="data:image/png;base64,{data}">'
        return {"text/html": image, "text/plain": f"[figure] {self.alt}"}


def _png(fig: Figure, photos: bool = False) -> bytes:
    """The figure as a PNG of 128 colours: a third of the size, and no eye sees the difference."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    fig.savefig(full, format="png", bbox_inches="tight", metadata={"Software": None})
    method = Image.Quantize.FASTOCTREE if photos else Image.Quantize.MEDIANCUT
    few = Image.open(full).convert("RGB").quantize(128, method, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()


def figure(
    title: str, xlabel: str, ylabel: str, columns: int = 1, size: tuple[float, float] | None = None
) -> tuple[Figure, Axes]:
    """An empty figure in the course's style; with ``columns`` > 1 the second value is an array of axes.

    The figure belongs to no window, so nothing is drawn twice and nothing has to be closed.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        fig = Figure(figsize=size or STYLE["figure.figsize"], layout="constrained")
        FigureCanvasAgg(fig)
        axes = fig.subplots(1, columns)
        for ax in np.atleast_1d(axes):
            ax.set_xlabel(xlabel)
            ax.set_ylabel(ylabel)
            ax.set_prop_cycle(color=COLOURS)
        fig.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    return fig, axes


def history(run, title: str = "Training") -> Picture:
    """Loss of each step of a ``train.History``, smoothed, and the score where one was measured."""
    if not run.steps:
        raise ValueError("there is no step to draw: plot the history of a run that trained")
    fig, axes = figure(title, "optimizer step", "training loss", columns=2 if run.scores else 1)
    loss_ax = np.atleast_1d(axes)[0]
    loss_ax.plot(range(1, run.steps + 1), run.loss, color=palette.FAINT, linewidth=0.8)
    window = max(1, run.steps // 20)
    smooth = pd.Series(run.loss).rolling(window, min_periods=1).mean()
    loss_ax.plot(range(1, run.steps + 1), smooth, color=COLOURS[0])
    alt = f"{title}: training loss goes from {run.loss[0]:.2f} to {smooth.iloc[-1]:.2f} in {run.steps} steps."
    if run.scores:
        steps, values = zip(*run.scores, strict=True)
        axes[1].plot(steps, values, color=COLOURS[1], marker="s", markersize=4)
        axes[1].set_ylabel(run.metric)
        alt += f" The {run.metric} goes from {values[0]:.2f} to {values[-1]:.2f}."
    return Picture(fig, alt)


def curves(
    table: pd.DataFrame,
    title: str,
    column: str = "score",
    recipes: Sequence[str] | None = None,
    live: pd.DataFrame | None = None,
    ylabel: str | None = None,
    level: tuple[str, float] | None = None,
) -> Picture:
    """Label-budget curves: a dot for each seed, a line through the means, a bar for the 95 % interval.

    Args:
        table: rows as ``compare`` returns them, several seeds a point.
        live: runs made just now; drawn as large open markers over the recorded ones.
        level: name and value of what needs no labels at all; drawn as a dashed line across.
    """
    names = list(recipes or table.recipe.unique())
    unit = str(table.budget_unit.iloc[0])
    ylabel = ylabel or f"{table.metric.iloc[0]} on the test set"
    picture = _dots_and_means(table, title, "budget", "recipe", sorted(table.budget.unique()), names, column,
                              unit, ylabel, live)  # fmt: skip
    if level:
        ax = picture.figure.axes[0]
        ax.axhline(level[1], color=palette.GUIDE, linestyle="--", linewidth=1, zorder=0, label=level[0])
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        picture.alt += f" A dashed line across, {level[0]}, at {level[1]:.2f}."
    return picture


def depths(
    table: pd.DataFrame, title: str, order: Sequence[str], budgets: Sequence, xlabel: str = "what was trained",
    join: bool = True,
) -> Picture:  # fmt: skip
    """Score over how much of the network was trained: a line for each label budget.

    Args:
        table: rows as ``compare`` returns them, several seeds a point.
        order: recipes from least to most trained; they become the horizontal axis.
        join: whether lines join the means; not where the recipes have no order.
    """
    ylabel = f"{table.metric.iloc[0]} on the test set"
    unit = str(table.budget_unit.iloc[0]).removeprefix("labels ")
    return _dots_and_means(table, title, "recipe", "budget", list(order), list(budgets), "score",
                           xlabel, ylabel, None, unit, join)  # fmt: skip


def places_of(names: Sequence[str]) -> dict[str, int]:
    """Which line of a figure each recipe is, so that it looks alike in the whole course, and its rival, too.

    >>> places_of(["svm", "full", "scratch"]), places_of(["A", "B"])
    ({'svm': 6, 'full': 2, 'scratch': 0}, {'A': 0, 'B': 1})
    """
    if not set(names) & set(RECIPES):
        return {name: i for i, name in enumerate(names)}
    unused = (n for n, name in enumerate(RECIPES) if name not in names)
    free = iter((*range(len(RECIPES), len(COLOURS)), *unused, *range(len(COLOURS), 99)))
    return {name: RECIPES.index(name) if name in RECIPES else next(free) for name in names}


def look(i: int) -> dict[str, str]:
    """Colour and marker of the ``i``-th line of a figure."""
    return {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}


def points(ax: Axes, groups: Mapping[float, Sequence[float]], label: str, i: int, line: str = "-") -> list[float]:
    """Draw the ``i``-th line of a figure: a dot for each value, a bar for the 95 % interval of each mean.

    Args:
        groups: several values (seeds, as a rule) at each place on the horizontal axis.
        line: style of the line through the means, ``"none"`` where the places have no order.

    Returns:
        The means.
    """
    from ftlib.metrics import mean_interval

    for at, values in groups.items():
        ax.plot([at] * len(values), values, ".", color=look(i)["color"], alpha=0.3, markersize=4)
    spans = [mean_interval(values) for values in groups.values()]
    means, arms = [span.value for span in spans], np.transpose([span.arms for span in spans])
    ax.errorbar(list(groups), means, arms, markersize=5, capsize=3, label=label, linestyle=line, **look(i))
    return means


def _check_there(table: pd.DataFrame, column: str, wanted: Iterable) -> None:
    known = list(table[column].unique())
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ValueError(f"the table has no {column} {missing[0]!r}: there are {', '.join(map(str, known))}")


def _dots_and_means(
    table: pd.DataFrame, title: str, x: str, by: str, places: list, lines: list, column: str, xlabel: str,
    ylabel: str, live: pd.DataFrame | None, suffix: str = "", join: bool = True,
) -> Picture:  # fmt: skip
    _check_there(table, by, lines)
    if live is not None:
        _check_there(table, x, live[x])
    fig, ax = figure(title, xlabel, ylabel, size=(7.4, 4.0))
    said, own = [], places_of(lines) if by == "recipe" else {}
    for i, name in enumerate(lines):
        rows, place = table[table[by] == name].dropna(subset=[column]), own.get(name, i)
        if rows.empty:
            continue  # e.g. training from scratch has no score on a source task
        shift = (i - (len(lines) - 1) / 2) * 0.07
        groups = {n + shift: rows[rows[x] == at][column] for n, at in enumerate(places) if (rows[x] == at).any()}
        label, dash = f"{name} {suffix}".strip(), ("-", "--")[place // len(COLOURS) % 2]
        means = points(ax, groups, label, place, dash if join else "none")
        said.append(f"{label} from {means[0]:.2f} to {means[-1]:.2f}")
        if live is not None:
            now = live[live[by] == name]
            ax.plot([places.index(p) + shift for p in now[x]], now[column], **look(place),
                    fillstyle="none", markersize=13, linestyle="none")  # fmt: skip
    ax.set_xticks(range(len(places)), [textwrap.fill(str(place), 12) for place in places])
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    alt = f"{title}. Means at {places[0]} and at {places[-1]} ({xlabel}): {'; '.join(said)}."
    return Picture(fig, alt + (" Large open markers are runs made just now." if live is not None else ""))


def tiles(
    n: int, captions: Sequence[str], title: str, columns: int, size: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """A figure of ``n`` bare axes in rows of ``columns``, each under its caption if there are any."""
    if len(captions) not in (0, n):
        raise ValueError(f"{len(captions)} captions for {n} pictures: give one a picture, or none at all")
    fig, ax = figure(title, "", "", size=size)
    fig.delaxes(ax)
    axes = list(fig.subplots(-(-n // columns), columns, squeeze=False).flat)
    for i, ax in enumerate(axes):
        ax.axis("off")
        if i < len(captions):
            ax.set_title(captions[i], fontsize=9, fontweight="normal", loc="center")
    return fig, axes[:n]


def images(pictures: Tensor | np.ndarray, captions: Sequence[str], title: str, alt: str, columns: int = 8) -> Picture:
    """A grid of images, in grey or, where they are bytes with three channels, in colour.

    Args:
        pictures: (N, H, W), (N, 1, H, W) or (N, 3, H, W), dark is low; any scale.
        captions: one a picture, or an empty sequence.
    """
    pictures = np.asarray(pictures)
    in_colour = pictures.ndim == 4 and pictures.shape[1] == 3 and pictures.dtype == np.uint8
    pictures = np.moveaxis(pictures, 1, 3) if in_colour else pictures[:, 0] if pictures.ndim == 4 else pictures
    if not len(pictures):
        raise ValueError("there is no picture to draw: give at least one")
    rows = -(-len(pictures) // columns)
    fig, axes = tiles(len(pictures), captions, title, columns, (6.4, 0.4 + rows * (6.4 / columns + 0.25)))
    for ax, picture in zip(axes, pictures, strict=True):
        ax.imshow(picture, cmap="gray_r")
    return Picture(fig, alt)


def confusion(table: pd.DataFrame, title: str) -> Picture:
    """A confusion matrix as ``metrics.confusion_matrix`` returns it, counts written in the cells."""
    fig, ax = figure(title, "predicted class", "true class", size=(4.8, 4.4))
    counts = table.to_numpy()
    shade = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    shown = ax.imshow(shade, cmap="Blues", vmin=0, vmax=1)
    ax.grid(False)
    for (row, column), count in np.ndenumerate(counts):
        if count or len(table) == 2:
            ax.text(column, row, str(count), ha="center", va="center", fontsize=8,
                    color=palette.text_on(shown.to_rgba(shade[row, column])))  # fmt: skip
    ax.set_xticks(range(len(table)), table.columns)
    ax.set_yticks(range(len(table)), table.index)
    off = [(counts[r, c], table.index[r], table.columns[c]) for r, c in np.ndindex(counts.shape) if r != c]
    count, true, predicted = max(off, key=lambda entry: entry[0], default=(0, "", ""))
    worst = f"most often confused: {true} taken for {predicted}, {count} times" if count else "none confused"
    alt = f"{title}. {counts.trace()} of {counts.sum()} right; {worst}."
    return Picture(fig, alt)


def bars(values: Mapping[str, float], title: str, xlabel: str, unit: str = "") -> Picture:
    """Horizontal bars, one a name, with the value written at the end."""
    if not values:
        raise ValueError("there is no value to draw: give at least one bar")
    fig, ax = figure(title, xlabel, "", size=(6.4, 0.9 + 0.42 * len(values)))
    for i, value in enumerate(values.values()):
        ax.barh(i, value, color=COLOURS[i % len(COLOURS)], height=0.6)
        ax.annotate(f" {value:.3g}{unit}", (value, i), va="center")
    ax.set_yticks(range(len(values)), list(values))
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    said = "; ".join(f"{name} {value:.3g}{unit}" for name, value in values.items())
    return Picture(fig, f"{title}: {said}.")


def reliability(groups: Mapping[str, tuple[Sequence[float], Sequence[bool]]], title: str) -> Picture:
    """Confidence against the share that was right, one curve a group: on the diagonal, 80 % sure is right in 80 %.

    Guo et al. 2017, https://arxiv.org/abs/1706.04599. Bars are 95 % intervals for the share.

    Args:
        groups: confidences (N,) from 0 to 1 and whether each answer was right (N,), by name.
    """
    from ftlib.metrics import calibration_bins

    if not groups:
        raise ValueError("there is nothing to draw: give at least one group")
    fig, ax = figure(title, "how sure", "share that was right", size=(5.6, 4.0))
    ax.plot([0, 1], [0, 1], color=palette.GUIDE, linestyle="--", linewidth=1, label="well calibrated")
    said = []
    for i, (name, (confidences, correct)) in enumerate(groups.items()):
        table = calibration_bins(confidences, correct)
        reach = [table.right - table.low, table.high - table.right]
        line = "-" if table.n.min() >= FEWEST_TO_JOIN else "none"
        ax.errorbar(table.confidence, table.right, np.maximum(reach, 0), markersize=5, capsize=3, label=name,
                    linestyle=line, **look(i))  # fmt: skip
        sure, right = np.mean(confidences), np.mean(correct)
        said.append(f"{name}: {sure:.0%} sure on average, {right:.0%} right, {len(correct)} answers")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Picture(fig, f"{title}. {'; '.join(said)}.")
