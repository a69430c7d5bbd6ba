"""Lesson 05: what a test score promises when the test has leaked, and what people never met get.

200 digits of the five training writers, each bent into five copies. The splits differ in who is in the test.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlessons.lesson05 import monitor
from ftlib import adapt, metrics, recipes, tasks
from ftlib.recipes import fit_head
from ftlib.tasks.vision import writer_of

SEEDS = range(10)
BUDGET, COPIES, TEST_SHARE = 20, 5, 0.2
SPLITS = ("copies at random", "originals at random", "by writer")
METHODS = ("svm", "head")
RATE, STEPS = 1e-2, 300


def jobs() -> list[tuple]:
    """Method, way to split, seed."""
    return [(method, split, seed) for seed in SEEDS for method in METHODS for split in SPLITS]


def one(method: str, split: str, seed: int) -> dict[str, Any]:
    """Train once; ``promised`` is the score on the test of that split, ``delivered`` on five people never met."""
    train, test = archive(split, seed)
    strangers = tasks.get("digits").split("test")
    promised, delivered = scores(method, train, (test, strangers), seed)
    return {"method": method, "split": split, "seed": seed, "train": len(train), "test": len(test),
            "promised": round(promised, 4), "delivered": round(delivered, 4)}  # fmt: skip


def archive(split: str, seed: int) -> tuple[TensorDataset, TensorDataset]:
    """The colleague's pictures, split in one of three ways into training and test, copies in both.

    ``"copies at random"`` makes the copies first and shuffles them all. ``"originals at random"`` shuffles the
    originals, so that all copies of one stay together. ``"by writer"`` tests on one writer of the five.
    """
    digits = tasks.get("digits")
    x, y = digits.sample(BUDGET, seed).tensors
    generator = torch.Generator().manual_seed(seed)
    original = torch.arange(len(y)).repeat_interleave(COPIES)
    if split == "copies at random":
        in_test = torch.rand(len(original), generator=generator) < TEST_SHARE
    elif split == "originals at random":
        in_test = (torch.rand(len(y), generator=generator) < TEST_SHARE)[original]
    elif split == "by writer":
        writers = _writers(seed)
        in_test = (writers == writers.unique()[seed % 5])[original]
    else:
        raise ValueError(f"there is no split {split!r}: choose from {', '.join(SPLITS)}")
    bent = monitor.copies(x, COPIES, seed)
    return TensorDataset(bent[~in_test], y[original][~in_test]), TensorDataset(bent[in_test], y[original][in_test])


def _writers(seed: int) -> Tensor:
    """Who wrote each of the pictures that ``Digits.sample`` draws from the training writers."""
    digits = tasks.get("digits")
    pool = digits.split("train").tensors[0]
    drawn = digits.sample(BUDGET, seed).tensors[0]
    near = torch.cdist(drawn[:, 0].flatten(1), pool[:, 0].flatten(1)).argmin(1)
    return torch.from_numpy(writer_of(digits.indices("train"))[near.numpy()])


def scores(method: str, train: TensorDataset, tests: tuple[TensorDataset, ...], seed: int) -> list[float]:
    """Accuracy of one method on each of the tests."""
    if method == "svm":
        from sklearn.svm import SVC

        fitted = SVC(**_settings()).fit(_pixels(train), train.tensors[1])
        return [metrics.accuracy(test.tensors[1].tolist(), fitted.predict(_pixels(test)).tolist()) for test in tests]
    digits = tasks.get("digits")
    model = digits.pretrained()
    adapt.replace_head(model, 10, seed=seed)
    adapt.train_from(model, "head")
    fit_head(model, train, digits, lr=RATE, steps=STEPS, batch_size=16, seed=seed, progress=False)
    return [_accuracy(model, test) for test in tests]


@cache
def _settings() -> dict[str, float]:
    return recipes.tuned(tasks.get("digits"))["svm"]


def _accuracy(model: nn.Module, test: TensorDataset) -> float:
    x, y = test.tensors
    return metrics.accuracy(y.tolist(), tasks.predict(model, x).argmax(1).tolist())


def _pixels(data: TensorDataset) -> Any:
    return nn.functional.interpolate(data.tensors[0][:, :1], (8, 8), mode="area").flatten(1).numpy()
