"""The alert bench: when is a headline worth an alarm, if a miss and a false alarm have their price?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ftlessons.classroom.bench import choice_bench, slider, still
from ftlessons.classroom.display import emit
from ftlessons.lesson05 import figures
from ftlessons.lesson05.threshold import COSTS, CUTS, board

Scored = tuple[Sequence[float], Sequence[int]]


def alert_bench(validation: Scored, test: Scored, rare: str, threshold: float = 0.5) -> None:
    """Show sliders for the threshold and the price of a miss; each change is scored on validation at once.

    Where widgets do not run, a figure of the scores over the threshold and the counts stand instead.

    Args:
        validation, test: how sure a model is of the rare class (N,), and the truth (N,), 1 for the rare class.
        rare: what the rare class is called.
        threshold: where the slider stands at first.
    """
    counted = board(*validation, threshold, 10, f"{len(validation[0])} validation texts, a miss at a price of 10")
    widget = partial(alert_widget, validation, test, rare, threshold)
    emit(**still(_picture(validation, rare, threshold), counted), widget=widget)


def _picture(part: Scored, rare: str, threshold: float) -> Any:
    return figures.thresholds(*part, f"{rare}: scores over the threshold", at=threshold)


def alert_widget(validation: Scored, test: Scored, rare: str, threshold: float = 0.5) -> Any:
    """The sliders, the board, the figure and the button that opens the test, as one ipywidgets box."""
    at = f"{round(50 * threshold) / 50:.2f}"
    controls = (
        slider("A miss costs", COSTS, 10, continuous_update=False),
        slider("Threshold", CUTS, at, continuous_update=False),
    )

    def priced(part: Scored, what: str, cost: int, cut: str) -> str:
        return board(*part, float(cut), cost, f"{len(part[0])} {what} texts")

    def drawn(_: int, cut: str) -> Any:
        return _picture(validation, rare, float(cut))

    return choice_bench(controls, partial(priced, validation, "validation"), drawn, partial(priced, test, "test"))
