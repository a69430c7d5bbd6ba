"""What suits data of your own: the minutes beforehand, the runs, and what the advice says of them."""

from __future__ import annotations

import pandas as pd
import pytest

from ftlib import catalog
from ftlib import menu as how
from ftlib.menu import advice, menu
from ftlib.own import from_folder


@pytest.fixture(scope="module")
def signs():
    return from_folder(catalog.path("signs", verbose=False) / "pictures", group=r"(hand\d+)", backbone="ink")


def scores(**recipes) -> pd.DataFrame:
    return pd.DataFrame([{"recipe": name, "budget": 10, "seed": seed, "score": score}
                         for name, values in recipes.items() for seed, score in enumerate(values)])  # fmt: skip


def test_the_dearest_are_left_out_and_said_so(signs, capsys):
    found = menu(signs, budgets=[1, 2], seeds=2, minutes=0.02, progress=False)
    assert set(found.table.recipe) == {"svm", "head"} and len(found.table) == 8
    said = capsys.readouterr().out
    assert "8 runs, about 0." in said and "Left out to stay under 0.02 minutes: scratch (" in said
    assert list(found.summary().columns) == [1, 2] and "svm" in repr(found) and "<table" in found._repr_html_()
    assert found.advice[0].startswith("Left out") and "The test chose here" in found.advice[-1]


def test_scratch_runs_at_the_largest_budget_alone(signs, monkeypatch):
    monkeypatch.setattr(how.recipes, "run", lambda name, task, budget, seed, **_: type("R", (), {"row": {
        "recipe": name, "budget": budget, "seed": seed, "score": 0.5}})())  # fmt: skip
    monkeypatch.setattr(how.recipes, "run_rival", lambda name, task, budget, seed, **_: {
        "recipe": name, "budget": budget, "seed": seed, "score": 0.5})  # fmt: skip
    table = menu(signs, budgets=[1, 10], seeds=2, minutes=1e6, progress=False).table
    assert table[table.recipe == "scratch"].budget.tolist() == [10, 10]
    assert set(table.recipe) == {"svm", "head", "top", "head_then_all", "scratch"}


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (scores(svm=[0.5, 0.52, 0.51], head=[0.9, 0.91, 0.92]), "network leads the rival: head 0.91, svm 0.51"),
        (scores(svm=[0.9, 0.91, 0.92], head=[0.5, 0.52, 0.51]), "cheap rival leads: head 0.51, svm 0.91. Take it."),
        (scores(svm=[0.5, 0.9, 0.6], head=[0.6, 0.8, 0.7]), "No difference seen to the rival in 3 draws"),
        (scores(svm=[0.5, 0.5, 0.5], head=[0.6, 0.61, 0.6], top=[0.8, 0.82, 0.8]), "more than the head pays: top"),
        (scores(svm=[0.5, 0.5, 0.5], head=[0.7, 0.8, 0.6], top=[0.8, 0.6, 0.7]), "the head and more in 3 draws"),
        (scores(svm=[0.5, 0.5, 0.5], head=[0.6, 0.61, 0.6], scratch=[0.8, 0.82, 0.8]), "does not fit your data"),
        (scores(svm=[0.5, 0.5, 0.5], head=[0.6, 0.61, 0.6]), "All this is about 3 groups"),
    ],
)  # fmt: skip
def test_the_advice_comes_from_all_of_them(signs, table, sentence):
    assert sentence in " ".join(advice(signs, table, "svm", "test"))


def test_one_draw_tells_nothing(signs):
    said = " ".join(advice(signs, scores(svm=[0.1], head=[0.9]), "svm", "test"))
    assert "No difference seen to the rival in 1 draws" in said


def test_unbalanced_classes_are_named(signs):
    drop = signs.items.id[(signs.items.label != "camp") & (signs.items.split == "train")].tolist()
    root = catalog.path("signs", verbose=False) / "pictures"
    few = from_folder(root, group=r"(hand\d+)", drop=drop[5:], backbone="ink")
    said = " ".join(advice(few, scores(svm=[0.5, 0.5], head=[0.6, 0.6]), "svm", "test"))
    assert "The classes are unbalanced: always camp gets" in said


def test_minutes_are_a_number(signs):
    with pytest.raises(ValueError, match="minutes is 'five': give how long it may take"):
        menu(signs, minutes="five")
