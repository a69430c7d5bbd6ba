"""Two editions of a lesson: for learners, without solutions; for instructors, with the solutions open."""

from __future__ import annotations

import ast
import copy
import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from authoring.notebooks.book import Lesson, tags
from ftlessons.classroom.catching import pack
from ftlib.workspace import cleared

NEEDED = "needs_answer"  # tags a solution whose answer later cells go on with
CATCH_UP = "catch-up"
CATCHING = """\
# Still open? This takes the course's answer, so that the lesson can go on. Your own answer stays.
from ftlessons.classroom.catching import catch_up

{name} = catch_up("{id}", {name}={name})\
"""
CHECKED = re.compile(r'^check\("([\w-]+)", (\w+)\)', re.MULTILINE)


def student(lesson: Lesson) -> Lesson:
    """A copy without solutions and results.

    Where later cells go on with an answer, a cell in the solution's place fetches it (`catch_up`).
    """
    notebook = cleared(lesson.notebook)
    kept = (cell for cell in notebook["cells"] if "solution" not in tags(cell) or NEEDED in tags(cell))
    notebook["cells"] = [_catching_cell(cell) if NEEDED in tags(cell) else cell for cell in kept]
    return Lesson(lesson.path, notebook)


def instructor(lesson: Lesson) -> Lesson:
    """A copy with its results in which every solution stands open."""
    made = Lesson(lesson.path, copy.deepcopy(lesson.notebook))
    for cell in made.with_tag("solution"):
        cell.metadata.pop("jupyter", None)
    return made


def answers(lesson: Lesson) -> dict[str, str]:
    """What `catch_up` needs, by exercise: the solutions that later cells go on with, packed."""
    return {CHECKED.search(cell.source)[1]: pack(_without_checks(cell.source)) for cell in lesson.with_tag(NEEDED)}


def code_of(lesson: Lesson, without: str = "") -> list[str]:
    """The sources of the code cells, without those that carry a tag."""
    return [x.source for x in lesson.notebook.cells if x.cell_type == "code" and without not in tags(x)]


def edition_faults(lesson: Lesson) -> list[str]:
    """What is wrong with the two editions of a lesson, one sentence each; empty if all is well."""
    faults = [f"Lesson {lesson.id}: {cell['id']} is tagged {NEEDED}, but ends in no check(\"...\", variable)."
              for cell in lesson.with_tag(NEEDED) if not CHECKED.search(cell.source)]  # fmt: skip
    if faults:
        return faults
    for_students, for_teachers = student(lesson), instructor(lesson)
    if code_of(for_students, CATCH_UP) != code_of(lesson, "solution"):
        faults.append(f"Lesson {lesson.id}: the student edition holds other code than the lesson.")
    if code_of(for_teachers) != code_of(lesson):
        faults.append(f"Lesson {lesson.id}: the instructor edition holds other code than the lesson.")
    shown = {line.strip() for cell in for_students.notebook.cells for line in cell.source.splitlines()}
    told = sorted(solution_lines(lesson) & shown)
    return faults + [f"Lesson {lesson.id}: the student edition shows a solution: {line}" for line in told]


def solution_lines(lesson: Lesson) -> set[str]:
    """The lines of code that only the solutions of a lesson hold."""
    open_lines = {line.strip() for source in code_of(lesson, "solution") for line in source.splitlines()}
    told = {line.strip() for cell in lesson.with_tag("solution") for line in cell.source.splitlines()}
    return {line for line in told - open_lines if line}


def _catching_cell(cell: NotebookNode) -> NotebookNode:
    id, name = CHECKED.search(cell.source).groups()
    return new_code_cell(CATCHING.format(id=id, name=name), id=cell["id"], metadata={"tags": [CATCH_UP]})


def _without_checks(source: str) -> str:
    lines = map(ast.unparse, ast.parse(source).body)
    return "\n".join(line for line in lines if not line.startswith("check("))
