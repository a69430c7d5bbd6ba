"""Lesson 06: one vector from many tokens. Mean, first token or BERT's pooler, read by a head on the frozen encoder."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlib import adapt, metrics, results
from ftlib.metrics import Interval, difference
from ftlib.models.sentences import pooled
from ftlib.tasks.base import Task
from ftlib.tasks.text import Reviews
from ftlib.tasks.tokens import encode
from ftlib.train import fit

POOLINGS = ("mean", "cls", "pooler")
SEEDS, BUDGETS = range(5), (64, 256)
RATES, STEPS, TUNE_BUDGET = (3e-3, 1e-2, 3e-2), 300, 64
POOLS = (("tune", "tune_valid"), ("tune_valid", "tune"))
CHOSEN = {"mean": 3e-3, "cls": 1e-2, "pooler": 1e-2}  # the rates that the tuning rows choose


def jobs() -> list[tuple]:
    """Pooling, rate, training labels, seed, and the splits to train and to score on."""
    tuning = [(pooling, lr, TUNE_BUDGET, seed, *pools)
              for pooling in POOLINGS for lr in RATES for seed in Task.tune_seeds for pools in POOLS]  # fmt: skip
    return tuning + [(pooling, lr, budget, seed, "train", "test")
                     for pooling, lr in CHOSEN.items() for budget in BUDGETS for seed in SEEDS]  # fmt: skip


def one(pooling: str, lr: float, budget: int, seed: int, train: str, test: str) -> dict[str, Any]:
    """Train a head on the vectors of the frozen encoder, as the recipe ``head`` does, and score it."""
    task, model = _task(), _model()
    sample = task.sample(budget, seed, train)
    adapt.replace_head(model, task.n_outputs, seed=seed)
    head = adapt.get_head(model)
    data = TensorDataset(_vectors(pooling, train, tuple(sample.texts)), sample.labels)
    fit(head, data, lr=lr, steps=STEPS, batch_size=task.batch_size, seed=seed, progress=False)
    held = task.split(test)
    with torch.no_grad():
        found = head(_vectors(pooling, test, tuple(held.texts))).argmax(1)
    score = metrics.accuracy(held.labels.tolist(), found.tolist())
    return {"pooling": pooling, "lr": lr, "budget": budget, "seed": seed, "split": test, "score": round(score, 4)}


@cache
def _task() -> Reviews:
    return Reviews()


@cache
def _model() -> nn.Module:
    return Reviews("pooler").pretrained()


@cache
@torch.no_grad()
def _read(split: str) -> dict[str, dict[str, Tensor]]:
    """The vectors of all texts of a split, by pooling and text; one pass through the encoder gives all three."""
    model, texts, found = _model(), _task().split(split).texts, {pooling: {} for pooling in POOLINGS}
    texts = sorted(texts, key=len)
    for start in range(0, len(texts), 32):
        part = texts[start : start + 32]
        batch = encode(part)
        out = model.bert(**batch)
        for pooling in POOLINGS:
            found[pooling] |= dict(zip(part, pooled(out, batch["attention_mask"], pooling), strict=True))
    return found


def _vectors(pooling: str, split: str, texts: tuple[str, ...]) -> Tensor:
    return torch.stack([_read(split)[pooling][text] for text in texts])


def beside_full(table: pd.DataFrame, recorded: pd.DataFrame, budget: int) -> dict[str, pd.Series]:
    """Accuracy by seed: a frozen encoder with each pooling, and ``full`` with the mean from the recorded grid."""
    rows = table[(table.split == "test") & (table.budget == budget)]
    found = {f"frozen, {pooling}": results.by_seed(part).score
             for pooling, part in rows.groupby("pooling", sort=False)}  # fmt: skip
    full = results.scores(recorded, "full", budget)
    return found | {"all trained, mean": full[full.index.isin(SEEDS)]}


def steps(table: pd.DataFrame, recorded: pd.DataFrame, budget: int) -> dict[str, Interval]:
    """What each choice is worth in accuracy, seed by seed."""
    scores = beside_full(table, recorded, budget)
    mean, cls, full = scores["frozen, mean"], scores["frozen, cls"], scores["all trained, mean"]
    both = full.index.intersection(mean.index)
    mean, cls, full = mean[both], cls[both], full[both]
    return {
        "Pooling: the mean in place of the first token, frozen": difference(mean, cls),
        "Unfreezing: all trained in place of frozen, with the mean": difference(full, mean),
        "Pooling minus unfreezing": difference(mean - cls, full - mean),
    }
