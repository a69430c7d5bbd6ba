"""What ``from_folder`` and ``from_csv`` return: tasks on pictures and on texts of your own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from ftlib import adapt, plots
from ftlib.metrics import Score
from ftlib.own import language, splits
from ftlib.own.account import Account, Skipped
from ftlib.own.folders import Files
from ftlib.own.pictures import Drawing, Photo
from ftlib.tasks import tfidf
from ftlib.tasks.base import Split, Task, predict
from ftlib.tasks.glyphs import to_input
from ftlib.tasks.photos import Photos, PhotoTask
from ftlib.tasks.text import TextTask
from ftlib.tasks.tokens import Texts
from ftlib.tasks.vision import SVM_SETTINGS, ImageTask

BUDGETS = (1, 2, 5, 10, 20, 50)
TFIDF = {"C": 10.0, "analyzer": "char_wb"}


class OwnData(Task):
    """What pictures and texts of your own have in common: ``items``, one row an example, with its split.

    Attributes:
        items: columns ``id, label, group, split, digest`` and, for texts, ``text`` and the file's other columns.
        notes: sentences on what was found.
        account: what came in and what became of it, or None where nothing was read from files.
        skipped: what could not be used, and why.
    """

    budget_unit = "labels per class"
    metric = "accuracy"
    same: float  # see ``fingerprints``
    settings_like: str | None = None  # the task whose tuned settings this one borrows

    def __init__(self, name: str, items: pd.DataFrame, notes: list[str], account: Account | None, settings):
        self.name, self.items, self.notes, self.account = name, items, notes, account
        self.skipped: Skipped = account.skipped if account else []
        self.classes = sorted(items.label.unique())
        self.numbers = torch.tensor(items.label.map(self.classes.index).to_numpy())
        self.settings = dict(settings or {})
        least = items[items.split == "train"].label.value_counts().min()
        self.budgets = tuple(budget for budget in BUDGETS if budget <= least)

    @property
    def n_outputs(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    def __repr__(self) -> str:
        counts = self.items.label.value_counts()
        listed = ", ".join(f"{label} {counts[label]}" for label in self.classes[:12])
        listed += ", ..." if self.n_outputs > 12 else ""
        sizes = ", ".join(f"{split} {(self.items.split == split).sum()}" for split in splits.SPLITS)
        first = f"{self.name}: {len(self.items):,} examples of {self.n_outputs} classes ({listed})."
        return "\n".join([first, f"Split into {sizes}.", *filter(None, [str(self.account or "")]), *self.notes])

    def positions(self, split: Split) -> np.ndarray:
        """Which rows of ``items`` are in a split."""
        if split not in splits.SPLITS:
            raise ValueError(f"there is no split {split!r}: choose from {', '.join(splits.SPLITS)}")
        found = np.flatnonzero(self.items.split == split)
        if not len(found):
            raise ValueError(f"{self.name} has no examples in {split!r}: it is too small to keep some for tuning")
        return found

    def split(self, name: Split) -> Dataset:
        """All examples of one split."""
        return self.take(self.positions(name))

    def sample(self, budget: int, seed: int, split: Split = "train") -> Dataset:
        """``budget`` examples a class, drawn without replacement."""
        rng, chosen = np.random.default_rng(seed), []
        pool = self.positions(split)
        numbers = self.numbers.numpy()[pool]
        for number, label in enumerate(self.classes):
            of_class = pool[numbers == number]
            if not 1 <= budget <= len(of_class):
                raise ValueError(f"budget is {budget}: {split} has {len(of_class)} examples of {label!r}")
            chosen.append(rng.permutation(of_class)[:budget])
        return self.take(np.concatenate(chosen))

    def take(self, rows: np.ndarray) -> Dataset:
        """The examples at these rows of ``items``, as a data set of inputs and class numbers."""
        raise NotImplementedError

    def said(self, model: nn.Module, split: Split = "test") -> list[int]:
        """The class that a model names for each example of a split."""
        return self.chances(model, split).argmax(1).tolist()

    def features(self) -> Any:
        """One row of numbers for each row of ``items``, made without looking at labels: (N, width)."""
        raise NotImplementedError

    def fingerprints(self) -> Any:
        """One row of length 1 for each row of ``items``; the cosine of near copies exceeds ``same``."""
        raise NotImplementedError


class PictureFolder(OwnData, ImageTask):
    """A folder of pictures as a task for the glyph ResNet; see ``from_folder``."""

    settings_like = "digits"
    same = 0.97

    def __init__(self, name: str, items: pd.DataFrame, notes: list[str], account: Account, settings, read: Files):
        drawings: list[Drawing] = [read.found[i] for i in items.position]
        items = items.drop(columns="position").assign(dark_on_light=[found.dark_on_light for found in drawings])
        super().__init__(name, items, notes, account, settings)
        self.pictures = self.ink = torch.stack([found.ink for found in drawings])
        self._fingerprints = torch.stack([found.fingerprint for found in drawings])
        dark, coloured = int(items.dark_on_light.sum()), sum(found.coloured for found in drawings)
        self.notes.insert(0, f"{dark} pictures are dark on light and were turned round: ink is bright.")
        if coloured:
            self.notes.insert(1, f"Coloured pictures: {coloured}. The network sees them in grey.")

    def take(self, rows: np.ndarray) -> TensorDataset:
        """Inputs (N, 3, 32, 32) and class numbers (N,)."""
        return TensorDataset(to_input(self.ink[rows]).contiguous(), self.numbers[rows])

    def features(self) -> np.ndarray:
        """What the frozen backbone makes of each picture: (N, 512)."""
        model = self.pretrained()
        with torch.no_grad(), adapt.features(model) as backbone:
            return predict(backbone, to_input(self.ink)).numpy()

    def fingerprints(self) -> np.ndarray:
        """Coarse whole pictures, (N, 256)."""
        return self._fingerprints.numpy()

    def preview(self, each: int = 6) -> plots.Picture:
        """The first pictures of each class, as the network will see them."""
        return _preview(self, each, "Ink")

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """A support vector machine on the pixels, as for the digits."""
        return {"svm": self.svm}

    def rival_grid(self) -> dict[str, list[dict]]:
        """The settings that were tried for the digits."""
        return {"svm": SVM_SETTINGS}


class PhotoFolder(OwnData, PhotoTask):
    """A folder of pictures in colour as a task for a network that has seen photographs; see ``from_folder``."""

    settings_like = "photographs"
    same = 0.995

    def __init__(
        self, name: str, items: pd.DataFrame, notes: list[str], account: Account, settings, read: Files, size: int
    ) -> None:
        photos: list[Photo] = [read.found[i] for i in items.position]
        super().__init__(name, items.drop(columns="position"), notes, account, settings)
        self.size = size
        self.pictures = torch.stack([found.pixels for found in photos])
        self._fingerprints = torch.stack([found.fingerprint for found in photos])

    def take(self, rows: np.ndarray) -> Photos:
        """Pictures (3, size, size) and class numbers."""
        return Photos(self.pictures, self.numbers, rows)

    def features(self) -> np.ndarray:
        """What the frozen backbone makes of each picture: (N, 1280)."""
        model = self.pretrained()
        with adapt.features(model) as backbone:
            return self._logits(backbone, self.take(np.arange(len(self.items)))).numpy()

    def fingerprints(self) -> np.ndarray:
        """Coarse whole pictures in grey, (N, 256)."""
        return self._fingerprints.numpy()

    def preview(self, each: int = 6) -> plots.Picture:
        """The first pictures of each class, as the network will see them."""
        return _preview(self, each, "The middle")


def _preview(task: PictureFolder | PhotoFolder, each: int, what: str) -> plots.Picture:
    rows = task.items.groupby("label").head(each).sort_values("label", kind="stable").index.tolist()
    rows = rows[: 16 * each]
    captions = task.items.label[rows].str.slice(0, 12).tolist()
    alt = f"{what} of {len(rows)} pictures, up to {each} a class. {task!r}"
    return plots.images(task.pictures[rows], captions, f"{task.name}, as the network sees it", alt, columns=each)


class TextTable(OwnData, TextTask):
    """A table of texts as a task for MiniLM; see ``from_csv``."""

    settings_like = "reviews"
    same = 0.8

    def __init__(
        self, name: str, items: pd.DataFrame, notes: list[str], account: Account, settings, backbone: str = "minilm"
    ):
        TextTask.__init__(self, backbone=backbone)
        OwnData.__init__(self, name, items, notes, account, {"tfidf": TFIDF} | dict(settings or {}))
        self.notes += language.reading_notes(items.text.tolist())

    def take(self, rows: np.ndarray) -> Texts:
        """Texts and class numbers."""
        return Texts(self.items.text.iloc[rows].tolist(), self.numbers[rows])

    def features(self) -> Any:
        """TF-IDF of the texts, a sparse matrix."""
        return tfidf.vectorizer(TFIDF["analyzer"]).fit_transform(self.items.text)

    fingerprints = features

    def preview(self, each: int = 2) -> pd.DataFrame:
        """The first rows of each class."""
        rows = self.items.groupby("label").head(each).sort_values("label", kind="stable")
        return rows[["id", "label", "split", "text"]].assign(text=rows.text.str.slice(0, 90)).reset_index(drop=True)
