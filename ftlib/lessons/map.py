"""The map of the course, made from ``data/course.toml`` and the metadata of the notebooks that exist."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ftlib import catalog
from ftlib.lessons import book

START, END = "<!-- map: made by `python -m ftlib lessons --headers`, do not edit -->", "<!-- end of map -->"


def course_map(folder: Path | None = None, links: str = "") -> str:
    """The lessons as a Markdown table: question, minutes, measured seconds and memory.

    Args:
        folder: where the notebooks are; by default the repository's ``lessons/``, or the current folder.
        links: put before each file name, such as ``"lessons/"``.
    """
    plan = tomllib.loads((catalog.data_dir() / "course.toml").read_text(encoding="utf-8"))
    there = {lesson.id: lesson for lesson in book.find(_folder(folder))}
    rows = ["| lesson | you find out | minutes | measured on one CPU core |", "|---|---|---|---|"]
    for id, planned in plan["lessons"].items():
        lesson = there.get(id)
        if lesson is None or "seconds" not in lesson.about:
            rows.append(f"| {id} {planned['title']} | *still to come* | | |")
            continue
        about = lesson.about
        title = f"[{id} {about['title']}]({links}{lesson.path.name})"
        cost = f"{about['seconds']:.0f} s, {about['peak_mb']:.0f} MB"
        rows.append(f"| {title} | {about['question']} | {about['minutes']} | {cost} |")
    return "\n".join(rows)


def _folder(folder: Path | None) -> Path:
    if folder is not None:
        return folder
    try:
        return book.checkout() / "lessons"
    except book.LessonError:
        return Path()


def renew_readme(readme: Path, folder: Path) -> bool:
    """Put the current map between the two markers in the README; tell whether the text changed.

    Raises:
        LessonError: the markers are missing.
    """
    text = readme.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise book.LessonError(f"{readme.name} has no place for the map: put {START!r} and {END!r} where it belongs.")
    new = f"{before}{START}\n{course_map(folder, links='lessons/')}\n{END}{after}"
    if new != text:
        readme.write_text(new, encoding="utf-8")
    return new != text
