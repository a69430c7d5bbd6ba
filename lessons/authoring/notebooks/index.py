"""What the notebooks say, for the learner's side, which reads no notebook: ``data/lessons.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from authoring.notebooks import book
from authoring.notebooks.book import Lesson
from authoring.notebooks.rules import exercise_ids, prediction_ids, quiz_ids
from ftlessons.classroom.course import digest

FROM_METADATA = ("title", "question", "minutes", "requires", "next", "seconds", "peak_mb")


def index(lessons: Iterable[Lesson]) -> dict[str, dict[str, Any]]:
    """Each lesson by its id, as `ftlessons.classroom.course.Entry` names things; one that was never run is left out."""
    return {
        lesson.id: {
            "file": lesson.path.name,
            **{key: lesson.about[key] for key in FROM_METADATA},
            "quizzes": quiz_ids(lesson),
            "exercises": exercise_ids(lesson),
            "guesses": prediction_ids(lesson),
            "solutions": [digest(cell.source) for cell in lesson.with_tag("solution")],
        }
        for lesson in lessons
        if "seconds" in lesson.about
    }


def dumps(lessons: Iterable[Lesson]) -> str:
    """The one textual form of the index: keys sorted, one space of indent, a newline at the end."""
    return json.dumps(index(lessons), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def renew_index(path: Path, folder: Path) -> bool:
    """Write the index of the notebooks in a folder; tell whether the text changed."""
    return book.write(path, dumps(book.find(folder)))
