"""``python -m authoring teach``: make the teacher's kit, or run the student edition as a learner would get it."""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from authoring.notebooks import book
from authoring.notebooks.book import Lesson, LessonError
from authoring.notebooks.kernel import execute
from authoring.teach import plans
from authoring.teach.editions import answers, edition_faults, instructor, student
from authoring.teach.guide import guide
from authoring.teach.pages import render, write_page
from authoring.teach.slides import write_slides
from ftlessons.classroom.catching import FILE
from ftlib.runtime import write_json

KIT = Path("build") / "teaching"


def make_kit(lessons: Sequence[Lesson], out: Path, everything: Mapping[str, Lesson]) -> None:
    """Write guides, slides and both editions of some lessons, and the plans of the course.

    Args:
        lessons: those to write; each has been run.
        out: the folder of the kit; files of other names in it stay.
        everything: all lessons that have been run, by id, for the plans and the index.

    Raises:
        LessonError: an edition would not hold the lesson's code, or the metadata is wrong.
        CourseDataError: a quiz, an exercise or a plan is broken.
    """
    for lesson in lessons:
        if faults := edition_faults(lesson):
            raise LessonError("\n".join(faults))
        name = lesson.path.stem
        write_page(out / "guides" / f"{name}.md", guide(lesson))
        write_page(out / "guides" / f"{name}_exit_ticket.md", plans.lesson_ticket(lesson))
        book.write(out / "slides" / f"{name}.html", write_slides(lesson, out / "slides"))
        for edition, made in (("student", student(lesson)), ("instructor", instructor(lesson))):
            book.save(Lesson(out / edition / lesson.path.name, made.notebook))
    packed = {id: code for lesson in everything.values() for id, code in answers(lesson).items()}
    write_json(out / "student" / FILE, packed)
    for name in plans.plan_names():
        write_page(out / "plans" / f"{name}.md", plans.plan(name, everything))
        write_page(out / "plans" / f"{name}_exit_ticket.md", plans.ticket(name, everything))
    titles = [(name, plans.plan_title(name)) for name in plans.plan_names()]
    write_page(out / "index.md", render("teaching.md.j2", plans=titles, lessons=everything.items()))


def run_students(folder: Path, root: Path, only: Sequence[str] = ()) -> list[str]:
    """Run the student edition untouched, each lesson in a fresh kernel; return what went wrong, one sentence each.

    The notebooks stay as they are.
    """
    faults = []
    for lesson in book.find(folder, only):
        print(f"{lesson.id}: running the student edition untouched ...", flush=True)
        try:
            usage = execute(Lesson(lesson.path, copy.deepcopy(lesson.notebook)), root)
            print(f"{lesson.id}: ran through; {usage.seconds:.0f} CPU seconds, {usage.peak_mb:.0f} MB")
        except LessonError as problem:
            faults.append(f"Student edition. {problem}")
    return faults


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 if a student edition failed."""
    parser = argparse.ArgumentParser(prog="python -m authoring teach", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="only these lessons, e.g. 03 06")
    parser.add_argument("--out", type=Path, help=f"where to write (default: {KIT.as_posix()}/)")
    parser.add_argument("--run", action="store_true", help="then run the student edition untouched")
    options = parser.parse_args(argv)
    root, chosen = book.checkout(), book.finished(options.only)
    out = options.out or root / KIT
    make_kit(chosen, out, {lesson.id: lesson for lesson in book.finished()})
    print(f"The teacher's kit is in {out}: open index.html there.")
    faults = run_students(out / "student", root, [lesson.id for lesson in chosen]) if options.run else []
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    return 1 if faults else 0
