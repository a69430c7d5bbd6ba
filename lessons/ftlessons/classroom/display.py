"""Put one output under a cell that every reader can use: widget, HTML, Markdown or plain text."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ftlib import runtime

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


def in_ipython() -> bool:
    """Whether this code runs in a notebook or an IPython terminal."""
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def emit(plain: str, *, widget: Callable[[], Any] | None = None, **representations: Any) -> None:
    """Show one output in several representations; the reader's program takes the richest it knows.

    Args:
        plain: the text/plain form; outside IPython it is printed and the rest is left out.
        widget: builds an ipywidgets widget. Where widgets do not work the other forms stand.
        **representations: content by MIME type, with ``text/html`` and the like passed as ``**{...}``.
    """
    if not in_ipython():
        print(plain)
        return
    from IPython.display import display

    bundle = {"text/plain": plain, **representations}
    view = _widget_view(widget) if widget else None
    if view:
        bundle[WIDGET_MIME] = view
    display(bundle, raw=True)


def _widget_view(build: Callable[[], Any]) -> dict[str, Any] | None:
    """The MIME content that ipywidgets 7 and 8 share, or None where widgets can't be made."""
    try:
        return {"version_major": 2, "version_minor": 0, "model_id": build().model_id}
    except ImportError:
        return None
    except Exception:
        if runtime.strict():
            raise
        return None


def rich(text: str) -> str:
    """HTML of a one-paragraph text: escaped, with `code` in backticks kept as code.

    >>> rich("is `a < b`?")
    'is <code>a &lt; b</code>?'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def as_table(head: Sequence[str], rows: Iterable[Sequence[object]], left: Collection[int] = ()) -> str:
    """A table as HTML; a screen reader says the name of the column with each value, and it scrolls in a narrow window.

    Args:
        head: a name for every column: an empty one would leave its values unexplained.
        rows: values or HTML, as many a row as there are columns.
        left: columns of text, which begin at the left; numbers end at the right.

    >>> as_table(["recipe", "score"], [("head", 0.9)], left=[0])[-73:]
    '<tr><td style="text-align: left">head</td><td>0.9</td></tr></table></div>'
    """
    style = [' style="text-align: left"' if column in left else "" for column in range(len(head))]
    names = "".join(f'<th scope="col"{how}>{name}</th>' for name, how in zip(head, style, strict=True))
    cells = ("".join(f"<td{how}>{value}</td>" for value, how in zip(row, style, strict=True)) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    table = f'<table style="text-align: right; border-spacing: 12px 2px"><tr>{names}</tr>{body}</table>'
    return f'<div style="overflow-x: auto; width: 0; min-width: 100%">{table}</div>'


def details(summary: str, body: str) -> str:
    """A fold that opens without JavaScript; both arguments are HTML."""
    return f"<details><summary>{summary}</summary>{body}</details>"
