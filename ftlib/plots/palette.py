"""Colours that all eyes can tell apart, contrast as WCAG 2.2 measures it, and what makes a figure hard to see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The first four and black are Okabe & Ito's (2008). Their orange and sky blue are too pale for a line on white, and
# their grey looks like their green to a red-green blind reader; brown, violet and plum stand in for these.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A2A00", "#8A3FD1", "#000000", "#5C0A5C")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")  # one for each colour, so that colour never stands alone
FAINT = "#8c8c8c"  # what stands behind: single steps, earlier runs
GUIDE = "#555555"  # lines to read against: zero, a threshold
LEAST_FOR_LINES, LEAST_FOR_TEXT = 3.0, 4.5  # WCAG 2.2, 1.4.11 and 1.4.3


def contrast(one: Any, other: Any) -> float:
    """Contrast of two colours, from 1 (the same) to 21 (black and white); any form that matplotlib knows.

    >>> round(contrast("white", "#767676"), 2)
    4.54
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Any) -> float:
    from matplotlib.colors import to_rgb

    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def text_on(background: Any) -> str:
    """Black or white, whichever is easier to read on a colour; one of them always has a contrast of 4.5.

    >>> text_on("#0072B2"), text_on("yellow")
    ('white', 'black')
    """
    return max("black", "white", key=lambda text: contrast(text, background))


def hard_to_see(figure: Figure) -> Iterator[str]:
    """What the legend names that not all eyes can find or tell apart, one sentence a fault."""
    for ax in figure.axes:
        seen: dict[tuple, str] = {}
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            shape, colour = _look(handle)
            if shape in seen:
                yield f"{seen[shape]!r} and {label!r} differ in colour alone: give each its own marker or dash"
            seen[shape] = label
            if colour is not None and contrast(colour, figure.get_facecolor()) < LEAST_FOR_LINES:
                yield f"{label!r} is too pale for its background: choose a darker colour, such as palette.COLOURS"


def _look(handle: Any) -> tuple[tuple, Any]:
    """What tells an entry of a legend from the others without colour, and its colour if it is a line."""
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D

    line = handle.lines[0] if isinstance(handle, ErrorbarContainer) else handle
    if isinstance(line, Line2D):
        return (line.get_marker(), line.get_linestyle(), line.get_fillstyle()), line.get_color()
    return (type(handle).__name__, handle.get_hatch() if hasattr(handle, "get_hatch") else None), None
