"""Blanks to fill in: every word of a text in turn is hidden, and its neighbours are what is left to guess it by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

HIDDEN = "___"
OTHER = "(rare word)"


@dataclass(frozen=True)
class Words:
    """A vocabulary, the commonest word first; number 0 stands for all rare ones and for the edge of a text."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str], least: int = 3) -> Words:
        """The words that occur at least ``least`` times."""
        counts = Counter(word for text in texts for word in split(text))
        return cls((OTHER, *(word for word, n in counts.most_common() if n >= least)))

    def numbers(self, text: str) -> list[int]:
        """Each word's place in the vocabulary."""
        return [self._places.get(word, 0) for word in split(text)]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def blanks(self, texts: Sequence[str], reach: int = 4) -> tuple[Tensor, Tensor]:
        """Every known word hidden in turn: its neighbours (N, 2 * reach) to both sides, and the word itself (N,)."""
        around, hidden = [], []
        for text in texts:
            padded = [0] * reach + self.numbers(text) + [0] * reach
            for i in range(reach, len(padded) - reach):
                if padded[i]:
                    around.append(padded[i - reach : i] + padded[i + 1 : i + 1 + reach])
                    hidden.append(padded[i])
        if not hidden:
            raise ValueError("there is no word to hide: give texts that share some words with the vocabulary")
        return torch.tensor(around), torch.tensor(hidden)

    def around_blank(self, text: str, reach: int = 4) -> Tensor:
        """The neighbours (1, 2 * reach) of the blank, written ``___``.

        Raises:
            ValueError: the text does not have exactly one blank.

        >>> Words((OTHER, "the", "food")).around_blank("the food was ___", reach=2).tolist()
        [[2, 0, 0, 0]]
        """
        left, *right = text.split(HIDDEN)
        if len(right) != 1:
            raise ValueError(f"write the hidden word as {HIDDEN}, once: {text!r}")
        before, after = [0] * reach + self.numbers(left), self.numbers(right[0]) + [0] * reach
        return torch.tensor([before[len(before) - reach :] + after[:reach]])


def split(text: str) -> list[str]:
    """Lower-case words, without punctuation.

    >>> split("Don't buy it!")
    ["don't", 'buy', 'it']
    """
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("’", "'"))
