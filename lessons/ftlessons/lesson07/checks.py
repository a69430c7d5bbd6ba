"""Exercises of lesson 07, question answering with BERT."""

from __future__ import annotations

from typing import Any

from ftlessons.classroom.checks import exercise, expect

TEXT = "Das  Café closes at  22:00, in July at 23:00. Señor Ruíz keeps the key."
ASKED = ("22:00, in July at 23:00", "Café", "Señor Ruíz", "the key")


def spots(text: str = TEXT) -> list[tuple[int, int]]:
    """For each token of a text the characters ``(from, to)`` that it stands for."""
    from ftlib.tasks.tokens import tokenizer

    return tokenizer()(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]


@exercise(
    "07-tokens",
    hints=(
        "The first token is the first whose characters reach beyond `start`; the last begins before `end`.",
        "`end` is one past the last character of the answer, and so is the second number of each spot.",
    ),
)
def tokens(answer: Any) -> str:
    """A function (spots, start, end) to the numbers of the first and the last token of an answer."""
    expect(callable(answer), "give a function that takes spots, start and end")
    found_spots = spots()
    for wanted in ASKED:
        start = TEXT.index(wanted)
        found = answer(list(found_spots), start, start + len(wanted))
        expect(found is not None and found is not ..., "the function returns nothing yet")
        expect(isinstance(found, tuple) and len(found) == 2, "return two numbers: the first token and the last")
        there = all(isinstance(i, int) and 0 <= i < len(found_spots) for i in found)
        expect(there, f"{found}: there are no such tokens")
        first, last = found
        said = TEXT[found_spots[first][0] : found_spots[last][1]]
        expect(said == wanted, f"for {wanted!r} your tokens say {said!r}")
    inside = TEXT.index("loses")
    first, last = answer(list(found_spots), inside, inside + 3)
    wide = TEXT[found_spots[first][0] : found_spots[last][1]]
    expect("los" in wide, f"an answer that begins inside a word needs that word's token; yours say {wide!r}")
    return "Accents, two blanks in a row and answers inside a word: the tokens say what the characters said."


@exercise(
    "07-span",
    hints=(
        "Make a table of all pairs, `start[:, None] + end[None, :]`, and forbid those where the end comes first.",
        "`start.new_ones(n, n).triu()` keeps ends at or after the start, `.tril(longest - 1)` those near enough.",
    ),
)
def span(answer: Any) -> str:
    """A function (start, end, longest) to the first and last token of the best allowed stretch."""
    import torch

    expect(callable(answer), "give a function that takes start, end and longest")
    generator = torch.Generator().manual_seed(7)
    for n, longest in ((1, 5), (6, 6), (12, 3), (40, 10)):
        for _ in range(5):
            start, end = torch.randn(2, n, generator=generator)
            allowed = [(i, j) for i in range(n) for j in range(i, min(n, i + longest))]
            best = max(allowed, key=lambda pair: float(start[pair[0]] + end[pair[1]]))
            found = answer(start.clone(), end.clone(), longest)
            expect(found is not None and found is not ..., "the function returns nothing yet")
            expect(isinstance(found, tuple) and len(found) == 2, "return two numbers: the first token and the last")
            first, last = map(int, found)
            expect(first <= last, f"your answer ends at token {last}, before it begins at {first}")
            expect(last - first < longest, f"your answer has {last - first + 1} tokens, and {longest} are allowed")
            better = float(start[best[0]] + end[best[1]])
            expect((first, last) == best, f"there is a better stretch: {best} has {better:.2f} in all")
    return "Of all stretches that are allowed, yours has the highest sum."


def held_back() -> tuple[list[float], list[bool]]:
    """Margins of 40 questions, and whether the document says the answer: made up, with an overlap."""
    import numpy as np

    rng = np.random.default_rng(70)
    there = rng.random(40) < 0.7
    return [round(float(x), 2) for x in rng.normal(np.where(there, 3.0, -1.0), 2.0)], there.tolist()


@exercise(
    "07-nothing",
    hints=(
        "Try each margin as the threshold, and count how many questions are decided rightly.",
        "Right is: at or above the threshold and it is there, or below and it is not.",
    ),
)
def nothing(answer: Any) -> str:
    """A function (margins, there) to a threshold that decides most questions rightly."""
    expect(callable(answer), "give a function that takes margins and there")
    margins, there = held_back()
    for some in (slice(None), slice(0, 12), slice(20, 40)):
        m, t = margins[some], there[some]
        found = answer(list(m), list(t))
        expect(found is not None and found is not ..., "the function returns nothing yet")
        expect(isinstance(found, int | float), "return one number")
        right = _right(m, t, found)
        best = max(_right(m, t, edge) for edge in [*m, max(m) + 1])
        expect(right == best, f"{found:.2f} decides {right} of {len(m)} rightly, and there is one that decides {best}")
    return "No other threshold decides more of the tuning questions rightly. Test questions must not choose it."


def _right(margins: list[float], there: list[bool], threshold: float) -> int:
    return sum((margin >= threshold) == said for margin, said in zip(margins, there, strict=True))
