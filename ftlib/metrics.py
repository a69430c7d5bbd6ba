"""Scores, intervals and calibration: scikit-learn, torchmetrics and SciPy behind one call each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Score:
    """What ``Task.evaluate`` returns: a value, its name, its direction and on how many examples.

    ``more`` holds other figures of the same predictions, e.g. the value of each document; a record keeps them.
    """

    value: float
    metric: str
    higher_is_better: bool
    n: int
    more: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Interval:
    """A mean with the two ends of its confidence interval, in the unit of the values."""

    value: float
    low: float
    high: float

    @property
    def arms(self) -> tuple[float, float]:
        """How far it reaches down and up from the mean: what ``errorbar`` wants."""
        return self.value - self.low, self.high - self.value

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def _pair(true: Sequence, predicted: Sequence) -> tuple[np.ndarray, np.ndarray]:
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(
            f"true has shape {true.shape} and predicted {predicted.shape}: give two flat sequences of one length"
        )
    if not len(true):
        raise ValueError("there is nothing to score: both sequences are empty")
    return true, predicted


def accuracy(true: Sequence, predicted: Sequence) -> float:
    """Share of predictions that are right.

    >>> accuracy([1, 2, 3, 4], [1, 2, 3, 0])
    0.75
    """
    true, predicted = _pair(true, predicted)
    return float((true == predicted).mean())


def per_class(true: Sequence, predicted: Sequence) -> pd.DataFrame:
    """Precision, recall, F1 and support for each class, and their plain mean in the last row, ``macro``.

    A class that was never predicted has precision 0.

    >>> per_class([0, 0, 1], [0, 1, 1]).round(2).loc["macro", "f1"].item()
    0.67
    """
    from sklearn.metrics import precision_recall_fscore_support

    true, predicted = _pair(true, predicted)
    labels = np.unique(np.concatenate([true, predicted]))
    values = precision_recall_fscore_support(true, predicted, labels=labels, zero_division=0)
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), values, strict=True)), index=labels)
    macro = table[["precision", "recall", "f1"]].mean()
    table.loc["macro"] = [*macro, table["support"].sum()]
    return table.astype({"support": int})


def f1(true: Sequence, predicted: Sequence) -> float:
    """Macro F1: the harmonic mean of precision and recall of each class, averaged over classes."""
    return float(per_class(true, predicted).loc["macro", "f1"])


def confusion_matrix(true: Sequence, predicted: Sequence) -> pd.DataFrame:
    """Count each pair: rows are the true classes, columns the predicted ones."""
    from sklearn.metrics import confusion_matrix as count

    true, predicted = _pair(true, predicted)
    labels = np.unique(np.concatenate([true, predicted]))
    table = pd.DataFrame(count(true, predicted, labels=labels), index=labels, columns=labels)
    return table.rename_axis(index="true", columns="predicted")


def mae(true: Sequence[float], predicted: Sequence[float]) -> float:
    """Mean absolute error, in the unit of the target.

    >>> mae([1.0, 2.0], [1.5, 1.0])
    0.75
    """
    true, predicted = _pair(true, predicted)
    return float(np.abs(true - predicted).mean())


def r2(true: Sequence[float], predicted: Sequence[float]) -> float:
    """Share of the target's variance that is explained: 1 is perfect, 0 is no better than the mean."""
    from sklearn.metrics import r2_score

    return float(r2_score(*_pair(true, predicted)))


def calibration_error(probabilities: np.ndarray, true: Sequence[int], bins: int = 15) -> float:
    """Expected calibration error: how far confidence is from accuracy, weighted over ``bins``.

    Naeini et al. 2015; Guo et al. 2017, https://arxiv.org/abs/1706.04599.

    Args:
        probabilities: (N, classes), each row sums to one.
        true: (N,) class numbers.
    """
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    rows = torch.as_tensor(np.asarray(probabilities), dtype=torch.float32)
    if rows.ndim != 2 or len(rows) != len(true):
        raise ValueError(f"probabilities have shape {tuple(rows.shape)}: give one row a label, of {len(true)} labels")
    if not len(rows):
        raise ValueError("there is nothing to score: probabilities has no rows")
    if not torch.allclose(rows.sum(1), torch.ones(len(rows)), atol=1e-3) or (rows < 0).any():
        raise ValueError("probabilities must be >= 0 and sum to 1 in each row: apply a softmax to the logits first")
    target = torch.as_tensor(np.asarray(true))
    return float(multiclass_calibration_error(rows, target, num_classes=rows.shape[1], n_bins=bins))


