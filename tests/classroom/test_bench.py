"""The fine-tuning bench: a budget of runs, a board, and a test set that opens once."""

from __future__ import annotations

import pandas as pd
import pytest

from ftlessons.lesson04 import bench as module
from ftlessons.lesson04 import hyperparameters
from ftlessons.lesson04.bench import Bench, bench
from ftlessons.lesson04.hyperparameters import Knobs
from ftlib import results, tasks
from ftlib.history import History
from ftlib.metrics import Score
from ftlib.train import TrainingDiverged


@pytest.fixture
def fake(monkeypatch):
    """Runs whose validation score is their rate, and what was asked for."""
    asked, holder = [], {}

    def train(settings, task, data, seed, *, evaluate, evaluate_every):
        asked.append((settings, len(data), seed))
        if settings.lr >= 0.1:
            raise TrainingDiverged("gone")
        holder["now"] = settings.lr
        for _ in range(settings.steps // evaluate_every):
            evaluate(None)
        return f"model at {settings.lr:g}", History(loss=[1.0], seconds_at=[2.0])

    monkeypatch.setattr(hyperparameters, "train", train)
    score = lambda task, model: Score(10 * holder["now"], "accuracy", True, 516)  # noqa: E731
    monkeypatch.setattr(hyperparameters, "validate", score)
    monkeypatch.setattr(type(tasks.get("digits")), "evaluate", lambda self, model, split: Score(0.5, model, True, 640))
    return asked


def test_the_board_keeps_every_run_and_knows_the_best(fake):
    state = Bench("digits", runs=3, target=0.2)
    assert state.best is None and state.may_train
    looks = []
    state.train(Knobs(lr=0.01), 10, lambda run: looks.append(list(run.curve)))
    assert looks[-1] == [(20, 0.1), (40, 0.1), (60, 0.1), (80, 0.1), (100, 0.1)]
    state.train(Knobs(lr=0.03), 2)
    state.train(Knobs(lr=0.01), 10)
    assert [(labels, seed) for _, labels, seed in fake] == [(100, 0), (20, 0), (100, 1)], "a repeat gets another seed"
    assert state.best is state.runs[1] and not state.may_train
    assert state.status() == (
        "3 of 3 runs used. Best on the validation digits: 0.300. The target of 0.200 is reached."
    )
    with pytest.raises(RuntimeError, match="no run is left"):
        state.train(Knobs(), 10)


def test_the_test_set_opens_once_scores_the_best_run_and_ends_the_game(fake):
    state = Bench("digits", runs=9, target=0.9)
    with pytest.raises(RuntimeError, match="no finished run"):
        state.open_test()
    state.train(Knobs(lr=0.03), 1)
    state.train(Knobs(lr=0.01), 1)
    assert state.open_test().metric == "model at 0.03"
    assert "not reached yet. On the test set, which is open now, that run scores 0.500." in state.status()
    assert not state.may_train


def test_a_lost_run_counts_and_is_never_the_best(fake):
    state = Bench("digits", runs=2, target=0.9)
    state.train(Knobs(lr=0.1), 1)
    assert state.best is None and "lost" in state.runs[0].note and len(state.runs) == 1
    assert "lost: the loss became infinite" in module._board(state)


def test_the_buttons_do_what_the_knobs_say(fake):
    state = Bench("digits", runs=2, target=0.25)
    box = module.bench_widget(state)
    depth, head_first, rate, schedule, labels, buttons, curve, board = box.children
    train, test = buttons.children
    assert "Turn the knobs" in board.value and test.disabled
    depth.value, rate.value, schedule.value, labels.value = "layer4", 0.03, "one_cycle", 5
    train.click()
    assert fake[0][:2] == (Knobs(depth="layer4", lr=0.03, schedule="one_cycle"), 50)
    assert "layer4 and head" in board.value and "best so far" in board.value and "<img alt=" in curve.value
    assert not train.disabled and not test.disabled
    head_first.value = True
    train.click()
    assert train.disabled and not test.disabled
    assert fake[1][0].head_first and "layer4 and head, head first" in board.value
    test.click()
    assert "scores 0.500" in board.value and test.disabled


def test_without_widgets_the_recorded_figure_stands(shown, monkeypatch):
    rows = [
        vars(Knobs(depth=depth, lr=lr)) | {"task": "digits", "budget": 10, "seed": seed, "valid": 0.8 + lr}
        for depth in ("head", "full") for lr in (1e-3, 1e-2) for seed in (0, 1)
    ]  # fmt: skip
    monkeypatch.setattr(results, "study", lambda name: pd.DataFrame(rows))
    bench()
    assert "Target: 0.810" in shown[0]["text/html"] and "<img alt=" in shown[0]["text/html"]
    assert "head only: best at 0.01" in shown[0]["text/plain"]
