"""``python -m authoring lessons``: run the lessons, save them in normal form, renew their headers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from authoring.notebooks import book, front_picture
from authoring.notebooks.book import Lesson, LessonError
from authoring.notebooks.front import renew_readme
from authoring.notebooks.header import missing_keys, put_header, require_keys
from authoring.notebooks.hub import renew_page
from authoring.notebooks.index import renew_index
from authoring.notebooks.kernel import execute
from authoring.notebooks.normal import normalise
from authoring.notebooks.usage import Usage, calibrate, over_budget, record
from authoring.teach.sections import planned_minutes
from ftlessons.classroom.course import INDEX
from ftlib import runtime

RECORDED_VERSIONS = ("python", "torch", "torchvision", "transformers")
_calibration = cache(calibrate)  # once a command: lessons run one after another on one machine


def renew(lesson: Lesson, root: Path) -> Usage:
    """Run a lesson and save it in normal form with a fresh header; on any error the file stays as it was.

    Args:
        lesson: as read from disk; changed in place.
        root: the course's repository.

    Raises:
        LessonError: the metadata is not complete, a cell failed, or an output shows this machine.
    """
    require_keys(lesson)
    usage = execute(lesson, root)
    record(lesson, usage, _calibration())
    installed = runtime.versions()
    lesson.about["versions"] = NotebookNode({k: installed[k] for k in RECORDED_VERSIONS if k in installed})
    lesson.about["minutes"] = planned_minutes(lesson)
    others = {other.id: other for other in book.find(lesson.path.parent)}
    put_header(lesson, {**others, lesson.id: lesson}, book.repository(root))
    normalise(lesson)
    book.save(lesson)
    return usage


def renew_headers(folder: Path, root: Path) -> list[str]:
    """Rewrite the headers whose lesson, or a lesson they link to, has changed; return the ids of those.

    A lesson that has never been run is left alone.
    """
    lessons = {lesson.id: lesson for lesson in book.find(folder)}
    changed = []
    for lesson in lessons.values():
        before = book.dumps(lesson.notebook)
        if "seconds" in lesson.about:
            lesson.about["minutes"] = planned_minutes(lesson)
        if not missing_keys(lesson, measured=True):
            put_header(lesson, lessons, book.repository(root))
            if book.dumps(lesson.notebook) != before:
                book.save(lesson)
                changed.append(lesson.id)
    return changed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 if a lesson failed."""
    parser = argparse.ArgumentParser(prog="python -m authoring lessons", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="only these lessons, e.g. 03 06")
    parser.add_argument("--headers", action="store_true", help="renew the headers without running anything")
    parser.add_argument("--folder", type=Path, help="where the notebooks are (default: lessons/)")
    options = parser.parse_args(argv)
    root = book.checkout()
    folder = options.folder or root / "lessons"
    lessons = [] if options.headers else book.find(folder, options.only)
    if not (lessons or options.headers):
        raise LessonError(f"There is no lesson in {folder.name}/ yet.")
    failed = [lesson.id for lesson in lessons if not _report(lesson, root)]
    for id in renew_headers(folder, root):
        print(f"{id}: header renewed")
    if folder == root / "lessons":
        _renew_pages(folder, root)
    return 1 if failed else 0


def _renew_pages(folder: Path, root: Path) -> None:
    """Renew what is made from all lessons together: the index first, because the README is made from it."""
    if renew_index(root / "data" / INDEX, folder):
        print(f"data/{INDEX}: renewed")
    if front_picture.renew(folder):
        print("lessons/: the README's picture renewed")
    if renew_readme(root / "README.md", book.repository(root)):
        print("README.md: renewed what is between its marks")
    if renew_page(folder):
        print("lessons/JUPYTERHUB.md: figures renewed")


def _report(lesson: Lesson, root: Path) -> bool:
    """Renew one lesson and say how it went."""
    print(f"{lesson.id}: running {lesson.path.name} ...", flush=True)
    try:
        usage = renew(lesson, root)
    except LessonError as problem:
        print(f"{problem}\n{lesson.path.name} stays as it was.", file=sys.stderr)
        return False
    print(f"{lesson.id}: saved; {usage.seconds:.1f} CPU seconds, {usage.peak_mb:.0f} MB at the peak")
    for fault in over_budget(lesson, usage):
        print(fault, file=sys.stderr)
    return True
