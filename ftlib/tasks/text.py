"""Language tasks: reviews, positive or negative, and finance news as an investor reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ftlib import catalog, metrics
from ftlib.metrics import Score
from ftlib.tasks import tfidf
from ftlib.tasks.base import Split, Task
from ftlib.tasks.tokens import Texts, collate, encode, lengths

BACKBONES = {"minilm": 6, "bert-base-uncased": 12, "distilbert-base-uncased": 6}  # how many layers each has
RATES = {
    "head": (3e-3, 1e-2, 3e-2, 1e-1), "lora": (3e-4, 1e-3, 3e-3, 1e-2), "scratch": (3e-5, 1e-4, 3e-4, 1e-3),
}  # fmt: skip


@torch.no_grad()
def predict_texts(model: nn.Module, texts: Sequence[str], batch_size: int = 32) -> Tensor:
    """Class probabilities (N, classes) of texts, in their order, in evaluation mode."""
    device, order = next(model.parameters()).device, np.argsort(lengths(texts), kind="stable")
    model.eval()
    parts = []
    for start in range(0, len(order), batch_size):
        batch = encode([texts[i] for i in order[start : start + batch_size]])
        parts.append(model(**{key: value.to(device) for key, value in batch.items()}).logits.float().softmax(1).cpu())
    return torch.cat(parts)[torch.as_tensor(np.argsort(order))]


class TextTask(Task):
    """Texts in classes, read by MiniLM; ``items`` is the table of all texts with their splits.

    Args:
        pooling: how one vector a text is made, see ``models.sentences``.
        backbone: who reads the texts: ``"minilm"`` or, in the full profile, ``"bert-base-uncased"`` or
            ``"distilbert-base-uncased"``. The tuned settings are MiniLM's: tune anew before you compare.

    Raises:
        ValueError: there is no such backbone.
    """

    domain = "text"
    metric = "accuracy"
    budget_unit = "labels"
    dataset: str
    classes: Sequence[str]
    collate = staticmethod(collate)
    tune_budgets = (64,)
    tune_steps = (40, 80)
    tune_options = {"precision": "bf16"}
    min_passes = 3
    feature_batch = 32  # 256 texts at once would take 0.3 GB more

    def __init__(self, pooling: str = "mean", backbone: str = "minilm") -> None:
        if backbone not in BACKBONES:
            raise ValueError(f"there is no backbone {backbone!r} for texts: choose from {', '.join(BACKBONES)}")
        self.pooling, self.backbone = pooling, backbone
        self.top_stages = (*(f"layer{i}" for i in range(BACKBONES[backbone])[-2:]), "head")

    @property
    def n_outputs(self) -> int:
        """How many classes there are to tell apart."""
        return len(self.classes)

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row a text: ``id, text, label, split`` and what else the data set says about it."""
        table = pd.read_csv(catalog.path(self.dataset, f"{self.dataset}.csv", verbose=False), keep_default_na=False)
        return table.assign(number=table.label.map({label: i for i, label in enumerate(self.classes)}))

    def rows(self, split: str) -> pd.DataFrame:
        """The texts of one split."""
        found = self.items[self.items.split == split]
        if found.empty:
            raise ValueError(f"there is no split {split!r}: choose from {', '.join(self.items.split.unique())}")
        return found

    def split(self, name: Split) -> Texts:
        """Texts and class numbers of one split."""
        return _texts(self.rows(name))

    def sample(self, budget: int, seed: int, split: Split = "train") -> Texts:
        """``budget`` texts, drawn so that each class has its share of the split, and at least one text."""
        pool = self.rows(split)
        if not self.n_outputs <= budget <= len(pool):
            raise ValueError(f"budget is {budget}: {split} has {len(pool)} texts, and each class needs one")
        exact = budget * pool.number.value_counts(normalize=True).sort_index()
        counts = np.maximum(1, np.floor(exact)).astype(int)
        while counts.sum() != budget:  # what is left over goes to the largest remainders
            few = counts.sum() < budget
            counts[(exact - counts).idxmax() if few else counts.idxmax()] += 1 if few else -1
        rng = np.random.default_rng(seed)
        chosen = [rng.permutation(pool.index[pool.number == number])[:count] for number, count in counts.items()]
        return _texts(pool.loc[np.concatenate(chosen)])

    def pretrained(self) -> nn.Module:
        """The backbone with an untrained classifier."""
        from ftlib.models.sentences import encoder

        return encoder(self.backbone, self.n_outputs, self.pooling)

    def untrained(self, seed: int) -> nn.Module:
        """The backbone's architecture with random weights."""
        from ftlib.models.sentences import encoder

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return encoder(self.backbone, self.n_outputs, self.pooling, pretrained=False)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Cross-entropy of the logits."""
        return nn.functional.cross_entropy(model(**self.inputs(batch)).logits, batch["labels"])

    def inputs(self, batch: Any) -> dict[str, Tensor]:
        """Token numbers and attention mask."""
        return {key: value for key, value in batch.items() if key != "labels"}

    def labels(self, batch: Any) -> Tensor:
        """Class numbers."""
        return batch["labels"]

    def lengths(self, data: Dataset) -> list[int]:
        """Tokens of each text, so that texts of like length share a batch."""
        return lengths(data.texts)

    def chances(self, model: nn.Module, split: Split = "test") -> Tensor:
        """Probabilities (N, outputs) of a split's texts, on the CPU."""
        return predict_texts(model, self.split(split).texts)

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """The task's metric on a split."""
        return self.score(self.split(split).labels.tolist(), self.chances(model, split).argmax(1).tolist())

    def score(self, true: Sequence[int], predicted: Sequence[int]) -> Score:
        """Accuracy, or macro F1 where the classes are unbalanced."""
        value = {"accuracy": metrics.accuracy, "macro F1": metrics.f1}[self.metric](true, predicted)
        return Score(value, self.metric, higher_is_better=True, n=len(true))

    def rates(self, recipe: str) -> Sequence[float]:
        """The learning rates that tuning tries for a recipe."""
        return RATES.get(recipe, (1e-5, 3e-5, 1e-4, 3e-4))

    def steps(self, recipe: str) -> Sequence[int]:
        """The step counts that tuning tries; the head's steps cost next to nothing."""
        return (100, 300) if recipe == "head" else self.tune_steps

    def passes(self, recipe: str) -> int:
        """Three (Devlin et al. 2019). Random weights learn next to nothing in three, and get as many as elsewhere."""
        return Task.min_passes if recipe == "scratch" else self.min_passes

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """TF-IDF with logistic regression."""
        return {"tfidf": self._tfidf}

    def rival_grid(self) -> dict[str, list[dict]]:
        """C and what is counted: eight settings."""
        return {"tfidf": tfidf.grid()}

    def _tfidf(self, train: Texts, split: Split, settings: dict) -> Score:
        model, test = tfidf.fit_tfidf(train.texts, train.labels.tolist(), **settings), self.split(split)
        return self.score(test.labels.tolist(), model.predict(test.texts).tolist())


def _texts(rows: pd.DataFrame) -> Texts:
    return Texts(rows.text.tolist(), torch.tensor(rows.number.tolist()))


class Reviews(TextTask):
    """Short reviews of products and services, negative or positive, written for this course.

    Three authors' passes: two to train and tune on, the third for testing. ``shift`` holds two areas that no
    other split has.
    """

    name = "reviews"
    dataset = "reviews"
    classes = ("negative", "positive")
    budgets = (16, 64, 256, 1000)
    grid = ("head", "scratch", "top", "head_then_all", "full", "lora", "tfidf")
    traced = ("scratch", "head", "full")
    trace_budget, trace_every = 256, 12


class FinanceNews(TextTask):
    """Finance headlines and sentences, as an investor in the company reads them, written for this course."""

    name = "finance_news"
    dataset = "finance_news"
    metric = "macro F1"
    classes = ("negative", "neutral", "positive")
    budgets = (30, 120, 480)
    tune_budgets = (60,)
    grid = ("head", "scratch", "full", "lora", "tfidf")
    traced = ()
