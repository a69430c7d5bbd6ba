"""All lessons of the course, as the learner's side knows them: no notebook is read here.

``data/course.toml`` plans the course. ``data/lessons.json`` says what the notebooks say, and is written by
``python -m authoring lessons``; both travel in the wheel, where there are no notebooks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftlessons.classroom.source import CourseDataError, load_toml
from ftlib import catalog

INDEX = "lessons.json"
PLANNED_MINUTES = 45


@dataclass(frozen=True)
class Entry:
    """A lesson in the plan of the course.

    Attributes:
        id: its two digits.
        title: from the notebook once it is built.
        part: the heading it stands under in ``data/course.toml``.
        domain: what it is about, such as "speech"; the part, unless the plan says otherwise.
        requires: ids of the lessons that it builds on.
        minutes: for the core; 45 where it is only planned.
        file: the notebook's file name, or None for a lesson that is still to come; what follows is then empty.
        question: what the learner finds out.
        next: id of the lesson that follows, or None.
        seconds: CPU seconds of the recorded run.
        peak_mb: its peak memory, in MB.
        quizzes: ids of its quizzes, in order, as are those that follow.
        exercises: ids of its exercises.
        guesses: ids of its predictions.
        solutions: what `digest` makes of its reference solutions.
    """

    id: str
    title: str
    part: str
    domain: str
    requires: tuple[str, ...] = ()
    minutes: int = PLANNED_MINUTES
    file: str | None = None
    question: str = ""
    next: str | None = None
    seconds: float = 0
    peak_mb: float = 0
    quizzes: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    solutions: tuple[str, ...] = ()


def load_course(index: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Entry]:
    """Every lesson by its id, in the order of the course.

    Args:
        index: what the notebooks say, by id; by default the content of ``data/lessons.json``.

    Raises:
        CourseDataError: a file cannot be read.
    """
    built = _read_index() if index is None else index
    return {id: _entry(id, plan, built.get(id)) for id, plan in load_toml("course.toml")["lessons"].items()}


def _read_index() -> dict[str, dict[str, Any]]:
    try:
        return json.loads((catalog.data_dir() / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CourseDataError(
            f"data/{INDEX} cannot be read ({problem}): install the course again, or write the file anew with "
            "`python -m authoring lessons --headers`."
        ) from None


def _entry(id: str, plan: Mapping[str, Any], built: Mapping[str, Any] | None) -> Entry:
    known = built or {"title": plan["title"], "requires": plan.get("requires", [])}
    frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in known.items()}
    return Entry(id=id, part=plan["part"], domain=plan.get("domain", plan["part"]), **frozen)


def digest(source: str) -> str:
    """Twelve hex digits that stand for a cell's source: they tell a reference solution without giving it away."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:12]


def course_map(
    course: Mapping[str, Entry] | None = None, links: str = "", done: Mapping[str, str] | None = None,
    found: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The lessons as a Markdown table: question, minutes, measured seconds and memory.

    Args:
        course: the lessons by id; by default those of this course.
        links: put before each file name, such as ``"lessons/"``.
        done: what the learner has done, by lesson; stands in place of the measured cost.
        found: what a lesson's measurements said, by lesson, for a column of its own.
    """
    names = ["lesson", "you find out", "minutes", "measured on one CPU core" if done is None else "done so far"]
    names += [] if found is None else ["claims and what became of them"]
    rows, planned_only = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"], []
    for entry in (load_course() if course is None else course).values():
        if entry.file is None:
            planned_only.append(f"{entry.id} {entry.title}")
            continue
        title = f"[{entry.id} {entry.title}]({links}{entry.file})"
        cost = f"{entry.seconds:.0f} s, {entry.peak_mb:.0f} MB" if done is None else done.get(entry.id, "")
        cells = [title, entry.question, str(entry.minutes), cost]
        cells += [] if found is None else [found.get(entry.id, "none of its own")]
        rows.append(f"| {' | '.join(cells)} |")
    if planned_only:
        rows += ["", f"Still to come: {' · '.join(planned_only)}."]
    return "\n".join(rows)
