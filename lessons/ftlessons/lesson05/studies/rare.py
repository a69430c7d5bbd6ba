"""Lesson 05: one digit is rare. What accuracy says of a model, and what precision, recall and F1 say."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import TensorDataset

from ftlessons.lesson05 import imbalance
from ftlib import adapt, tasks
from ftlib.train import fit

SEEDS = range(10)  # seed 0 makes the zeros rare, seed 1 the ones, and so on
SHARES = {"1 in 2": 1 / 2, "1 in 10": 1 / 10, "1 in 30": 1 / 30}
METHODS = ("head", "weighted head", "svm")
LABELS = 90
RATE, STEPS = 1e-2, 100  # what tuning chose for the head in lesson 03
SVM = {"C": 10.0, "gamma": 0.03}  # likewise
PARTS = {"train": (("train",), LABELS), "validation": (("tune", "tune_valid"), None), "test": (("test",), None)}


def jobs() -> list[tuple]:
    """How rare the class is, method, seed."""
    return [(share, method, seed) for seed in SEEDS for share in SHARES for method in METHODS]


def one(share: str, method: str, seed: int) -> dict[str, Any]:
    """One model: test scores at a threshold of one half, and at the threshold with the best F1 on validation."""
    sure, truth = scored(share, method, seed)
    threshold = imbalance.best_threshold(sure["validation"], truth["validation"])
    never = 1 - sum(truth["test"]) / len(truth["test"])
    row = {"share": share, "method": method, "seed": seed, "n": len(truth["test"]), "never": never}
    row |= imbalance.at_threshold(sure["test"], truth["test"]) | {"threshold": threshold}
    moved = imbalance.at_threshold(sure["test"], truth["test"], threshold)
    row |= {f"{name} at the threshold": value for name, value in moved.items()}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}


def scored(share: str, method: str, seed: int) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
    """Train one model; how sure it is that an example is rare, and the truth, for training, validation and test."""
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}: choose from {', '.join(METHODS)}")
    parts = data(share, seed, pixels=method == "svm")
    train = parts["train"]
    if method == "svm":
        sure = {name: _svm(train, part) for name, part in parts.items()}
    else:
        head = trained(train, method == "weighted head", seed)
        sure = {name: tasks.predict(head, part.tensors[0]).softmax(1)[:, 1].tolist() for name, part in parts.items()}
    return sure, {name: part.tensors[1].tolist() for name, part in parts.items()}


def data(share: str, seed: int, pixels: bool = False) -> dict[str, TensorDataset]:
    """Features or pixels with labels (1 is rare): 90 to train on, and all there are of validation and test writers."""
    return {name: imbalance.rarely(_examples(pixels, *splits), seed % 10, SHARES[share], seed, n)
            for name, (splits, n) in PARTS.items()}  # fmt: skip


@cache
def _examples(pixels: bool, *splits: str) -> TensorDataset:
    digits = tasks.get("digits")
    if pixels:
        parts = [digits.ink(split) for split in splits]
    else:
        with adapt.features(digits.pretrained()) as backbone:
            parts = [(tasks.predict(backbone, x), y) for x, y in (digits.split(split).tensors for split in splits)]
    return TensorDataset(torch.cat([x.flatten(1) for x, _ in parts]), torch.cat([y for _, y in parts]))


def trained(train: TensorDataset, weighted: bool, seed: int) -> nn.Linear:
    """A head for two classes; weighted, both count the same in the loss, however rare one is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Linear(train.tensors[0].shape[1], 2)
    loss = imbalance.weighted_loss(train.tensors[1], 2, weighted)
    fit(head, train, loss=loss, lr=RATE, steps=STEPS, batch_size=16, seed=seed, progress=False)
    return head


def _svm(train: TensorDataset, part: TensorDataset) -> list[float]:
    from sklearn.svm import SVC

    (x, y), (other, _) = (each.tensors for each in (train, part))
    side = SVC(**SVM).fit(x.numpy(), y.numpy()).decision_function(other.numpy())
    return (1 / (1 + np.exp(-side))).tolist()
