"""Probes, the ladder of targets, blanks to fill in, and the studies of the lesson on pre-trained models."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import nn

from ftlessons.lesson02 import probing, transfer
from ftlessons.lesson02.masked_letters import HIDDEN, OTHER, Words
from ftlessons.lesson02.studies import probes, sources, starts
from ftlib import adapt, models, results, tasks


def test_readings_are_what_the_next_stage_gets_and_the_network_is_left_as_it_was():
    model, x = models.resnet10(5).eval(), torch.randn(3, 3, 32, 32)
    found = probing.readings(model, x, batch_size=2)
    assert list(found) == list(probes.STAGES)
    assert torch.equal(found["pixels"], x.flatten(1))
    with torch.no_grad(), adapt.features(model) as backbone:
        assert torch.allclose(found["layer4"], backbone(x), atol=1e-6)
        assert torch.allclose(model.fc(found["layer4"]), model.fc(backbone(x)), atol=1e-6)
        stem = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    assert torch.allclose(found["stem"], stem.flatten(1), atol=1e-6)
    assert not any(part._forward_pre_hooks for part in model.modules())


def test_readings_leave_no_hook_behind_when_the_network_fails():
    model = models.resnet10(5)
    with pytest.raises(RuntimeError):
        probing.readings(model, torch.zeros(2, 7, 32, 32))
    assert not any(part._forward_pre_hooks for part in model.modules())


def test_a_probe_reads_what_is_there_and_nothing_else():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(3).repeat(40)
    z = torch.randn(120, 500, generator=generator)
    blind = probing.Probe(z[:60], y[:60]).score(z[60:], y[60:])
    z[:, :3] += 12 * nn.functional.one_hot(y)
    assert probing.Probe(z[:60], y[:60], C=10).score(z[60:], y[60:]) > 0.95 > 0.6 > blind


def test_a_probe_is_plain_logistic_regression_in_another_space():
    from sklearn.linear_model import LogisticRegression

    generator = torch.Generator().manual_seed(1)
    z, y = torch.randn(40, 90, generator=generator), torch.arange(40) % 4
    new = torch.randn(200, 90, generator=generator)
    probe = probing.Probe(z, y, C=2.0)
    plain = LogisticRegression(C=2.0, max_iter=2000).fit(((z - z.mean(0)) / probe.scale).numpy(), y)
    assert (torch.as_tensor(plain.predict(((new - z.mean(0)) / probe.scale).numpy())) == probe.predict(new)).all()
    with pytest.raises(ValueError, match="one flat row"):
        probing.Probe(z, y[:-1])


def test_strength_takes_what_reads_best_on_the_draws_given(monkeypatch):
    class Fake:
        def __init__(self, z, y, C):
            self.C = C

        def score(self, z, y):
            return {0.1: 0.2, 1.0: 0.5, 10.0: 0.9, 100.0: 0.8}[self.C]

    monkeypatch.setattr(probing, "Probe", Fake)
    assert probing.strength([(None,) * 4, (None,) * 4]) == 10.0


@pytest.mark.parametrize("name", transfer.NAMES)
def test_a_target_has_ten_classes_and_the_budget_asked_for(name):
    (x, y), (test_x, test_y) = transfer.draw(name, 2, seed=0)
    assert x.shape == (20, 3, 32, 32) and y.bincount().tolist() == [2] * 10
    assert len(test_x) == len(test_y) >= 200 and test_y.unique().tolist() == list(range(10))
    again, other = (transfer.draw(name, 2, seed)[0][0] for seed in (0, 1))
    assert torch.equal(x, again) and not torch.equal(x, other)
    assert x.std() > 0.1, "pictures are not blank"


def test_letters_to_tune_on_are_others_and_unknown_targets_are_refused():
    tuned = {letter for seed in range(100, 103) for letter in transfer.letters(seed, tune=True)}
    measured = {letter for seed in probes.SEEDS for letter in transfer.letters(seed)}
    assert not tuned & measured and len(set(transfer.letters(3))) == 10
    with pytest.raises(ValueError, match="choose from letters, digits"):
        transfer.draw("birds", 1, 0)


def test_strokes_of_a_class_point_where_their_class_says():
    x, y = transfer.strokes(15, seed=0)
    off = torch.zeros(len(y))
    for i, (picture, label) in enumerate(zip(x[:, 0], y, strict=True)):
        rows, columns = (picture > picture.max() * 0.6).nonzero().T.float()
        across, up = torch.linalg.eigh(torch.cov(torch.stack([columns, -rows])))[1][:, 1]
        off[i] = (torch.rad2deg(torch.atan2(up, across)) - 18 * label + 90) % 180 - 90
    assert all(off[y == label].abs().median() < 8 for label in range(10))


def test_blanks_hide_each_known_word_once_and_show_its_neighbours():
    words = Words.of(["the food was good", "the food was bad", "the room was good"], least=2)
    assert words.names[0] == OTHER and set(words.names[1:]) == {"the", "was", "food", "good"}
    around, hidden = words.blanks(["The food, was GOOD!"], reach=1)
    the, food, was, good = (words.names.index(name) for name in ("the", "food", "was", "good"))
    assert hidden.tolist() == [the, food, was, good]
    assert around.tolist() == [[0, food], [the, was], [food, good], [was, 0]]
    assert words.around_blank(f"the {HIDDEN} was", reach=1).tolist() == [[the, was]]
    for text in ("no blank", f"{HIDDEN} and {HIDDEN}"):
        with pytest.raises(ValueError, match="once"):
            words.around_blank(text)
    with pytest.raises(ValueError, match="no word to hide"):
        words.blanks(["zebra"])


def test_shuffled_drawings_hold_the_same_pixels_in_other_places():
    (x, y), (mixed, same) = (sources.drawings(source, 0, 3, 6) for source in ("letters", "shuffled"))
    assert torch.equal(y, same) and not torch.equal(x, mixed)
    assert torch.equal(x.flatten(2).sort().values, mixed.flatten(2).sort().values)
    assert torch.equal(sources.drawings("shuffled", 0, 3, 6)[0], mixed)


def test_a_short_pretraining_learns_its_job(monkeypatch):
    monkeypatch.setattr(sources, "STEPS", 21)
    monkeypatch.setattr(sources, "BATCH", 48)
    model, own = sources.pretrained("letters", 0)
    untrained, nothing = sources.pretrained("random", 0)
    assert own > 0.03 and nothing is None and not model.training and not untrained.training


def test_wrong_source_compares_half_the_right_gain_with_the_wrong_one():
    rows = [
        {"source": source, "seed": seed, "digits": value + 0.01 * seed, "sound": value}
        for source, value in (("random", 0.5), ("shuffled", 0.55), ("letters", 0.7)) for seed in range(3)
    ]  # fmt: skip
    found = sources.wrong_source(pd.DataFrame(rows))
    assert [round(span.value, 3) for span in found.values()] == [0.05, 0.05]


def test_what_the_claims_take_from_the_record():
    table = results.study("probes")
    assert probes.removed([0.5, 0.8], [0.75, 0.8]).tolist() == pytest.approx([0.5, 0.0])
    assert len(probes.general_then_specific(table)) == 6 and len(probes.further_away(table)) == 6
    shares = probes.distances(table).groupby("target").removed.mean()
    assert shares.letters > shares.digits > shares.negatives > shares.sound
    assert set(probes.simple_then_whole(table)) >= {"letter: layer4 minus stem"}
    assert len(probes.long_table(table, "random")) == 50 * len(probes.STAGES)
    with pytest.raises(ValueError, match="no run with target 'birds'"):
        probes.at(table, "birds", "layer4")


def test_the_table_of_starts_has_a_row_for_each_candidate_with_size_and_licence():
    table = starts.decision_table(results.study("starts"))
    assert len(table) == sum(map(len, starts.CANDIDATES.values()))
    glyph = table.loc[("handwritten digits", "glyph-resnet10")]
    assert glyph.MB == 10 and glyph.licence == "CC-BY-4.0"
    assert table.loc[("a review's opinion", "no network: letter counts"), "licence"] == ""


def test_starts_draw_the_budget_and_keep_people_apart():
    z, y, new_z, new_y = starts.drawn("area", "nothing", 0)
    classes = tasks.get("reviews").rows("train").area.nunique()
    assert z.shape[0] == len(y) == starts.BUDGET * classes and z.shape[1] == new_z.shape[1]
    assert new_y.max() < classes
    z, y, _, new_y = starts.drawn("digits", "nothing", 0)
    assert y.bincount().tolist() == [10] * 10 and len(new_y) == len(tasks.get("digits").split("test"))
