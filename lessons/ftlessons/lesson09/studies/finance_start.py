"""Lesson 09: finance news read by the sentiment model of lesson 06, as it is and adapted, and by MiniLM.

A new head on frozen features, tuned for each start with the same effort, on the same draws of labels. The other
recipes from MiniLM are in the recorded grid.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlib import adapt, metrics, recipes, results, tasks
from ftlib.tasks.base import Task
from ftlib.tasks.text import FinanceNews, predict_texts
from ftlib.tasks.tokens import Texts, encode, lengths
from ftlib.train import fit

SEEDS, LIVE_BUDGET = range(5), 480
STARTS = ("sentiment", "minilm")
POOLS = (("tune", "tune_valid"), ("tune_valid", "tune"))
CUTS = 1 / (1 + np.exp(-np.linspace(-6, 6, 25)))  # even steps in log-odds: the model is often very sure


class FromSentiment(FinanceNews):
    """Finance news, started from MiniLM with the course's sentiment adapter instead of from MiniLM."""

    def pretrained(self) -> nn.Module:
        """The sentiment model, with its two outputs."""
        from ftlib.models.sentences import sentiment

        return sentiment()


def jobs() -> list[tuple]:
    """Start, recipe, budget and seed; nothing is trained for the recipes ``as it is`` and ``at home``."""
    task = FromSentiment()
    heads = [(start, "head", budget, seed) for budget in task.budgets for seed in SEEDS for start in STARTS]
    untrained = [("sentiment", "as it is", 0, 0), ("sentiment", "at home", 0, 0)]
    return [*untrained, *heads]


def one(start: str, recipe: str, budget: int, seed: int) -> dict[str, Any]:
    """One model on the test texts: macro F1, kappa, accuracy and the share that is right in each trap."""
    row, task = {"start": start, "recipe": recipe, "budget": budget, "seed": seed}, FromSentiment()
    if recipe == "at home":
        rows = tasks.get("reviews").rows("test")
        return row | _scores(rows.number.to_numpy(), predict_texts(_model(start), rows.text.tolist()).argmax(1))
    if recipe == "as it is":
        low, high = cuts(_model(start), task)
        said = three_way(good_news(_model(start), task.rows("test").text), low, high)
        return row | {"settings": json.dumps({"low": low, "high": high})} | _judged(task, said)
    chosen = tuned_head(start)
    head = fit_head(start, task.sample(budget, seed), seed, **chosen)
    return row | {"settings": json.dumps(chosen)} | _judged(task, head(vectors(start, "test")).argmax(1))


@cache
def _model(start: str) -> nn.Module:
    return (FromSentiment() if start == "sentiment" else FinanceNews()).pretrained()


@cache
@torch.no_grad()
def vectors(start: str, split: str, batch_size: int = 32) -> Tensor:
    """What a start hands to its head for each text of a split, (N, 384)."""
    texts = FinanceNews().rows(split).text.tolist()
    order = np.argsort(lengths(texts), kind="stable")
    with adapt.features(_model(start)) as backbone:
        parts = [backbone(**encode([texts[i] for i in order[at : at + batch_size]]))
                 for at in range(0, len(order), batch_size)]  # fmt: skip
    return torch.cat(parts)[torch.as_tensor(np.argsort(order))]


