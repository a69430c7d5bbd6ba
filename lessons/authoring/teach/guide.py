"""The teacher's guide to one lesson, written from the notebook, its quiz, its exercises and its misconceptions."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence

from authoring.notebooks.book import Lesson
from authoring.teach import facts
from authoring.teach.editions import answers
from authoring.teach.pages import table
from authoring.teach.sections import LINES_PER_MINUTE, MINUTES, WORDS_PER_MINUTE, Section, core_minutes, sections
from ftlessons.classroom.checks import get_exercise

RATES = (
    f"Minutes are estimates, not measurements: {WORDS_PER_MINUTE} words or {LINES_PER_MINUTE} lines of code a minute, "
    + "and "
    + ", ".join(f"{minutes:g} for each {name}" for name, minutes in MINUTES.items())
    + "."
)
LETTERS = (
    "The letters are those of slides, exit tickets and saved notebooks. In a running notebook each learner has an "
    "order of their own, so say the answer and not its letter."
)


def guide(lesson: Lesson) -> str:
    """The whole guide as Markdown.

    Args:
        lesson: a lesson that has been run; figures and answers are read from its outputs.

    Raises:
        CourseDataError: the quiz or an exercise of the lesson is broken.
        LessonError: the metadata is not complete.
    """
    parts = sections(lesson)
    blocks = [
        _top(lesson), _surprise(lesson, parts), _minutes(lesson, parts), _predictions(lesson, parts),
        _checkpoints(lesson, parts), _quiz(lesson), _exercises(lesson, parts), _reflection(lesson), _extras(parts),
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block) + "\n"


def _top(lesson: Lesson) -> str:
    about = lesson.about
    goals = "\n".join(f"{number}. {text}" for number, text in enumerate(about["objectives"], start=1))
    cost = f"{about['seconds']:.0f} s of one CPU core, {about['peak_mb']:,} MB for each learner"
    rows = [
        ("Question", about["question"]),
        ("Builds on", ", ".join(about["requires"]) or "nothing"),
        ("Core", f"{about['minutes']} minutes"),
        ("One run of everything", cost),
    ]
    return (
        f"# {lesson.id} · {about['title']}: teacher's guide\n\n{table(['', ''], rows)}\n\n"
        f"## Goals\n\nAfter the lesson a learner can:\n\n{goals}\n\n"
        "Numbers in brackets, such as [7], are those of the code cells in the instructor edition."
    )


def _surprise(lesson: Lesson, parts: Sequence[Section]) -> str:
    found = facts.surprise(lesson, parts)
    if found is None:
        return ""
    where, text = found
    said = f"It comes in *{where}*. Do not give it away: let the room commit to a guess first."
    return f"## The surprise\n\n{said}\n\n> {text}"


def _minutes(lesson: Lesson, parts: Sequence[Section]) -> str:
    rows, clock = [], 0
    for section in parts:
        if section.core:
            numbers = facts.numbers(lesson, section)
            rows.append((f"{clock}", section.heading, numbers, section.teaching, section.exercise, facts.does(section)))
            clock += section.minutes
    teaching = sum(section.teaching for section in parts if section.core)
    rows.append((clock, "**end of the core**", "", teaching, clock - teaching, ""))
    needed = round(core_minutes(lesson, parts))
    text = table(["from minute", "section", "cells", "teaching", "exercise", "what happens"], rows)
    more = f"That makes {needed} for this core"
    more += f"; the other {clock - needed} are time to think, shared out over the table." if needed < clock else "."
    return f"## Minutes\n\n{text}\n\n{RATES} {more}"


def _predictions(lesson: Lesson, parts: Sequence[Section]) -> str:
    found = [guess for guess in facts.predictions(lesson, parts) if guess.core]
    if not found:
        return ""
    said = "Ask, let everybody lock a guess, write lowest, highest and middle on the board. Only then run on."
    lines = ["## Predictions to collect", "", said]
    for guess in found:
        lines.append(f"\n- **{guess.question}** {guess.span} Asked in *{guess.heading}* [{guess.asked}].")
        if guess.answered:
            lines.append(f"  The answer comes in [{guess.answered}]. {guess.told}".rstrip())
    return "\n".join(lines)


def _checkpoints(lesson: Lesson, parts: Sequence[Section]) -> str:
    rows = []
    for before, section in zip(parts, parts[1:], strict=False):
        seen = facts.landmark(before)
        if section.core and seen and section.kind in ("teach", "exercise"):
            rows.append((f"*{section.heading}*", facts.numbers(lesson, before), seen))
    needed = list(answers(lesson))
    said = (
        "Somebody fell behind? They click the heading of the section that you are about to start, and choose "
        "*Run*, *Run All Above Selected Cell*. "
        f"All of the lesson takes {lesson.about['seconds']:.0f} s on a free core, so this takes less. Guesses that "
        "they skipped stay open and do no harm."
    )
    if needed:
        said += (
            f" The lesson goes on with the answers to {' and '.join(needed)}: the student edition has a cell below "
            "each that takes the course's answer where theirs is open, and the lesson itself has the solution there."
        )
    head = ["before", "cells just done", "they should have seen"]
    return f"## Checkpoints to catch up\n\n{said}\n\n{table(head, rows)}"


def _quiz(lesson: Lesson) -> str:
    questions = facts.quiz_of(lesson)
    if not questions:
        return ""
    lines = ["## Wrong answers, and what to say", "", LETTERS]
    for number, question in enumerate(questions, start=1):
        right = next((letter, choice) for letter, choice in question.labelled() if choice.correct)
        lines += ["", f"**{question.heading(number)}**", "", question.exhibit(), ""]
        lines += [f"- Right: **{right[0]}**. {right[1].text} {right[1].why}"]
        for letter, choice in question.labelled():
            if not choice.correct:
                lines.append(f"- **{letter}**. “{choice.text}” {choice.why}{facts.remedy(choice.misconception)}")
    return "\n".join(lines)


def _exercises(lesson: Lesson, parts: Sequence[Section]) -> str:
    lines = ["## Exercises: the ladder of hints", ""]
    lines.append("Go down one step at a time, and only when a learner asks. The check gives the same hints.")
    for section in parts:
        for id in section.exercises:
            exercise = get_exercise(id)
            where = "" if section.core else " (extra)"
            asked = f"Check `{id}`: {inspect.getdoc(exercise.function).splitlines()[0]}"
            lines += ["", f"### {section.heading}{where}", "", asked, ""]
            lines += [f"{number}. {hint}" for number, hint in enumerate(exercise.hints, start=1)]
            lines += [f"{len(exercise.hints) + 1}. The solution:", ""]
            lines += [textwrap.indent(f"```python\n{facts.solution(section, id)}\n```", "    "), ""]
            said = facts.complaints(exercise)
            if said:
                lines += ["What the check says to wrong answers:", "", *(f"- {text}" for text in said)]
    return "\n".join(lines) if len(lines) > 3 else ""


def _reflection(lesson: Lesson) -> str:
    box = facts.reflection_of(lesson)
    if box is None:
        return ""
    points = "\n".join(f"- {point}" for point in box.rubric)
    model = f"The course's own answer: {box.answer}"
    return f"## In their own words\n\n{box.question}\n\nA good text says:\n\n{points}\n\n{model}"


def _extras(parts: Sequence[Section]) -> str:
    rows = [(s.heading, s.teaching, s.exercise, facts.does(s)) for s in parts if not s.core and s.cells]
    if not rows:
        return ""
    text = table(["extra", "teaching", "exercise", "what happens"], rows)
    return f"## Extras, for the fast and for homework\n\n{text}"
