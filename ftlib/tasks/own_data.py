"""What ``from_folder`` and ``from_csv`` return: tasks on pictures and on texts of your own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from ftlib import adapt, metrics, plots
from ftlib.metrics import Score
from ftlib.tasks import folders, splits
from ftlib.tasks.base import Split, Task, predict
from ftlib.tasks.glyphs import to_input
from ftlib.tasks.vision import Digits, ImageTask

BUDGETS = (1, 2, 5, 10, 20, 50)
TFIDF = {"C": 10.0, "analyzer": "char_wb"}
NO_TEXT_BACKBONE = (
    "the course has no pre-trained network for text yet, so only the rival 'tfidf' runs on texts: "
    "compare(task, ['tfidf'], ...)"
)


class OwnData(Task):
    """What pictures and texts of your own have in common: ``items``, one row an example, with its split.

    Attributes:
        items: columns ``id, label, group, split, digest`` and, for texts, ``text`` and the file's other columns.
        notes: sentences on what was found.
        skipped: what could not be used, and why.
    """

    budget_unit = "labels per class"
    metric = "accuracy"
    same: float  # see ``fingerprints``
    settings_like: str | None = None  # the task whose tuned settings this one borrows

    def __init__(self, name: str, items: pd.DataFrame, notes: list[str], skipped: folders.Skipped, settings):
        self.name, self.items, self.notes, self.skipped = name, items, notes, skipped
        self.classes = sorted(items.label.unique())
        self.n_outputs = len(self.classes)
        self.numbers = torch.tensor(items.label.map(self.classes.index).to_numpy())
        self.settings = dict(settings or {})
        least = items[items.split == "train"].label.value_counts().min()
        self.budgets = tuple(budget for budget in BUDGETS if budget <= least)

    def __repr__(self) -> str:
        counts = self.items.label.value_counts()
        listed = ", ".join(f"{label} {counts[label]}" for label in self.classes[:12])
        listed += ", ..." if self.n_outputs > 12 else ""
        sizes = ", ".join(f"{split} {(self.items.split == split).sum()}" for split in splits.SPLITS)
        first = f"{self.name}: {len(self.items):,} examples of {self.n_outputs} classes ({listed})."
        return "\n".join([first, f"Split into {sizes}.", *self.notes])

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

    def __init__(self, name, items, notes, settings, read: folders.Pictures):
        super().__init__(name, items.drop(columns="position"), notes, read.skipped, settings)
        rows = torch.tensor(items.position.tolist())
        self.ink, self._fingerprints = read.ink[rows], read.fingerprints[rows]
        dark = int(items.dark_on_light.sum())
        self.notes.insert(0, f"{dark} pictures are dark on light and were turned round: ink is bright.")

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
        rows = self.items.groupby("label").head(each).sort_values("label", kind="stable").index.tolist()
        rows = rows[: 16 * each]
        captions = self.items.label[rows].str.slice(0, 12).tolist()
        alt = f"Ink of {len(rows)} pictures, up to {each} a class. {self!r}"
        return plots.images(self.ink[rows], captions, f"{self.name}, as the network sees it", alt, columns=each)

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """A support vector machine on the pixels, as for the digits."""
        return {"svm": lambda train, split, settings: Digits._svm(self, train, split, settings)}

    def rival_grid(self) -> dict[str, list[dict]]:
        """The settings that were tried for the digits."""
        return Digits.rival_grid(self)


class Texts(Dataset):
    """Texts with their class numbers."""

    def __init__(self, texts: list[str], labels: Tensor):
        self.texts, self.labels = texts, labels

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, i: int) -> tuple[str, Tensor]:
        return self.texts[i], self.labels[i]


class TextTable(OwnData):
    """A table of texts as a task; see ``from_csv``. Only a rival can learn it until a text backbone ships."""

    domain = "text"
    top_stages = ()
    same = 0.8

    def __init__(self, name, items, notes, skipped, settings):
        super().__init__(name, items, notes, skipped, {"tfidf": TFIDF} | dict(settings or {}))

    def take(self, rows: np.ndarray) -> Texts:
        """Texts and class numbers."""
        return Texts(self.items.text.iloc[rows].tolist(), self.numbers[rows])

    def features(self) -> Any:
        """TF-IDF of the texts, a sparse matrix."""
        return _tfidf(TFIDF["analyzer"]).fit_transform(self.items.text)

    fingerprints = features

    def preview(self, each: int = 2) -> pd.DataFrame:
        """The first rows of each class."""
        rows = self.items.groupby("label").head(each).sort_values("label", kind="stable")
        return rows[["id", "label", "split", "text"]].assign(text=rows.text.str.slice(0, 90)).reset_index(drop=True)

    def pretrained(self) -> nn.Module:
        """Raises ValueError: there is no text backbone yet."""
        raise ValueError(f"{self.name} cannot be fine-tuned: {NO_TEXT_BACKBONE}")

    def untrained(self, seed: int) -> nn.Module:
        """Raises ValueError: there is no text network yet."""
        return self.pretrained()

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """Raises ValueError: there is no text network to score yet."""
        raise ValueError(f"{self.name} has no network to score: {NO_TEXT_BACKBONE}")

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """TF-IDF with logistic regression."""
        return {"tfidf": self._tfidf_regression}

    def rival_grid(self) -> dict[str, list[dict]]:
        """C and what is counted, words or letter groups: eight settings."""
        return {"tfidf": [{"C": c, "analyzer": a} for c in (0.1, 1.0, 10.0, 100.0) for a in ("word", "char_wb")]}

    def _tfidf_regression(self, train: Texts, split: Split, settings: dict) -> Score:
        predicted = fit_tfidf(train, **settings).predict((test := self.split(split)).texts)
        return Score(metrics.accuracy(test.labels.tolist(), predicted), self.metric, higher_is_better=True, n=len(test))


def _tfidf(analyzer: str) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    pattern = {"token_pattern": r"(?u)\b\w+\b"} if analyzer == "word" else {}
    return TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 2 if analyzer == "word" else 4),
                           sublinear_tf=True, **pattern)  # fmt: skip


def fit_tfidf(train: Texts, C: float = 10.0, analyzer: str = "char_wb") -> Any:
    """Logistic regression on TF-IDF, a scikit-learn pipeline that predicts class numbers.

    Args:
        C: the larger, the less the weights are held back.
        analyzer: ``"word"`` counts words and pairs, ``"char_wb"`` letter groups within words.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(_tfidf(analyzer), LogisticRegression(C=C, max_iter=1000))
    return model.fit(train.texts, train.labels.numpy())
