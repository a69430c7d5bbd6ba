"""What a JupyterHub needs for the course: memory and cores of a learner, and how many a machine holds.

Everything is derived from what the lessons recorded when they were last run. ``lessons/JUPYTERHUB.md`` shows it
between two marks, as the README shows the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    kernel = largest.about["peak_mb"]
    return Promise(
        lesson=largest.id,
        kernel_mb=kernel,
        guarantee_gb=_halves(HEADROOM * kernel + SERVER_MB),
        limit_gb=_halves(HEADROOM * 2 * kernel + SERVER_MB),
        seconds=longest.about["seconds"],
        share=longest.about["seconds"] / (60 * longest.about["minutes"]),
    )


def _halves(megabytes: float) -> float:
    """Gigabytes, rounded up to a half."""
    return math.ceil(2 * megabytes / 1024) / 2


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
    parts = [
        *_sentences(need, max(budget(lesson).peak_mb for lesson in lessons)),
        "\n".join(["| memory of the machine | cores | learners at once |", "|---|---|---|", *machines]),
        f"{SYSTEM_GB} GB are set aside for the system and the hub. The records behind these figures:",
        "\n".join(["| lesson | peak memory in MB | CPU seconds |", "|---|---|---|", *rows]),
        "The settings that follow from them, for The Littlest JupyterHub:",
        f"```sh\nsudo tljh-config set limits.memory {_unit(need.limit_gb)}\nsudo tljh-config set limits.cpu 1\n"
        "sudo tljh-config set user_environment.default_app jupyterlab\nsudo tljh-config reload\n```",
        "And for Zero to JupyterHub, in `config.yaml`:",
        f"```yaml\nsingleuser:\n  memory:\n    guarantee: {_unit(need.guarantee_gb)}\n"
        f"    limit: {_unit(need.limit_gb)}\n  cpu:\n    guarantee: {1 / LEARNERS_PER_CORE:g}\n    limit: 1\n```",
    ]
    return "\n\n".join(parts)


def _sentences(need: Promise, allowed_mb: float) -> list[str]:
    return [
        f"**For each learner: {need.guarantee_gb:g} GB of memory reserved, a limit of {need.limit_gb:g} GB, and a "
        "quarter of a core reserved, with a limit of one core.**",
        f"The largest lesson is {need.lesson}: its kernel peaked at {need.kernel_mb:,} MB when it was recorded. "
        f"{need.guarantee_gb:g} GB is that with a fifth on top, and {SERVER_MB} MB for JupyterLab, rounded up to half "
        "a GB. The limit leaves room for a second lesson that somebody forgot to close. No lesson may take more than "
        f"{allowed_mb:,.0f} MB: the tests see to it.",
        f"The longest lesson computes for {need.seconds:.0f} s, {need.share:.0%} of a core over its minutes. So a core "
        f"serves {LEARNERS_PER_CORE} learners well. When all of them press *Run* at the same moment, a cell of three "
        f"seconds takes {3 * LEARNERS_PER_CORE}.",
    ]


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
