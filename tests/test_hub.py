"""lessons/JUPYTERHUB.md: its figures are those of the recorded runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from authoring.notebooks import book, hub
from authoring.notebooks.hub import PAGE, SERVER_MB, figures, learners, promise, renew_page

ROOT = Path(__file__).resolve().parent.parent


def run_lessons():
    return [lesson for lesson in book.find(ROOT / "lessons") if "seconds" in lesson.about]


def lesson_with(id: str, peak: int, seconds: float) -> book.Lesson:
    [lesson] = book.find(ROOT / "lessons", [id])
    lesson.about["peak_mb"], lesson.about["seconds"] = peak, seconds
    return lesson


def test_the_page_shows_the_current_figures():
    text = (ROOT / "lessons" / PAGE).read_text(encoding="utf-8")
    shown = text.partition(hub.START)[2].partition(hub.END)[0].strip()
    assert shown == figures(run_lessons()), "renew it: python -m authoring lessons --headers"


def test_the_largest_lesson_decides():
    need = promise([lesson_with("00", 900, 80), lesson_with("03", 1500, 20)])
    assert (need.lesson, need.kernel_mb, need.seconds) == ("03", 1500, 80)
    assert need.guarantee_gb == 2.0 and need.limit_gb == 4.0
    assert promise([lesson_with("03", 1700, 20)]).guarantee_gb == 2.5
    assert need.share == pytest.approx(80 / (60 * 15))


def test_no_lesson_no_promise():
    with pytest.raises(book.LessonError, match="No lesson has been run"):
        promise([])


@pytest.mark.parametrize("memory", [*hub.MACHINES_GB, 1])
def test_a_machine_holds_its_learners(memory):
    need = promise(run_lessons())
    count = learners(memory, need)
    assert count * need.guarantee_gb <= max(0, memory - hub.SYSTEM_GB) < (count + 1) * need.guarantee_gb


def test_each_promise_covers_every_recorded_lesson():
    need = promise(run_lessons())
    largest = max(lesson.about["peak_mb"] for lesson in run_lessons())
    assert largest + SERVER_MB <= 1024 * need.guarantee_gb <= 1024 * need.limit_gb


def test_the_settings_say_what_the_text_says():
    text = (ROOT / "lessons" / PAGE).read_text(encoding="utf-8")
    need = promise(run_lessons())
    sizes = {key: re.search(rf"{key}:? (\d+)([GM])", text) for key in ("guarantee", "limit", "limits.memory")}
    in_gb = {key: int(found[1]) / (1 if found[2] == "G" else 1024) for key, found in sizes.items()}
    assert in_gb == {"guarantee": need.guarantee_gb, "limit": need.limit_gb, "limits.memory": need.limit_gb}


def test_renewing_replaces_only_what_is_between_the_marks(tmp_path):
    shutil.copy(ROOT / "lessons" / "00_start_here.ipynb", tmp_path)
    page = tmp_path / PAGE
    page.write_text(f"before\n{hub.START}\nOLD\n{hub.END}\nafter\n", encoding="utf-8")
    assert renew_page(tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "OLD" not in text and "00 Start here" in text
    assert not renew_page(tmp_path)
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(book.LessonError, match="no place for the figures"):
        renew_page(tmp_path)
    assert page.read_text(encoding="utf-8") == "nothing"


def test_the_configuration_parses():
    yaml = pytest.importorskip("yaml")
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "lessons" / PAGE).read_text(encoding="utf-8"), flags=re.DOTALL)
    merged = [yaml.safe_load(block)["singleuser"] for block in blocks]
    assert len(merged) == 2 and merged[0]["memory"] and merged[1]["extraEnv"]["FTLIB_THREADS"] == "1"
    assert merged[1]["lifecycleHooks"]["postStart"]["exec"]["command"][2].startswith("cp -rn ")
