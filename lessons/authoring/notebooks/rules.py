"""What every saved lesson keeps to. Each rule takes a lesson and returns its faults, one sentence each."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Callable
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

import ftlessons
from authoring.notebooks.book import Lesson, tags
from authoring.notebooks.header import POSITION, missing_keys
from authoring.notebooks.normal import WIDGET_VIEW, machine_traces
from ftlessons.classroom import source

ROLES = {"title", "header", "colab", "core", "extra", "solution"}
ALT_TEXT = 20
SIZE_KB, SIZE_KB_MEDIA = 500, 1000  # the second where data/course.toml says that a lesson shows films or sounds
CORE_CELLS, CORE_CELLS_SHORT, SHORT_LINES = 25, 28, 4  # the second where the core's code has so few lines in the median
CORE_WORDS, CORE_MINUTES = 1_400, 45
MEDIAN_LINES, P90_LINES, WORDS_PER_LINE = 5, 13, 8
FORBIDDEN = {
    "set_num_threads": "set the threads in ftlib.runtime, not in a lesson",
    "pip install": "the course installs everything beforehand",
}


def executed(lesson: Lesson) -> list[str]:
    """Every code cell has run, in order, without an error."""
    faults = []
    for number, cell in enumerate(lesson.code_cells, start=1):
        if not cell.source.strip():
            faults.append(f"code cell {number} is empty: delete it")
        elif cell.execution_count != number:
            faults.append(f"code cell {number} was not run in order: `make lessons ONLY={lesson.id}`")
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        faults += [f"code cell {number} ended in {name}" for name in errors]
    return faults


def clean(lesson: Lesson) -> list[str]:
    """No widget state or view, no trace of a machine, and a file of modest size."""
    faults = ["metadata holds widget state"] if "widgets" in lesson.notebook.metadata else []
    for number, cell in enumerate(lesson.code_cells, start=1):
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs):
            faults.append(f"code cell {number} saved a widget view")
    faults += machine_traces(lesson)
    planned = source.load_toml("course.toml")["lessons"].get(lesson.id, {})
    limit = SIZE_KB_MEDIA if planned.get("media") else SIZE_KB
    size = lesson.path.stat().st_size / 1000
    if size > limit:
        faults.append(f"the file has {size:.0f} KB; {limit} are allowed")
    return faults


def described(lesson: Lesson) -> list[str]:
    """The metadata is complete, and the title cell says the same."""
    faults = [f"metadata.ftlib: {fault}" for fault in missing_keys(lesson, measured=True)]
    if faults:
        return faults
    about, cells = lesson.about, lesson.notebook.cells
    title = f"# {lesson.id} · {about['title']}"
    if not cells or cells[0].cell_type != "markdown" or cells[0].source.splitlines()[:1] != [title]:
        faults.append(f"the first cell must start with {title!r}")
    elif about["question"] not in cells[0].source:
        faults.append("the first cell must ask the question of the metadata")
    if len(cells) <= POSITION or "header" not in tags(cells[POSITION]):
        faults.append(f"the second cell must be the header: `make lessons ONLY={lesson.id}` puts it there")
    return faults


def arranged(lesson: Lesson) -> list[str]:
    """Every cell has a role among its tags, and no core cell comes after an extra one."""
    faults, extra_seen = [], False
    for number, cell in enumerate(lesson.notebook.cells, start=1):
        roles = ROLES.intersection(tags(cell))
        if not roles:
            faults.append(f"cell {number} needs one of the tags {', '.join(sorted(ROLES))}")
        if "core" in roles and extra_seen:
            faults.append(f"cell {number} is core but stands after an extra cell")
        extra_seen = extra_seen or "extra" in roles
    return faults


def pictured(lesson: Lesson) -> list[str]:
    """Every picture is an HTML image whose alt text says what it shows."""
    faults = []
    for number, cell in enumerate(lesson.code_cells, start=1):
        for data in (output.get("data", {}) for output in cell.outputs):
            alts = alt_texts("".join(data.get("text/html", "")))
            if any(mime.startswith("image/") for mime in data) and not alts:
                faults.append(f"code cell {number} shows a bare image: show it through ftlib.plots, with alt text")
            if any(len(alt.strip()) < ALT_TEXT for alt in alts):
                faults.append(f"code cell {number} has an image whose alt text is under {ALT_TEXT} characters")
    return faults


def plain(lesson: Lesson) -> list[str]:
    """The code is plain Python that neither installs anything nor sets threads."""
    faults = []
    for number, cell in enumerate(lesson.code_cells, start=1):
        found = ((text, why) for text, why in FORBIDDEN.items() if text in cell.source)
        faults += [f"code cell {number} contains `{text}`: {why}" for text, why in found]
        try:
            ast.parse(cell.source)
        except SyntaxError:
            faults.append(f"code cell {number} is not plain Python: leave out % and ! lines")
    first = calls(lesson.code_cells[0], "lesson") if lesson.code_cells else []
    if first != [lesson.id]:
        faults.append(f'the first code cell must call lesson("{lesson.id}")')
    return faults


def solved(lesson: Lesson) -> list[str]:
    """Every exercise has a reference solution that its check accepted."""
    cells, faults = lesson.code_cells, []
    accepted = {id for cell in cells if _says_correct(cell) for id in calls(cell, "check")}
    for number, cell in enumerate(cells, start=1):
        if "solution" in tags(cell) and not any(map(_says_correct, cells[number - 1 : number + 1])):
            faults.append(f"code cell {number} is a solution, but no check printed 'Correct.' in it or after it")
    missing = (id for id in exercise_ids(lesson) if id not in accepted)
    return faults + [f"no solution of exercise {id!r} was accepted" for id in missing]


def fitting(lesson: Lesson) -> list[str]:
    """The core fits into a session: cells, words and minutes. What is too long is dropped, not moved into outputs."""
    core = [cell for cell in lesson.notebook.cells if "core" in tags(cell)]
    lines = [len(cell.source.splitlines()) for cell in core if cell.cell_type == "code"] or [0]
    most = CORE_CELLS_SHORT if statistics.median(lines) <= SHORT_LINES else CORE_CELLS
    words = sum(len(cell.source.split()) for cell in core if cell.cell_type == "markdown")
    minutes = lesson.about.get("minutes", 0)
    limits = (
        (len(core), most, "cells"), (words, CORE_WORDS, "words of text"), (minutes, CORE_MINUTES, "minutes"),
    )  # fmt: skip
    return [f"the core has {count} {what}; {limit} are allowed" for count, limit, what in limits if count > limit]


RULES: tuple[Callable[[Lesson], list[str]], ...] = (
    executed, clean, described, arranged, pictured, plain, solved, fitting,
)  # fmt: skip


def calm(lesson: Lesson) -> list[str]:
    """Figures of a calm lesson that this one misses; a reason to look again, not a fault."""
    lines = sorted(len(cell.source.splitlines()) for cell in lesson.code_cells) or [0]
    words = sum(len(cell.source.split()) for cell in lesson.notebook.cells if cell.cell_type == "markdown")
    p90, median = lines[int(0.9 * (len(lines) - 1))], statistics.median(lines)
    share = words / max(1, sum(lines))
    figures = (
        (median > MEDIAN_LINES, f"code cells have {median:g} lines in the median (at most {MEDIAN_LINES})"),
        (p90 > P90_LINES, f"the 90th percentile of code cells has {p90} lines (at most {P90_LINES})"),
        (words < WORDS_PER_LINE * sum(lines), f"{share:.1f} prose words per code line (at least {WORDS_PER_LINE})"),
    )
    return [text for missed, text in figures if missed]


def exercise_ids(lesson: Lesson) -> list[str]:
    """The ids given to ``check(...)`` in a lesson, each once, in order."""
    return _ids(lesson, "check")


def prediction_ids(lesson: Lesson) -> list[str]:
    """The ids given to ``predict(...)`` in a lesson, each once, in order."""
    return _ids(lesson, "predict")


def _ids(lesson: Lesson, function: str) -> list[str]:
    return list(dict.fromkeys(id for cell in lesson.code_cells for id in calls(cell, function)))


def quiz_ids(lesson: Lesson) -> list[str]:
    """The quizzes that a lesson shows: the id given to ``quiz(...)``, or the lesson's own."""
    return [id or lesson.id for cell in lesson.code_cells for id in calls(cell, "quiz")]


