"""Exercises of lesson 05, monitor and evaluate."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ftlessons.classroom.checks import exercise, expect
from ftlessons.lesson05 import monitor
from ftlessons.lesson05.studies.regularisers import EPOCHS_A_LOOK
from ftlib import results

CURVES = {"A": "small", "B": "leaky", "C": "validation"}
KINDS = {"leaks": "leaky", "too_small": "small", "sound": "validation"}
SHOWN_SEED = 4
NEAR = 0.04  # accuracy


def curves_without_names() -> dict[str, list[float]]:
    """One recorded run, as three validation sets saw it: their accuracy at every second epoch."""
    run = _recorded_run()
    return {letter: list(run[name]) for letter, name in CURVES.items()}


def _recorded_run() -> pd.Series:
    table = results.study("regularisers")
    return table[(table.brake == "none") & (table.wrong > 0)].set_index("seed").loc[SHOWN_SEED]


@exercise(
    "05-curves",
    hints=(
        "Thirty labels in a hundred are wrong. Which examples could be got right by learning those by heart?",
        "With 20 examples, accuracy moves in steps of 0.05. Which line does?",
    ),
)
def curves(answer: Any) -> str:
    """Which of A, B, C leaks, which is too small, which is sound, and the epoch at which to stop."""
    keys = (*KINDS, "stop_at")
    expect(isinstance(answer, dict) and set(answer) == set(keys), f"fill in the four entries {', '.join(keys)}")
    for key in KINDS:
        expect(answer[key] in CURVES, f"{key} is {answer[key]!r}: answer with 'A', 'B' or 'C'")
    expect(CURVES[answer["leaks"]] == "leaky", f"{answer['leaks']} falls as wrong labels are learnt: it does not leak")
    expect(CURVES[answer["too_small"]] == "small", f"{answer['too_small']} moves in steps finer than one in 20")
    expect(CURVES[answer["sound"]] == "validation", "the sound one is the line that is left")
    stop = answer["stop_at"]
    expect(isinstance(stop, int | float) and not isinstance(stop, bool), "stop_at takes the number of an epoch")
    best, lost = _best_epoch(stop)
    expect(lost <= NEAR, f"look for the highest point of the sound line; it is not near epoch {stop:g}")
    return f"The sound line is at its best in epoch {best}. The leaking one would have told you to train on for ever."


def _best_epoch(stop: float) -> tuple[int, float]:
    """The epoch with the best score, and how much lower the score is at the look next to ``stop``."""
    seen = list(_recorded_run()["validation"])
    look = round(stop / EPOCHS_A_LOOK) - 1
    lost = max(seen) - seen[look] if 0 <= look < len(seen) else float("inf")
    return EPOCHS_A_LOOK * (monitor.kept(seen) + 1), lost


@exercise(
    "05-audit",
    hints=(
        "Make two sets of what training has seen: one of the writers, one of the contents.",
        "A test row leaks if its writer is in the first set or its content in the second.",
    ),
)
def audit(answer: Any) -> str:
    """A function from a table (id, writer, content, split) to the ids of test rows that leak."""
    expect(callable(answer), "give a function that takes the table and returns a list of ids")
    for table, wanted, trap in _tables():
        found = answer(table.copy())
        expect(found is not None, "the function returns nothing yet")
        expect(sorted(found) == wanted, f"{trap} Found: {sorted(found)}; it should be {wanted}")
    return "Copies and relatives. In real data, ask what ties two examples together: a person, a day, a device."


def _tables() -> list[tuple[pd.DataFrame, list[int], str]]:
    def table(*rows: tuple[int, str, str, str]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["id", "writer", "content", "split"])

    clean = table((1, "ada", "x", "train"), (2, "bo", "y", "test"), (3, "bo", "z", "test"))
    copied = table((1, "ada", "x", "train"), (2, "bo", "x", "test"), (3, "cy", "z", "test"))
    known = table((7, "ada", "x", "train"), (8, "bo", "y", "train"), (9, "bo", "z", "test"), (4, "cy", "w", "test"))
    both = table(
        (1, "ada", "x", "train"), (2, "ada", "x", "test"), (3, "di", "x", "validation"), (4, "di", "q", "test")
    )  # fmt: skip
    return [
        (clean, [], "Two test rows by one writer are no leak: neither was in training."),
        (copied, [2], "Row 2 is a copy of a training row, although another writer is named."),
        (known, [9], "Row 9 is by a writer whom training has met."),
        (both, [2], "Count each test row once, and leave out rows of other splits."),
    ]


@exercise(
    "05-patience",
    hints=(
        "Keep two numbers: the place of the best score so far, and how many looks ago that was.",
        "Stop when `look - best` reaches `patience`. Of equal scores the first stays the best.",
    ),
)
def patience(answer: Any) -> str:
    """A function (scores, patience) to the look whose weights early stopping keeps."""
    expect(callable(answer), "give a function of scores and patience")
    trials = ([0.5, 0.6, 0.7], [0.5, 0.7, 0.6, 0.9], [0.7, 0.6, 0.6, 0.9], [0.5, 0.5, 0.5, 0.6], [0.4])
    for scores in trials:
        for wait in (1, 2, 3):
            wanted, found = monitor.kept(scores, wait), answer(list(scores), wait)
            said = f"for the scores {scores} and a patience of {wait} look {wanted} is kept, not {found}"
            expect(found == wanted, said)
    return "And with too little patience you keep a look from before the run got good."
