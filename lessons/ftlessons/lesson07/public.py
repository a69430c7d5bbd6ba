"""SQuAD and BERT-base, for the full profile: the set-up that made question answering by marking well known."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from torch import nn

from ftlessons.lesson07 import reader
from ftlessons.lesson07.spans import answer_all
from ftlessons.lesson07.task import HouseQuestions, Question, marks
from ftlib import runtime
from ftlib.catalog import CatalogError
from ftlib.metrics import Score
from ftlib.tasks.base import Split
from ftlib.tasks.tokens import tokenizer

REPO = "rajpurkar/squad"  # CC BY-SA 4.0; no commit is pinned: the set has not changed since 2016


class Squad(HouseQuestions):
    """SQuAD 1.1 (Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250): 87,599 questions, tested on 10,570.

    A test question has several people's answers; the best match counts, as in the paper.

    Raises:
        CatalogError: this is the small profile, or the data cannot be had; one sentence that says what to do.
    """

    grid = ()
    has_zero_shot = False
    source = None
    micro_batch = None

    def __init__(self, backbone: str = "bert-base-uncased") -> None:
        self.name, self.backbone = "squad", backbone  # no plain name: the course does not list it among its tasks
        if runtime.profile() != "full":
            how = 'pip install "ftlib[full]", set FTLIB_PROFILE=full and restart Python'
            raise CatalogError(f"{REPO!r} is downloaded, and the small profile downloads nothing: {how}.")

    @cached_property
    def rows(self) -> Any:
        """The published set, as ``datasets`` gives it."""
        from datasets import load_dataset

        try:
            return load_dataset(REPO)
        except Exception as problem:  # many kinds, which differ between versions of the client
            why = f"{REPO!r} cannot be had ({type(problem).__name__}): try again with a network."
            raise CatalogError(why) from problem

    def asked(self, split: Split) -> list[Question]:
        """The published training questions, or for ``test`` the published development set."""
        if split not in ("train", "test"):
            raise ValueError(f"squad has no split {split!r}: it has train and test")
        return [
            Question(row["id"], row["title"], row["question"].strip(), row["context"], row["answers"]["text"][0],
                     row["answers"]["answer_start"][0], "fact")
            for row in self.rows["train" if split == "train" else "validation"]
        ]  # fmt: skip

    def pretrained(self) -> nn.Module:
        """BERT-base with a new span head."""
        return reader.raw_reader(backbone=self.backbone)

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """F1 against the best of each question's answers; ``more`` has the exact match."""
        rows = list(self.rows["validation"])
        pairs = [(row["question"].strip(), row["context"]) for row in rows]
        found = [
            [marks(said, answer) for answer in row["answers"]["text"]]
            for row, (said, _) in zip(rows, answer_all(model, tokenizer(), pairs), strict=True)
        ]
        f1, em = (float(np.mean([max(one[name] for one in each) for each in found])) for name in ("f1", "em"))
        return Score(f1, self.metric, higher_is_better=True, n=len(rows), more={"em": em})
