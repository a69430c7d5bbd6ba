"""What a learner has done so far: first tries in quizzes, solved exercises, guesses that met their result.

All of it stands in the ledger beside the notebook (`ftlessons.classroom.storage`). Only first tries are kept:
an answer that is given after the explanation, or a guess made after the result, says nothing.
"""

from __future__ import annotations

import math
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftlessons.classroom.course import Entry, digest, load_course
from ftlessons.classroom.display import in_ipython
from ftlessons.classroom.source import CourseDataError
from ftlessons.classroom.storage import Ledger
from ftlib import runtime

# a guess is right when it lies within this share of its slider's range from the measured value
TOLERANCE = 0.1


@dataclass(frozen=True)
class Count:
    """So many done out of so many."""

    done: int
    total: int

    def __str__(self) -> str:
        return f"{self.done} of {self.total}"


@dataclass(frozen=True)
class Guess:
    """A guess that met its result: how sure the learner was (0.5 to 1), and whether it was right."""

    id: str
    confidence: float
    right: bool


def keep_first(section: str, entry: dict[str, Any], keys: tuple[str, ...], ledger: Ledger | None = None) -> str:
    """Add an entry unless one with the same values under `keys` is there already.

    Returns:
        What to tell the learner where it could not be saved, "" otherwise: a full disk stops no lesson.
    """
    ledger = ledger or Ledger()
    try:
        ledger.append(section, entry, keys)
    except OSError as problem:
        return f"Your progress could not be saved ({problem.strerror or problem})."
    return ""


def learner() -> str:
    """A random name, drawn once and kept, from which the order of this learner's quizzes comes.

    It is "" in strict mode and where it could not be saved: then the order is that of saved notebooks.
    """
    known = Ledger().latest("learner", "name")
    if known is not None or runtime.strict():
        return str((known or {}).get("value", ""))
    name = secrets.token_hex(8)
    return "" if keep_first("learner", {"id": "name", "value": name}, ("id",)) else name


def keep_answer(lesson: str, question: str, correct: bool) -> str:
    """Keep the first try at a quiz question, named by its text; returns trouble as `keep_first` does."""
    entry = {"id": lesson, "question": question, "correct": correct}
    return keep_first("quizzes", entry, ("id", "question"))


def keep_solved(exercise: str) -> str:
    """Keep that an exercise was solved; returns trouble as `keep_first` does.

    Running the reference solution, which stands folded below each exercise, does not count.
    """
    if runtime.strict() or _runs_a_reference_solution(exercise[:2]):
        return ""
    return keep_first("exercises", {"id": exercise}, ("id",))


def guesses(ledger: Ledger | None = None) -> list[Guess]:
    """The first guess at each question whose result has been drawn; entries that make no sense are left out.

    A guess counts as right when it lies within a tenth of the slider's range from the measured value.
    """
    found = []
    for entry in (ledger or Ledger()).entries("measured"):
        numbers = [entry.get(name) for name in ("guess", "measured", "low", "high", "confidence")]
        if all(isinstance(n, int | float) and math.isfinite(n) for n in numbers):
            guess, measured, low, high, confidence = numbers
            right = abs(guess - measured) <= TOLERANCE * (high - low) * (1 + 1e-9)
            found.append(Guess(str(entry.get("id")), confidence / 100, right))
    return found


def quiz_count(lesson: Entry, ledger: Ledger) -> Count:
    """Questions of the lesson's quizzes that were answered right at the first try."""
    from ftlessons.classroom.quizzes import load_quiz

    asked = [(id, question.text) for id in lesson.quizzes for question in load_quiz(id)]
    first: dict[tuple[Any, Any], bool] = {}
    for entry in ledger.entries("quizzes"):
        first.setdefault((entry.get("id"), entry.get("question")), entry.get("correct") is True)
    return Count(sum(first.get(key, False) for key in asked), len(asked))


def exercise_count(lesson: Entry, ledger: Ledger) -> Count:
    """Exercises of the lesson that were solved."""
    return _named(lesson.exercises, ledger, "exercises")


def guess_count(lesson: Entry, ledger: Ledger) -> Count:
    """Questions of the lesson for which a guess was locked."""
    return _named(lesson.guesses, ledger, "predictions")


def _named(ids: Sequence[str], ledger: Ledger, section: str) -> Count:
    there = {entry.get("id") for entry in ledger.entries(section)}
    return Count(sum(id in there for id in ids), len(ids))


def _runs_a_reference_solution(lesson: str) -> bool:
    if not in_ipython():
        return False
    typed = sys.modules["IPython"].get_ipython().history_manager.input_hist_raw[-1]
    try:
        entry = load_course().get(lesson)
    except (CourseDataError, OSError):  # a damaged file stops no exercise
        return False
    return entry is not None and digest(typed) in entry.solutions
