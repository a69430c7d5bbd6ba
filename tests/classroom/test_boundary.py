"""The boundary bench: sliders that bend a boundary, and the still that stands in for them."""

from __future__ import annotations

import pytest

from ftlessons.lesson01 import bench


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    real = bench.bend.__wrapped__
    monkeypatch.setattr(bench, "bend", lambda *settings, **rest: real(*settings, steps=20, **rest))


def test_a_neuron_divides_the_plane_by_a_straight_line():
    run = bench.bend(16, 0, 0.1)
    assert run.name == "one neuron, rate 0.1"
    assert len(run.losses) == 20 and run.losses[-1] < run.losses[0]
    odds = run.surface.logit()
    rises = odds.diff(dim=0)
    assert (rises - rises[0, 0]).abs().max() < 1e-3, "the surface of one neuron is a plane"
    assert 0.4 < run.accuracy < 0.8


def test_the_surface_lies_as_the_points_do():
    from ftlessons.lesson01.spirals import spirals

    run = bench.bend.__wrapped__ if hasattr(bench.bend, "__wrapped__") else bench.bend
    run = run(16, 2, 0.03)
    x, y = spirals(bench.POINTS)
    place = ((x + bench.REACH) / (2 * bench.REACH) * (bench.GRID - 1)).round().long()
    said = run.surface[place[:, 1], place[:, 0]] > 0.5
    assert (said == (y > 0.5)).float().mean().item() == pytest.approx(run.accuracy, abs=0.06)


def test_the_still_names_every_network():
    runs = [bench.bend(4, layers, 0.01) for layers in (0, 1, 2)]
    picture = bench.draw(runs, "Three networks")
    assert "Three networks. Two spirals of 200 points. one neuron" in picture.alt
    assert "1 layer of 4" in picture.alt and "2 layers of 4" in picture.alt


def test_the_button_trains_what_the_sliders_say_and_keeps_every_run():
    still = bench.draw([bench.bend(4, 0, 0.01)], "One network")
    box = bench.bench_widget(still)
    depth, width, rate, button, board, shown = box.children
    assert "press" in board.value and "One network" in shown.value
    depth.value, width.value, rate.value = 2, 8, 0.03
    button.click()
    depth.value = 0
    button.click()
    assert board.value.count("<tr>") == 3
    assert "2 layers of 8, rate 0.03" in board.value and "one neuron, rate 0.03" in board.value
    assert "Your last runs" in shown.value and not button.disabled


def test_a_failed_run_frees_the_button(monkeypatch):
    box = bench.bench_widget(bench.draw([bench.bend(4, 0, 0.01)], "One network"))

    def broken(*_, **__):
        raise RuntimeError("no")

    monkeypatch.setattr(bench, "bend", broken)
    box.children[3].click()
    assert not box.children[3].disabled and "press" in box.children[4].value
