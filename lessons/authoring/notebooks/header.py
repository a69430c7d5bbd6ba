"""The header cell of a lesson, made from its metadata and its recorded run, never typed."""

from __future__ import annotations

from collections.abc import Mapping

from nbformat.v4 import new_markdown_cell

from authoring.notebooks import launch
from authoring.notebooks.book import Lesson, LessonError, tags

WRITTEN_KEYS = ("id", "title", "question", "objectives", "requires", "minutes", "next")
MEASURED_KEYS = ("seconds", "peak_mb", "versions")
POSITION = 1


def missing_keys(lesson: Lesson, measured: bool = False) -> list[str]:
    """What the lesson's metadata lacks or has in the wrong form, one clause each.

    Args:
        lesson: the lesson.
        measured: also ask for what a run records.
    """
    about = lesson.about
    keys = WRITTEN_KEYS + (MEASURED_KEYS if measured else ())
    faults = [f"`{key}` is missing" for key in keys if key not in about]
    if faults:
        return faults
    if about["id"] != lesson.id:
        faults.append(f"`id` is {about['id']!r}, the file name says {lesson.id!r}")
    for key in ("title", "question"):
        if not isinstance(about[key], str) or not about[key].strip():
            faults.append(f"`{key}` must be a text")
    if not (_texts(about["objectives"]) and len(about["objectives"]) == 3):
        faults.append("`objectives` must be a list of three texts")
    if not _texts(about["requires"]):
        faults.append("`requires` must be a list of lesson ids")
    elif not all(id < lesson.id for id in about["requires"]):
        faults.append("`requires` may only name earlier lessons")
    if type(about["minutes"]) is not int or not 1 <= about["minutes"] <= 45:
        faults.append("`minutes` must be a whole number from 1 to 45")
    if about["next"] is not None and not isinstance(about["next"], str):
        faults.append("`next` must be a lesson id, or null for the last lesson")
    return faults


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)


def header(lesson: Lesson, others: Mapping[str, Lesson], repository: str = "") -> str:
    """The Markdown of a lesson's header.

    Args:
        lesson: the lesson; its metadata is complete.
        others: the lessons that exist, by id, to link to.
        repository: address of the published course, "" where there is none yet.

    Raises:
        LessonError: the metadata is not complete.
    """
    faults = missing_keys(lesson, measured=True)
    if faults:
        raise LessonError(f"Lesson {lesson.id}, metadata.ftlib: {'; '.join(faults)}.")
    about = lesson.about
    columns = [
        ("Builds on", " · ".join(_link(id, others) for id in about["requires"]) or "nothing: start here"),
        ("Your time", f"{about['minutes']} minutes for the core"),
        ("On one CPU core", f"{_seconds(about['seconds'])}, {_memory(about['peak_mb'])} of memory"),
    ]
    if about["next"]:
        columns.append(("Next", _link(about["next"], others)))
    links = launch.links(lesson.path.name, repository)
    if links:
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
    cells = lesson.notebook.cells
    tagged = [cell for cell in cells if "header" in tags(cell)]
    cell = tagged[0] if tagged else new_markdown_cell(id=f"header-{lesson.id}", metadata={"tags": ["header"]})
    cell.source = text
    rest = [other for other in cells if not launch.is_install_cell(other) and not any(other is one for one in tagged)]
    install = launch.install_cell(lesson, repository)
    lesson.notebook.cells = [*rest[:POSITION], cell, *([install] if install else []), *rest[POSITION:]]


def _link(id: str, others: Mapping[str, Lesson]) -> str:
    if id not in others:
        return f"{id} (not built yet)"
    other = others[id]
    return f"[{id} · {other.about.get('title', other.path.stem)}]({other.path.name})"


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds))} s"


def _memory(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{round(megabytes, -1):.0f} MB"
