"""Pages of the kit: one Markdown text, written as it is and as an HTML page that prints well and needs no network."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from authoring.notebooks.book import write

BREAK = '<div class="new-page"></div>'
ANSWER = '<div class="answer"></div>'  # room to write

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2, h3 {{ line-height: 1.2; }} h2 {{ margin-top: 2rem; border-bottom: 1px solid #bbb; }}
table {{ border-collapse: collapse; width: 100%; }} th, td {{ border: 1px solid #bbb; padding: .3rem .5rem; text-align: left; vertical-align: top; }}
pre {{ background: #f4f4f4; padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }} .anchor-link {{ display: none; }} .answer {{ height: 4rem; border-bottom: 1px solid #888; }}
blockquote {{ border-left: 4px solid #888; margin-left: 0; padding-left: 1rem; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 11pt; }} h2, h3 {{ break-after: avoid; }} tr, li, pre {{ break-inside: avoid; }} .new-page {{ break-before: page; }} }}
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""  # noqa: E501


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
