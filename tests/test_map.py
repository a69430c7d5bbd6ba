"""The map of the course in lesson 00 and in the README."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ftlib.lessons import book
from ftlib.lessons.map import END, START, course_map, front_map, renew_readme

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


def test_the_readme_shows_the_current_map():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition(START)[2].partition(END)[0].strip()
    assert shown == front_map(ROOT / "lessons", book.repository(ROOT)), "renew it: python -m ftlib lessons --headers"


def test_renewing_replaces_only_what_is_between_the_marks(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{START}\nOUTDATED\n{END}\nafter\n", encoding="utf-8")
    assert renew_readme(readme, ROOT / "lessons")
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{START}\n| lesson |") and text.endswith(f"{END}\nafter\n")
    assert "OUTDATED" not in text
    assert not renew_readme(readme, ROOT / "lessons")


def test_a_readme_without_marks_is_left_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("nothing here", encoding="utf-8")
    with pytest.raises(book.LessonError, match="no place for the map"):
        renew_readme(readme, ROOT / "lessons")
    assert readme.read_text(encoding="utf-8") == "nothing here"
