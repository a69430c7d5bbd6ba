"""The map of the course, made from ``data/course.toml`` and the metadata of the notebooks that exist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ftlib.lessons import book
from ftlib.lessons.course import load_course


def course_map(
    folder: Path | None = None, links: str = "", done: Mapping[str, str] | None = None,
    found: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The lessons as a Markdown table: question, minutes, measured seconds and memory.

    Args:
        folder: where the notebooks are; by default the repository's ``lessons/``, or the current folder.
        links: put before each file name, such as ``"lessons/"``.
        done: what the learner has done, by lesson; stands in place of the measured cost.
        found: what a lesson's measurements said, by lesson, for a column of its own.
    """
    names = ["lesson", "you find out", "minutes", "measured on one CPU core" if done is None else "done so far"]
    names += [] if found is None else ["claims and what became of them"]
    rows, planned_only = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"], []
    for entry in load_course(folder).values():
        if entry.lesson is None:
            planned_only.append(f"{entry.id} {entry.title}")
            continue
        about = entry.lesson.about
        title = f"[{entry.id} {entry.title}]({links}{entry.file})"
        cost = f"{about['seconds']:.0f} s, {about['peak_mb']:.0f} MB"
        cell = cost if done is None else done.get(entry.id, "")
        cells = [title, about["question"], str(entry.minutes), cell]
        cells += [] if found is None else [found.get(entry.id, "none of its own")]
        rows.append(f"| {' | '.join(cells)} |")
    if planned_only:
        rows += ["", f"Still to come: {' · '.join(planned_only)}."]
    return "\n".join(rows)


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
