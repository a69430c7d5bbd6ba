"""Benches of one shape: a few controls, a button that really does it, a board that keeps every try, and a still
picture where widgets do not run.

A lesson gives the controls, what a press runs, and how its tries read as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.display import as_table

if TYPE_CHECKING:
    from ftlib.plots import Picture


def image(picture: Picture) -> str:
    """A picture as HTML, with its alt text."""
    return picture._repr_mimebundle_()["text/html"]


def still(picture: Picture, before: str = "") -> dict[str, str]:
    """What `emit` shows where widgets do not run: the picture, in HTML with ``before`` above it."""
    shown = picture._repr_mimebundle_()
    return {"plain": shown["text/plain"], "text/html": before + shown["text/html"]}


def board(names: Sequence[str], rows: Sequence[Sequence[object]], empty: str, after: str = "") -> str:
    """The tries so far as an HTML table, which screen readers are told of; ``empty`` while there is none."""
    return f'<div role="status">{as_table(names, rows)}{after}</div>' if rows else f"<p>{empty}</p>"


def slider(name: str, options: Sequence[Any], value: Any, label: int = 110, **more: Any) -> Any:
    """A slider over a few values; ``label`` is the room for its name, in pixels."""
    import ipywidgets

    layout = ipywidgets.Layout(width="min(480px, 98%)")
    return ipywidgets.SelectionSlider(
        options=options, value=value, description=name, style={"description_width": f"{label}px"}, layout=layout, **more
    )


def live(controls: Sequence[Any], update: Callable[[], None]) -> None:
    """Call ``update`` now and whenever one of the controls is turned."""
    for control in controls:
        control.observe(lambda _: update(), names="value")
    update()


def bench(
    controls: Sequence[Any],
    run: Callable[..., Any],
    told: Callable[[list], str],
    *,
    below: str = "",
    redrawn: Callable[[list], str] | None = None,
    words: tuple[str, str, str] = ("Train", "Training ...", "Train this choice once"),
) -> Any:
    """Controls, a button and a board as one ipywidgets box.

    Args:
        run: takes the controls' values and how many tries there were, and returns a try.
        told: the tries so far, as HTML; at first there is none.
        below: HTML that stands under the board.
        redrawn: what takes the place of ``below`` after each try.
        words: on the button, on it while it works, and its tooltip.
    """
    import ipywidgets

    button = ipywidgets.Button(description=words[0], button_style="primary", tooltip=words[2])
    kept, figure, tries = ipywidgets.HTML(told([])), ipywidgets.HTML(below), []

    def press(_: Any) -> None:
        button.disabled, button.description = True, words[1]
        try:
            tries.append(run(*(control.value for control in controls), len(tries)))
            kept.value = told(tries)
            figure.value = redrawn(tries) if redrawn else below
        finally:
            button.disabled, button.description = False, words[0]

    button.on_click(press)
    return ipywidgets.VBox([*controls, button, kept, *([figure] if below else [])])


def choice_bench(
    controls: Sequence[Any], scored: Callable[..., str], drawn: Callable[..., Picture], tested: Callable[..., str]
) -> Any:
    """Controls whose every turn is scored and drawn at once, until a button opens the test set and ends the choice.

    Args:
        scored, drawn, tested: take the controls' values; the first and the last return HTML.
    """
    import ipywidgets

    button = ipywidgets.Button(description="Open the test set", tooltip="Once: then your choice stands")
    found, figure, opened = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()

    def values() -> list[Any]:
        return [control.value for control in controls]

    def update() -> None:
        found.value, figure.value = scored(*values()), image(drawn(*values()))

    def open_test(_: Any) -> None:
        opened.value = tested(*values())
        for control in (*controls, button):
            control.disabled = True

    live(controls, update)
    button.on_click(open_test)
    return ipywidgets.VBox([*controls, found, figure, button, opened])
