"""One normal form for saved notebooks, so that a rerun changes only what really changed."""

from __future__ import annotations

import getpass
import hashlib
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbformat import NotebookNode

from authoring.notebooks.book import Lesson, LessonError, tags

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
KEPT_CELL_METADATA = ("tags", "jupyter", "cellView")
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# the end of a tqdm bar: [00:03<00:01, 12.5it/s] or [00:03, 2.1s/batch, loss=0.3]
PROGRESS_BAR = re.compile(r"\[\d+:\d\d(?::\d\d)?(?:<[^,\]]*)?, *[^\]]*(?:/s|s/)[^\]]*\]")
EMBEDDED = re.compile(r"base64,[A-Za-z0-9+/=\s]+")
# accounts that are everyone's, or whose name is a common word
SHARED_ACCOUNTS = {"root", "user", "admin", "ubuntu", "runner", "jovyan", "vagrant", "default", "learner"}


def normalise(lesson: Lesson) -> None:
    """Bring an executed notebook into its normal form, in place.

    Cell ids stay or become deterministic; execution counts run 1, 2, ...; widget state and views,
    timestamps, progress bars and foreign metadata go; neighbouring pieces of a stream become one.

    Raises:
        LessonError: an output shows a path, an account or a memory address of this machine.
    """
    notebook = lesson.notebook
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode(
        ftlib=NotebookNode(lesson.about),
        kernelspec=NotebookNode(KERNELSPEC),
        language_info=NotebookNode(name="python"),
    )
    _set_ids(lesson)
    count = 0
    for cell in notebook.cells:
        cell.metadata = NotebookNode(
            {k: cell.metadata[k] for k in KEPT_CELL_METADATA if cell.metadata.get(k)}
        )
        cell.source = cell.source.rstrip()
        if cell.cell_type == "code" and "colab" not in tags(cell):
            count += 1
            cell.execution_count = count
            cell.outputs = normal_outputs(cell.outputs, count)
    if found := machine_traces(lesson):
        raise LessonError(f"Lesson {lesson.id} shows this machine to the reader: {'; '.join(found)}. Print less.")


def _set_ids(lesson: Lesson) -> None:
    seen: set[str] = set()
    for position, cell in enumerate(lesson.notebook.cells):
        id, attempt = cell.get("id", ""), 0
        while not CELL_ID.fullmatch(id) or id in seen:
            text = f"{lesson.id}\n{position}\n{attempt}\n{cell.source}"
            id, attempt = hashlib.sha256(text.encode()).hexdigest()[:8], attempt + 1
        cell["id"] = id
        seen.add(id)


def normal_outputs(outputs: Iterable[NotebookNode], count: int) -> list[NotebookNode]:
    """The outputs of one cell in normal form.

    Args:
        outputs: as the kernel sent them.
        count: the cell's execution count.
    """
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            if kept and kept[-1].output_type == "stream" and kept[-1].name == output.name:
                kept[-1].text += output.text
                continue
        elif output.output_type in ("display_data", "execute_result"):
            if WIDGET_VIEW in output.data and set(output.data) <= {WIDGET_VIEW, "text/plain"}:
                continue  # the text that is left only names the widget
            data = NotebookNode({mime: value for mime, value in output.data.items() if mime != WIDGET_VIEW})
            output = NotebookNode(output, data=data, metadata=NotebookNode(output.get("metadata", {})))
            if output.output_type == "execute_result":
                output.execution_count = count
        kept.append(NotebookNode(output))
    for output in kept:
        if output.output_type == "stream":
            output.text = settled(output.text, drop_bars=output.name == "stderr")
    return [output for output in kept if output.output_type != "stream" or output.text]


def settled(text: str, drop_bars: bool = False) -> str:
    r"""What a terminal shows in the end: text before a carriage return is overwritten.

    Args:
        text: a stream's text.
        drop_bars: leave out lines that end in a tqdm progress bar.

    >>> settled("1%\r2%\rdone\n")
    'done\n'
    """
    lines = []
    for line in re.split(r"(?<=\n)", text):
        body = line.rstrip("\r\n")
        last = body.rsplit("\r", 1)[-1]
        if drop_bars and PROGRESS_BAR.search(body) and (not last.strip() or PROGRESS_BAR.search(last)):
            continue
        lines.append(last + ("\n" if line.endswith("\n") else ""))
    shown = "".join(lines)
    return shown if shown.strip() or not drop_bars else ""


def machine_traces(lesson: Lesson) -> list[str]:
    """Paths, account names and memory addresses of this machine in a lesson's outputs, with their cell."""
    patterns = list(_patterns(lesson.path.resolve().parent.parent))
    found = []
    for number, cell in enumerate(lesson.code_cells, start=1):
        text = "\n".join(_texts(cell.outputs))
        matches = ((what, pattern.search(text)) for what, pattern in patterns)
        found += [f"code cell {number} prints {what} ({match.group()!r})" for what, match in matches if match]
    return found


def _patterns(root: Path) -> Iterator[tuple[str, re.Pattern[str]]]:
    folders = {str(path) for path in (root, Path.home(), Path(sys.prefix), Path(tempfile.gettempdir()))}
    for folder in sorted(path for path in folders if len(path) > 3):
        yield "a path of this machine", re.compile(re.escape(folder) + r"[/\\]")
    yield "a home folder", re.compile(r"(?:/home/|/Users/|[A-Z]:\\+Users\\+)[\w.-]+")
    yield "a temporary file of the kernel", re.compile(r"ipykernel_\d+")
    yield "a memory address", re.compile(r"\b0x[0-9a-fA-F]{7,}\b")
    account = _account()
    if len(account) > 3 and account.lower() not in SHARED_ACCOUNTS:
        yield "your account's name", re.compile(rf"\b{re.escape(account)}\b")


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without an entry for this user
        return ""


def _texts(outputs: Iterable[NotebookNode]) -> Iterator[str]:
    for output in outputs:
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield "\n".join(output.traceback)
        else:
            shown = (str(value) for mime, value in output.data.items() if not mime.startswith("image/"))
            yield from (EMBEDDED.sub("", text) for text in shown)
