"""The freeze explorer: a slider over depth that really trains."""

from __future__ import annotations

import pandas as pd
import pytest

from ftlessons.lesson03 import explorer
from ftlib import recipes, tasks
from ftlib.metrics import Score
from ftlib.tasks import Task


@pytest.fixture
def table():
    rows = [
        {"task": "digits", "recipe": name, "budget": budget, "budget_unit": "labels per class", "seed": seed,
         "score": 0.5 + 0.1 * i + 0.01 * seed, "metric": "accuracy", "source_score": 0.7}
        for i, name in enumerate(explorer.DEPTHS) for budget in (1, 10, 50) for seed in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_every_depth_is_a_recipe_and_trains_more_than_the_one_before(monkeypatch):
    task = tasks.get("digits")
    monkeypatch.setattr(Task, "min_passes", 1)
    monkeypatch.setattr(type(task), "evaluate", lambda *_: Score(0.5, "accuracy", True, 1))
    settings = {name: {"lr": 1e-4, "steps": 1} for name in explorer.DEPTHS}
    runs = (recipes.run(name, task, 1, 0, settings=settings, score_source=False) for name in explorer.DEPTHS)
    trained = [run.row["trainable_parameters"] for run in runs]
    assert trained == sorted(set(trained))


def test_the_recorded_figure_says_what_it_shows(table):
    picture = explorer.recorded_depths(table, (1, 10, 50))
    assert "How deep to train" in picture.alt
    assert "1 per class from 0.5" in picture.alt


def test_the_button_trains_what_the_sliders_say_and_keeps_it_on_the_board(table, monkeypatch):
    asked = []

    def fake(recipe, task, budget, seed):
        asked.append((recipe, task, budget, seed))
        row = {"recipe": recipe, "budget": budget, "score": 0.81, "source_score": 0.7, "seconds": 1.0}
        return recipes.Run(None, row | {"trainable_parameters": 5130}, [])

    monkeypatch.setattr(recipes, "run", fake)
    box = explorer.explorer_widget("digits", table, explorer.recorded_depths(table, (1,)))
    depth, budget, button, board, _ = box.children
    assert "press" in board.value
    depth.value, budget.value = "top", 10
    button.click()
    button.click()
    assert asked == [("top", "digits", 10, 0), ("top", "digits", 10, 1)]
    assert board.value.count("<tr>") == 3
    assert "layer3, layer4 and head" in board.value and "0.810" in board.value and "5,130" in board.value
    assert not button.disabled


def test_a_failed_run_frees_the_button_and_keeps_the_board(table, monkeypatch):
    def broken(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(recipes, "run", broken)
    box = explorer.explorer_widget("digits", table, explorer.recorded_depths(table, (1,)))
    box.children[2].click()  # ipywidgets reports what a handler raises and goes on
    assert not box.children[2].disabled
    assert "press" in box.children[3].value
