"""Put one output under a cell that every reader can use: widget, HTML, Markdown or plain text."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
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


def details(summary: str, body: str) -> str:
    """A fold that opens without JavaScript; both arguments are HTML."""
    return f"<details><summary>{summary}</summary>{body}</details>"
