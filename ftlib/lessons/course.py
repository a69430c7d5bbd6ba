"""All lessons of the course as data: those that are built, from their notebooks, and those still planned."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from ftlib import catalog
from ftlib.lessons import book
from ftlib.lessons.book import Lesson, LessonError

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
        lesson: the notebook, or None where it is not built or was never run.
    """

    id: str
    title: str
    part: str
    domain: str
    requires: tuple[str, ...]
    minutes: int
    lesson: Lesson | None = None

    @property
    def file(self) -> str | None:
        """The notebook's file name, or None for a lesson that is still to come."""
        return self.lesson.path.name if self.lesson else None


def load_course(folder: Path | None = None) -> dict[str, Entry]:
    """Every lesson by its id, in the order of the course.

    Args:
        folder: where the notebooks are; by default the repository's ``lessons/``, or the current folder.

    Raises:
        LessonError: a planned lesson has no title or part, or a lesson requires one that is not earlier.
    """
    content = tomllib.loads((catalog.data_dir() / "course.toml").read_text(encoding="utf-8"))
    built = {lesson.id: lesson for lesson in book.find(_folder(folder)) if "seconds" in lesson.about}
    entries = {id: _entry(id, planned, built.get(id)) for id, planned in content["lessons"].items()}
    for id, entry in entries.items():
        for required in entry.requires:
            if required not in entries or required >= id:
                raise LessonError(f"Lesson {id} requires {required!r}, which is no earlier lesson of the course.")
    return entries


def _entry(id: str, planned: dict, lesson: Lesson | None) -> Entry:
    if not {"title", "part"} <= set(planned):
        raise LessonError(f"data/course.toml, lesson {id}: give it a title and a part.")
    about = lesson.about if lesson else planned
    return Entry(
        id,
        about["title"],
        planned["part"],
        planned.get("domain", planned["part"]),
        tuple(about.get("requires", ())),
        about.get("minutes", PLANNED_MINUTES),
        lesson,
    )


def _folder(folder: Path | None) -> Path:
    if folder is not None:
        return folder
    try:
        return book.checkout() / "lessons"
    except LessonError:
        return Path()
