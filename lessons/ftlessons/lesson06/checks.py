"""Exercises of lesson 06, sentiment with BERT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import torch

from ftlessons.classroom.checks import exercise, expect
from ftlessons.lesson06.studies import slices
from ftlib import results

METHODS = {"A": "full", "B": "tfidf", "C": "head"}
KINDS = {"counts_words": "tfidf", "frozen": "head", "all_trained": "full"}


@exercise(
    "06-mean",
    hints=(
        "A mask of shape (texts, tokens, 1) multiplies all 384 numbers of a token: `mask.unsqueeze(-1)`.",
        "Divide the sum over dim 1 by the number of real tokens of each text, `mask.sum(1)`, not of the batch.",
    ),
)
def mean(answer: Any) -> str:
    """A function (states, mask) to one vector a text, the mean of its real tokens."""
    expect(callable(answer), "give a function that takes states and mask")
    generator = torch.Generator().manual_seed(6)
    for lengths in ((3,), (2, 5), (4, 1, 6)):
        mask = torch.tensor([[1] * n + [0] * (max(lengths) - n) for n in lengths])
        states = torch.randn(len(lengths), max(lengths), 8, generator=generator)
        wanted = torch.stack([each[:n].mean(0) for each, n in zip(states, lengths, strict=True)])
        found = answer(states.clone(), mask.clone())
        expect(found is not None and found is not ..., "the function returns nothing yet")
        expect(torch.is_tensor(found), "the function should return a tensor")
        shape = tuple(found.shape)
        expect(shape == tuple(wanted.shape), f"the shape is {shape}, not {tuple(wanted.shape)}: one vector a text")
        if len(lengths) == 1:
            expect(torch.allclose(found, wanted, atol=1e-5), "one text of three tokens: this is not their mean")
        texts = f"texts of {', '.join(map(str, lengths))} tokens in one batch"
        expect(torch.allclose(found.float(), wanted, atol=1e-5), f"{texts}: the padding of the shorter ones leaks in")
    return "A text gets the same vector alone and beside longer ones, as it should."


def methods_without_names() -> pd.DataFrame:
    """What three recorded methods do with 256 labels, as columns A, B and C; all but the last row are accuracies."""
    table = results.study("slices")
    found = slices.answers(table)
    plain = found[found["style"] == "plain"]
    rows = {
        "known areas, plain words": plain[plain.split == "test"].groupby("method").right.mean(),
        "areas never seen, plain words": plain[plain.split == "shift"].groupby("method").right.mean(),
        "reviews that say little": found[found["style"] == "indirect"].groupby("method").right.mean(),
        "a name moves the answer by (0 to 1)": slices.name_effects(table).groupby("method").name.mean(),
    }
    return pd.DataFrame({letter: {row: means[method] for row, means in rows.items()}
                         for letter, method in METHODS.items()}).round(3)  # fmt: skip


@exercise(
    "06-which",
    hints=(
        "To a method that counts the words of its training texts, what is a name that it has never met?",
        "Of the other two, one could learn which words weigh much, and the other could not.",
    ),
)
def which(answer: Any) -> str:
    """Which letter counts words, which is a frozen backbone with a head, and which was trained in full."""
    whole = isinstance(answer, dict) and set(answer) == set(KINDS)
    expect(whole, f"fill in the three entries {', '.join(KINDS)}")
    for key, value in answer.items():
        expect(value in METHODS, f"{key} is {value!r}: answer with 'A', 'B' or 'C'")
    said = answer["counts_words"]
    expect(METHODS[said] == "tfidf", f"{said} moves with names that no training text holds: it does more than count")
    said = answer["all_trained"]
    expect(METHODS[said] == "full", f"{said} is the weaker one on plain words: look at the first row")
    expect(METHODS[answer["frozen"]] == "head", "the frozen one is the letter that is left")
    counting = "Counting cannot move with words that it never met."
    return f"{counting} What is pre-trained has vectors for names, or their pieces."


@exercise(
    "06-swap",
    hints=(
        "Fill the gap with each name, score all texts, and keep the highest and the lowest answer of each template.",
        "`template.format(name=name)` fills the gap; `score` takes a list of texts.",
    ),
)
def swap(answer: Any) -> str:
    """A function (score, templates, names) to the largest move of an answer, over all templates."""
    expect(callable(answer), "give a function of score, templates and names")
    templates = ["{name} was late.", "We liked {name}, and the soup.", "{name} said hello to us twice."]
    trials = (
        (["Al", "Bo", "Cy"], {"Al": 0.0, "Bo": 0.3, "Cy": 0.1}),
        (["Al", "Bo"], {"Al": 0.2, "Bo": 0.0}),
        (["Al", "Bo", "Cy", "Di"], {}),
    )
    for names, weights in trials:
        wanted = max(weights.values(), default=0.0) - min(weights.values(), default=0.0)
        found = answer(_scorer(weights), list(templates), list(names))
        expect(isinstance(found, int | float), f"the function should return a number, not {found!r}")
        said = f"for {len(names)} names the answer moves by at most {wanted:.2f}, not {found:.2f}"
        expect(abs(found - wanted) < 1e-6, f"{said}: compare versions of the same template only")
    return "The largest move tells what the unluckiest person meets. A mean over templates would hide it."


def _scorer(weights: dict[str, float]) -> Callable[[Sequence[str]], list[float]]:
    def score(texts: Sequence[str]) -> list[float]:
        return [len(text.split()) / 20 + sum(w for name, w in weights.items() if name in text) for text in texts]

    return score
