"""A trend through known points gives the known answer, and says when there is none."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from ftlib import stats
from ftlib.metrics import wilson_interval


def curve(errors: dict[int, float], spread: float = 0.0, recipe: str = "head") -> pd.DataFrame:
    rows = [
        {"recipe": recipe, "budget": budget, "seed": seed, "score": 1 - error + spread * (seed - 1)}
        for budget, error in errors.items()
        for seed in range(3)
    ]
    return pd.DataFrame(rows)


def test_a_power_law_is_carried_on():
    halved = curve({1: 0.4, 4: 0.2, 16: 0.1})  # with four times as many labels
    found = stats.label_budget(halved, "head", 0.95)
    assert found.labels == pytest.approx(64, rel=0.01) and found.low == found.high == pytest.approx(64, rel=0.01)
    assert str(found) == (
        "On this trend head reaches 0.95 with about 64 labels a class (64 to 64 when the seeds are drawn again). "
        "That is far beyond what was measured: measure again on the way."
    )
    assert found.curve.score.iloc[0] == pytest.approx(0.6) and found.curve.budget.iloc[-1] == pytest.approx(160)
    assert "far beyond" not in str(stats.label_budget(halved, "head", 0.92))


def test_noise_widens_the_range():
    found = stats.label_budget(curve({1: 0.4, 4: 0.2, 16: 0.1}, spread=0.03), "head", 0.95)
    assert found.low < found.labels < found.high


def test_a_flat_or_falling_curve_never_gets_there():
    for errors in ({1: 0.4, 10: 0.4}, {1: 0.2, 10: 0.4}, {1: 0.40, 10: 0.39}):
        found = stats.label_budget(curve(errors), "head", 0.95)
        assert math.isinf(found.labels) and "at no number of labels that you could pay for" in str(found)


def test_a_score_of_one_does_not_break_the_logarithm():
    found = stats.label_budget(curve({1: 0.1, 10: 0.0}), "head", 0.95)
    assert 1 < found.labels < 10


@pytest.mark.parametrize(
    ("table", "recipe", "target", "message"),
    [
        (curve({1: 0.4, 2: 0.3}), "head", 95, "target is 95: give a share"),
        (curve({1: 0.4}), "head", 0.9, "the table has 1 budgets of 'head': a trend needs at least two"),
        (curve({1: 0.4, 2: 0.3}), "svm", 0.9, "the table has 0 budgets of 'svm'"),
    ],
)
def test_what_cannot_be_estimated_is_refused(table, recipe, target, message):
    with pytest.raises(ValueError, match=message):
        stats.label_budget(table, recipe, target)


@pytest.mark.parametrize(("margin", "score"), [(0.05, 0.9), (0.1, 0.7), (0.02, 0.5)])
def test_the_test_set_is_large_enough_for_the_margin(margin, score):
    n = stats.labels_to_test(margin, score)
    reach = wilson_interval(round(score * n), n)
    assert (reach.high - reach.low) / 2 == pytest.approx(margin, rel=0.05)
    with pytest.raises(ValueError, match="give shares between 0 and 1"):
        stats.labels_to_test(5)


def test_savings_count_how_many_times_the_labels():
    table = pd.concat([
        curve({1: 0.6, 2: 0.5, 4: 0.4, 8: 0.3}, recipe="slow"), curve({1: 0.4, 2: 0.3, 4: 0.1, 8: 0.1}, recipe="quick"),
    ])  # fmt: skip
    found = stats.savings(table, "slow", "quick", [1, 2, 4])
    assert [interval.value for interval in found.values()] == pytest.approx([2, 2, 1])  # the last never gets there


def test_the_trend_is_read_off_at_a_budget():
    found = stats.label_budget(curve({1: 0.4, 4: 0.2, 16: 0.1}), "head", 0.95)
    assert found.at(4) == pytest.approx(0.8, abs=0.01) and found.at(64) == pytest.approx(0.95, abs=0.01)


def test_small_and_unsteady_differences_need_more_seeds():
    steady, unsteady = stats.seeds_needed([0.1, 0.11, 0.09]), stats.seeds_needed([0.1, 0.3, -0.1])
    assert steady <= 3 < unsteady and stats.seeds_needed([0.1, -0.1]) == math.inf
    with pytest.raises(ValueError, match="at least two"):
        stats.seeds_needed([0.1])
