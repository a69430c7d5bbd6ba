"""Vision tasks: handwritten digits, split by writer, and the printed letters they are learnt from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from ftlib import metrics, models
from ftlib.metrics import Score
from ftlib.tasks.base import Split, Task, draw_per_class, predict
from ftlib.tasks.glyphs import FONTS, HELD_OUT_FONTS, GlyphBank, to_input

CHECKPOINT = "glyph-resnet10"
# scikit-learn's digits stand in blocks, one a writer: where each begins (seen by the INRIA scikit-learn MOOC). Their
# card speaks of 13 people, so two of these 14 blocks may be by one.
WRITER_STARTS = (0, 130, 256, 386, 516, 646, 776, 915, 1029, 1157, 1287, 1415, 1545, 1667)
WRITERS: dict[Split, tuple[int, ...]] = {
    "tune": (0, 1),
    "tune_valid": (2, 3),
    "train": (4, 5, 6, 7, 8),
    "test": (9, 10, 11, 12, 13),
}

SVM_SETTINGS = [{"C": c, "gamma": g} for c in (1.0, 10.0) for g in (0.01, 0.03, 0.1, 0.3)]
LETTER_SEEDS: dict[Split, int] = {"train": 11, "tune": 12, "tune_valid": 13, "test": 14}


def writer_of(index: np.ndarray) -> np.ndarray:
    """Which of the 14 writers (0 to 13) wrote the digits at these positions of scikit-learn's data set."""
    return np.searchsorted(WRITER_STARTS, index, side="right") - 1


class ImageTask(Task):
    """An image task whose model is the glyph ResNet."""

    domain = "vision"
    metric = "accuracy"
    budget_unit = "labels per class"
    budgets = (1, 2, 5, 10, 50)
    top_stages = ("layer3", "layer4", "head")

    def pretrained(self) -> nn.Module:
        """The ResNet-10 that has read only printed letters."""
        return models.load(CHECKPOINT)

    def untrained(self, seed: int) -> nn.Module:
        """A ResNet-10 with random weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return models.resnet10(self.n_outputs)

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """Accuracy on a split."""
        y = self.split(split).tensors[1]
        value = metrics.accuracy(y.tolist(), self.chances(model, split).argmax(1).tolist())
        return Score(value, self.metric, higher_is_better=True, n=len(y))

    def chances(self, model: nn.Module, split: Split = "test") -> Tensor:
        """Probabilities (N, outputs) of a split's pictures, on the CPU."""
        return predict(model, self.split(split).tensors[0]).softmax(1)

    def svm(self, train: TensorDataset, split: Split, settings: dict) -> Score:
        """The rival that image tasks share: a support vector machine on 8 x 8 grey pixels."""
        from sklearn.svm import SVC

        (x, y), (test_x, test_y) = (_pixels(part) for part in (train, self.split(split)))
        predicted = SVC(**settings).fit(x, y).predict(test_x)
        return Score(metrics.accuracy(test_y, predicted), self.metric, higher_is_better=True, n=len(test_y))


