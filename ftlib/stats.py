"""Plan before you pay for labels: how many the training set and the test set need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ftlib.metrics import Interval, mean_interval

LARGEST = 10_000  # labels a class that somebody could pay for
FAR = 3  # times the largest budget measured


@dataclass(frozen=True)
class LabelBudget:
    """How many labels a recipe probably needs for a target score; ``math.inf`` where the trend never gets there.

    Attributes:
        labels: the estimate, in the table's budget unit.
        low, high: the middle 80 % of what redrawn seeds give.
        measured: the largest budget that the estimate rests on.
        curve: budget and expected score, to draw.
    """

    recipe: str
    target: float
    labels: float
    low: float
    high: float
    measured: float
    curve: pd.DataFrame

    def at(self, budget: float) -> float:
        """The score that the trend expects at a budget, within the range of ``curve``."""
        return float(np.interp(math.log(budget), np.log(self.curve.budget), self.curve.score))

    def __str__(self) -> str:
        goal = f"{self.recipe} reaches {self.target:.2f}"
        if not math.isfinite(self.labels):
            return f"On this trend {goal} at no number of labels that you could pay for."
        text = f"On this trend {goal} with about {_round(self.labels)} labels a class ({_round(self.low)} to "
        text += f"{_round(self.high)} when the seeds are drawn again)."
        far = " That is far beyond what was measured: measure again on the way."
        return text + (far if self.labels > FAR * self.measured else "")


def _round(labels: float) -> str:
    if not math.isfinite(labels):
        return "no end"
    return f"{max(1, float(f'{labels:.2g}')):,.0f}"


def label_budget(table: pd.DataFrame, recipe: str, target: float, draws: int = 200) -> LabelBudget:
    """Carry a learning curve on: error falls as a power of the number of labels (Hestness et al. 2017).

    https://arxiv.org/abs/1712.00409. A straight line through log error over log budget. It is a rough guide.

    Args:
        table: rows as ``compare`` returns them, at two budgets or more, several seeds each; the score a share.
        target: the score that you need, between 0 and 1.

    Raises:
        ValueError: the target is no share, or the table has fewer than two budgets of the recipe.
    """
    if not 0 < target < 1:
        raise ValueError(f"target is {target}: give a share between 0 and 1, such as 0.95")
    rows = table[table.recipe == recipe]
    scores = [group.score.to_numpy() for _, group in rows.groupby("budget")]
    budgets = np.sort(rows.budget.unique()).astype(float)
    if len(budgets) < 2:
        raise ValueError(f"the table has {len(budgets)} budgets of {recipe!r}: a trend needs at least two")
    line = _fit(budgets, [each.mean() for each in scores])
    rng = np.random.default_rng(0)
    again = [_fit(budgets, [rng.choice(each, len(each)).mean() for each in scores]) for _ in range(draws)]
    low, high = np.quantile([_needed(each, target) for each in again], [0.1, 0.9], method="nearest")
    at = np.geomspace(budgets[0], 10 * budgets[-1], 30)
    curve = pd.DataFrame({"budget": at, "score": 1 - np.exp(line[1]) * at ** line[0]})
    return LabelBudget(recipe, target, _needed(line, target), float(low), float(high), float(budgets[-1]), curve)


def _fit(budgets: np.ndarray, means: list[float]) -> tuple[float, float]:
    error = np.maximum(1 - np.asarray(means), 1e-3)
    slope, height = np.polyfit(np.log(budgets), np.log(error), 1)
    return float(slope), float(height)


def _needed(line: tuple[float, float], target: float) -> float:
    slope, height = line
    if slope >= -1e-6:
        return math.inf
    labels = math.exp(min(50.0, (math.log(1 - target) - height) / slope))
    return labels if labels <= LARGEST else math.inf


def savings(table: pd.DataFrame, slow: str, quick: str, budgets: Sequence[int]) -> dict[str, Interval]:
    """How many times its labels ``slow`` needs for the score that ``quick`` has at each budget, as a power of two.

    Seed by seed, on the running best of the curve of ``slow``, straight between its budgets on a log scale. A
    seed that never gets there counts with the largest budget.

    Args:
        table: rows as ``compare`` returns them, the same seeds for both.
    """
    by_seed = table.pivot(index="seed", columns=["recipe", "budget"], values="score")
    rising, wanted = by_seed[slow].cummax(axis=1), by_seed[quick]
    at = np.log2(rising.columns.to_numpy(float))
    found = {}
    for budget in budgets:
        goals = wanted[budget]
        needed = [np.interp(goal, rising.loc[seed], at, right=at[-1]) for seed, goal in goals.items()]
        found[f"{budget} per class"] = mean_interval(np.array(needed) - math.log2(budget))
    return found


def seeds_needed(differences: Sequence[float], power: float = 0.8, confidence: float = 0.95) -> float:
    """How many seeds a difference like this takes until its interval leaves out zero, with a chance of ``power``.

    Args:
        differences: first minus second, seed by seed, of a first trial; at least two.

    Returns:
        The number, at least 2; ``math.inf`` where more than ``LARGEST`` would be needed.

    >>> seeds_needed([0.10, 0.12, 0.08]), seeds_needed([0.01, -0.02, 0.02])
    (3, 309)
    """
    from scipy import stats

    values = np.asarray(differences, dtype=float)
    if len(values) < 2:
        raise ValueError(f"there are {len(values)} differences: a spread needs at least two")
    mean, spread = abs(values.mean()), values.std(ddof=1)
    for n in range(2, LARGEST):
        reach = stats.t.ppf((1 + confidence) / 2, n - 1) + stats.t.ppf(power, n - 1)
        if reach * spread / math.sqrt(n) <= mean:
            return n
    return math.inf


def labels_to_test(margin: float, score: float = 0.9) -> int:
    """How many test examples make the 95 % interval of an accuracy reach no further than ``margin`` each way.

    >>> labels_to_test(0.05), labels_to_test(0.01)
    (139, 3458)
    """
    if not 0 < margin < 1 or not 0 < score < 1:
        raise ValueError(f"margin is {margin} and score {score}: give shares between 0 and 1")
    return math.ceil(score * (1 - score) * (1.96 / margin) ** 2)
