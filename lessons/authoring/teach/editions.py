"""Two editions of a lesson: for learners, without solutions; for instructors, with the solutions open."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from authoring.notebooks.book import Lesson, tags
from authoring.teach.sections import calls
from ftlessons.classroom.catching import pack
from ftlib.workspace import cleared

CATCH_UP = "catch-up"
CATCHING = """\
# Still open? This takes the course's answer, so that the lesson can go on. Your own answer stays.
from ftlessons.classroom.catching import catch_up

{lines}\
"""


def student(lesson: Lesson) -> Lesson:
    """A copy without solutions and results.

    Where later cells go on with an answer, a cell in the solution's place fetches it (`catch_up`).
    """
    notebook = cleared(lesson.notebook)
    kept = []
    for position, cell in enumerate(notebook["cells"]):
        if "solution" not in tags(cell):
            kept.append(cell)
        elif names := needed_later(notebook["cells"], position):
            kept.append(_catching_cell(cell, names))
    notebook["cells"] = kept
    return Lesson(lesson.path, notebook)


def instructor(lesson: Lesson) -> Lesson:
    """A copy with its results in which every solution stands open."""
    notebook = copy.deepcopy(lesson.notebook)
    for cell in notebook.cells:
        if "solution" in tags(cell):
            cell.metadata.pop("jupyter", None)
    return Lesson(lesson.path, notebook)


def answers(lesson: Lesson) -> dict[str, str]:
    """What `catch_up` needs, by exercise: the solutions that later cells go on with, packed."""
    cells = lesson.notebook.cells
    return {
        calls(cell, "check")[0]: pack(_without_checks(cell.source))
        for position, cell in enumerate(cells)
        if "solution" in tags(cell) and needed_later(cells, position)
    }


def needed_later(cells: list[NotebookNode], position: int) -> list[str]:
    """The names that the solution at ``position`` sets and later cells, other solutions left out, read.

    A name that a later cell sets anew before it is read does not count.
    """
    waiting, needed = _stored(ast.parse(cells[position].source).body), []
    for cell in cells[position + 1 :]:
        if cell.cell_type != "code" or "solution" in tags(cell) or "colab" in tags(cell):
            continue
        for statement in ast.parse(cell.source).body:
            needed += [name for name in waiting if name in _loaded(statement)]
            waiting = [name for name in waiting if name not in needed and name not in _stored([statement])]
    return needed


def code_of(lesson: Lesson, without: tuple[str, ...] = ()) -> list[str]:
    """The sources of the code cells, without those that carry one of these tags."""
    return [
        cell.source
        for cell in lesson.notebook.cells
        if cell.cell_type == "code" and not set(without) & set(tags(cell))
    ]


def edition_faults(lesson: Lesson) -> list[str]:
    """What is wrong with the two editions of a lesson, one sentence each; empty if all is well."""
    for_students, for_teachers, faults = student(lesson), instructor(lesson), []
    if code_of(for_students, (CATCH_UP,)) != code_of(lesson, ("solution",)):
        faults.append(f"Lesson {lesson.id}: the student edition holds other code than the lesson.")
    if code_of(for_teachers) != code_of(lesson):
        faults.append(f"Lesson {lesson.id}: the instructor edition holds other code than the lesson.")
    told = solution_lines(lesson) & {
        line.strip() for cell in for_students.notebook.cells for line in cell.source.splitlines()
    }
    faults += [f"Lesson {lesson.id}: the student edition shows a solution: {line}" for line in sorted(told)]
    hidden = [cell for cell in for_teachers.notebook.cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    if any("solution" in tags(cell) for cell in hidden):
        faults.append(f"Lesson {lesson.id}: the instructor edition hides a solution.")
    return faults


def solution_lines(lesson: Lesson) -> set[str]:
    """The lines of code that only the solutions of a lesson hold."""
    open_lines = {line.strip() for source in code_of(lesson, ("solution",)) for line in source.splitlines()}
    told = {line.strip() for cell in lesson.with_tag("solution") for line in cell.source.splitlines()}
    return {line for line in told - open_lines if line}


def _catching_cell(cell: NotebookNode, names: list[str]) -> NotebookNode:
    id = calls(cell, "check")[0]
    lines = "\n".join(f'{name} = catch_up("{id}", {name}={name})' for name in names)
    return new_code_cell(CATCHING.format(lines=lines), id=cell["id"], metadata={"tags": [CATCH_UP]})


def _without_checks(source: str) -> str:
    kept = [part for part in ast.parse(source).body if not calls(NotebookNode(source=ast.unparse(part)), "check")]
    return "\n".join(ast.unparse(part) for part in kept)


def _stored(statements: list[ast.stmt]) -> list[str]:
    names = []
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.append(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names += [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
        else:
            names += _names(statement, ast.Store)
    return list(dict.fromkeys(names))


def _loaded(statement: ast.stmt) -> set[str]:
    return set(_names(statement, ast.Load))


def _names(node: ast.AST, context: type[ast.expr_context], own: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names that a node stores or loads outside itself: what a comprehension, lambda or function names is its own."""
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        own |= {name.id for part in node.generators for name in ast.walk(part.target) if isinstance(name, ast.Name)}
    elif isinstance(node, ast.Lambda | ast.FunctionDef):
        own |= {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        own |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    if isinstance(node, ast.Name) and isinstance(node.ctx, context) and node.id not in own:
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _names(child, context, own)
