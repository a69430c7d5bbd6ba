"""Lesson 09: bad news is rare. What a weighted loss and a threshold chosen on validation do about it.

The heads stand on frozen MiniLM features, at the rate and step count that tuning chose for the plain loss.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ftlessons.lesson05 import imbalance
from ftlessons.lesson09.studies.finance_start import fit_head, tuned_head, vectors
from ftlib import metrics, recipes
from ftlib.tasks import tfidf
from ftlib.tasks.text import FinanceNews

SEEDS, BUDGET = range(5), 120
ARMS = (("tfidf", "plain"), ("head", "plain"), ("head", "weighted"))
VALIDATION = ("tune", "tune_valid")
RISK_DESK = ((0, 10, 20), (1, 0, 1), (2, 1, 0))  # true: negative, neutral, positive; columns: the answer
DECISIONS = ("as it is", "threshold", "cheapest")


def jobs() -> list[tuple]:
    """Model, loss and seed."""
    return [(model, loss, seed) for seed in SEEDS for model, loss in ARMS]


def one(model: str, loss: str, seed: int) -> dict[str, Any]:
    """One model's test scores, for each way to decide: see ``decided``."""
    task = FinanceNews()
    valid = pd.concat([task.rows(split) for split in VALIDATION])
    true = {"validation": valid.number.to_numpy(), "test": task.rows("test").number.to_numpy()}
    sure = probabilities(task, model, loss, seed)
    threshold = best_threshold(sure["validation"], true["validation"])
    row = {"model": model, "loss": loss, "seed": seed, "threshold": threshold}
    for decision in DECISIONS:
        found = judged(true["test"], decided(sure["test"], decision, threshold))
        row |= {f"{name}, {decision}": round(value, 4) for name, value in found.items()}
    return row


def probabilities(task: FinanceNews, model: str, loss: str, seed: int) -> dict[str, Tensor]:
    """Train one model and return its class probabilities for the texts of each part."""
    train, parts = task.sample(BUDGET, seed), {"validation": VALIDATION, "test": ("test",)}
    if model == "tfidf":
        found = tfidf.fit_tfidf(train.texts, train.labels.tolist(), **recipes.tuned(task)["tfidf"])
        texts = {name: sum((task.split(split).texts for split in splits), []) for name, splits in parts.items()}
        return {name: torch.tensor(found.predict_proba(part)) for name, part in texts.items()}
    wrong = imbalance.weighted_loss(train.labels, task.n_outputs, loss == "weighted")
    head = fit_head("minilm", train, seed, loss=wrong, **tuned_head("minilm"))
    z = {name: torch.cat([vectors("minilm", split) for split in splits]) for name, splits in parts.items()}
    return {name: head(part).softmax(1) for name, part in z.items()}


def decided(sure: Tensor, decision: str, threshold: float) -> np.ndarray:
    """The answers (N,): the surest class; negative above a threshold, else the surer of the others; or the cheapest."""
    if decision == "cheapest":
        return imbalance.cheapest(sure, RISK_DESK).numpy()
    if decision == "as it is":
        return sure.argmax(1).numpy()
    return np.where(sure[:, 0] > threshold, 0, 1 + sure[:, 1:].argmax(1))


def best_threshold(sure: Tensor, true: np.ndarray) -> float:
    """The threshold for negative with the lowest price for the risk desk; of equals the middle one."""
    prices = np.array([imbalance.bill(true, decided(sure, "threshold", t), RISK_DESK) for t in imbalance.THRESHOLDS])
    return imbalance.middle_of_the_best(-prices)


def judged(true: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Accuracy, macro F1, precision and recall of bad news, and the price for the risk desk per 100 texts."""
    bad = metrics.per_class((true == 0).astype(int), (said == 0).astype(int)).reindex([0, 1]).loc[1]
    return {
        "accuracy": metrics.accuracy(true, said), "macro F1": metrics.f1(true, said),
        "precision": float(bad.precision), "recall": float(bad.recall), "price": imbalance.bill(true, said, RISK_DESK),
    }  # fmt: skip


def hidden(table: pd.DataFrame) -> dict[str, metrics.Interval]:
    """Accuracy minus recall of bad news for each model with the plain loss, as it is; ``table`` is that of ``ways``."""
    rows = table[(table.loss == "plain") & (table.decision == "as it is")]
    return {name: metrics.difference(part.accuracy, part.recall) for name, part in rows.groupby("model", sort=False)}


def ways(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each run and way to decide: columns ``model, loss, seed, decision`` and the scores of ``judged``."""
    rows = []
    for row in table.to_dict("records"):
        for decision in DECISIONS:
            scores = {key.split(", ")[0]: value for key, value in row.items() if key.endswith(f", {decision}")}
            rows.append({key: row[key] for key in ("model", "loss", "seed")} | {"decision": decision} | scores)
    return pd.DataFrame(rows)
