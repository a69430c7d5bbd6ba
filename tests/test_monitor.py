"""Looking at several sets, stopping, spoiling labels, rare classes, and the studies that rest on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from ftlessons.lesson05 import figures, imbalance, monitor
from ftlessons.lesson05.studies import leaks, rare, regularisers
from ftlib import fit, tasks


def clouds(n: int, seed: int) -> TensorDataset:
    y = torch.arange(3).repeat_interleave(n)
    x = nn.functional.one_hot(y, 4) + 0.2 * torch.randn(3 * n, 4, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, y)


# --- the monitor -----------------------------------------------------------------------------------


def test_the_monitor_follows_every_set_and_judges_by_one():
    sets = {"training": clouds(10, 0), "validation": clouds(20, 1)}
    watch, model = monitor.Monitor(sets), nn.Linear(4, 3)
    history = fit(model, sets["training"], lr=0.1, steps=30, evaluate=watch, evaluate_every=10, progress=False)
    looks = watch.table()
    assert list(looks) == ["training", "training loss", "validation", "validation loss"] and len(looks) == 3
    assert [score for _, score in history.scores] == looks.validation.tolist()
    assert looks["validation loss"].is_monotonic_decreasing and looks.validation.iloc[-1] > 0.9
    with pytest.raises(ValueError, match="no set 'validation' to choose by: there are training"):
        monitor.Monitor({"training": clouds(2, 0)})


def test_the_monitor_of_a_regression_gives_an_error_and_prefers_less_of_it():
    x = torch.linspace(-1, 1, 20)[:, None]
    watch, model = monitor.Monitor({"validation": TensorDataset(x, 3 * x)}), nn.Linear(1, 1)
    nn.init.zeros_(model.weight), nn.init.zeros_(model.bias)
    score = watch(model)
    assert not score.higher_is_better and score.value == pytest.approx(float((3 * x).abs().mean()))
    assert watch.table()["validation loss"][0] == pytest.approx(float((3 * x).square().mean()))


def test_early_stopping_keeps_the_best_look_that_it_lived_to_see():
    assert monitor.kept([0.5, 0.7, 0.6, 0.6, 0.9], patience=2) == 1
    assert monitor.kept([0.5, 0.7, 0.6, 0.6, 0.9], patience=3) == 4
    assert monitor.kept([0.7, 0.7, 0.7]) == 0
    with pytest.raises(ValueError, match="no score"):
        monitor.kept([])
    with pytest.raises(ValueError, match="wait for at least one look"):
        monitor.kept([0.5], patience=0)


def test_the_replay_of_early_stopping_is_what_fit_does():
    sets, watch = {"validation": clouds(5, 1)}, monitor.Monitor({"validation": clouds(5, 1)})
    model = nn.Linear(4, 3)
    history = fit(model, clouds(3, 0), lr=0.3, steps=40, evaluate=watch, evaluate_every=2, patience=2, progress=False)
    look = monitor.kept(watch.table().validation, patience=2)
    assert history.best_step == 2 * (look + 1) and monitor.Monitor(sets)(model).value == watch.table().validation[look]


def test_spoilt_labels_are_wrong_and_as_many_in_each_class():
    labels = torch.arange(4).repeat(10)
    spoilt = monitor.spoil(labels, 0.3, 4, seed=1)
    assert [(spoilt[labels == label] != label).sum().item() for label in range(4)] == [3, 3, 3, 3]
    assert torch.equal(spoilt, monitor.spoil(labels, 0.3, 4, seed=1)) and labels.tolist() == [0, 1, 2, 3] * 10
    with pytest.raises(ValueError, match="from 0 to 1"):
        monitor.spoil(labels, 30, 4, 0)


def test_copies_are_bent_a_little_and_repeatable():
    pictures = tasks.get("digits").sample(1, 0).tensors[0][:2]
    state = torch.random.get_rng_state()
    bent = monitor.copies(pictures, 3, seed=0)
    assert bent.shape == (6, 3, 32, 32) and torch.equal(bent, monitor.copies(pictures, 3, seed=0))
    assert not torch.equal(bent[0], bent[1]) and torch.equal(torch.random.get_rng_state(), state)
    assert torch.cdist(bent.flatten(1), pictures.flatten(1)).argmin(1).tolist() == [0, 0, 0, 1, 1, 1]


def test_the_two_halves_are_the_whole_network():
    digits = tasks.get("digits")
    front, tail = monitor.cut(digits, seed=3)
    x = digits.sample(1, 0).tensors[0]
    whole = digits.pretrained()
    from ftlib import adapt

    adapt.replace_head(whole, 10, seed=3)
    assert torch.allclose(tail.eval()(front(x)), whole.eval()(x), atol=1e-5)
    assert not any(p.requires_grad for p in front.parameters()) and all(p.requires_grad for p in tail.parameters())


def test_the_best_of_many_lucky_guessers_promises_too_much():
    coins = torch.rand(40, 500, generator=torch.Generator().manual_seed(0)) < 0.5
    one, forty = (monitor.best_of(coins, tried, n=50, draws=40).mean() for tried in (1, 40))
    assert abs(one["chosen by"] - 0.5) < 0.05 and forty["chosen by"] > 0.6 and abs(forty["others"] - 0.5) < 0.03
    with pytest.raises(ValueError, match="cannot try 50 of 40 models"):
        monitor.best_of(coins, 50, 50, 1)


# --- a rare class ----------------------------------------------------------------------------------


def test_a_class_is_as_rare_as_asked():
    data = TensorDataset(torch.arange(300.0)[:, None], torch.arange(3).repeat_interleave(100))
    some = imbalance.rarely(data, rare=1, share=0.1, seed=0, n=50)
    x, y = some.tensors
    assert y.sum() == 5 and len(y) == 50 and ((x[:, 0] >= 100) & (x[:, 0] < 200)).tolist() == (y == 1).tolist()
    assert imbalance.rarely(data, 1, 0.5, 0).tensors[1].float().mean() == 0.5
    with pytest.raises(ValueError, match="need 150 of class 1 and 150 others, but there are 100 and 200"):
        imbalance.rarely(data, 1, 0.5, 0, n=300)
    with pytest.raises(ValueError, match="at most 0.5"):
        imbalance.rarely(data, 1, 0.9, 0)


def test_thresholds_trade_recall_for_precision():
    sure, true = [0.9, 0.7, 0.4, 0.3, 0.1], [1, 0, 1, 0, 0]
    assert imbalance.at_threshold(sure, true, 0.8) == {"accuracy": 0.8, "precision": 1.0, "recall": 0.5, "f1": 2 / 3}
    assert imbalance.at_threshold(sure, true, 0.35)["recall"] == 1.0
    nothing = imbalance.at_threshold([0.1, 0.2], [0, 0])
    assert nothing["accuracy"] == 1.0 and nothing["recall"] == 0.0
    assert imbalance.best_threshold(sure, true, by="recall") < 0.4 < imbalance.best_threshold(sure, true, "precision")


# --- figures ---------------------------------------------------------------------------------------


def test_figures_say_in_words_what_they_show():
    looks = pd.DataFrame({"training": [0.2, 1.0], "training loss": [2.0, 0.1], "validation": [0.3, 0.2],
                          "validation loss": [2.0, 3.0]})  # fmt: skip
    alt = figures.watch(looks, "A run").alt
    assert "validation from 0.30 to 0.20, best 0.30 in epoch 2" in alt and "training from 2.00 to 0.10" in alt
    with pytest.raises(ValueError, match="nobody looked at 'test'"):
        figures.watch(looks, "A run", ["test"])
    assert "A from 0.10 to 0.40" in figures.lines({"A": [0.1, 0.4]}, "Lines", "accuracy", mark=False).alt
    with pytest.raises(ValueError, match="no curve to draw"):
        figures.lines({}, "Lines", "accuracy")
    swept = figures.thresholds([0.9, 0.1], [1, 0], "Thresholds", at=0.5)
    assert "recall from 1.00 to 0.00" in swept.alt
    pair = {"a minus b": ([0.9, 0.8, 0.85, 0.9], [0.5, 0.45, 0.4, 0.5])}
    assert "a minus b: after 4 seeds 0.400" in figures.over_seeds(pair, "Seeds").alt
    with pytest.raises(ValueError, match="no pair"):
        figures.over_seeds({}, "Seeds")


# --- the studies -----------------------------------------------------------------------------------


def test_each_archive_splits_what_it_says():
    far = {}
    for split in leaks.SPLITS:
        train, test = leaks.archive(split, 1)
        assert len(train) + len(test) == leaks.BUDGET * 10 * leaks.COPIES
        near = torch.cdist(test.tensors[0].flatten(1), train.tensors[0].flatten(1)).amin(1)
        far[split] = float(near.median())
    assert far["copies at random"] < 0.9 * far["originals at random"] < far["by writer"]
    with pytest.raises(ValueError, match="no split 'mixed': choose from copies at random"):
        leaks.archive("mixed", 0)


def test_a_rare_study_row_is_scored_on_all_test_people():
    row = rare.one("1 in 30", "svm", 8)
    assert row["never"] > 0.96 and row["accuracy"] > 0.9 and 0 <= row["recall"] <= 1 and row["n"] > 500
    parts = rare.data("1 in 30", 8)
    assert len(parts["train"]) == rare.LABELS and parts["train"].tensors[1].sum() == 3
    with pytest.raises(ValueError, match="no method 'forest'"):
        rare.scored("1 in 30", "forest", 0)


@pytest.fixture
def recorded():
    """Two seeds of three arms, with curves made up."""
    rows = []
    for wrong, brake, setting, end in ((0.3, "none", "", 0.6), (0.0, "none", "", 0.9), (0.3, "dropout", "weak", 0.7),
                                       (0.3, "dropout", "strong", 0.8)):  # fmt: skip
        for seed in (1, 0):
            rows.append({"wrong": wrong, "brake": brake, "setting": setting, "seed": seed,
                         "validation": [0.5, 0.9, end], "test": [0.4, 0.85 + 0.01 * seed, end]})  # fmt: skip
    return pd.DataFrame(rows)


def test_brakes_are_judged_at_the_strength_that_validation_chose(recorded):
    plain = recorded[(recorded.brake == "none") & (recorded.wrong > 0)]
    assert regularisers.stopped(plain).tolist() == [0.85, 0.86] and regularisers.ends(plain).tolist() == [0.6, 0.6]
    assert regularisers.chosen(recorded, "dropout").setting.unique().tolist() == ["strong"]


def test_what_is_watched_is_kept_apart():
    data, given = regularisers.spoilt(0.3, 0)
    assert (given != data.tensors[1]).sum() == 30
    tail, sets = regularisers.watched(data, given, 0.3, 0)
    assert {name: len(part) for name, part in sets.items()} == {
        "training": 100, "training, true labels": 100, "validation": 516, "small": 20, "small, wrong labels": 20,
        "leaky": 100, "test": 640,
    }  # fmt: skip
    assert torch.equal(sets["leaky"].tensors[1], given)
    assert np.bincount(sets["small"].tensors[1]).tolist() == [2] * 10
    assert tail(sets["small"].tensors[0]).shape == (20, 10)
