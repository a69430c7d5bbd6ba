"""What the learner sees of their own record: the map with what is done, and how far to trust a guess."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ftlessons.classroom import records
from ftlessons.classroom.course import Entry, course_map, load_course
from ftlessons.classroom.session import show
from ftlessons.classroom.storage import Ledger

if TYPE_CHECKING:
    from ftlib.plots import Picture

FEWEST_GUESSES = 5


def progress() -> None:
    """Show the map of the course with what you have done: quiz, exercises, guesses.

    A quiz counts first tries. In strict mode nothing is read, so that every lesson says "nothing yet".
    """
    course, ledger = load_course(), Ledger()
    show(course_map(course, done={id: done_in(entry, ledger) for id, entry in course.items() if entry.file}))


def done_in(lesson: Entry, ledger: Ledger) -> str:
    """What the learner has done in one lesson, in a few words."""
    counts = {
        "quiz": records.quiz_count(lesson, ledger),
        "exercises": records.exercise_count(lesson, ledger),
        "guesses": records.guess_count(lesson, ledger),
    }
    begun = any(count.done for count in counts.values())
    words = [f"{name} {count}" for name, count in counts.items() if count.total]
    return " · ".join(words) if begun else "nothing yet"


def calibration(
    confidences: Sequence[float] | None = None, correct: Sequence[bool] | None = None
) -> Picture | None:
    """Draw how sure you were against how often you were right, and a model's answers beside it.

    A guess counts as right when it lies within a tenth of its slider's range from the measured value.
    With fewer than five guesses a sentence says so in place of your curve.

    Args:
        confidences: of a model, (N,), each from 0 to 1: the probability of the class that it chose.
        correct: whether the model was right, (N,).

    Returns:
        The figure, or None where there is nothing to draw.

    Raises:
        ValueError: only one of the two is given, or they do not fit together.
    """
    from ftlib import plots

    if (confidences is None) != (correct is None):
        raise ValueError("calibration() takes a model's confidences and correct together: give both, or neither")
    made = records.guesses()
    groups: dict[str, tuple[Sequence[float], Sequence[bool]]] = {}
    if len(made) >= FEWEST_GUESSES:
        groups["you"] = ([guess.confidence for guess in made], [guess.right for guess in made])
        right, sure = sum(groups["you"][1]), sum(groups["you"][0]) / len(made)
        show(f"You were {sure:.0%} sure on average, and right **{right} of {len(made)}** times.")
    else:
        show(
            f"Too few guesses for a curve of your own: {len(made)} met their result so far, and fewer than "
            f"{FEWEST_GUESSES} say nothing. Lock a guess wherever a lesson asks for one."
        )
    if confidences is not None and correct is not None:
        groups["the model"] = (confidences, correct)
    return plots.reliability(groups, "How sure, and how often right") if groups else None
