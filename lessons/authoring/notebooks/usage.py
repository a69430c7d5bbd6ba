"""What a lesson's run cost: read the kernel's report, compare it with the record, the budget and the gates.

A kernel that finds ``FTLIB_USAGE_DIR`` writes ``<id>.json`` there after every cell
(`ftlessons.lesson`). The *budget* is for the figures that are recorded, on a quiet machine. The *gates* are for
every other run, on whatever machine: they catch a lesson that has become another one, and let a slow or busy
computer pass.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from authoring.notebooks.book import Lesson

BUDGET = {"seconds": 90.0, "peak_mb": 1536.0}
# a run may take this many times the recorded CPU seconds (a busy core alone doubles them), and this much memory:
# 1.65 GB leave room for JupyterLab's server in Binder's 2 GB
GATE_TIMES, GATE_MB = 3.0, 1690.0
# a recorded figure is renewed when it moved by more than this share, and by more than noise
TOLERANCE = 0.15
NOISE = {"seconds": 1.0, "peak_mb": 20}
SLACK_SECONDS = 5.0


@dataclass(frozen=True)
class Usage:
    """What one run of a lesson took.

    Attributes:
        seconds: CPU time of the kernel, user and system, in seconds.
        peak_mb: its largest resident memory, in MB, as ``ftlessons.classroom.session.usage`` counts it.
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


def record(lesson: Lesson, usage: Usage, calibration: float | None = None) -> None:
    """Write a run's cost into the metadata where it moved by more than ``TOLERANCE`` and ``NOISE``.

    Leaving the old figure otherwise keeps the notebook's history quiet. New seconds bring the seconds of `calibrate`
    with them: what this machine needed, at that time, for work that is always the same.
    """
    for key, value in (("seconds", round(usage.seconds, 1)), ("peak_mb", round(usage.peak_mb))):
        old = lesson.about.get(key)
        if not isinstance(old, int | float) or abs(value - old) > max(TOLERANCE * old, NOISE[key]):
            lesson.about[key] = value
            if key == "seconds" and calibration is not None:
                lesson.about["calibration"] = round(calibration, 2)
    if calibration is not None:
        lesson.about.setdefault("calibration", round(calibration, 2))


_CALIBRATION = """
import time, torch
from torch import nn
torch.manual_seed(0)
conv = [nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 32), (32, 64))]
net = nn.Sequential(conv[0], nn.ReLU(), nn.MaxPool2d(2), conv[1], nn.ReLU(), nn.Flatten(), nn.Linear(64 * 16 * 16, 10))
step = torch.optim.AdamW(net.parameters())
x, y = torch.randn(32, 3, 32, 32), torch.arange(32) % 10
def train(steps):
    for _ in range(steps):
        step.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        step.step()
train(5)
begun = time.process_time()
train(60)
print(time.process_time() - begun)
"""


def calibrate() -> float:
    """CPU seconds, on one thread, of a short training that is the same on every machine: a small network, 60 steps."""
    one = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", _CALIBRATION], env=os.environ | one, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def over_gate(lesson: Lesson, usage: Usage | None, calibrate: Callable[[], float] = calibrate) -> list[str]:
    """What is wrong with the cost of a run on any machine, one sentence each; empty if all is well.

    A lesson fails without a report, over ``GATE_MB``, and at more than ``GATE_TIMES`` its recorded seconds (plus a
    little slack, so that a short lesson is not failed by noise). Before it fails for its seconds, the machine is
    measured: one that takes twice as long for the same short training may take twice as long for the lesson.
    """
    if usage is None:
        return [no_report(lesson)]
    faults = []
    if usage.peak_mb > GATE_MB:
        faults.append(f"Lesson {lesson.id} took {usage.peak_mb:.0f} MB at its peak; no lesson may take {GATE_MB:g}.")
    recorded = lesson.about.get("seconds")
    if recorded is None or usage.seconds <= GATE_TIMES * recorded + SLACK_SECONDS:
        return faults
    known = lesson.about.get("calibration")
    slower = max(1.0, calibrate() / known) if known else 1.0
    if usage.seconds > slower * GATE_TIMES * recorded + SLACK_SECONDS:
        machine = f", on a machine that is {slower:.1f} times as slow" if slower > 1 else ""
        faults.append(
            f"Lesson {lesson.id} took {usage.seconds:.1f} CPU seconds, more than {GATE_TIMES:g} times the recorded "
            f"{recorded:g}{machine}: find out why, or record it anew with `make lessons ONLY={lesson.id}`."
        )
    return faults


def over_budget(lesson: Lesson, usage: Usage) -> list[str]:
    """What is wrong with the cost of a run that is to be recorded, one sentence each; empty if all is well."""
    allowed = budget(lesson)
    figures = ((usage.seconds, allowed.seconds, f"{usage.seconds:.1f} CPU seconds"),
               (usage.peak_mb, allowed.peak_mb, f"{usage.peak_mb:.0f} MB at its peak"))  # fmt: skip
    return [f"Lesson {lesson.id} took {said}; its budget is {most:g}." for took, most, said in figures if took > most]


def table(rows: Sequence[tuple[Lesson, Usage | None]]) -> str:
    """A plain-text table of each lesson's cost beside its record and its gates."""
    lines = [("lesson", "CPU s", "recorded", "gate", "peak MB", "recorded", "gate")]
    for lesson, usage in rows:
        took = (f"{usage.seconds:.1f}", f"{usage.peak_mb:.0f}") if usage else ("none", "none")
        seconds, peak_mb = (lesson.about.get(key, "none") for key in ("seconds", "peak_mb"))
        gate = "none" if seconds == "none" else f"{GATE_TIMES * seconds + SLACK_SECONDS:.0f}"
        lines.append((lesson.path.stem[:33], took[0], seconds, gate, took[1], peak_mb, f"{GATE_MB:g}"))
    return "\n".join("{:<34}{!s:>8}{!s:>10}{:>8}{:>10}{!s:>10}{:>8}".format(*line) for line in lines)
