"""A rare class: data in which it is as rare as you like, and what a threshold makes of a model's scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlib import metrics

THRESHOLDS = np.linspace(0.02, 0.98, 49)


def rarely(data: TensorDataset, rare: int, share: float, seed: int, n: int | None = None) -> TensorDataset:
    """Draw examples so that ``share`` of them are of the class ``rare``: label 1, all others 0.

    Args:
        data: inputs and class labels (N,).
        share: of the rare class, above 0 and at most 0.5.
        n: how many examples; by default as many as there are for that share.

    Raises:
        ValueError: there are too few examples of the rare class or of the others.
    """
    if not 0 < share <= 0.5:
        raise ValueError(f"share is {share}: a rare class has more than 0 and at most 0.5 of the examples")
    x, y = data.tensors
    generator = torch.Generator().manual_seed(seed)
    yes, no = (part.nonzero()[:, 0] for part in (y == rare, y != rare))
    if n is None:
        n = int(min(len(yes) / share, len(no) / (1 - share)))
    few = round(share * n)
    if not 1 <= few <= len(yes) or n - few > len(no):
        raise ValueError(
            f"{n} examples with a share of {share:g} need {few} of class {rare} and {n - few} others, "
            f"but there are {len(yes)} and {len(no)}: at least one of each must do"
        )
    chosen = [part[torch.randperm(len(part), generator=generator)[:k]] for part, k in ((yes, few), (no, n - few))]
    index = torch.cat(chosen)
    return TensorDataset(x[index], (y[index] == rare).long())


def at_threshold(sure: Sequence[float], true: Sequence[int], threshold: float = 0.5) -> dict[str, float]:
    """What comes out if everything above ``threshold`` is called rare: accuracy, precision, recall and F1 of class 1.

    Where nothing is called rare, precision and F1 are 0.

    Args:
        sure: how sure the model is of the rare class (N,), from 0 to 1.
        true: 1 for the rare class, else 0 (N,).

    >>> at_threshold([0.9, 0.6, 0.2], [1, 0, 0])["precision"]
    0.5
    """
    said = (np.asarray(sure) > threshold).astype(int)
    value = {"accuracy": metrics.accuracy(np.asarray(true), said)}
    rows = metrics.per_class(np.asarray(true), said)
    rare = rows.loc[1] if 1 in rows.index else dict.fromkeys(("precision", "recall", "f1"), 0.0)
    return value | {name: float(rare[name]) for name in ("precision", "recall", "f1")}


def best_threshold(sure: Sequence[float], true: Sequence[int], by: str = "f1") -> float:
    """The threshold of ``THRESHOLDS`` with the best ``by``; of equals the middle one. Choose it on validation."""
    return middle_of_the_best(np.array([at_threshold(sure, true, each)[by] for each in THRESHOLDS]))


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """A weight for each class (classes,), so that all count the same in the loss, however rare one is.

    Args:
        labels: class numbers (N,); each class must occur.

    >>> balanced_weights(torch.tensor([0, 1, 1, 1]), 2)
    tensor([2.0000, 0.6667])
    """
    counts = torch.bincount(labels, minlength=classes)
    if (counts == 0).any():
        raise ValueError(f"class {int(counts.argmin())} has no example: its weight would be infinite")
    return len(labels) / (classes * counts.float())


def weighted_loss(labels: Tensor, classes: int, weighted: bool = True) -> Callable[[nn.Module, Any], Tensor]:
    """Cross-entropy for ``fit``, with ``balanced_weights`` of the labels or plain."""
    wrong = nn.CrossEntropyLoss(balanced_weights(labels, classes) if weighted else None)
    return lambda model, batch: wrong(model(batch[0]), batch[1])


def middle_of_the_best(values: np.ndarray) -> float:
    """The threshold of ``THRESHOLDS`` whose value is the highest; of equals the middle one."""
    best = np.flatnonzero(values == values.max())
    return float(THRESHOLDS[best[len(best) // 2]])


def bill(true: Sequence[int], said: Sequence[int], costs: Sequence[Sequence[float]]) -> float:
    """What the answers cost per 100 examples.

    Args:
        true, said: class numbers (N,).
        costs: one row for each true class, in it the price of each answer; right answers are usually free.

    >>> bill([0, 1], [1, 1], [[0, 10], [1, 0]])
    500.0
    """
    table = np.asarray(costs, dtype=float)
    return float(100 * table[np.asarray(true), np.asarray(said)].mean())


def cheapest(probabilities: Tensor, costs: Sequence[Sequence[float]]) -> Tensor:
    """The answer (N,) with the lowest expected price, if the probabilities (N, classes) can be believed (Elkan 2001).

    >>> cheapest(torch.tensor([[0.2, 0.8]]), [[0, 10], [1, 0]])
    tensor([0])
    """
    return (probabilities @ torch.as_tensor(costs, dtype=probabilities.dtype)).argmin(1)
