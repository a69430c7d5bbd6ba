"""Slides of a lesson: its headings, figures, guesses and questions, by rule; the prose goes to the speaker's notes.

`nbconvert` does the work. reveal.js lies beside the slides, so that they need no network.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.notebooks.book import Lesson
from authoring.notebooks.rules import calls
from authoring.teach import facts
from authoring.teach.sections import Section, pictures, sections

HERE = Path(__file__).resolve().parent
REVEAL, TEMPLATES = HERE / "reveal", HERE / "templates"
PLACES = {
    "reveal.js": "dist", "reveal.css": "dist", "course.css": "dist/theme", "notes.js": "plugin/notes", "LICENSE": ".",
}  # fmt: skip
WIDTH, HEIGHT = 1280, 760
CODE_LINES = 12
NOT_SHOWN = ("quiz", "reflect", "check", "lesson", "predict")
FULL_TEXT = ("exercise", "closing")
ASIDE = re.compile(r"[-|>]|\d+\. ")  # a list, a table or a quotation
NOISE = re.compile(r"shipped with the course\s*\Z")
LINK = re.compile(r"\[([^]]+)\]\([^)]*\.ipynb[^)]*\)")


def write_slides(lesson: Lesson, folder: Path) -> str:
    """The slides of a lesson as one HTML page; reveal.js is put beside it in ``folder/reveal``.

    Args:
        lesson: a lesson that has been run.
        folder: where the page will lie; made if needed.
    """
    from nbconvert import SlidesExporter

    for name, place in PLACES.items():  # where nbconvert's template looks for them
        (folder / "reveal" / place).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REVEAL / name, folder / "reveal" / place / name)
    exporter = SlidesExporter(
        template_name="course_slides", extra_template_basedirs=[str(TEMPLATES)], reveal_url_prefix="reveal",
        reveal_theme="course", reveal_width=str(WIDTH), reveal_height=str(HEIGHT), exclude_input_prompt=True,
        exclude_output_prompt=True,
    )  # fmt: skip
    body, _ = exporter.from_notebook_node(slide_notebook(lesson))
    return body


def slide_notebook(lesson: Lesson) -> NotebookNode:
    """A notebook whose cells carry slide types, made from the core of a lesson.

    Each heading begins a column of slides; below it come its figures, sentences with numbers, guesses and short
    code. What is only prose goes to the notes. Solutions and extras are left out.
    """
    about = lesson.about
    goals = "\n".join(f"{number}. {text}" for number, text in enumerate(about["objectives"], start=1))
    cells = [
        _text(f"# {lesson.id} · {about['title']}\n\n**{about['question']}**", "slide"),
        _text(f"## After this lesson you can\n\n{goals}", "subslide"),
    ]
    for section in sections(lesson):
        if section.core:
            cells += _slides(lesson, section)
    metadata = {"title": f"{lesson.id} {about['title']}", "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def _slides(lesson: Lesson, section: Section) -> Iterator[NotebookNode]:
    if section.kind == "quiz":
        yield from _questions(lesson)
    elif section.kind == "reflection":
        box = facts.reflection_of(lesson)
        if box:
            yield _text(f"## In your own words\n\n{box.question}", "slide")
            yield _text("\n".join(f"- {point}" for point in box.rubric), "notes")
    else:
        if section.kind != "opening":
            yield from _head(section)
        yield from _body(section)


def _head(section: Section) -> Iterator[NotebookNode]:
    """The slide with the heading; exercises and closings keep their text, others a sentence or two."""
    first = section.order[0] if isinstance(section.order[0], str) else ""
    yield _text(f"## {section.heading}\n\n{first if section.kind in FULL_TEXT else lead(first)}", "slide")


def _body(section: Section) -> Iterator[NotebookNode]:
    kind = "subslide" if section.kind == "opening" else "-"  # what comes first stays on the heading's slide
    for position, part in enumerate(section.order):
        if not isinstance(part, str):
            shown = _code(part, kind)
            kind = "subslide" if shown else kind
            yield from shown
        elif position or section.kind not in FULL_TEXT:
            blocks = [block for block in part.split("\n\n") if ASIDE.match(block.lstrip())]
            if section.kind != "opening":
                yield from (_text(block, "subslide") for block in blocks)
                kind = "subslide" if blocks else kind
            yield _text(part, "notes")


def _code(cell: NotebookNode, kind: str) -> list[NotebookNode]:
    """A figure without its code, a guess as a question, short code with what it shows; nothing for the rest."""
    asked = [text.removeprefix(facts.ASKED) for text in facts.shown(cell) if text.startswith(facts.ASKED)]
    if asked:
        return [_text(f"### Your guess\n\n{asked[0]}", "subslide")]
    if any(calls(cell, name) for name in NOT_SHOWN):
        return []
    outputs = [output for output in cell.outputs if not NOISE.search(output.get("text", "")) and "evalue" not in output]
    code = told(cell.source)
    hidden = bool(pictures(cell) or calls(cell, "claim")) or len(code.splitlines()) > CODE_LINES
    if not outputs and (hidden or not code):
        return []
    plain = [still(output) for output in outputs]
    if hidden or not code:  # what was drawn, claimed and said has a slide each
        return [_output(part, "subslide" if number else kind) for number, part in enumerate(_grouped(plain))]
    return [new_code_cell(code, outputs=plain, metadata={"slideshow": {"slide_type": kind}})]


def _grouped(outputs: list[NotebookNode]) -> list[list[NotebookNode]]:
    """Outputs as they share a slide: sentences stay with what stands before them."""
    groups: list[list[NotebookNode]] = []
    for output in outputs:
        said = "text/html" not in output.get("data", {})
        groups = [*groups[:-1], [*groups[-1], output]] if groups and said else [*groups, [output]]
    return groups


def _output(outputs: list[NotebookNode], kind: str) -> NotebookNode:
    cell = new_code_cell("", outputs=outputs, metadata={"slideshow": {"slide_type": kind}})
    cell.metadata["transient"] = {"remove_source": True}
    return cell


def told(source: str) -> str:
    """Code as it stands on a slide: without comments at its head and without the sentences that it shows.

    >>> told("# NBVAL_CHECK_OUTPUT\\nx = 1\\nshow(f'{x} apples')")
    'x = 1'
    """
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "show":
            lines[statement.lineno - 1 : statement.end_lineno] = [""] * (statement.end_lineno - statement.lineno + 1)
    return "\n".join(line for line in lines if line.strip() and not line.startswith("# NBVAL"))


def still(output: NotebookNode) -> NotebookNode:
    """An output without the forms that only a live notebook can show."""
    if "data" not in output:
        return output
    kept = {mime: value for mime, value in output.data.items() if mime.startswith(("text/", "image/"))}
    return NotebookNode({**output, "data": NotebookNode(kept)})


def _questions(lesson: Lesson) -> Iterator[NotebookNode]:
    for number, question in enumerate(facts.quiz_of(lesson), start=1):
        choices = "\n".join(f"- **{letter}.** {choice.text}" for letter, choice in question.labelled())
        kind = "slide" if number == 1 else "subslide"
        yield _text(f"### {question.heading(number)}\n\n{question.exhibit()}\n\n{choices}", kind)
        right = next(pair for pair in question.labelled() if pair[1].correct)
        yield _text(f"**{right[0]}.** {right[1].why}", "fragment")
        wrong = [f"{letter}: {choice.why}" for letter, choice in question.labelled() if not choice.correct]
        yield _text("\n\n".join(wrong), "notes")


def lead(text: str, words: int = 45) -> str:
    """The first sentences of a text, up to so many words, and always the first one.

    >>> lead("One two. Three four. Five.", words=4)
    'One two. Three four.'
    """
    paragraph = text.split("\n\n")[0]
    if ASIDE.match(paragraph.lstrip()):
        return ""
    chosen: list[str] = []
    for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z`*])", paragraph):
        if chosen and len(" ".join([*chosen, sentence]).split()) > words:
            break
        chosen.append(sentence)
    return " ".join(chosen)


def _text(text: str, kind: str) -> NotebookNode:
    """A Markdown cell; links to other notebooks become plain text, for they lie elsewhere."""
    return new_markdown_cell(LINK.sub(r"\1", text), metadata={"slideshow": {"slide_type": kind}})
