"""The map of the course, made from ``data/course.toml`` and the metadata of the notebooks that exist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ftlib.lessons import book, launch
from ftlib.lessons.course import load_course

START, END = "<!-- map: made by `python -m ftlib lessons --headers`, do not edit -->", "<!-- end of map -->"
FIRST = "00_start_here.ipynb"


def course_map(folder: Path | None = None, links: str = "", done: Mapping[str, str] | None = None) -> str:
    """The lessons as a Markdown table: question, minutes, measured seconds and memory.

    Args:
        folder: where the notebooks are; by default the repository's ``lessons/``, or the current folder.
        links: put before each file name, such as ``"lessons/"``.
        done: what the learner has done, by lesson; stands in place of the measured cost.
    """
    last = "measured on one CPU core" if done is None else "done so far"
    rows, planned_only = [f"| lesson | you find out | minutes | {last} |", "|---|---|---|---|"], []
    for entry in load_course(folder).values():
        if entry.lesson is None:
            planned_only.append(f"{entry.id} {entry.title}")
            continue
        about = entry.lesson.about
        title = f"[{entry.id} {entry.title}]({links}{entry.file})"
        cost = f"{about['seconds']:.0f} s, {about['peak_mb']:.0f} MB"
        cell = cost if done is None else done.get(entry.id, "")
        rows.append(f"| {title} | {about['question']} | {entry.minutes} | {cell} |")
    if planned_only:
        rows += ["", f"Still to come: {' · '.join(planned_only)}."]
    return "\n".join(rows)


def front_map(folder: Path, repository: str) -> str:
    """What stands in the README: where to open the course without an installation, and the map."""
    opened = launch.links(FIRST, repository)
    said = f"Open the first lesson without installing anything: {opened}\n\n" if opened else ""
    return said + course_map(folder, links="lessons/")


def renew_readme(readme: Path, folder: Path, repository: str = "") -> bool:
    """Put the current map between the two markers in the README; tell whether the text changed.

    Raises:
        LessonError: the markers are missing.
    """
    return put_between(readme, START, END, front_map(folder, repository), "map")


def put_between(path: Path, start: str, end: str, text: str, what: str) -> bool:
    """Replace what stands between two marks in a file; tell whether the file changed.

    Args:
        path: the file.
        start: the mark before.
        end: the mark after.
        text: what shall stand between them.
        what: the text in a word, for the error message.

    Raises:
        LessonError: a mark is missing.
    """
    old = path.read_text(encoding="utf-8")
    before, opened, rest = old.partition(start)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise book.LessonError(f"{path.name} has no place for the {what}: put {start!r} and {end!r} where it belongs.")
    new = f"{before}{start}\n{text}\n{end}{after}"
    if new != old:
        path.write_text(new, encoding="utf-8")
    return new != old
