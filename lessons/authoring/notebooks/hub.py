"""What a JupyterHub needs for the course: memory and cores of a learner, and how many a machine holds.

Everything is derived from what the lessons recorded when they were last run. ``lessons/JUPYTERHUB.md`` shows it
between two marks, as the README shows the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from authoring import template
from authoring.notebooks import book
from authoring.notebooks.book import Lesson, LessonError, put_between
from authoring.notebooks.usage import budget

PAGE = "JUPYTERHUB.md"
START, END = "<!-- figures: made by `python -m authoring lessons --headers`, do not edit -->", "<!-- end of figures -->"
# a learner's JupyterLab server, in MB: measured were 93 at the start and 121 with lessons open
SERVER_MB = 200
# the hub, its proxy and the operating system, in GB
SYSTEM_GB = 2
# learners that share a core: how much longer a cell takes when all of them press Run at once
LEARNERS_PER_CORE = 4
HEADROOM = 1.2
MACHINES_GB = (8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Promise:
    """What the page says a learner needs.

    Attributes:
        lesson: the lesson with the largest peak.
        kernel_mb: the memory of one kernel, in MB, that no recorded run exceeds.
        guarantee_gb: memory to reserve for each learner: one lesson open.
        limit_gb: memory at which a learner is stopped: two lessons open.
        seconds: CPU seconds of the longest lesson.
        share: the longest lesson's CPU seconds as a share of its minutes.
    """

    lesson: str
    kernel_mb: int
    guarantee_gb: float
    limit_gb: float
    seconds: float
    share: float


def promise(lessons: Sequence[Lesson]) -> Promise:
    """The figures for a set of lessons that have been run.

    Raises:
        LessonError: there is none.
    """
    if not lessons:
        raise LessonError("No lesson has been run yet, so nothing is known about memory: `make lessons` runs them.")
    largest = max(lessons, key=lambda lesson: lesson.about["peak_mb"])
    longest = max(lessons, key=lambda lesson: lesson.about["seconds"])
    kernel, seconds = largest.about["peak_mb"], longest.about["seconds"]
    # for one lesson open and for two, in gigabytes, rounded up to a half
    reserved, limit = (math.ceil(2 * (HEADROOM * n * kernel + SERVER_MB) / 1024) / 2 for n in (1, 2))
    return Promise(largest.id, kernel, reserved, limit, seconds, seconds / (60 * longest.about["minutes"]))


def learners(memory_gb: float, need: Promise) -> int:
    """How many learners a machine with so much memory holds, one lesson open each.

    >>> learners(16, Promise("02", 1458, 2.0, 4.0, 60, 0.02))
    7
    """
    return max(0, int((memory_gb - SYSTEM_GB) / need.guarantee_gb))


def figures(lessons: Sequence[Lesson]) -> str:
    """What stands between the marks of the page: a learner's needs, machines, records and settings."""
    need = promise(lessons)
    held = {memory: learners(memory, need) for memory in MACHINES_GB}
    machines = [f"| {gb} GB | {math.ceil(count / LEARNERS_PER_CORE)} | {count} |" for gb, count in held.items()]
    rows = [f"| {x.id} {x.about['title']} | {x.about['peak_mb']:,} | {x.about['seconds']:.0f} |" for x in lessons]
    return template("hub.md").rstrip().format(
        **asdict(need), server=SERVER_MB, allowed=max(budget(lesson).peak_mb for lesson in lessons), system=SYSTEM_GB,
        per_core=LEARNERS_PER_CORE, wait=3 * LEARNERS_PER_CORE, core=1 / LEARNERS_PER_CORE,
        machines="\n".join(machines), records="\n".join(rows), guarantee_unit=_unit(need.guarantee_gb),
        limit_unit=_unit(need.limit_gb),
    )  # fmt: skip


def _unit(gigabytes: float) -> str:
    """A size as both hubs take it; they read G as 1024 ** 3 bytes.

    >>> _unit(2.0), _unit(2.5)
    ('2G', '2560M')
    """
    return f"{gigabytes:g}G" if gigabytes == int(gigabytes) else f"{int(1024 * gigabytes)}M"


def renew_page(folder: Path) -> bool:
    """Put the current figures between the marks of ``JUPYTERHUB.md``; tell whether the text changed.

    Args:
        folder: the lessons, with the page among them.

    Raises:
        LessonError: the page is missing, or its marks are.
    """
    lessons = [lesson for lesson in book.find(folder) if "seconds" in lesson.about]
    return put_between(folder / PAGE, START, END, figures(lessons), "figures")
