"""Runs with all knobs in the open: training, measuring, choosing a rate, and the figures drawn from them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from ftlessons.lesson04 import augment, figures, hyperparameters, lr_finder
from ftlessons.lesson04.hyperparameters import Knobs
from ftlib import adapt, tasks
from ftlib.metrics import Score
from ftlib.tasks.base import Task
from ftlib.train import fit


class Toy(Task):
    """Three clouds of points; the model has a backbone of two layers, one with BatchNorm."""

    name, domain, metric, budget_unit, n_outputs = "toy", "toy", "accuracy", "labels per class", 3
    source = None

    def split(self, name):
        return self._draw(30, {"train": 0, "tune": 1, "tune_valid": 2, "test": 3}[name])

    def sample(self, budget, seed, split="train"):
        return self._draw(budget, 100 + seed)

    def _draw(self, n, seed):
        y = torch.arange(3).repeat_interleave(n)
        x = torch.randn(3 * n, 4, generator=torch.Generator().manual_seed(seed)) * 0.3 + nn.functional.one_hot(y, 4)
        return TensorDataset(x, y)

    def pretrained(self):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 5)).eval()

    untrained = None

    def evaluate(self, model, split="test"):
        x, y = self.split(split).tensors
        return Score(float((tasks.predict(model, x).argmax(1) == y).float().mean()), "accuracy", True, len(y))


Toy.__abstractmethods__ = frozenset()
STEPS = {"steps": 20, "lr": 1e-2}


@pytest.fixture
def toy():
    return Toy()


def start_of(task):
    return {name: tensor.clone() for name, tensor in task.pretrained().state_dict().items()}


# --- training --------------------------------------------------------------------------------------


def test_a_run_learns_and_is_the_same_twice(toy):
    data = toy.sample(10, 0)
    model, history = hyperparameters.train(Knobs(**STEPS), toy, data, seed=1)
    again, _ = hyperparameters.train(Knobs(**STEPS), toy, data, seed=1)
    assert history.steps == 20 and toy.evaluate(model).value > 0.8
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_depth_decides_what_moves(toy):
    for depth, moves in (("head", set()), ("1", {"1"}), ("full", {"0", "1"})):
        model, _ = hyperparameters.train(Knobs(depth=depth, **STEPS), toy, toy.sample(5, 0))
        went = adapt.distance(model, start_of(toy))
        assert {stage for stage, way in went.items() if way and stage != "backbone"} == moves
    with pytest.raises(ValueError, match="no stage 'layer9' to train from: choose all or one of 0, 1, head"):
        hyperparameters.train(Knobs(depth="layer9"), toy, toy.sample(5, 0))


def test_head_first_starts_from_a_trained_head(toy):
    first = {}
    for before in (False, True):
        _, history = hyperparameters.train(Knobs(head_first=before, **STEPS), toy, toy.sample(10, 0))
        first[before] = history.loss[0]
    assert first[True] < 0.8 * first[False]


def test_batchnorm_in_training_mode_moves_a_frozen_backbone(toy):
    moved = {}
    for mode in ("eval", "train"):
        model, _ = hyperparameters.train(Knobs(depth="head", batchnorm=mode, **STEPS), toy, toy.sample(5, 0))
        assert adapt.distance(model, start_of(toy))["backbone"] == 0
        moved[mode] = not torch.equal(model[1].running_mean, start_of(toy)["1.running_mean"])
    assert moved == {"eval": False, "train": True}


def test_dropout_and_label_smoothing_reach_the_loss(toy):
    plain, dropped, smoothed = (
        hyperparameters.train(Knobs(**STEPS, **knob), toy, toy.sample(10, 0))[1].loss
        for knob in ({}, {"dropout": 0.9}, {"label_smoothing": 0.3})
    )
    assert dropped != plain and smoothed[-1] > plain[-1]


@pytest.mark.parametrize("knob", [{"schedule": "sawtooth"}, {"augment": "loud"}, {"batchnorm": "off"}])
def test_unknown_choices_are_refused_at_once(knob):
    with pytest.raises(ValueError, match=f"there is no {'augmentation' if 'augment' in knob else next(iter(knob))} "):
        Knobs(**knob)


def test_validation_pools_both_tuning_splits(toy):
    model, _ = hyperparameters.train(Knobs(**STEPS), toy, toy.sample(10, 0))
    both = [toy.evaluate(model, split).value for split in ("tune", "tune_valid")]
    score = hyperparameters.validate(toy, model)
    assert score.n == 180 and score.value == pytest.approx(sum(both) / 2)


# --- measuring -------------------------------------------------------------------------------------


def test_a_row_holds_the_knobs_and_every_measurement(toy, monkeypatch):
    monkeypatch.setattr(hyperparameters, "source_score", lambda model, task, head: 0.5)
    row = hyperparameters.measure(toy, 5, 3, Knobs(**STEPS))
    assert row["task"] == "toy" and row["budget"] == 5 and row["seed"] == 3 and row["lr"] == 1e-2
    assert 0 < row["distance"] < 1 and 0 <= row["valid"] <= 1 and row["source"] == 0.5 and not row["diverged"]


def test_a_run_whose_loss_explodes_is_a_row_without_scores(toy, monkeypatch):
    def explode(*_, **__):
        raise hyperparameters.TrainingDiverged("gone")

    monkeypatch.setattr(hyperparameters, "fit", explode)
    row = hyperparameters.measure(toy, 5, 0, Knobs(**STEPS))
    assert row["diverged"] and row["valid"] is None and row["test"] is None


# --- choosing --------------------------------------------------------------------------------------


@pytest.fixture
def table():
    """Two depths at three rates, two seeds; `test` would choose another rate than `valid`."""
    valid = {("full", 1e-4): 0.6, ("full", 1e-3): 0.9, ("full", 1e-2): 0.1,
             ("head", 1e-4): 0.3, ("head", 1e-3): 0.7, ("head", 1e-2): 0.8}  # fmt: skip
    rows = []
    for (depth, lr), value in valid.items():
        for seed in (0, 1):
            row = vars(Knobs(depth=depth, lr=lr)) | {"task": "digits", "budget": 10, "seed": seed}
            measured = {"valid": value + 0.01 * seed, "test": 1 - value, "source": value, "distance": lr, "loss": 0.1}
            rows.append(row | measured)
    return pd.DataFrame(rows)


def test_runs_are_those_with_the_knobs_named_and_defaults_else(table):
    assert set(hyperparameters.runs(table).depth) == {"full"}
    assert len(hyperparameters.runs(table, depth=["head", "full"])) == 12
    assert hyperparameters.runs(table, depth="head", lr=1e-3).valid.tolist() == [0.7, 0.71]
    with pytest.raises(ValueError, match="no run on digits with 5 labels per class and no knob turned"):
        hyperparameters.runs(table, budget=5)


def test_the_rate_is_chosen_by_validation_alone(table):
    assert hyperparameters.own_rate(hyperparameters.runs(table)) == 1e-3
    assert hyperparameters.at_own_rate(table, depth="head").lr.unique().tolist() == [1e-2]
    table.loc[table.lr == 1e-3, "valid"] = None  # lost runs
    assert hyperparameters.own_rate(hyperparameters.runs(table)) == 1e-4


def test_a_gain_compares_each_at_its_own_rate_unless_one_is_named(table):
    own = hyperparameters.gain(table, {"depth": "full"}, {"depth": "head"}, column="valid")
    shared = hyperparameters.gain(table, {"depth": "full", "lr": 1e-2}, {"depth": "head", "lr": 1e-2}, column="valid")
    assert own.value == pytest.approx(0.1) and shared.value == pytest.approx(-0.7)
    assert hyperparameters.gain(table, {}, {"depth": "head"}).value == pytest.approx(-0.1)


def test_leads_stand_side_by_side_in_points(table):
    shown = hyperparameters.leads(table, {"full over head": ({}, {"depth": "head"})})
    assert shown.loc["full over head"].tolist() == ["+10.0 (+10.0 to +10.0)", "-10.0 (-10.0 to -10.0)"]


# --- figures ---------------------------------------------------------------------------------------


def test_figures_say_in_words_what_they_show(table, toy):
    names = {"head": "head only", "full": "everything"}
    heat = figures.depth_by_rate(hyperparameters.runs(table, depth=list(names)), "Depth and rate", names)
    assert "head only: best at 0.01 with 0.805; everything: best at 0.001 with 0.905" in heat.alt
    swept = figures.sweep({"everything": hyperparameters.runs(table)}, "Rates")
    assert len(swept.figure.axes) == 3 and "0.91 at 0.001" in swept.alt
    turned = figures.turned(table, {"ten times": {"lr": 1e-2}}, {"lr": 1e-3}, "One knob")
    assert "ten times -80.0" in turned.alt
    _, history = hyperparameters.train(Knobs(**STEPS), toy, toy.sample(5, 0))
    assert f"from {history.loss[0]:.2f}" in figures.losses({"a": history}).alt
    assert len(figures.schedules().figure.axes[0].lines) == 4
    with pytest.raises(ValueError, match="no run to draw"):
        figures.losses({})


# --- distance --------------------------------------------------------------------------------------


def test_distance_is_a_share_of_the_length_at_the_start(toy):
    model = toy.pretrained()
    start = start_of(toy)
    assert set(adapt.distance(model, start).values()) == {0.0}
    with torch.no_grad():
        for parameter in model[0].parameters():
            parameter *= 3
        model[1].running_mean += 5  # no parameter
    went = adapt.distance(model, start)
    assert went["0"] == pytest.approx(2) and went["1"] == 0 and 0 < went["backbone"] < 2 and "head" not in went


def test_distance_refuses_another_network(toy):
    with pytest.raises(ValueError, match="0.weight has shape .* and the start has none"):
        adapt.distance(toy.pretrained(), {})


# --- augmentation and negatives ---------------------------------------------------------------------


def test_augmentation_changes_pictures_and_never_labels():
    data = tasks.get("digits").sample(1, 0)
    bent = augment.augmented(data, "gentle")
    torch.manual_seed(0)
    first, second = bent[3][0], bent[3][0]
    assert len(bent) == len(data) and bent[3][1] == data[3][1] and not torch.equal(first, second)
    assert first.shape == data[3][0].shape and first.min() >= data.tensors[0].min() - 1e-4
    torch.manual_seed(0)
    assert torch.equal(bent[3][0], first)
    assert augment.augmented(data, "none") is data
    with pytest.raises(ValueError, match="there is no augmentation 'loud': choose from none, gentle, flips"):
        augment.augmentation("loud")


def test_flips_mirror():
    picture = tasks.get("digits").sample(1, 0)[6][0]
    flip = augment.augmentation("flips")
    torch.manual_seed(1)
    mirrored = [picture.flip(axes) for axes in ([], [1], [2], [1, 2])]
    drawn = [flip(picture) for _ in range(40)]
    assert all(any(torch.equal(one, other) for other in mirrored) for one in drawn)
    assert all(any(torch.equal(one, other) for one in drawn) for other in mirrored)


def test_negatives_are_the_same_digits_with_the_light_reversed():
    digits, negatives = tasks.get("digits"), tasks.get("negatives")
    (x, y), (inverse, labels) = digits.sample(2, 5).tensors, negatives.sample(2, 5).tensors
    assert torch.equal(y, labels)
    assert torch.allclose(x + inverse, torch.full_like(x, (1 - 2 * augment.MEAN) / augment.STD), atol=1e-4)
    assert negatives.source is not None and len(negatives.split("test")) == len(digits.split("test"))


# --- the finder --------------------------------------------------------------------------------------


def test_the_finder_raises_the_rate_and_leaves_the_model_alone(toy):
    model = toy.pretrained()
    adapt.replace_head(model, 3, seed=0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    sweep = lr_finder.find_lr(model, toy.sample(20, 0), low=1e-5, high=10, steps=60)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert sweep.rates[0] == 1e-5 and sweep.rates == sorted(sweep.rates)
    assert 1e-5 < sweep.steepest < sweep.lowest and sweep.tenth == pytest.approx(sweep.lowest / 10)
    assert "steepest: a rate of" in sweep.plot().alt
    model_at = {}
    for lr in (1e-5, sweep.tenth):
        model, _ = hyperparameters.train(replace(Knobs(), lr=lr, steps=40), toy, toy.sample(20, 0))
        model_at[lr] = toy.evaluate(model).value
    assert model_at[sweep.tenth] > model_at[1e-5] + 0.2


def test_the_finder_stops_when_the_loss_explodes(toy):
    sweep = lr_finder.find_lr(toy.pretrained(), toy.sample(20, 0), low=1e-3, high=1e6, steps=60)
    assert len(sweep.rates) < 60


def test_the_finder_refuses_what_makes_no_sense(toy):
    for bad in ({"low": 1, "high": 0.1}, {"low": 0}, {"steps": 3}):
        with pytest.raises(ValueError, match="find_lr needs"):
            lr_finder.find_lr(toy.pretrained(), toy.sample(5, 0), **bad)
    with pytest.raises(ValueError, match="training set is empty"):
        lr_finder.find_lr(toy.pretrained(), TensorDataset(torch.zeros(0, 4), torch.zeros(0).long()))
    model = toy.pretrained()
    adapt.freeze(model)
    with pytest.raises(ValueError, match="nothing is trainable"):
        lr_finder.find_lr(model, toy.sample(5, 0))


def test_the_run_of_the_bench_is_a_plain_fit(toy):
    data, model = toy.sample(10, 0), toy.pretrained()
    adapt.replace_head(model, 3, seed=2)
    fit(model, data, lr=1e-2, steps=20, batch_size=16, batchnorm="eval", seed=2, progress=False)
    other, _ = hyperparameters.train(Knobs(**STEPS), toy, data, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
