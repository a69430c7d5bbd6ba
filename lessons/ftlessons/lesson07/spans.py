"""From characters to tokens and back: windows over a long text, and the best stretch that two scores mark.

The set-up is that of BERT on SQuAD (Devlin et al. 2018, https://arxiv.org/abs/1810.04805, section 4.2): a window is
``[CLS] question [SEP] piece of the text [SEP]``, and each token gets a score to be the first and one to be the last of
the answer. What stands at ``[CLS]`` says "no answer in here".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ftlib.batches import to_device

WINDOW, STRIDE, LONGEST = 192, 64, 30  # tokens in a window, tokens that two windows share, tokens in an answer
LONGEST_QUESTION = 64  # tokens that a window has room for; what a question says beyond is left out


@dataclass(frozen=True)
class Window:
    """A question with a piece of its text.

    Attributes:
        ids: the token numbers, question and text.
        types: 0 for the question, 1 for the text, as BERT wants them.
        spots: for each token the characters ``(from, to)`` of the text that it stands for; None in the question.
    """

    ids: list[int]
    types: list[int]
    spots: list[tuple[int, int] | None]

    def label(self, start: int, end: int) -> tuple[int, int]:
        """First and last token of the characters ``start`` to ``end`` (exclusive); (0, 0) if they are not all here."""
        first = next((i for i, spot in enumerate(self.spots) if spot and spot[0] <= start < spot[1]), 0)
        last = next((i for i, spot in enumerate(self.spots) if spot and spot[0] < end <= spot[1]), 0)
        return (first, last) if first and last else (0, 0)


def windows(tokenizer: Any, question: str, text: str, length: int = WINDOW, stride: int = STRIDE) -> list[Window]:
    """The question with each piece of the text, in order; neighbours share ``stride`` tokens."""
    asked = tokenizer(question, add_special_tokens=False, verbose=False)["input_ids"]
    if len(asked) > LONGEST_QUESTION:
        question = tokenizer.decode(asked[:LONGEST_QUESTION])
    made = tokenizer(
        question, text, truncation="only_second", max_length=length, stride=stride, return_overflowing_tokens=True,
        return_offsets_mapping=True, return_token_type_ids=True, verbose=False,
    )  # fmt: skip
    found = []
    for i, ids in enumerate(made["input_ids"]):
        parts = zip(made.sequence_ids(i), made["offset_mapping"][i], strict=True)
        spots = [tuple(spot) if part == 1 else None for part, spot in parts]  # 0 is the question, 1 the text
        found.append(Window(ids, made["token_type_ids"][i], spots))
    return found


def collate(batch: Sequence[Window]) -> dict[str, Tensor]:
    """Token numbers, types and mask of these windows, (windows, tokens), padded with zeros."""
    width = max(len(window.ids) for window in batch)
    out = torch.zeros(3, len(batch), width, dtype=torch.long)
    for row, window in enumerate(batch):
        n = len(window.ids)
        out[0, row, :n], out[1, row, :n], out[2, row, :n] = torch.tensor(window.ids), torch.tensor(window.types), 1
    return {"input_ids": out[0], "token_type_ids": out[1], "attention_mask": out[2]}


def best_span(start: Tensor, end: Tensor, window: Window, longest: int = LONGEST) -> tuple[float, int, int]:
    """The best stretch of one window: its score and its characters ``(from, to)``.

    Args:
        start: (tokens,), how well each token would be the first.
        end: (tokens,), how well each would be the last.
        longest: how many tokens it may have.
    """
    n = len(window.spots)
    text = torch.tensor([spot is not None for spot in window.spots])
    scores = start[:n, None] + end[None, :n]
    allowed = torch.ones(n, n).triu().tril(longest - 1).bool() & text[:, None] & text[None, :]
    best = int(scores.masked_fill(~allowed, float("-inf")).argmax())
    first, last = divmod(best, n)
    return float(scores[first, last]), window.spots[first][0], window.spots[last][1]


@torch.no_grad()
def answer_all(
    model: nn.Module, tokenizer: Any, pairs: Sequence[tuple[str, str]], batch: int = 32, **sizes: int
) -> Iterator[tuple[str, float]]:
    """For each question and text the best stretch, and how much more its score is than that of "no answer"."""
    made = [windows(tokenizer, question, text, **sizes) for question, text in pairs]
    flat = [(i, window) for i, found in enumerate(made) for window in found]
    order = sorted(range(len(flat)), key=lambda at: len(flat[at][1].ids))
    best: list[tuple[float, int, int]] = [(float("-inf"), 0, 0)] * len(pairs)
    nothing = [float("inf")] * len(pairs)
    model.eval()
    device = next(model.parameters(), torch.zeros(0)).device
    for at in range(0, len(order), batch):
        some = [flat[i] for i in order[at : at + batch]]
        logits = model(**to_device(collate([window for _, window in some]), device)).float().cpu()
        for (i, window), (start, end) in zip(some, logits.transpose(1, 2), strict=True):
            best[i] = max(best[i], best_span(start, end, window))
            nothing[i] = min(nothing[i], float(start[0] + end[0]))
    for (_, text), (score, a, b), none in zip(pairs, best, nothing, strict=True):
        yield text[a:b], score - none
