"""The teacher's guide to one lesson, written from the notebook, its quiz, its exercises and its misconceptions."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from authoring.notebooks.book import Lesson
from authoring.teach import facts
from authoring.teach.editions import answers
from authoring.teach.pages import render
from authoring.teach.sections import LINES_PER_MINUTE, MINUTES, WORDS_PER_MINUTE, Section, core_minutes, sections
from ftlessons.classroom.checks import get_exercise

RATES = (
    f"Minutes are estimates, not measurements: {WORDS_PER_MINUTE} words or {LINES_PER_MINUTE} lines of code a minute, "
    f"{', '.join(f'{minutes:g} for each {name}' for name, minutes in MINUTES.items())}, and what a run computes."
)


def guide(lesson: Lesson) -> str:
    """The whole guide as Markdown, ``templates/guide.md.j2``.

    Args:
        lesson: a lesson that has been run; figures and answers are read from its outputs.

    Raises:
        CourseDataError: the quiz or an exercise of the lesson is broken.
        LessonError: the metadata is not complete.
    """
    about, parts = lesson.about, sections(lesson)
    core = [section for section in parts if section.core]
    cost = [
        ("Question", about["question"]), ("Builds on", ", ".join(about["requires"]) or "nothing"),
        ("Core", f"{about['minutes']} minutes"),
        ("One run of everything",
         f"{about['seconds']:.0f} s of one CPU core, {about['peak_mb']:,} MB for each learner"),
    ]  # fmt: skip
    text = render(
        "guide.md.j2", lesson=lesson, about=about, cost=cost, surprise=facts.surprise(lesson, parts), rates=RATES,
        minutes=_minutes(lesson, core), clock=sum(section.minutes for section in core),
        needed=round(core_minutes(lesson)), needed_later=list(answers(lesson)), remedy=facts.remedy,
        guesses=[guess for guess in facts.predictions(lesson, parts) if guess.core],
        checkpoints=list(_checkpoints(lesson, parts)), questions=facts.quiz_of(lesson),
        exercises=list(_exercises(parts)), box=facts.reflection_of(lesson),
        extras=[(s.heading, s.teaching, s.exercise, facts.does(s)) for s in parts if not s.core and s.cells],
    )  # fmt: skip
    return text.rstrip() + "\n"


def _minutes(lesson: Lesson, core: Sequence[Section]) -> list[tuple[object, ...]]:
    rows, clock = [], 0
    for section in core:
        numbers = facts.numbers(lesson, section)
        rows.append((clock, section.heading, numbers, section.teaching, section.exercise, facts.does(section)))
        clock += section.minutes
    teaching = sum(section.teaching for section in core)
    return [*rows, (clock, "**end of the core**", "", teaching, clock - teaching, "")]


def _checkpoints(lesson: Lesson, parts: Sequence[Section]) -> Iterator[tuple[str, str, str]]:
    for before, section in zip(parts, parts[1:], strict=False):
        seen = facts.landmark(before)
        if section.core and seen and section.kind in ("teach", "exercise"):
            yield f"*{section.heading}*", facts.numbers(lesson, before), seen


def _exercises(parts: Sequence[Section]) -> Iterator[dict[str, Any]]:
    for section, id in [(part, id) for part in parts for id in part.exercises]:
        exercise = get_exercise(id)
        yield {
            "id": id, "heading": section.heading + " (extra)" * (not section.core), "hints": exercise.hints,
            "asks": inspect.getdoc(exercise.function).splitlines()[0], "complaints": facts.complaints(exercise),
            "solution": textwrap.indent(f"```python\n{facts.solution(section, id)}\n```", "    "),
        }  # fmt: skip
