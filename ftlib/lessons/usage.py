"""What a lesson's run cost: read the kernel's report, compare it with the record and the budget.

A kernel that finds ``FTLIB_USAGE_DIR`` writes ``<id>.json`` there after every cell
(`ftlib.classroom.lesson`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ftlib.lessons.book import Lesson

BUDGET = {"seconds": 90.0, "peak_mb": 1536.0}
# a recorded figure is renewed when it moved by more than this share, and by more than noise
TOLERANCE = 0.15
NOISE = {"seconds": 1.0, "peak_mb": 20}
SLACK_SECONDS = 5.0


@dataclass(frozen=True)
class Usage:
    """What one run of a lesson took.

    Attributes:
        seconds: CPU time of the kernel, user and system, in seconds.
        peak_mb: its largest resident memory, in MB, as ``ftlib.classroom.session.usage`` counts it.
    """

    seconds: float
    peak_mb: float


def read_usage(folder: Path, id: str) -> Usage | None:
    """The report that the kernel of lesson ``id`` left in ``folder``, or None."""
    try:
        report = json.loads((folder / f"{id}.json").read_text(encoding="utf-8"))
        return Usage(float(report["cpu_seconds"]), float(report.get("peak_mb", 0)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def no_report(lesson: Lesson) -> str:
    """The sentence for a lesson that left no usage report."""
    return f'Lesson {lesson.id} left no usage report: its first code cell must call lesson("{lesson.id}").'


def budget(lesson: Lesson) -> Usage:
    """What the lesson may take: the course's limits, or its own in ``metadata.ftlib.budget``."""
    return Usage(**{**BUDGET, **lesson.about.get("budget", {})})


def record(lesson: Lesson, usage: Usage) -> None:
    """Write a run's cost into the metadata where it moved by more than ``TOLERANCE`` and ``NOISE``.

    Leaving the old figure otherwise keeps the notebook's history quiet.
    """
    for key, value in (("seconds", round(usage.seconds, 1)), ("peak_mb", round(usage.peak_mb))):
        old = lesson.about.get(key)
        if not isinstance(old, int | float) or abs(value - old) > max(TOLERANCE * old, NOISE[key]):
            lesson.about[key] = value


def over_budget(lesson: Lesson, usage: Usage | None) -> list[str]:
    """What is wrong with the cost of a run, one sentence each; empty if all is well.

    A lesson fails over its budget and at more than twice its recorded seconds (plus a little slack,
    so that a short lesson is not failed by noise).
    """
    if usage is None:
        return [no_report(lesson)]
    allowed, faults = budget(lesson), []
    if usage.seconds > allowed.seconds:
        faults.append(
            f"Lesson {lesson.id} took {usage.seconds:.1f} CPU seconds; its budget is {allowed.seconds:g}."
        )
    if usage.peak_mb > allowed.peak_mb:
        faults.append(
            f"Lesson {lesson.id} took {usage.peak_mb:.0f} MB at its peak; its budget is {allowed.peak_mb:g}."
        )
    recorded = lesson.about.get("seconds")
    if recorded is not None and usage.seconds > 2 * recorded + SLACK_SECONDS:
        faults.append(
            f"Lesson {lesson.id} took {usage.seconds:.1f} CPU seconds, more than twice the recorded "
            f"{recorded:g}: find out why, or record it anew with `make lessons ONLY={lesson.id}`."
        )
    return faults


def table(rows: Sequence[tuple[Lesson, Usage | None]]) -> str:
    """A plain-text table of each lesson's cost beside its record and its budget."""
    lines = [
        f"{'lesson':<34}{'CPU s':>8}{'recorded':>10}{'budget':>8}{'peak MB':>10}{'recorded':>10}{'budget':>8}"
    ]
    for lesson, usage in rows:
        about, allowed = lesson.about, budget(lesson)
        cells = [
            f"{usage.seconds:.1f}" if usage else "none",
            about.get("seconds", "none"),
            f"{allowed.seconds:g}",
        ]
        cells += [
            f"{usage.peak_mb:.0f}" if usage else "none",
            about.get("peak_mb", "none"),
            f"{allowed.peak_mb:g}",
        ]
        widths = (8, 10, 8, 10, 10, 8)
        numbers = "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{lesson.path.stem[:33]:<34}{numbers}")
    return "\n".join(lines)
