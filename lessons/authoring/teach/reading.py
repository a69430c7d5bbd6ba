"""``python -m authoring reading``: the lessons with their results as HTML pages, for reading without a network.

A page needs no Jupyter, no script and no other file. Where a notebook has a widget, the page has what the lesson
shows without widgets: a recorded figure, or a quiz whose answers unfold.
"""

from __future__ import annotations

import argparse
import copy
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from nbformat import NotebookNode

from authoring.notebooks import book
from authoring.notebooks.book import Lesson, tags, write
from authoring.teach.pages import document, page
from authoring.teach.slides import TEMPLATES, still
from ftlessons.classroom.course import course_map

FOLDER = Path("build") / "html"
NOTEBOOK = re.compile(r"\[([^]]+)\]\(([^):#]+)\.ipynb(#[^)]*)?\)")
STYLE = """\
img { max-width: 100%; height: auto; }
.output_area { margin: .6rem 0; overflow-x: auto; } .output_area table { width: auto; }
.highlight pre { background: #fafafa; border: 1px solid #ddd; }
.solution { margin: 1rem 0; padding-left: 1rem; border-left: 4px solid #888; }
.output_area details { margin: .4rem 0; } summary { cursor: pointer; }
"""
INDEX = """\
# Fine-tuning, from scratch to useful: a reading copy

Made from the lessons by `python -m authoring reading`, with the results they were saved with. It needs no network. \
To run the experiments yourself, open the notebooks with `make lab`.

{map}
"""


def reading_copy(lesson: Lesson, others: Collection[str]) -> str:
    """A lesson with its results as one HTML page.

    Args:
        lesson: a lesson that has been run.
        others: names of the notebooks, without ending, whose pages lie beside this one: links lead to them.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="course_page", extra_template_basedirs=[str(TEMPLATES)], exclude_input_prompt=True,
        exclude_output_prompt=True,
    )  # fmt: skip
    body, _ = exporter.from_notebook_node(_for_readers(lesson, others))
    home = '<p><a href="index.html">All lessons</a></p>'
    return document(f"{lesson.id} {lesson.about['title']}", f"{home}\n{body}\n{home}", _highlighting() + STYLE)


def _for_readers(lesson: Lesson, others: Collection[str]) -> NotebookNode:
    notebook = copy.deepcopy(lesson.notebook)
    notebook.cells = [cell for cell in notebook.cells if "colab" not in tags(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = to_pages(cell.source, others)
        elif cell.cell_type == "code":
            cell.outputs = [still(output) for output in cell.outputs]
            for output in cell.outputs:
                if "text/markdown" in output.get("data", {}):
                    output.data["text/markdown"] = to_pages(output.data["text/markdown"], others)
    return notebook


def to_pages(text: str, others: Collection[str]) -> str:
    """Markdown whose links to notebooks lead to their pages, or are plain text where there is no page.

    >>> to_pages("See [03](lessons/03_x.ipynb#a) and [04](04_y.ipynb).", ["03_x"])
    'See [03](03_x.html#a) and 04.'
    """

    def renamed(match: re.Match[str]) -> str:
        name = match[2].rsplit("/")[-1]
        return f"[{match[1]}]({name}.html{match[3] or ''})" if name in others else match[1]

    return NOTEBOOK.sub(renamed, text)


def _highlighting() -> str:
    from pygments.formatters import HtmlFormatter

    return HtmlFormatter(style="default").get_style_defs(".highlight") + "\n"


def make_reading(lessons: Sequence[Lesson], folder: Path) -> None:
    """Write a page for each lesson, and one that leads to them.

    Args:
        lessons: those to write; each has been run.
        folder: where the pages go; pages that lie there already stay, and are linked.
    """
    names = {lesson.path.stem for lesson in lessons} | {path.stem for path in folder.glob("[0-9][0-9]_*.html")}
    for lesson in lessons:
        write(folder / f"{lesson.path.stem}.html", reading_copy(lesson, names))
    write(folder / "index.html", page(to_pages(INDEX.format(map=course_map()), names)))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command.

    Raises:
        LessonError: a lesson is not there, or was never run.
    """
    parser = argparse.ArgumentParser(prog="python -m authoring reading", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NN", help="only these lessons, e.g. 03 06")
    parser.add_argument("--out", type=Path, help=f"where to write (default: {FOLDER.as_posix()}/)")
    options = parser.parse_args(argv)
    folder = options.out or book.checkout() / FOLDER
    make_reading(book.finished(options.only), folder)
    print(f"The reading copy is in {folder}: open index.html there.")