@cache
def widget_makers() -> frozenset[str]:
    """The functions of `ftlessons` that show a widget, found in its files: those that call ``emit`` with one."""
    names = set()
    for path in Path(ftlessons.__file__).parent.rglob("*.py"):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                emitted = [node for node in ast.walk(function) if isinstance(node, ast.Call)
                           and ast.unparse(node.func) == "emit"]  # fmt: skip
                if any(word.arg == "widget" for call in emitted for word in call.keywords):
                    names.add(function.name)
    return frozenset(names)


def calls(cell: NotebookNode, function: str) -> list[str]:
    """The first argument of every call of ``function`` in a code cell; "" where there is none.

    >>> from nbformat.v4 import new_code_cell
    >>> calls(new_code_cell('quiz(); quiz("03")'), "quiz")
    ['', '03']
    """
    return [first for name, first in _calls(cell.source) if name == function]


@cache
def _calls(code: str) -> tuple[tuple[str, str], ...]:
    """Function and first argument of each call: the same cells are asked hundreds of times."""
    try:
        nodes = ast.walk(ast.parse(code))
    except SyntaxError:
        return ()
    found = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    firsts = [node.args[0] if node.args else None for node in found]
    return tuple((node.func.id, str(first.value) if isinstance(first, ast.Constant) else "")
                 for node, first in zip(found, firsts, strict=True))  # fmt: skip


def _says_correct(cell: NotebookNode) -> bool:
    streams = [output.text for output in cell.outputs if output.output_type == "stream"]
    return any(line.startswith("Correct.") for text in streams for line in text.splitlines())


def alt_texts(html: str) -> list[str]:
    """The alt text of every ``<img>`` in ``html``, "" where it has none.

    >>> alt_texts('<p><img src="x" alt="a rising curve"><img src="y">')
    ['a rising curve', '']
    """
    from bs4 import BeautifulSoup

    return [image.get("alt", "") for image in BeautifulSoup(html, "html.parser").find_all("img")]