class Digits(ImageTask):
    """Real handwritten digits from scikit-learn: 1,797 images of 8 x 8 pixels in 14 blocks, one a writer.

    Five writers to train on, five to test on, and two pairs to tune on. No writer is in two groups:
    a random split would let a model recognise the hand instead of the digit.

    Args:
        split_by: ``"random"`` splits at random into groups of the same sizes, to show what that hides.
    """

    name = "digits"
    n_outputs = 10
    grid = (
        "scratch", "head", "from_layer4", "top", "from_layer2", "full", "head_then_all",
        "full_moving_bn", "head_then_all_moving_bn", "lora", "svm",
    )  # fmt: skip

    def __init__(self, split_by: Literal["writer", "random"] = "writer") -> None:
        if split_by not in ("writer", "random"):
            raise ValueError(f"split_by is {split_by!r}: choose 'writer' or 'random'")
        self.split_by = split_by

    @cached_property
    def _data(self) -> tuple[Tensor, Tensor, np.ndarray]:
        from sklearn.datasets import load_digits

        raw = load_digits()
        ink = torch.tensor(raw.images / 16, dtype=torch.float32)[:, None]
        return ink, torch.tensor(raw.target), writer_of(np.arange(len(raw.target)))

    @cached_property
    def source(self) -> PrintedLetters:
        """The task the backbone was pre-trained on."""
        return PrintedLetters()

    def indices(self, split: Split) -> np.ndarray:
        """Positions of a split's digits in scikit-learn's data set."""
        if split not in WRITERS:
            raise ValueError(f"there is no split {split!r}: choose from {', '.join(WRITERS)}")
        chosen = np.isin(self._data[2], WRITERS[split])
        if self.split_by == "random":
            chosen = np.random.default_rng(0).permutation(len(chosen))[chosen]
            return np.sort(chosen)
        return np.flatnonzero(chosen)

    def split(self, name: Split) -> TensorDataset:
        """Inputs (N, 3, 32, 32) and labels (N,) of one group of writers."""
        return self._take(self.indices(name))

    def sample(self, budget: int, seed: int, split: Split = "train") -> TensorDataset:
        """``budget`` digits a class, drawn without replacement over the split's writers."""
        pool = self.indices(split)
        return self._take(pool[draw_per_class(self._data[1][pool], "0123456789", budget, seed, split)])

    def ink(self, split: Split) -> tuple[Tensor, Tensor]:
        """The scanned pixels as they are: (N, 8, 8), ink from 0 to 1, and labels (N,)."""
        index = self.indices(split)
        return self._data[0][index, 0], self._data[1][index]

    def _take(self, index: np.ndarray) -> TensorDataset:
        ink, labels, _ = self._data
        return TensorDataset(to_input(ink[index]).contiguous(), labels[index])

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """A support vector machine on the pixels."""
        return {"svm": self.svm}

    def rival_grid(self) -> dict[str, list[dict]]:
        """C and kernel width for the SVM: eight settings."""
        return {"svm": SVM_SETTINGS}


def _pixels(data: TensorDataset) -> tuple[np.ndarray, np.ndarray]:
    x, y = data.tensors
    small = nn.functional.interpolate(x[:, :1], (8, 8), mode="area")
    return small.flatten(1).numpy(), y.numpy()


class PrintedLetters(ImageTask):
    """The source task: distorted printed letters in two fonts that were not used for training."""

    name = "letters"
    test_size = 1000

    @cached_property
    def letters(self) -> list[str]:
        """The classes, in the order of the pre-trained head's outputs."""
        return models.config(CHECKPOINT)["classes"]

    @property
    def n_outputs(self) -> int:
        """How many letters there are to tell apart."""
        return len(self.letters)

    def split(self, name: Split) -> TensorDataset:
        """Freshly distorted letters, the same ones each time; ``train`` comes from the training fonts."""
        return _letter_split(name, tuple(self.letters), self.test_size)

    def sample(self, budget: int, seed: int, split: Split = "train") -> TensorDataset:
        """``budget`` distorted examples a letter, on average."""
        if budget < 1:
            raise ValueError(f"budget is {budget}: ask for at least one example a letter")
        bank = _letter_bank(split, tuple(self.letters))
        generator = torch.Generator().manual_seed(1_000 + seed)
        x, y = bank.sample(budget * self.n_outputs, generator)
        return TensorDataset(x.contiguous(), y)


def _letter_bank(split: Split, letters: tuple[str, ...]) -> GlyphBank:
    if split not in LETTER_SEEDS:
        raise ValueError(f"there is no split {split!r}: choose from {', '.join(LETTER_SEEDS)}")
    return GlyphBank.draw(letters, FONTS if split == "train" else HELD_OUT_FONTS)


@cache
def _letter_split(name: Split, letters: tuple[str, ...], n: int) -> TensorDataset:
    bank = _letter_bank(name, letters)
    x, y = bank.sample(n, torch.Generator().manual_seed(LETTER_SEEDS[name]))
    return TensorDataset(x.contiguous(), y)
