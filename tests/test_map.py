"""The map of the course, as lesson 00 and the README show it."""

from __future__ import annotations

import shutil
from pathlib import Path

from ftlib.lessons import book
from ftlib.lessons.map import course_map

ROOT = Path(__file__).resolve().parents[1]


def test_a_finished_lesson_has_its_link_question_and_cost():
    about = next(lesson for lesson in book.find(ROOT / "lessons") if lesson.id == "00").about
    row = next(line for line in course_map(links="lessons/").splitlines() if line.startswith("| [00"))
    assert "(lessons/00_start_here.ipynb)" in row
    assert about["question"] in row
    assert f"{about['seconds']:.0f} s, {about['peak_mb']:.0f} MB" in row


def test_a_planned_lesson_is_named_and_not_linked(tmp_path):
    shutil.copy(ROOT / "lessons" / "00_start_here.ipynb", tmp_path)
    text = course_map(tmp_path)
    assert "[00 Start here]" in text
    assert "Still to come: 01 Neural networks · 02" in text
    assert "[03" not in text


def test_what_was_found_has_a_column_of_its_own():
    head, _, first, *rows = course_map(found={"03": "supported: C1"}).splitlines()
    assert head.endswith("| claims and what became of them |") and first.endswith("| none of its own |")
    assert next(row for row in rows if "[03" in row).endswith("| supported: C1 |")
    assert "claims" not in course_map()
