"""Texts on their way into a network: a data set of them, tokens in batches, and what was lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

MAX_TOKENS = 64


class Texts(Dataset):
    """Texts with their class numbers."""

    def __init__(self, texts: list[str], labels: Tensor):
        self.texts, self.labels = texts, labels

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, i: int) -> tuple[str, Tensor]:
        return self.texts[i], self.labels[i]


@cache
def tokenizer() -> Any:
    """MiniLM's tokenizer, loaded once; the other backbones read the same word pieces."""
    from ftlib.models.sentences import tokenizer as load

    return load()


def encode(texts: Sequence[str], max_tokens: int = MAX_TOKENS) -> dict[str, Tensor]:
    """Token numbers and attention mask, each (N, tokens), padded to the longest text; longer ones are cut.

    >>> encode(["good"])["input_ids"]
    tensor([[ 101, 2204,  102]])
    """
    batch = tokenizer()(
        list(texts), padding=True, truncation=True, max_length=max_tokens, return_tensors="pt",
        return_token_type_ids=False,
    )  # fmt: skip
    return dict(batch)


def lengths(texts: Sequence[str], max_tokens: int = MAX_TOKENS) -> list[int]:
    """Tokens of each text, after cutting."""
    return [len(ids) for ids in tokenizer()(list(texts), truncation=True, max_length=max_tokens)["input_ids"]]


def collate(examples: list[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """A batch of ``Texts``: ``input_ids``, ``attention_mask`` and ``labels``."""
    texts, labels = zip(*examples, strict=True)
    return encode(texts) | {"labels": torch.stack(labels)}


def checked(text: str, max_tokens: int = MAX_TOKENS) -> list[str]:
    """What a reader should know about a text before they trust a prediction on it; empty if nothing.

    Raises:
        ValueError: there is no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"the text is a {type(text).__name__}: give a string")
    if not text.strip():
        raise ValueError("the text is empty: write a sentence")
    ids = tokenizer()(text[:200_000], add_special_tokens=False, verbose=False)["input_ids"]
    unknown = sum(token == tokenizer().unk_token_id for token in ids)
    if not ids or unknown == len(ids):
        what = "emoji, or a script that it has not read"
        return [f"The model knows no sign of this text ({what}): its answer means nothing."]
    notes = []
    letters = [sign for sign in text if sign.isalpha()]
    if sum(sign > "ɏ" for sign in letters) > len(letters) / 2:
        notes.append("Most of this text is in another script, and the model learnt from English: trust it little.")
    if unknown > len(ids) / 4:
        notes.append(f"The model does not know {unknown} of the {len(ids)} pieces of this text: trust it little.")
    if len(ids) > max_tokens - 2:
        notes.append(f"The text has {len(ids):,} pieces; the model read the first {max_tokens - 2} of them.")
    return notes
