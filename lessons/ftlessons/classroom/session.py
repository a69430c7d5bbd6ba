"""Which lesson is running, what it costs, and sentences with numbers."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path

from ftlessons.classroom.display import emit, in_ipython
from ftlessons.classroom.source import CourseDataError
from ftlib.runtime import strict, write_json

LIBRARY_MB = 512  # what a kernel with torch, transformers and scikit-learn maps of files in blocks of 4 kB
_current: str | None = None


def lesson(id: str) -> None:
    """Say which lesson this kernel runs; call it in the lesson's first code cell.

    `quiz`, `reflect`, `predict` and `claim` then know the lesson. With ``FTLIB_USAGE_DIR`` set, the
    kernel's CPU seconds and peak memory are written to ``<that folder>/<id>.json`` after every cell.

    Raises:
        CourseDataError: `id` is not two digits.
    """
    global _current
    if not isinstance(id, str) or not re.fullmatch(r"[0-9]{2}", id):
        raise CourseDataError(
            f"lesson({id!r}): give the lesson's number as two digits, such as lesson('03')."
        )
    _current = id
    _quieten()
    if os.environ.get("FTLIB_USAGE_DIR") and in_ipython():
        _register_usage_hook()


def current_lesson() -> str | None:
    """The id given to `lesson`, or None before it was called."""
    return _current


def lesson_id(id: str | None, caller: str) -> str:
    """`id`, or else the current lesson's.

    Raises:
        CourseDataError: neither is known.
    """
    found = id or _current
    if found is None:
        raise CourseDataError(
            f"{caller}: run the lesson's first code cell, lesson('03') or the like, before this."
        )
    return found


def show(text: str) -> None:
    """Show one Markdown sentence, so that its numbers come from variables and can't drift from the run.

    Raises:
        TypeError: `text` is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"show() takes a sentence, as in show(f'accuracy {{x:.2f}}'), not {type(text).__name__}."
        )
    emit(text, **{"text/markdown": text})


def usage() -> dict[str, float]:
    """This process's CPU seconds (user and system, ended children included) and peak memory in MB.

    ``peak_mb`` (1 MB = 2**20 bytes) is left out on Windows, which does not report it. On Linux it counts at most
    ``LIBRARY_MB`` of pages that are copies of files: how much of a library is mapped in one go depends on the system's
    page cache (two installations of one version differed by 140 MB), and such pages are dropped when memory is short.
    """
    times = os.times()
    report = {"cpu_seconds": times.user + times.system + times.children_user + times.children_system}
    peak = _peak_mb()
    if peak is not None:
        report["peak_mb"] = peak
    return {name: round(value, 2) for name, value in report.items()}


def _peak_mb() -> float | None:
    # Linux's ru_maxrss survives exec, so a kernel started by a big test process would inherit its peak.
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        status = ""
    found = {name: int(kb) / 2**10 for name, kb in re.findall(r"^(VmHWM|RssFile):\s+(\d+) kB", status, re.MULTILINE)}
    if "VmHWM" in found:
        return found["VmHWM"] - max(0.0, found.get("RssFile", 0.0) - LIBRARY_MB)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _write_usage(*_: object) -> None:
    folder = os.environ.get("FTLIB_USAGE_DIR")
    if folder and _current:
        write_json(Path(folder) / f"{_current}.json", {"lesson": _current, **usage()})


def _register_usage_hook() -> None:
    from IPython import get_ipython

    events = get_ipython().events
    if _write_usage not in events.callbacks["post_run_cell"]:
        events.register("post_run_cell", _write_usage)


def _quieten() -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    for category in (FutureWarning, DeprecationWarning):
        warnings.filterwarnings(
            "ignore", category=category, module=r"(torch|transformers|accelerate|peft)(\.|$)"
        )
        if strict():  # what goes away in a later release is found by CI, not by a learner
            warnings.filterwarnings("error", category=category, module=r"(__main__|ftlib|ftlessons)(\.|$)")
    warnings.filterwarnings("ignore", message="IProgress not found")
