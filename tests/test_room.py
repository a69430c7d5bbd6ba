"""Four learners at once: four kernels run lesson 03 and stay within what lessons/JUPYTERHUB.md promises.

It takes minutes and some 4 GB, so it runs only where FTLIB_SLOW=1 is set (`make release`).
"""

from __future__ import annotations

import copy
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from authoring.notebooks import book
from authoring.notebooks.book import Lesson
from authoring.notebooks.hub import SERVER_MB, promise
from authoring.notebooks.kernel import execute

ROOT = Path(__file__).resolve().parent.parent
KERNELS = 4
slow = pytest.mark.skipif(os.environ.get("FTLIB_SLOW") != "1", reason="slow: set FTLIB_SLOW=1 to run it")


class Watch:
    """The memory of this process's children together: the largest sum of their own shares (PSS), in MB."""

    def __init__(self) -> None:
        self.peak_mb, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(2.0):
            self.peak_mb = max(self.peak_mb, children_mb())


def children_mb() -> float:
    """Memory of all child processes, each page counted once, in MB; whole pages where the system does not say."""
    import psutil

    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            used = child.memory_full_info()
        except psutil.Error:
            continue
        total += getattr(used, "pss", used.rss) / 2**20
    return total


@slow
def test_four_kernels_at_once_stay_within_the_promise():
    lessons = [lesson for lesson in book.find(ROOT / "lessons") if "seconds" in lesson.about]
    need = promise(lessons)
    recipe = next(lesson for lesson in lessons if lesson.id == "03")
    copies = [Lesson(recipe.path, copy.deepcopy(recipe.notebook)) for _ in range(KERNELS)]
    began = time.monotonic()
    with Watch() as watch, ThreadPoolExecutor(KERNELS) as pool:
        usages = list(pool.map(lambda lesson: execute(lesson, ROOT), copies))
    took = time.monotonic() - began
    peaks = [usage.peak_mb for usage in usages]
    seconds = sum(usage.seconds for usage in usages)
    print(f"\n{KERNELS} kernels, lesson 03: {took:.0f} s by the clock, {seconds:.0f} CPU seconds in all")
    print(f"peak of each: {', '.join(f'{peak:.0f}' for peak in peaks)} MB; all at once: {watch.peak_mb:.0f} MB")
    print(f"promised: {1024 * need.guarantee_gb:.0f} MB each, JupyterLab's {SERVER_MB} MB included")
    assert max(peaks) + SERVER_MB <= 1024 * need.guarantee_gb
    assert watch.peak_mb <= KERNELS * (1024 * need.guarantee_gb - SERVER_MB)
    assert watch.peak_mb > 500, "the kernels were not seen: the watch looked at nothing"
