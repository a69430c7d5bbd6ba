"""The map of the course, as lesson 00 and the README show it, and the index that it is made from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from authoring.notebooks import book
from authoring.notebooks.index import dumps, index, renew_index
from ftlessons.classroom.course import Entry, course_map, digest, load_course

ROOT = Path(__file__).resolve().parents[1]
LESSONS = book.find(ROOT / "lessons")


def test_a_finished_lesson_has_its_link_question_and_cost():
    about = next(lesson for lesson in LESSONS if lesson.id == "00").about
    row = next(line for line in course_map(links="lessons/").splitlines() if line.startswith("| [00"))
    assert "(lessons/00_start_here.ipynb)" in row
    assert about["question"] in row
    assert f"{about['seconds']:.0f} s, {about['peak_mb']:.0f} MB" in row


def test_a_planned_lesson_is_named_and_not_linked():
    text = course_map(load_course(index(LESSONS[:1])))
    assert "[00 Start here]" in text
    assert "Still to come: 01 Neural networks · 02" in text
    assert "[03" not in text


def test_what_was_found_has_a_column_of_its_own():
    head, _, first, *rows = course_map(found={"03": "supported: C1"}).splitlines()
    assert head.endswith("| claims and what became of them |") and first.endswith("| none of its own |")
    assert next(row for row in rows if "[03" in row).endswith("| supported: C1 |")
    assert "claims" not in course_map()


def test_the_shipped_index_says_what_the_notebooks_say():
    shipped = (ROOT / "data" / "lessons.json").read_text(encoding="utf-8")
    assert shipped == dumps(LESSONS), "renew it: python -m authoring lessons --headers"


def test_the_index_knows_a_lesson_without_its_notebook():
    lesson = next(lesson for lesson in LESSONS if lesson.id == "03")
    known = load_course(index([lesson]))["03"]
    assert replace(known, part="", domain="") == Entry(
        "03", lesson.about["title"], "", "", ("00",), lesson.about["minutes"], lesson.path.name,
        lesson.about["question"], lesson.about["next"], lesson.about["seconds"], lesson.about["peak_mb"],
        quizzes=("03",), exercises=known.exercises, guesses=known.guesses, solutions=known.solutions,
    )  # fmt: skip
    assert all(id.startswith("03-") for id in known.exercises + known.guesses) and known.exercises and known.guesses
    assert known.solutions == tuple(digest(f"\n{cell.source} ") for cell in lesson.with_tag("solution"))


def test_a_lesson_that_was_never_run_is_still_to_come(tmp_path):
    first = book.read(LESSONS[0].path)
    del first.about["seconds"]
    assert index([first]) == {}
    path = tmp_path / "lessons.json"
    assert renew_index(path, ROOT / "lessons") and not renew_index(path, ROOT / "lessons")
    assert list(json.loads(path.read_text(encoding="utf-8"))) == [lesson.id for lesson in LESSONS]
