"""The README's picture: recorded scores over labels, fine-tuned, from scratch, and the cheapest sensible rival."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ftlessons.classroom import source
from ftlib.metrics import Interval, mean_interval
from ftlib.resume import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {"light": "front-light.png", "dark": "front-dark.png"}
LINES = ("fine-tuned", "from scratch", "cheapest rival")
MARKERS, DASHES = ("o", "s", "^"), ("-", "--", ":")
DPI, STAMP = 160, "record"
NUMBERS = {4: "Four", 5: "Five", 6: "Six", 7: "Seven", 8: "Eight"}


class Theme(NamedTuple):
    """Colours of the page that the picture lies on, and one for each of ``LINES``."""

    page: str
    text: str
    grid: str
    lines: tuple[str, str, str]


THEMES = {
    "light": Theme("#ffffff", "#1f2328", "#dddddd", ("#0072B2", "#D55E00", "#555555")),
    "dark": Theme("#0d1117", "#e6edf3", "#30363d", ("#56B4E9", "#E69F00", "#b8b8b8")),
}


@dataclass(frozen=True)
class Panel:
    """One domain's curves.

    Attributes:
        title: what the networks learn.
        rival: the cheapest sensible one, in words.
        unit: of the labels.
        metric: of the scores.
        budgets: numbers of labels.
        spans: an interval for each of ``LINES`` and each budget.
    """

    title: str
    rival: str
    unit: str
    metric: str
    budgets: list[int]
    spans: list[list[Interval]]


@cache
def panels() -> tuple[Panel, ...]:
    """What is drawn: ``data/course.toml`` names the panels, and ``data/results`` holds their scores."""
    return tuple(_panel(**row) for row in source.load_toml("course.toml")["panels"])


def _panel(domain: str, task: str, recipes: Sequence[str], **said: str) -> Panel:
    from ftlib import results

    table = results.load(domain, task)
    budgets = sorted(int(n) for n in table.budget.unique())
    spans = [[mean_interval(results.scores(table, name, n).tolist()) for n in budgets] for name in recipes]
    return Panel(**said, metric=str(table.metric.iloc[0]), budgets=budgets, spans=spans)


def alt() -> str:
    """The picture in words."""
    said = []
    for panel in panels():
        ends = [f"{name} {spans[0].value:.2f} to {spans[-1].value:.2f}"
                for name, spans in zip(LINES, panel.spans, strict=True)]  # fmt: skip
        first, *_, last = panel.budgets
        said.append(f"{panel.title}, {panel.metric} from {first} to {last} {panel.unit}: {', '.join(ends)}")
    count = NUMBERS[len(said)]
    return f"{count} figures of recorded scores over labels, each with three lines. {'. '.join(said)}."


def markup() -> str:
    """The picture as HTML, light or dark as the reader's page is, and a sentence below it."""
    rivals: dict[str, list[str]] = {}
    for panel in panels():
        rivals.setdefault(panel.rival, []).append(panel.title.partition(": ")[2])
    named = "; ".join(f"{rival} for {' and '.join(where)}" for rival, where in rivals.items())
    return (
        f'<picture>\n<source media="(prefers-color-scheme: dark)" srcset="lessons/{NAMES["dark"]}">\n'
        f'<img alt="{alt()}" src="lessons/{NAMES["light"]}" width="830">\n</picture>\n\n'
        f"*Recorded results of the course, means over seeds with 95 % intervals. A language model wrote the reviews "
        f"and the dictated sentences, the voices are synthetic, the arm is simulated, and who packed the data of the "
        f"shops calls them simulated from real ones. The cheapest rival: {named}.*"
    )


def fingerprint() -> str:
    """A short hash of all that is drawn; a saved picture carries it."""
    rounded = [
        [panel.title, panel.budgets, [[[round(x, 3) for x in (s.value, s.low, s.high)] for s in line]
                                      for line in panel.spans]]
        for panel in panels()
    ]  # fmt: skip
    return hashlib.sha256(json.dumps([rounded, repr(THEMES)]).encode()).hexdigest()[:16]


def stamp(path: Path) -> str:
    """The hash that a saved picture carries, "" where there is no such picture."""
    from PIL import Image

    if not path.exists():
        return ""
    with Image.open(path) as image:
        return str(image.info.get(STAMP, ""))


def renew(folder: Path) -> bool:
    """Draw both pictures into ``folder`` if they show another record than today's; tell whether they did."""
    if all(stamp(folder / name) == fingerprint() for name in NAMES.values()):
        return False
    for name, file in NAMES.items():
        _save(draw(THEMES[name]), folder / file)
    return True


def draw(theme: Theme) -> Figure:
    """The panels, two in a row, in the colours of a theme."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": theme.grid,
        "text.color": theme.text, "axes.edgecolor": theme.text, "xtick.color": theme.text, "ytick.color": theme.text,
        "axes.labelcolor": theme.text, "axes.facecolor": theme.page, "font.size": 10, "legend.frameon": False,
    }  # fmt: skip
    with mpl.rc_context(style):
        rows = -(-len(panels()) // 2)
        fig = Figure(figsize=(8.3, 2.7 * rows), facecolor=theme.page, layout="constrained")
        FigureCanvasAgg(fig)
        axes = fig.subplots(rows, 2)
        for ax, panel in zip(axes.flat, panels(), strict=False):
            _draw_panel(ax, panel, theme)
        for ax in axes.flat[len(panels()) :]:
            fig.delaxes(ax)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper left", ncols=len(LINES))
    return fig


def _draw_panel(ax: Axes, panel: Panel, theme: Theme) -> None:
    places = range(len(panel.budgets))
    for i, spans in enumerate(panel.spans):
        reach = [[span.value - span.low for span in spans], [span.high - span.value for span in spans]]
        ax.errorbar(
            [place + 0.05 * (i - 1) for place in places], [span.value for span in spans], reach, label=LINES[i],
            marker=MARKERS[i], markersize=6, linestyle=DASHES[i], linewidth=2, capsize=3, color=theme.lines[i],
        )  # fmt: skip
    ax.set_title(panel.title, fontsize=10, fontweight="bold", loc="left")
    ax.set_xticks(places, [str(n) for n in panel.budgets])
    ax.set_xlabel(panel.unit)
    ax.set_ylabel(panel.metric)
    ax.set_ylim(min(0, 1.2 * min(span.low for spans in panel.spans for span in spans)), 1.03)


def _save(fig: Figure, path: Path) -> None:
    """Write a PNG of 64 colours that carries the record's hash; a kill leaves the old picture or the new one."""
    import io

    from PIL import Image, PngImagePlugin

    full, info = io.BytesIO(), PngImagePlugin.PngInfo()
    fig.savefig(full, format="png", dpi=DPI, facecolor=fig.get_facecolor())
    info.add_text(STAMP, fingerprint())
    few = Image.open(full).convert("RGB").quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    with replacing(path) as part:
        few.save(part, format="png", optimize=True, pnginfo=info)
