"""The freeze explorer: choose how much of a network is trained, run it, and keep every run on a board."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.display import as_table, emit

if TYPE_CHECKING:
    import pandas as pd

    from ftlib.plots import Picture

# recipes from least to most trained, with what a learner reads on the slider
DEPTHS = {
    "head": "head only", "from_layer4": "layer4 and head", "top": "layer3, layer4 and head",
    "from_layer2": "layer2 to head", "full": "everything",
}  # fmt: skip
BUDGETS = (1, 2, 5, 10, 50)


def freeze_explorer(task: str = "digits", budgets: tuple[int, ...] = (1, 10, 50)) -> None:
    """Show a slider for the depth, one for the labels and a button that really trains.

    Where widgets do not run, the recorded results over depth stand instead.

    Args:
        task: a vision task with recorded results.
        budgets: the label budgets of the recorded figure.
    """
    from ftlib import results

    table = results.load("vision", task)
    picture = recorded_depths(table, budgets)
    shown = picture._repr_mimebundle_()
    widget = partial(explorer_widget, task, table, picture)
    emit(shown["text/plain"], widget=widget, **{"text/html": shown["text/html"]})


def recorded_depths(table: pd.DataFrame, budgets: tuple[int, ...]) -> Picture:
    """The recorded accuracy over depth, one line for each label budget."""
    from ftlib import plots

    return plots.depths(table, "How deep to train: accuracy on digits", list(DEPTHS), budgets)


def explorer_widget(task: str, table: pd.DataFrame, picture: Picture) -> Any:
    """The sliders, the button and the board as one ipywidgets box."""
    import ipywidgets as widgets

    style = {"description_width": "110px"}
    depths = [(text, name) for name, text in DEPTHS.items()]
    depth = widgets.SelectionSlider(options=depths, description="Train", style=style)
    depth.layout.width = "min(460px, 98%)"
    budget = widgets.SelectionSlider(options=list(BUDGETS), value=5, description="Labels per class", style=style)
    budget.layout.width = "min(460px, 98%)"
    button = widgets.Button(description="Train", button_style="primary", tooltip="Train this choice once")
    board = widgets.HTML(_board([]))
    rows: list[dict[str, Any]] = []

    def train(_: Any) -> None:
        button.disabled, button.description = True, "Training ..."
        try:
            rows.append(_run(task, depth.value, budget.value, seed=len(rows), table=table))
            board.value = _board(rows)
        finally:
            button.disabled, button.description = False, "Train"

    button.on_click(train)
    figure = widgets.HTML(picture._repr_mimebundle_()["text/html"])
    return widgets.VBox([depth, budget, button, board, figure])


def _run(task: str, recipe: str, budget: int, seed: int, table: pd.DataFrame) -> dict[str, Any]:
    from ftlib import recipes

    row = recipes.run(recipe, task, budget, seed % 10).row
    recorded = table[(table.recipe == recipe) & (table.budget == budget)].score
    return row | {"recorded": recorded.mean() if len(recorded) else None}


def _board(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "<p>Choose, press <b>Train</b>, and the run appears here. Each run draws other labels.</p>"
    head = ("trained", "labels per class", "accuracy", "mean of the recorded runs", "letters still read",
            "parameters trained", "seconds")  # fmt: skip
    cells = [
        (DEPTHS[row["recipe"]], row["budget"], f"{row['score']:.3f}", f"{row['recorded']:.3f}",
         f"{row['source_score']:.3f}", f"{row['trainable_parameters']:,}", f"{row['seconds']:.1f}")
        for row in rows
    ]  # fmt: skip
    return f'<div role="status">{as_table(head, cells)}</div>'
