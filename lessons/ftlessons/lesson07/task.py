"""The house's questions as a task: mark the answer in a document, taught by a few labelled questions."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ftlessons.lesson07 import reader
from ftlessons.lesson07.spans import STRIDE, WINDOW, Window, answer_all, collate, windows
from ftlib import catalog
from ftlib.metrics import Score
from ftlib.tasks.base import Split, Task
from ftlib.tasks.tokens import tokenizer

SIZES = ((64, 24), (96, 32), (WINDOW, STRIDE))  # word pieces of a training window, and how many two of them share
RATES = {
    "head": (1e-3, 3e-3, 1e-2, 3e-2), "lora": (3e-4, 1e-3, 3e-3, 1e-2), "scratch": (1e-4, 3e-4, 1e-3, 3e-3),
}  # fmt: skip
SHARES = {"train": 46, "tune": 56, "tune_valid": 66, "test": 100}  # up to which hundredth a document belongs where


@dataclass(frozen=True)
class Question:
    """A question on a document and the marked answer, ``""`` with ``start`` -1 where the document does not say it."""

    id: str
    document: str
    question: str
    text: str
    answer: str
    start: int
    kind: str


def split_of(document: str) -> Split:
    """The split of a document of the house, by a hash of its name: what happens to another document never moves it."""
    place = int(hashlib.sha256(document.encode()).hexdigest(), 16) % 100
    return next(name for name, end in SHARES.items() if place < end)


class Labelled(Dataset):
    """One window a question, with the answer in it: ``(window, (first token, last token, tokens))``."""

    def __init__(self, questions: Sequence[Question], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.questions, self.items = list(questions), []
        for question in self.questions:
            place = (question.start, question.start + len(question.answer))
            for size in SIZES:  # a few answers are too long for the short windows
                made = windows(tokenizer(), question.question, question.text, *size)
                spans = [window.label(*place) if question.answer else (0, 0) for window in made]
                inside = [i for i, span in enumerate(spans) if span != (0, 0)]
                if inside or not question.answer:
                    break
            one = int(rng.choice(inside or len(made)))
            first, last = spans[one]
            self.items.append((made[one], torch.tensor([first, last, len(made[one].ids)])))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> tuple[Window, Tensor]:
        return self.items[i]


class HouseQuestions(Task):
    """Questions on manuals, leases and house rules, each answered by marking a stretch of the document.

    Splits belong to documents. The score is SQuAD's F1 on the questions that have an answer: words shared with the
    marked stretch.
    """

    name = dataset = "manuals"
    domain = "answers"
    metric = "F1"
    budget_unit = "questions"
    n_outputs = 2
    keeps_head = True  # what it learnt about marking is what it is for
    has_zero_shot = True
    budgets = (25, 50, 100, 200)
    top_stages = ("layer4", "layer5", "head")
    grid = ("zero_shot", "head", "full", "lora", "scratch", "sentence")
    traced = ()
    tune_budgets, tune_seeds, tune_passes = (30,), (0,), (3, 7, 14)
    feature_batch = 256  # all windows at once, so that they have one width
    min_passes = 0  # as many as tuning chose
    micro_batch = 4  # all sixteen at once would take half a gigabyte more

    @cached_property
    def source(self) -> Task:
        """What the reader was trained for: short answers in texts on anything."""
        return GeneralQuestions()

    @cached_property
    def questions(self) -> list[Question]:
        """All questions, in the order of the file."""
        rows = {file: _rows(self.dataset, file) for file in ("documents", "questions")}
        texts = {row["id"]: row["text"] for row in rows["documents"]}
        return [Question(text=texts[row["document"]], **row) for row in rows["questions"]]

    def asked(self, split: Split) -> list[Question]:
        """The questions on a split's documents."""
        found = [question for question in self.questions if split_of(question.document) == split]
        if split not in SHARES:
            raise ValueError(f"there is no split {split!r}: choose from {', '.join(SHARES)}")
        if not found:
            raise ValueError(f"no document falls into the split {split!r}: bring questions on more documents")
        return found

    def split(self, name: Split) -> Labelled:
        """All questions of one split, a window each."""
        return Labelled(self.asked(name), seed=0)

    def sample(self, budget: int, seed: int, split: Split = "train") -> Labelled:
        """``budget`` questions drawn from all documents of the split, and a window that holds the answer for each."""
        pool = self.asked(split)
        if not 1 <= budget <= len(pool):
            raise ValueError(f"budget is {budget}: {split} has {len(pool)} questions")
        order = np.random.default_rng(seed).permutation(len(pool))[:budget]
        return Labelled([pool[i] for i in order], seed)

    def pretrained(self) -> nn.Module:
        """The course's reader, which has learnt to mark answers in other texts."""
        return reader.load()

    def untrained(self, seed: int) -> nn.Module:
        """MiniLM's architecture and a span head with random weights."""
        with torch.random.fork_rng(devices=[]):
            return reader.raw_reader(seed, pretrained=False)

    @staticmethod
    def collate(batch: list[tuple[Window, Tensor]]) -> dict[str, Tensor]:
        """Token numbers, types and mask, and ``labels``: first token, last token, how many there are."""
        return collate([window for window, _ in batch]) | {"labels": torch.stack([label for _, label in batch])}

    def inputs(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Token numbers, types and mask."""
        return {key: value for key, value in batch.items() if key != "labels"}

    def labels(self, batch: dict[str, Tensor]) -> Tensor:
        """First token, last token, and how many tokens are real."""
        return batch["labels"]

    def lengths(self, data: Labelled) -> list[int]:
        """Tokens of each window, so that windows of like length share a batch."""
        return [len(window.ids) for window, _ in data.items]

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy of the first and of the last token."""
        return span_loss(model(**self.inputs(batch)), batch["labels"])

    def head_loss(self, head: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The same for a head that reads cached states."""
        return span_loss(head(batch[0]), batch[1])

    def answers(self, model: nn.Module, questions: Sequence[Question]) -> pd.DataFrame:
        """What the model marks: columns ``id, said, margin`` (over "not in here"), ``answer, kind, f1, em``."""
        pairs = [(question.question, question.text) for question in questions]
        rows = [
            {"id": q.id, "said": said, "margin": margin, "answer": q.answer, "kind": q.kind, **marks(said, q.answer)}
            for q, (said, margin) in zip(questions, answer_all(model, tokenizer(), pairs), strict=True)
        ]
        return pd.DataFrame(rows)

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """F1 on the questions of a split that have an answer; ``more``: exact match, and F1 document by document."""
        asked = [question for question in self.asked(split) if question.answer]
        return self._score(asked, self.answers(model, asked).said)

    def rates(self, recipe: str) -> Sequence[float]:
        """The learning rates that tuning tries."""
        return RATES.get(recipe, (1e-5, 3e-5, 1e-4, 3e-4))

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """The sentence that is most like the question: it needs no label at all."""
        return {"sentence": self._sentence}

    def rival_grid(self) -> dict[str, list[dict]]:
        """Which words count, how many in a row, and whether frequent ones count less: twelve settings."""
        return {"sentence": [
            {"words": n, "stop": stop, "sublinear": sub}
            for n in (1, 2, 3) for stop in (None, "english") for sub in (False, True)
        ]}  # fmt: skip

    def _sentence(self, train: Labelled, split: Split, settings: dict) -> Score:
        asked = [question for question in self.asked(split) if question.answer]
        return self._score(asked, [best_sentence(question.question, question.text, **settings) for question in asked])

    def _score(self, asked: Sequence[Question], said: Sequence[str]) -> Score:
        found = pd.DataFrame(marks(text, question.answer) for text, question in zip(said, asked, strict=True))
        within = found.f1.groupby([question.document for question in asked]).mean()
        more = {"em": round(found.em.mean(), 4), "documents": within.round(4).to_dict()}
        return Score(float(found.f1.mean()), self.metric, higher_is_better=True, n=len(found), more=more)


class RawHouseQuestions(HouseQuestions):
    """The same from MiniLM as it is, with a new span head: it has never marked an answer."""

    name = "manuals_raw"
    grid = ("head", "full")
    has_zero_shot = False
    source = None  # it knows nothing that it could forget

    def pretrained(self) -> nn.Module:
        """MiniLM and an untrained span head."""
        with torch.random.fork_rng(devices=[]):
            return reader.raw_reader()


class GeneralQuestions(HouseQuestions):
    """Questions with short answers on short encyclopaedic passages, as public sets have them: for testing alone."""

    name = dataset = "passages"
    grid = ()
    source = None

    def asked(self, split: Split) -> list[Question]:
        """All questions; there is nothing to train on."""
        if split != "test":
            raise ValueError(f"passages has no split {split!r}: it is for testing alone")
        return self.questions


def span_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of first and last token.

    Args:
        logits: (N, tokens, 2).
        labels: (N, 3), first token, last token, and how many tokens are real: padding cannot be chosen.
    """
    padding = torch.arange(logits.shape[1], device=logits.device) >= labels[:, 2:]
    logits = logits.float().masked_fill(padding.unsqueeze(-1), float("-inf"))
    return sum(nn.functional.cross_entropy(logits[:, :, i], labels[:, i]) for i in (0, 1)) / 2


def marks(said: str, answer: str) -> dict[str, float]:
    """SQuAD's F1 and exact match of two stretches, 0 to 1 (Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250).

    >>> marks("the 30 days", "30 days, 14 in the first year")
    {'f1': 0.5, 'em': 0.0}
    """
    from torchmetrics.functional.text.squad import _normalize_text

    a, b = (_normalize_text(text).split() for text in (said, answer))
    shared = (Counter(a) & Counter(b)).total()
    return {"f1": 2 * shared / (len(a) + len(b)) if a and b else float(a == b), "em": float(a == b)}


def best_sentence(question: str, text: str, words: int, stop: str | None, sublinear: bool) -> str:
    """The sentence of the text whose words, weighted by TF-IDF, are most like the question's."""
    import re

    from sklearn.feature_extraction.text import TfidfVectorizer

    sentences = [part for part in re.split(r"(?<=[.!?;])\s+|\n", text) if re.search(r"\w\w", part)]
    weigh = TfidfVectorizer(ngram_range=(1, words), stop_words=stop, sublinear_tf=sublinear)
    scores = weigh.fit_transform(sentences) @ weigh.transform([question]).T
    return sentences[int(np.asarray(scores.todense()).argmax())]


def _rows(dataset: str, file: str) -> list[dict[str, Any]]:
    path = catalog.path(dataset, f"{file}.jsonl", verbose=False)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
