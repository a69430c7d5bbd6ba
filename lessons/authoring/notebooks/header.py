"""The header cell of a lesson, made from its metadata and its recorded run, never typed."""

from __future__ import annotations

from collections.abc import Mapping

from nbformat.v4 import new_markdown_cell

from authoring.notebooks import launch
from authoring.notebooks.book import Lesson, LessonError, tags

WRITTEN_KEYS = ("id", "title", "question", "objectives", "requires", "next")
MEASURED_KEYS = ("seconds", "peak_mb", "versions", "minutes")
POSITION = 1


def missing_keys(lesson: Lesson, measured: bool = False) -> list[str]:
    """What the lesson's metadata lacks or has in the wrong form, one clause each.

    Args:
        lesson: the lesson.
        measured: also ask for what a run records.
    """
    about = lesson.about
    keys = WRITTEN_KEYS + (MEASURED_KEYS if measured else ())
    if missing := [f"`{key}` is missing" for key in keys if key not in about]:
        return missing
    requires, next_, minutes = about["requires"], about["next"], about.get("minutes", 5)
    promises = (
        (about["id"] == lesson.id, f"`id` is {about['id']!r}, the file name says {lesson.id!r}"),
        *((_texts([about[key]]), f"`{key}` must be a text") for key in ("title", "question")),
        (_texts(about["objectives"], 3), "`objectives` must be a list of three texts"),
        (_texts(requires), "`requires` must be a list of lesson ids"),
        (not _texts(requires) or all(id < lesson.id for id in requires), "`requires` may only name earlier lessons"),
        (type(minutes) is int and minutes >= 1, "`minutes` must be a whole number from 1"),
        (next_ is None or isinstance(next_, str), "`next` must be a lesson id, or null for the last lesson"),
    )
    return [fault for kept, fault in promises if not kept]


def require_keys(lesson: Lesson, measured: bool = False) -> None:
    """Refuse a lesson with `missing_keys`.

    Raises:
        LessonError: the metadata is not complete.
    """
    if faults := missing_keys(lesson, measured):
        raise LessonError(f"Lesson {lesson.id}, metadata.ftlib: {'; '.join(faults)}.")


def _texts(value: object, count: int | None = None) -> bool:
    """Whether a value is a list of texts that are not empty, of so many where a count is given."""
    texts = isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)
    return texts and count in (None, len(value))


def header(lesson: Lesson, others: Mapping[str, Lesson], repository: str = "") -> str:
    """The Markdown of a lesson's header.

    Args:
        lesson: the lesson; its metadata is complete.
        others: the lessons that exist, by id, to link to.
        repository: address of the published course, "" where there is none yet.

    Raises:
        LessonError: the metadata is not complete.
    """
    require_keys(lesson, measured=True)
    about = lesson.about
    columns = [
        ("Builds on", " · ".join(_link(id, others) for id in about["requires"]) or "nothing: start here"),
        ("Your time", f"{about['minutes']} minutes for the core"),
        ("On one CPU core", f"{max(1, round(about['seconds']))} s, {_memory(about['peak_mb'])} of memory"),
    ]
    columns += [("Next", _link(about["next"], others))] if about["next"] else []
    if links := launch.links(lesson.path.name, repository):
        columns.append(("Open in", links))
    lines = ["**After this lesson you can**", ""]
    lines += [f"{number}. {text}" for number, text in enumerate(about["objectives"], start=1)]
    names, values = zip(*columns, strict=True)
    lines += ["", f"| {' | '.join(names)} |", "|:--" * len(names) + "|", f"| {' | '.join(values)} |"]
    return "\n".join(lines)


def put_header(lesson: Lesson, others: Mapping[str, Lesson], repository: str = "") -> None:
    """Make the header, the second cell, say what the metadata says; with an address Colab's install cell follows.

    Raises:
        LessonError: the metadata is not complete.
    """
    text = header(lesson, others, repository)
    tagged = lesson.with_tag("header")
    cell = tagged[0] if tagged else new_markdown_cell(id=f"header-{lesson.id}", metadata={"tags": ["header"]})
    cell.source = text
    rest = [other for other in lesson.notebook.cells if not {"header", launch.COLAB} & set(tags(other))]
    install = launch.install_cell(lesson, repository)
    lesson.notebook.cells = [*rest[:POSITION], cell, *([install] if install else []), *rest[POSITION:]]


def _link(id: str, others: Mapping[str, Lesson]) -> str:
    if id not in others:
        return f"{id} (not built yet)"
    other = others[id]
    return f"[{id} · {other.about.get('title', other.path.stem)}]({other.path.name})"


def _memory(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{round(megabytes, -1):.0f} MB"
