"""``python -m ftlib workspace``: the learner's own copy of the lessons, with the results still hidden.

The notebooks in ``lessons/`` are saved with their results, for reading. Learners work in copies without
them, so that predicting comes before seeing. A copy is theirs: it is replaced only where the course's
version is new *and* its cells are still as they were written. Running a notebook does not change its cells.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftlib.runtime import write_json

ROOT = Path(__file__).resolve().parent.parent
RECORD = Path(".ftlib") / "copies.json"
LESSON = re.compile(r"\d\d_[a-z0-9_]+\.ipynb")

Notebook = dict[str, Any]


class WorkspaceError(RuntimeError):
    """The copies cannot be made; the message says why and what to do."""


@dataclass
class Outcome:
    """What `copy_lessons` did, as file names.

    Attributes:
        new: written for the first time.
        again: written again, because the learner's copy had gone.
        refreshed: replaced by the course's new version; the learner had not changed them.
        mended: replaced because they were cut, empty or no notebook; what was there is kept beside them.
        left: not replaced by the course's version, because the learner's differs from what was written.
        retired: no longer part of the course; the copy stays.
        record_lost: the record of earlier copies could not be read.
    """

    new: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    record_lost: bool = False


def lesson_files(folder: Path | None = None) -> list[Path]:
    """The course's notebooks in the order of their numbers.

    Args:
        folder: where they are; by default ``lessons/`` of the repository.

    Raises:
        WorkspaceError: there are none, as in an installation without the repository.
    """
    folder = ROOT / "lessons" if folder is None else folder
    files = sorted(path for path in folder.glob("*.ipynb") if LESSON.fullmatch(path.name))
    if not files:
        raise WorkspaceError(f"There are no lessons in {folder}: clone the course's repository and install it there.")
    return files


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of format 4 as plain JSON (nbformat would take a second to import).

    Raises:
        WorkspaceError: the file cannot be read, or is no such notebook.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        fingerprint(notebook)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WorkspaceError(f"{path} cannot be read as a notebook ({problem}): restore it from git.") from problem
    return notebook


def cleared(notebook: Notebook) -> Notebook:
    """A copy of a notebook without results: no outputs, counts, timings or widget states."""
    bare = copy.deepcopy(notebook)
    bare.get("metadata", {}).pop("widgets", None)
    for cell in bare["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell.get("metadata", {}).pop("execution", None)
    return bare


def fingerprint(notebook: Notebook) -> str:
    """The sha256 of what a notebook says: its cells' types and sources, in order.

    Outputs, counts and metadata do not matter, nor do empty cells and space at a cell's end: running a
    notebook leaves those behind.
    """
    cells = []
    for cell in notebook["cells"]:
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        lines = "\n".join(source.splitlines()).rstrip()
        if lines:
            cells.append([cell["cell_type"], lines])
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def copy_lessons(source: Path, folder: Path) -> Outcome:
    """Bring the learner's copies up to date without touching what the learner changed.

    Args:
        source: the folder with the course's lessons.
        folder: the learner's folder; made if needed. What was written is recorded in ``.ftlib/copies.json``.

    Raises:
        WorkspaceError: the two are the same, a lesson is broken, or a file can't be written.
    """
    for name, given in (("source", source), ("folder", folder)):
        if not isinstance(given, Path) or "\0" in str(given):
            raise WorkspaceError(f"{name} is a {type(given).__name__}: give the Path of a folder.")
    files = lesson_files(source)
    if folder.resolve() == source.resolve():
        raise WorkspaceError(f"{folder} holds the course's own lessons: choose another folder for your copies.")
    course = {path.name: read_notebook(path) for path in files}
    try:
        written, lost = _read_record(folder / RECORD)
        outcome = Outcome(record_lost=lost)
        outcome.retired = [name for name in written if name not in course and (folder / name).exists()]
        for name, notebook in course.items():
            _bring_up_to_date(folder / name, notebook, written, outcome)
        write_json(folder / RECORD, {"version": 1, "copies": written})
    except OSError as problem:
        where = problem.filename or folder
        raise WorkspaceError(
            f"{where} cannot be written ({problem.strerror or problem}): free some disk space, or choose a folder "
            "that you may write to, python -m ftlib workspace FOLDER."
        ) from problem
    return outcome


def _bring_up_to_date(path: Path, notebook: Notebook, written: dict[str, str], outcome: Outcome) -> None:
    """Write one copy if it is missing, or outdated and untouched; `written` and `outcome` are updated."""
    course = fingerprint(notebook)
    if not os.path.lexists(path):
        (outcome.again if path.name in written else outcome.new).append(path.name)
    elif path.is_file() and _is_broken(path):
        outcome.mended.append(f"{path.name} (what was there: {_set_aside(path)})")
    elif written.get(path.name) == course:
        return
    else:
        theirs = _fingerprint_of(path)
        if theirs == course:  # an interrupted run wrote it, or the learner took it over
            written[path.name] = course
            return
        if theirs is None or theirs != written.get(path.name):
            outcome.left.append(path.name)
            return
        outcome.refreshed.append(path.name)
    write_json(path, cleared(notebook))
    written[path.name] = course


def _is_broken(path: Path) -> bool:
    """Whether a file can be read, and is no notebook."""
    try:
        content = path.read_bytes()
    except OSError:
        return False  # nobody knows what is in it
    try:
        fingerprint(json.loads(content.decode("utf-8-sig")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return True
    return False


def _set_aside(path: Path) -> str:
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.stem}.broken-{number}.ipynb")):
        number += 1
    os.replace(path, aside)
    return aside.name


def _fingerprint_of(path: Path) -> str | None:
    try:
        return fingerprint(read_notebook(path))
    except WorkspaceError:
        return None


def _read_record(path: Path) -> tuple[dict[str, str], bool]:
    """What was written, name -> fingerprint, and whether the record is there but unreadable."""
    try:
        copies = json.loads(path.read_text(encoding="utf-8"))["copies"]
        return {str(name): str(sha) for name, sha in copies.items()}, False
    except FileNotFoundError:
        return {}, False
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, True


def sentences(outcome: Outcome, source: Path, folder: Path) -> list[str]:
    """Say in plain words what `copy_lessons` did."""
    mine, courses = _shown(folder), _shown(source)
    said = []
    if outcome.record_lost:
        said.append(f"{mine}{RECORD.as_posix()} was damaged: copies that differ from the course count as yours.")
    for names, text in (
        (outcome.new, f"Copied to {mine}, with the results still hidden: "),
        (outcome.again, f"Written to {mine} again, because they were gone: "),
        (outcome.refreshed, "The course has changed, and you had not changed these, so they are new: "),
        (outcome.mended, "These could not be opened as notebooks and are written again: "),
        (outcome.left, "The course has changed, and your copies differ, so they stay as they are: "),
        (outcome.retired, "No longer part of the course; your copies stay: "),
    ):
        if names:
            said.append(f"{text}{', '.join(names)}.")
    if outcome.left:
        said.append(f"The new versions are in {courses}. To work in one, rename your copy and run this again.")
    return said or [f"Your copies in {mine} are up to date."]


def _shown(folder: Path) -> str:
    try:
        return f"{folder.resolve().relative_to(Path.cwd().resolve()).as_posix()}/"
    except ValueError:
        return f"{folder}{os.sep}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 if the copies could not be made."""
    parser = argparse.ArgumentParser(prog="python -m ftlib workspace", description="Make or update your copies.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "work", help="default: work/ in the course")
    folder, source = parser.parse_args(argv).folder, ROOT / "lessons"
    try:
        outcome = copy_lessons(source, folder)
    except WorkspaceError as problem:
        print(problem, file=sys.stderr)
        return 1
    print("\n".join(sentences(outcome, source, folder)))
    return 0
