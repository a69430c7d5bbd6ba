"""The lessons on disk: find them, read them, and write them without ever losing one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from authoring import AuthoringError
from ftlib.resume import replacing

FILE_NAME = re.compile(r"(?P<id>\d\d)_[a-z0-9_]+\.ipynb")


class LessonError(AuthoringError):
    """Something about a lesson is wrong; the message names the lesson and says what to do."""


@dataclass
class Lesson:
    """One notebook of the course.

    Attributes:
        path: the file, ``NN_topic.ipynb``.
        notebook: its content, format 4.
    """

    path: Path
    notebook: NotebookNode

    @property
    def id(self) -> str:
        """The two digits that the file name starts with."""
        return self.path.name[:2]

    @property
    def about(self) -> dict[str, Any]:
        """``metadata.ftlib``: what the author wrote about the lesson and what was measured."""
        return self.notebook.metadata.setdefault("ftlib", NotebookNode())

    @property
    def code_cells(self) -> list[NotebookNode]:
        """The code cells, in order, without the one that is for Colab alone."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code" and "colab" not in tags(cell)]

    def with_tag(self, tag: str) -> list[NotebookNode]:
        """The cells that carry ``tag``, in order."""
        return [cell for cell in self.notebook.cells if tag in tags(cell)]


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def checkout() -> Path:
    """The folder of the repository that these tools belong to.

    Raises:
        LessonError: they stand outside one.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "pyproject.toml").is_file():
        raise LessonError("The lesson tools need the course's repository: clone it and install it with `make test`.")
    return root


def read(path: Path) -> Lesson:
    """Read one lesson.

    Raises:
        LessonError: the file has the wrong name or is not a notebook.
    """
    if not FILE_NAME.fullmatch(path.name):
        raise LessonError(f"{path.name} is no lesson: name it NN_topic.ipynb, two digits and lower-case letters.")
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as problem:
        detail = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise LessonError(f"{path.name} cannot be read as a notebook: {detail}") from None
    return Lesson(path, notebook)


def find(folder: Path, only: Sequence[str] = ()) -> list[Lesson]:
    """The lessons in ``folder`` in the order of their numbers, or those with the ids in ``only``.

    Raises:
        LessonError: an id in ``only`` has no notebook, or two notebooks share one.
    """
    paths = sorted(path for path in folder.glob("*.ipynb") if FILE_NAME.fullmatch(path.name))
    ids = [path.name[:2] for path in paths]
    for id in ids:
        if ids.count(id) > 1:
            raise LessonError(f"Two notebooks in {folder.name}/ start with {id}: give one another number.")
    wanted = [number.zfill(2) for number in only]
    for id in wanted:
        if id not in ids:
            raise LessonError(f"There is no lesson {id} in {folder.name}/: it has {', '.join(ids) or 'none'}.")
    return [read(path) for path in paths if not wanted or path.name[:2] in wanted]


def finished(only: Sequence[str] = ()) -> list[Lesson]:
    """The course's lessons that have been run, or those of the ids in ``only``.

    Raises:
        LessonError: one of ``only`` is not there, or was never run.
    """
    lessons = find(checkout() / "lessons", only)
    done = [lesson for lesson in lessons if "seconds" in lesson.about]
    if only and len(done) < len(lessons):
        missing = next(lesson.id for lesson in lessons if lesson not in done)
        raise LessonError(f"No lesson {missing} has been run yet: `python -m authoring lessons` runs them.")
    return done


def dumps(notebook: NotebookNode) -> str:
    """The one textual form of a notebook: keys sorted, one space of indent, a newline at the end."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def save(lesson: Lesson) -> bool:
    """Write a lesson, as `write` does; tell whether its text changed."""
    return write(lesson.path, dumps(lesson.notebook))


def write(path: Path, text: str) -> bool:
    """Write a file in one step if its text changed; tell whether it did.

    A kill at any moment leaves the old or the new file, never half of one.
    """
    if path.exists() and path.read_bytes() == text.encode():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return True


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
    before, opened, rest = path.read_text(encoding="utf-8").partition(start)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise LessonError(f"{path.name} has no place for the {what}: put {start!r} and {end!r} where it belongs.")
    return write(path, f"{before}{start}\n{text}\n{end}{after}")


def repository(root: Path) -> str:
    """Where the course is published: ``repository`` of ``[tool.ftlib]`` in pyproject.toml, or ""."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project.get("tool", {}).get("ftlib", {}).get("repository", "")).rstrip("/")
