"""The plain network, the spirals, and the studies and figures of the lesson on neural networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ftlessons.lesson01.mlp import mlp
from ftlessons.lesson01.spirals import spirals
from ftlessons.lesson01.studies import depth, hierarchy
from ftlib import results, tasks
from ftlib.plots import networks


@pytest.mark.parametrize(("shortcuts", "layers"), [(False, 3), (True, 3), (False, 0)])
def test_mlp_has_the_layers_asked_for_and_the_seed_decides_its_weights(shortcuts, layers):
    model = mlp(2, 8, layers, 3, shortcuts=shortcuts, seed=1)
    assert sum(isinstance(part, nn.ReLU) for part in model.modules()) == layers
    assert model(torch.zeros(5, 2)).shape == (5, 3)
    state = torch.random.get_rng_state()
    again, other = (mlp(2, 8, layers, 3, shortcuts=shortcuts, seed=seed) for seed in (1, 2))
    assert torch.equal(state, torch.random.get_rng_state())
    x = torch.randn(4, 2)
    assert torch.equal(model(x), again(x)) and not torch.equal(model(x), other(x))


def test_a_shortcut_adds_to_its_input():
    block = mlp(2, 4, 2, 1, shortcuts=True)[2]
    nn.init.zeros_(block.layer[0].weight)
    nn.init.zeros_(block.layer[0].bias)
    x = torch.randn(3, 4)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("sizes", [(0, 8, 1, 1), (2, 0, 1, 1), (2, 8, -1, 1), (2, 8, 1, 0)])
def test_an_impossible_network_is_refused(sizes):
    with pytest.raises(ValueError, match="no network"):
        mlp(*sizes)


def test_spirals_are_two_arms_that_no_line_divides_but_their_place_along_the_arm_does():
    x, y = spirals(400, seed=3, noise=0.0)
    assert x.shape == (400, 2) and y.tolist().count(1.0) == 200
    assert x.norm(dim=1).max() <= 1.0 and x.norm(dim=1).min() >= 0.1
    radius, angle = x.norm(dim=1), torch.atan2(x[:, 1], x[:, 0])
    turned = torch.remainder(angle - 2 * np.pi * 1.75 * (radius - 0.1) / 0.9, 2 * np.pi)
    assert torch.equal((turned - np.pi).abs() < 0.01, y == 1)
    assert torch.equal(spirals(seed=1)[0], spirals(seed=1)[0])
    assert not torch.equal(spirals(seed=1)[0], spirals(seed=2)[0])
    with pytest.raises(ValueError, match="even number"):
        spirals(7)


def test_ink_is_the_scan_itself():
    x, y = tasks.get("digits").ink("tune")
    assert x.shape[1:] == (8, 8) and len(x) == len(y) == len(tasks.get("digits").split("tune"))
    assert 0 <= x.min() and x.max() == 1.0
    assert torch.equal((x * 16).round(), x * 16)


def test_a_run_of_the_depth_study_tells_fit_time_and_whether_the_target_was_reached(monkeypatch):
    monkeypatch.setitem(depth.STEPS, "spirals", 60)
    monkeypatch.setitem(depth.STEPS, "digits", 200)
    lost, won = depth.one("spirals", "plain", 32, 0.001, 100), depth.one("digits", "plain", 1, 0.03, 100)
    assert not lost["reached"] and lost["steps_to"] == 60 and lost["seconds_to"] == lost["seconds"] > 0
    assert lost["accuracy"] == pytest.approx(0.5, abs=0.1) and lost["role"] == "tune"
    assert won["reached"] and won["steps_to"] % depth.LOOK_EVERY == 0 and won["seconds_to"] < won["seconds"]
    assert won["accuracy"] > 0.9 > won["loss"]


def test_the_study_tunes_on_seeds_and_writers_that_it_does_not_measure_on():
    assert not set(depth.SEEDS) & set(depth.TUNE_SEEDS)
    digits = tasks.get("digits")
    used = [set(digits.indices(split)) for split in ("tune", "tune_valid", "train", "test")]
    assert sum(map(len, used)) == len(set().union(*used))
    (tuning, _), (measured, _) = depth._examples("digits", 100)[0], depth._examples("digits", 0)[0]
    assert len(tuning) == len(used[0]) and len(measured) == len(used[2])


def test_the_recorded_rates_are_those_that_tuning_chose():
    assert depth.chosen(results.study("depth")) == depth.CHOSEN


def test_the_record_says_what_the_lesson_says_about_it():
    table = results.study("depth")
    fit = {data: [depth.runs(table, data, d).accuracy.mean() for d in depth.DEPTHS] for data in depth.DATA}
    assert max(fit["spirals"]) == fit["spirals"][2], "on the spirals a few more layers help, then they do harm"
    assert fit["digits"] == sorted(fit["digits"], reverse=True), "on the digits they do nothing else"
    assert not depth.runs(table, "spirals", 1).reached.any() and fit["digits"][0] > 0.99
    assert not any(depth.runs(table, data, 32).reached.any() for data in depth.DATA), "without ever getting there"
    for build in depth.REMEDIES:
        assert abs(depth.runs(table, "spirals", 32, build).accuracy.mean() - fit["spirals"][2]) < 0.05
    shares = results.study("hierarchy").groupby("kind")[list(hierarchy.STAGES)].mean()
    for kind, falls in (("trained", False), ("random", True)):
        assert shares.loc[kind].tolist() == sorted(shares.loc[kind], reverse=falls)
    assert 0.5 < shares.loc["trained", "layer4"] < 0.6, "little more than half of what a unit does"


def test_depth_gains_pair_seeds_and_count_time_in_powers_of_two():
    rows = [
        {"data": data, "build": "plain", "depth": layers, "role": "measure", "seed": seed,
         "accuracy": 0.5 + 0.1 * layers + 0.01 * seed, "seconds_to": 2.0**layers * (1 + seed)}
        for data in depth.DATA for layers in (1, 4) for seed in (0, 1, 2)
    ]  # fmt: skip
    found = depth.gains(pd.DataFrame(rows), [(4, 1)])
    assert found["digits, 4 against 1: fits more"].value == pytest.approx(0.3)
    assert found["spirals, 4 against 1: takes longer"].low == pytest.approx(3.0)
    with pytest.raises(ValueError, match="no run with .*depth 7"):
        depth.runs(pd.DataFrame(rows), "spirals", 7)


def test_a_gabor_patch_explains_itself_and_little_of_noise():
    wave = hierarchy.gabor(np.array([0.5, -0.3, 0.7, 2.0, 1.5, 0.2, 0.4]), 7).reshape(7, 7)
    assert hierarchy.gabor_share(-3 * wave) == pytest.approx(1.0, abs=1e-4)
    assert hierarchy.gabor_share(np.random.default_rng(0).normal(size=(7, 7))) < 0.6
    with pytest.raises(ValueError, match="square"):
        hierarchy.gabor_share(np.zeros((7, 7)))


def test_the_share_of_the_letter_is_one_for_a_unit_that_knows_it_and_zero_for_noise():
    generator = torch.Generator().manual_seed(0)
    letter = torch.arange(50.0).repeat_interleave(10)[:, None]
    noise = torch.randn(500, 200, generator=generator)
    assert hierarchy.letter_share(letter) == pytest.approx(1.0)
    assert hierarchy.letter_share(noise) == pytest.approx(0.0, abs=0.02)
    half = torch.randn(50, 200, generator=generator).repeat_interleave(10, 0) + noise
    assert hierarchy.letter_share(half) == pytest.approx(0.5, abs=0.05)


def test_drawings_of_a_letter_stand_together_and_the_stages_answer_to_them():
    x = hierarchy.drawings(0, letters=3, each=4)
    assert x.shape == (12, 3, 32, 32)
    assert torch.equal(x, hierarchy.drawings(0, letters=3, each=4))
    model = hierarchy.models.resnet10(5).eval()
    found = hierarchy.responses(model, x)
    assert list(found) == list(hierarchy.STAGES)
    with torch.no_grad():
        assert torch.allclose(model.fc(found["layer4"].mean((2, 3))), model(x), atol=1e-5)


def test_favourites_are_what_excites_a_unit_in_the_middle_and_show_what_it_sees():
    x = torch.zeros(20, 3, 32, 32)
    x[torch.arange(20), :, 11, 11] = torch.arange(20.0)[:, None]
    found = torch.nn.functional.max_pool2d(x, 4)  # the pixel lies in square 2, not in the middle one, 4
    x[7, :, 16, 16] = found[7, 0, 4, 4] = 99.0
    shown = hierarchy.favourites(found, x, n=2, sees=11)
    assert shown.shape == (2, 32, 32)
    assert shown[0].max() == 99 and shown[0, 0, 0] == 7, "pixels 11 to 21 fill the picture"
    assert torch.equal(hierarchy.favourites(found, x, n=1), x[7, :1])


def test_hierarchy_gains_and_long_table():
    stages = {stage: 0.1 * i for i, stage in enumerate(hierarchy.STAGES)}
    rows = [{"kind": "filter", "number": i, "gabor": 0.9, "shuffled": 0.4 + 0.01 * i} for i in range(4)]
    rows += [{"kind": "trained", "number": i, **stages} for i in range(3)]
    rows += [{"kind": "random", "number": i} | dict.fromkeys(stages, 0.1) for i in range(3)]
    found = hierarchy.gains(pd.DataFrame(rows))
    assert [round(span.value, 3) for span in found.values()] == [0.485, 0.2, 0.2, 0.4]
    long = hierarchy.long_table(pd.DataFrame(rows))
    assert len(long) == 30 and list(long.weights.unique()) == ["trained", "random"]
    assert list(long.stage.unique()) == list(hierarchy.STAGES)


def test_figures_say_what_they_show():
    lines = networks.losses({"a": {"training": [2.0, 1.0, 0.5], "validation": [2.0, 1.2, 1.4]}}, "Loss")
    assert "a validation from 2.00 to 1.40, lowest 1.20 in epoch 2" in lines.alt
    table = pd.DataFrame({"x": [1, 1, 2, 2], "by": "a", "y": [0.0, 1.0, 2.0, 2.0]})
    assert "a: 0.50 at 1, 2.00 at 2" in networks.means(table, "Rise", "x", "by", "y", "x", "y").alt
    picture = networks.weights(torch.randn(3, 7, 7), [], "Patches", "three patches of random weights", columns=2)
    assert "img" in picture._repr_mimebundle_()["text/html"]


def test_figures_refuse_what_they_cannot_draw():
    for nothing in ({}, {"a": {}}):
        with pytest.raises(ValueError, match="there is no curve to draw"):
            networks.losses(nothing, "Loss")
    with pytest.raises(ValueError, match="as \\(N, H, W\\)"):
        networks.weights(torch.zeros(7, 7), [], "t", "x" * 30)
    with pytest.raises(ValueError, match="2 captions for 3 pictures"):
        networks.weights(torch.zeros(3, 7, 7), ["a", "b"], "t", "x" * 30)