def fit_head(
    start: str, texts: Texts, seed: int, lr: float, steps: int, split: str = "train", loss: Any = None
) -> nn.Linear:
    """The recipe ``head`` on cached features: a new head with three outputs, trained on some texts of a split."""
    place = {text: i for i, text in enumerate(FinanceNews().rows(split).text)}
    z = vectors(start, split)[[place[text] for text in texts.texts]]
    model = nn.Sequential(nn.Linear(z.shape[1], 2))
    adapt.replace_head(model, 3, seed=seed)
    passes = FinanceNews.min_passes * -(-len(texts) // FinanceNews.batch_size)
    fit(model, TensorDataset(z, texts.labels), loss=loss, lr=lr, steps=max(steps, passes),
        batch_size=FinanceNews.batch_size, seed=seed, progress=False)  # fmt: skip
    return model.eval().requires_grad_(False)


@cache
def tuned_head(start: str) -> dict[str, Any]:
    """The settings of a start's head, chosen on the tuning texts as ``ftlib tune`` does: eight settings, four draws."""
    task, tried = FinanceNews(), []
    for candidate in recipes.candidates(task, "head"):
        for budget, seed, (fit_on, score_on) in itertools.product(task.tune_budgets, Task.tune_seeds, POOLS):
            head = fit_head(start, task.sample(budget, seed, fit_on), seed, split=fit_on, **candidate)
            said = head(vectors(start, score_on)).argmax(1)
            score = task.score(task.rows(score_on).number, said.tolist()).value
            tried.append({"candidate": json.dumps(candidate), "score": score})
    return recipes.choose(pd.DataFrame(tried).groupby("candidate", sort=False).score.mean().reset_index())


def good_news(model: nn.Module, texts: Sequence[str]) -> Tensor:
    """How positive the sentiment model finds each text, (N,) from 0 to 1."""
    return predict_texts(model, list(texts))[:, 1]


def three_way(good: Tensor, low: float, high: float) -> Tensor:
    """Two answers made into three: class 0 below ``low``, 2 above ``high``, and 1, neutral, between them.

    >>> three_way(torch.tensor([0.1, 0.5, 0.9]), 0.3, 0.7)
    tensor([0, 1, 2])
    """
    return (good > low).long() + (good > high).long()


def cuts(model: nn.Module, task: FinanceNews) -> tuple[float, float]:
    """The two thresholds with the best macro F1 on all 160 tuning texts."""
    rows = pd.concat([task.rows(split) for split in ("tune", "tune_valid")])
    return best_cuts(good_news(model, rows.text), rows.number.to_numpy())


def best_cuts(good: Tensor, true: Sequence[int]) -> tuple[float, float]:
    """The pair of ``CUTS`` whose three answers have the best macro F1."""
    pairs = [pair for pair in itertools.product(CUTS, CUTS) if pair[0] <= pair[1]]
    scored = [_macro_f1(np.asarray(true), three_way(good, *pair).numpy()) for pair in pairs]
    low, high = pairs[int(np.argmax(scored))]
    return round(float(low), 4), round(float(high), 4)


def _macro_f1(true: np.ndarray, said: np.ndarray) -> float:
    """``metrics.f1`` for classes 0 to 2 that all occur, a hundred times faster."""
    counts = np.bincount(3 * true + said, minlength=9).reshape(3, 3)
    return float((2 * counts.diagonal() / (counts.sum(0) + counts.sum(1))).mean())


def _judged(task: FinanceNews, said: Tensor) -> dict[str, Any]:
    rows = task.rows("test")
    right = pd.Series(said.numpy() == rows.number.to_numpy()).groupby(rows.tags.to_numpy()).mean()
    traps = {tag: round(share, 4) for tag, share in right.items() if tag}
    score = {"score": round(task.score(rows.number, said.tolist()).value, 4)}
    return score | _scores(rows.number.to_numpy(), said) | traps


def _scores(true: np.ndarray, said: Tensor) -> dict[str, float]:
    said = said.numpy()
    return {"kappa": round(metrics.kappa(true, said), 4), "accuracy": round(metrics.accuracy(true, said), 4)}


def scores(
    table: pd.DataFrame, recipe: str, budget: int, column: str = "score", start: str = "sentiment"
) -> list[float]:
    """One recipe's values on the test texts, seed by seed."""
    return results.by_seed(table, start=start, recipe=recipe, budget=budget)[column].tolist()


def untrained(table: pd.DataFrame, recipe: str = "as it is", column: str = "score") -> float:
    """The sentiment model's value before any adaptation: on news (``as it is``) or on its reviews (``at home``)."""
    return table[table.recipe == recipe][column].item()


def gap_closed(table: pd.DataFrame, recipe: str, budget: int) -> list[float]:
    """Seed by seed, the share of the gap in kappa between finance news and its own reviews that adapting closed."""
    before, home = (untrained(table, name, "kappa") for name in ("as it is", "at home"))
    return [(kappa - before) / (home - before) for kappa in scores(table, recipe, budget, "kappa")]


def settings(table: pd.DataFrame, recipe: str = "head") -> dict[str, Any]:
    """The learning rate and the steps on record for a recipe from the sentiment model."""
    return json.loads(table[(table.start == "sentiment") & (table.recipe == recipe)].settings.iloc[0])


def check_live(table: pd.DataFrame, true: Sequence[int], said: Tensor, seed: int = 0) -> None:
    """Compare a live run of ``head`` from the sentiment model on ``LIVE_BUDGET`` labels with the record.

    Raises:
        NotReproduced: see ``results.check_live``.
    """
    run = {"task": FinanceNews.name, "recipe": "head", "budget": LIVE_BUDGET, "seed": seed}
    live = pd.DataFrame([run | {"score": metrics.f1(true, said.tolist())}])
    results.check_live(live, table[table.start == "sentiment"].assign(task=FinanceNews.name))


def beside(grid: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The recorded grid of finance news with the runs from the sentiment model below it."""
    runs = table[(table.start == "sentiment") & (table.budget > 0)]
    runs = runs.assign(recipe=runs.recipe + ", from sentiment")
    runs = runs.assign(task=FinanceNews.name, metric=FinanceNews.metric, budget_unit=FinanceNews.budget_unit)
    return pd.concat([grid, runs[[name for name in grid if name in runs]]], ignore_index=True)
