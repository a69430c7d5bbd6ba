"""The small figures of quiz questions: a few invented points in the quiz's file, drawn when they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ftlessons.classroom import source

SIZE = (5.0, 2.8)


@dataclass(frozen=True)
class Line:
    """Points of one name; where `x` holds names, they are not joined; `low` and `high` are the ends of bars."""

    name: str
    x: tuple[Any, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def told(self) -> str:
        """The points in words, so that nobody has to see the figure to answer."""
        bars = [f" ({low:g} to {high:g})" for low, high in zip(self.low, self.high, strict=True)] or [""] * len(self.y)
        points = [(x, f"{y:g}{bar}") for x, y, bar in zip(self.x, self.y, bars, strict=True)]
        return f"{self.name}: " + ", ".join(f"{x} {y}" if isinstance(x, str) else f"{y} at {x:g}" for x, y in points)


@dataclass(frozen=True)
class Sketch:
    """What ``[question.figure]`` says: a title, two axes and some lines."""

    title: str
    xlabel: str
    ylabel: str
    lines: tuple[Line, ...]

    @property
    def alt(self) -> str:
        """Every point of the figure in words."""
        told = "; ".join(line.told() for line in self.lines)
        return " ".join(f"{self.title}. Across: {self.xlabel}. Up: {self.ylabel}. {told}.".split())

    def as_html(self) -> str:
        """The figure as an image with its alt text."""
        from ftlib import plots

        figure, ax = plots.figure(self.title, self.xlabel, self.ylabel, size=SIZE)
        names = list(dict.fromkeys(x for line in self.lines for x in line.x if isinstance(x, str)))
        for i, line in enumerate(self.lines):
            beside = 0.1 * (i - (len(self.lines) - 1) / 2)
            at = [names.index(x) + beside for x in line.x] if names else line.x
            reach = [[y - low for y, low in zip(line.y, line.low, strict=True)],
                     [high - y for y, high in zip(line.y, line.high, strict=True)]] if line.low else None  # fmt: skip
            ax.errorbar(at, line.y, reach, capsize=3, markersize=5, label=line.name, color=plots.COLOURS[i],
                        marker=plots.MARKERS[i], linestyle="none" if names else ("-", "--", ":")[i % 3])  # fmt: skip
        if names:
            ax.set_xticks(range(len(names)), names)
            ax.margins(x=0.15)
        if len(self.lines) > 1:
            ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return plots.Picture(figure, self.alt)._repr_mimebundle_()["text/html"]


def read_sketch(table: dict[str, Any], where: str) -> Sketch:
    """The figure of a question, ``[question.figure]`` with its ``[[question.figure.line]]``.

    Raises:
        CourseDataError: a text or a list is missing, or a key is unknown.
    """
    row = dict(table)
    lines = [source.record(Line, each, f"{where}, line {n}") for n, each in enumerate(row.pop("line", ()), start=1)]
    return source.record(Sketch, row, where, lines=tuple(lines))
