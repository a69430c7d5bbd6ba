"""Pages of the kit: one Markdown text, written as it is and as an HTML page that prints well and needs no network."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from authoring import template
from authoring.notebooks.book import write

PAGE = template("page.html")


def write_page(path: Path, text: str) -> None:
    """Write Markdown to ``path`` (``.md``) and the same as a page beside it (``.html``)."""
    write(path, text)
    write(path.with_suffix(".html"), page(text))


def page(text: str) -> str:
    """Markdown as a complete HTML page; its title is the first heading.

    >>> "<title>Hello</title>" in page("# Hello")
    True
    """
    from nbconvert.filters import markdown2html

    title = next((line.lstrip("# ") for line in text.splitlines() if line.startswith("# ")), "")
    return document(title, markdown2html(text))


def document(title: str, body: str, style: str = "") -> str:
    """A complete HTML page from the HTML of its body; ``style`` is CSS beyond that of every page."""
    return PAGE.format(title=html.escape(title), body=body, style=style)


def render(name: str, **values: object) -> str:
    """A Jinja template of ``authoring/templates``, filled; it has `table` too."""
    from jinja2 import Environment, StrictUndefined

    jinja = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined)
    return jinja.from_string(template(name)).render(table=table, **values)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table.

    >>> print(table(["a", "b"], [(1, "x|y")]))
    | a | b |
    |---|---|
    | 1 | x\\|y |
    """
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    """A value as it may stand in a Markdown table: on one line, with its bars escaped."""
    return " ".join(str(value).split()).replace("|", "\\|")