def calibration_bins(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> pd.DataFrame:
    """Confidence against the share that was right, in ``bins`` equal steps from 0 to 1; empty steps are left out.

    Args:
        confidences: (N,), each from 0 to 1.
        correct: (N,), whether each answer was right.

    Returns:
        Columns ``confidence`` (mean in the bin), ``right`` (share), ``low``, ``high`` (its Wilson interval), ``n``.

    >>> calibration_bins([0.9, 0.95, 0.6], [True, False, True])[["right", "n"]].values.tolist()
    [[1.0, 1.0], [0.5, 2.0]]
    """
    right, sure = _pair(np.asarray(correct, dtype=bool), np.asarray(confidences, dtype=float))
    if not ((sure >= 0) & (sure <= 1)).all():
        raise ValueError("confidences run from 0 to 1: divide per cents by 100")
    place = np.minimum((sure * bins + 1e-9).astype(int), bins - 1)
    rows = []
    for number in np.unique(place):
        inside = place == number
        share = wilson_interval(int(right[inside].sum()), int(inside.sum()))
        rows.append((sure[inside].mean(), share.value, share.low, share.high, int(inside.sum())))
    return pd.DataFrame(rows, columns=["confidence", "right", "low", "high", "n"])


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean over seeds with Student's t interval: where the mean of many more seeds would lie.

    Needs at least two values. If all are equal, the interval has no width.

    >>> print(mean_interval([0.8, 0.9, 1.0]))
    0.900 [0.652, 1.148]
    """
    from scipy import stats

    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        got = f"{values.tolist()!r:.80}"
        raise ValueError(f"an interval needs at least two finite values in a flat sequence, not {got}")
    mean, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    reach = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * error
    return Interval(float(mean), float(mean - reach), float(mean + reach))


def difference(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean of ``first - second`` with a paired t interval: the seeds of both sides must match one to one."""
    if len(first) != len(second):
        raise ValueError(f"paired values must match one to one, but there are {len(first)} and {len(second)}")
    return mean_interval(np.asarray(first, float) - np.asarray(second, float), confidence)


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """A share of successes with Wilson's interval (1927), fit for few trials and shares near 0 or 1."""
    from scipy.stats import binomtest

    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes in {n} trials: needs n >= 1 and 0 to n successes")
    ends = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return Interval(successes / n, float(ends.low), float(ends.high))


def kappa(first: Sequence, second: Sequence) -> float | None:
    """Cohen's kappa (1960): how far two labellings agree beyond chance; 1 is full agreement, 0 is chance.

    None where both name one and the same class throughout: chance alone agrees fully then.

    >>> round(kappa(["up", "up", "down", "down"], ["up", "up", "down", "up"]), 2)
    0.5
    """
    from sklearn.metrics import cohen_kappa_score

    first, second = _pair(first, second)
    if len(np.unique(np.concatenate([first, second]))) == 1:
        return None
    return float(cohen_kappa_score(first, second))


def kappa_interval(first: Sequence, second: Sequence, confidence: float = 0.95, draws: int = 1000) -> Interval:
    """Cohen's kappa with a percentile bootstrap interval over the examples (Efron 1979), the same in every run.

    Where nothing can agree beyond chance (see ``kappa``), 0 is put in.
    """
    first, second = _pair(first, second)
    chosen = np.random.default_rng(0).integers(0, len(first), (draws, len(first)))
    found = [kappa(first[rows], second[rows]) or 0.0 for rows in chosen]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(kappa(first, second) or 0.0, float(low), float(high))


def correlation(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Interval:
    """Pearson's correlation of two sequences with its interval (Fisher's z); needs four pairs that vary."""
    from scipy import stats

    first, second = _pair(first, second)
    if len(first) < 4 or np.ptp(first) == 0 or np.ptp(second) == 0:
        raise ValueError("a correlation needs at least four pairs, and values that vary on both sides")
    found = stats.pearsonr(first, second)
    ends = found.confidence_interval(confidence)
    return Interval(float(found.statistic), float(ends.low), float(ends.high))
