"""The freeze explorer: choose how much of a network is trained, run it, and keep every run on a board."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from ftlessons.classroom.bench import bench, board, image, slider, still
from ftlessons.classroom.display import emit
from ftlib import plots, recipes, results
from ftlib.plots import Picture

# recipes from least to most trained, with what a learner reads on the slider
DEPTHS = {
    "head": "head only", "from_layer4": "layer4 and head", "top": "layer3, layer4 and head",
    "from_layer2": "layer2 to head", "full": "everything",
}  # fmt: skip
BUDGETS = (1, 2, 5, 10, 50)
NAMES = ("trained", "labels per class", "accuracy", "mean of the recorded runs", "letters still read",
         "parameters trained", "seconds")  # fmt: skip
EMPTY = "Choose, press <b>Train</b>, and the run appears here. Each run draws other labels."


def freeze_explorer(task: str = "digits", budgets: tuple[int, ...] = (1, 10, 50)) -> None:
    """Show a slider for the depth, one for the labels and a button that really trains.

    Where widgets do not run, the recorded results over depth stand instead.

    Args:
        task: a vision task with recorded results.
        budgets: the label budgets of the recorded figure.
    """
    table = results.load("vision", task)
    picture = recorded_depths(table, budgets)
    emit(**still(picture), widget=partial(explorer_widget, task, table, picture))


def recorded_depths(table: pd.DataFrame, budgets: tuple[int, ...]) -> Picture:
    """The recorded accuracy over depth, one line for each label budget."""
    return plots.depths(table, "How deep to train: accuracy on digits", list(DEPTHS), budgets)


def explorer_widget(task: str, table: pd.DataFrame, picture: Picture) -> Any:
    """The sliders, the button and the board as one ipywidgets box."""
    depths = [(text, name) for name, text in DEPTHS.items()]
    controls = [slider("Train", depths, "head"), slider("Labels per class", BUDGETS, 5)]
    return bench(controls, partial(_run, task, table), partial(board, NAMES, empty=EMPTY), below=image(picture))


def _run(task: str, table: pd.DataFrame, recipe: str, budget: int, seed: int) -> tuple[object, ...]:
    """Train once, on other labels each time: a row of the board."""
    row = recipes.run(recipe, task, budget, seed % 10).row
    recorded = table[(table.recipe == recipe) & (table.budget == budget)].score
    return (DEPTHS[recipe], budget, f"{row['score']:.3f}", f"{recorded.mean():.3f}" if len(recorded) else "-",
            f"{row['source_score']:.3f}", f"{row['trainable_parameters']:,}", f"{row['seconds']:.1f}")  # fmt: skip
