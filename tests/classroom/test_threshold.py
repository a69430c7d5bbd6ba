"""The threshold bench: counts that add up, a price, and a test set that ends the game."""

from __future__ import annotations

import pytest

from ftlessons.lesson05 import threshold
from ftlessons.lesson05.threshold import bench_widget, report, scored, tally


@pytest.fixture
def fake(monkeypatch):
    """Four validation examples and two test ones, whatever is asked for."""
    data = {"validation": ([0.9, 0.6, 0.4, 0.1], [1, 0, 1, 0]), "test": ([0.9, 0.1], [1, 1])}
    monkeypatch.setattr(threshold, "scored", lambda share, method: data)


def test_counts_and_price(fake):
    counts = {"found": 1, "missed": 1, "false alarms": 1, "left alone": 1}
    assert tally([0.9, 0.6, 0.4, 0.1], [1, 0, 1, 0], 0.5) == counts
    told = report("1 in 10", "head", 0.5, cost=20)
    assert "<td>21</td>" in told and "<td>40</td><td>2</td>" in told and "four validation people" in told
    assert "five test people" in report("1 in 10", "head", 0.5, 1, split="test")


def test_turning_a_knob_scores_anew_and_the_test_ends_it(fake):
    box = bench_widget()
    share, method, cut, cost, board, figure, button, test = box.children
    before = board.value
    cut.value = "0.20"
    assert board.value != before and "<img alt=" in figure.value
    assert not test.value
    button.click()
    assert "five test people" in test.value and all(w.disabled for w in (share, method, cut, cost, button))


def test_a_real_model_finds_some_eights():
    found = tally(*scored("1 in 10", "head")["validation"], 0.5)
    assert found["found"] > found["missed"] and sum(found.values()) > 400


def test_the_static_form_is_a_figure(capsys):
    threshold.threshold_bench()
    assert "[figure] Eights, 1 in 30" in capsys.readouterr().out
