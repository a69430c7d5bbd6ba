"""Scores, intervals and calibration against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ftlib import metrics

TRUE = [0, 0, 0, 1, 1, 2]
PREDICTED = [0, 0, 1, 1, 2, 2]
PAIRED = (
    metrics.accuracy, metrics.per_class, metrics.f1,
    metrics.confusion_matrix, metrics.mae, metrics.r2,
)  # fmt: skip
every_paired = pytest.mark.parametrize("function", PAIRED, ids=lambda f: f.__name__)


def test_accuracy_is_the_share_of_equal_pairs():
    assert metrics.accuracy(TRUE, PREDICTED) == pytest.approx(4 / 6)
    assert metrics.accuracy(["a", "b"], ["a", "c"]) == 0.5
    assert metrics.accuracy([1], [1]) == 1.0


def test_per_class_gives_each_class_and_the_plain_mean():
    table = metrics.per_class(TRUE, PREDICTED)
    assert list(table.index) == [0, 1, 2, "macro"]
    assert table.precision.tolist() == pytest.approx([1, 1 / 2, 1 / 2, 2 / 3])
    assert table.recall.tolist() == pytest.approx([2 / 3, 1 / 2, 1, 13 / 18])
    assert table.f1.tolist() == pytest.approx([0.8, 0.5, 2 / 3, (0.8 + 0.5 + 2 / 3) / 3])
    assert table.support.tolist() == [3, 2, 1, 6]


def test_macro_f1_is_in_the_macro_row():
    assert metrics.f1(TRUE, PREDICTED) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_a_class_never_predicted_counts_as_zero():
    table = metrics.per_class([0, 1], [0, 0])
    assert table.loc[1].tolist() == [0, 0, 0, 1]
    assert table.recall.macro == 0.5


def test_confusion_matrix_has_truth_in_rows():
    table = metrics.confusion_matrix(["cat", "cat", "dog"], ["dog", "cat", "dog"])
    assert table.loc["cat", "dog"] == 1 and table.loc["dog", "cat"] == 0
    assert table.to_numpy().tolist() == [[1, 1], [0, 1]]
    assert (table.index.name, table.columns.name) == ("true", "predicted")


def test_mae_and_r2():
    assert metrics.mae([1.0, 2.0, 4.0], [2.0, 2.0, 2.0]) == pytest.approx(1.0)
    assert metrics.r2([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 1.0
    assert metrics.r2([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == 0.0
    assert metrics.r2([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == pytest.approx(1 - 8 / 2)


@every_paired
def test_two_flat_sequences_of_one_length_are_needed(function):
    with pytest.raises(ValueError, match="nothing to score"):
        function([], [])
    for pair in (([1, 2], [1]), ([[1, 2]], [[1, 2]]), (1, 1)):
        with pytest.raises(ValueError, match="flat sequences of one length"):
            function(*pair)


def binary(confidence: float, n: int) -> np.ndarray:
    """``n`` rows that give class 0 this probability."""
    return np.tile([confidence, 1 - confidence], (n, 1))


def test_calibration_error_of_a_calibrated_model_is_zero():
    assert metrics.calibration_error(binary(0.7, 10), [0] * 7 + [1] * 3) == pytest.approx(0, abs=1e-6)


def test_calibration_error_of_an_overconfident_model():
    assert metrics.calibration_error(binary(0.9, 10), [0] * 5 + [1] * 5) == pytest.approx(0.4, abs=1e-6)


def test_calibration_error_weights_bins_by_their_size():
    rows = np.concatenate([binary(0.9, 10), binary(0.6, 30)])
    labels = [0] * 5 + [1] * 5 + [0] * 18 + [1] * 12  # 0.4 off in 10 rows, right in 30
    assert metrics.calibration_error(rows, labels) == pytest.approx(0.1, abs=1e-6)
    assert metrics.calibration_error(rows, labels, bins=1) == pytest.approx(0.675 - 23 / 40, abs=1e-6)


def test_calibration_error_refuses_what_are_no_probabilities():
    for rows in ([[2.0, -1.0]], [[0.4, 0.4]], [[math.nan, 0.5]]):
        with pytest.raises(ValueError, match="softmax"):
            metrics.calibration_error(rows, [0])
    for rows, labels in (([[0.5, 0.5]], [0, 1]), ([0.5, 0.5], [0, 1])):
        with pytest.raises(ValueError, match="one row a label"):
            metrics.calibration_error(rows, labels)
    with pytest.raises(ValueError, match="nothing to score"):
        metrics.calibration_error(np.zeros((0, 2)), [])


def test_mean_interval_is_students_t():
    interval = metrics.mean_interval([1, 2, 3, 4, 5])
    assert (interval.low, interval.value, interval.high) == pytest.approx((1.0368, 3, 4.9632), abs=1e-4)
    assert str(interval) == "3.000 [1.037, 4.963]"


def test_mean_interval_is_narrower_at_lower_confidence_and_flat_for_equal_values():
    assert metrics.mean_interval([1, 2, 3], 0.5).high < metrics.mean_interval([1, 2, 3]).high
    assert metrics.mean_interval([0.5, 0.5]) == metrics.Interval(0.5, 0.5, 0.5)


def test_mean_interval_needs_two_finite_values():
    for values in ([], [1.0], [1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="at least two finite values"):
            metrics.mean_interval(values)


def test_difference_is_paired():
    first, second = [0.9, 0.5, 0.7], [0.8, 0.4, 0.6]  # far apart between seeds, always 0.1 within one
    interval = metrics.difference(first, second)
    assert interval.low == pytest.approx(0.1) and interval.high == pytest.approx(0.1)
    assert metrics.difference([1, 2], [2, 4]).value == -1.5
    with pytest.raises(ValueError, match="3 and 2"):
        metrics.difference(first, second[:2])


def test_wilson_interval_against_published_numbers():
    for successes, n, low, high in [(8, 10, 0.4902, 0.9433), (0, 10, 0, 0.2775), (50, 100, 0.4038, 0.5962)]:
        interval = metrics.wilson_interval(successes, n)
        assert interval.value == successes / n
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)
    for impossible in ((0, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="successes"):
            metrics.wilson_interval(*impossible)



def test_calibration_bins_hold_confidence_and_share():
    table = metrics.calibration_bins([0.3, 0.31, 0.8, 1.0, 0.999], [True, False, True, True, False])
    assert table.n.tolist() == [2, 1, 2] and table.right.tolist() == [0.5, 1.0, 0.5]
    assert table.confidence.round(4).tolist() == [0.305, 0.8, 0.9995]
    assert ((table.low <= table.right) & (table.right <= table.high)).all()


@pytest.mark.parametrize(("sure", "right"), [([80], [True]), ([-0.1], [True]), ([], []), ([0.5], [True, False])])
def test_calibration_bins_refuse_what_is_no_confidence(sure, right):
    with pytest.raises(ValueError):
        metrics.calibration_bins(sure, right)
