"""The alert bench: when is a headline worth an alarm, if a miss and a false alarm have their price?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ftlessons.classroom.display import emit
from ftlessons.lesson05.threshold import board

COSTS = (1, 2, 5, 10, 20, 50)
Scored = tuple[Sequence[float], Sequence[int]]


def alert_bench(validation: Scored, test: Scored, rare: str, threshold: float = 0.5) -> None:
    """Show sliders for the threshold and the price of a miss; each change is scored on validation at once.

    Where widgets do not run, a figure of the scores over the threshold and the counts stand instead.

    Args:
        validation, test: how sure a model is of the rare class (N,), and the truth (N,), 1 for the rare class.
        rare: what the rare class is called.
        threshold: where the slider stands at first.
    """
    shown = _picture(validation, rare, threshold)._repr_mimebundle_()
    counted = board(*validation, threshold, 10, f"{len(validation[0])} validation texts, a miss at a price of 10")
    widget = partial(alert_widget, validation, test, rare, threshold)
    emit(shown["text/plain"], widget=widget, **{"text/html": counted + shown["text/html"]})


def _picture(part: Scored, rare: str, threshold: float) -> Any:
    from ftlessons.lesson05 import figures

    return figures.thresholds(*part, f"{rare}: scores over the threshold", at=threshold)


def alert_widget(validation: Scored, test: Scored, rare: str, threshold: float = 0.5) -> Any:
    """The sliders, the board, the figure and the button that opens the test, as one ipywidgets box."""
    import ipywidgets as widgets

    style, wide = {"description_width": "110px"}, widgets.Layout(width="min(480px, 98%)")
    make = partial(widgets.SelectionSlider, style=style, layout=wide, continuous_update=False)
    cut = make(options=[f"{n / 50:.2f}" for n in range(1, 50)], value=f"{round(50 * threshold) / 50:.2f}",
               description="Threshold")  # fmt: skip
    cost = make(options=list(COSTS), value=10, description="A miss costs")
    button = widgets.Button(description="Open the test set", tooltip="Once: then your choice stands")
    found, figure, opened = widgets.HTML(), widgets.HTML(), widgets.HTML()

    def update(_: Any = None) -> None:
        at = float(cut.value)
        found.value = board(*validation, at, cost.value, f"{len(validation[0])} validation texts")
        figure.value = _picture(validation, rare, at)._repr_mimebundle_()["text/html"]

    def open_test(_: Any) -> None:
        opened.value = board(*test, float(cut.value), cost.value, f"{len(test[0])} test texts")
        for control in (cut, cost, button):
            control.disabled = True

    for knob in (cut, cost):
        knob.observe(update, names="value")
    button.on_click(open_test)
    update()
    return widgets.VBox([cost, cut, found, figure, button, opened])
