"""Every lesson in lessons/, checked as it is saved (nbval runs them; this reads them)."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from authoring.notebooks import book, rules
from authoring.notebooks.header import POSITION, header
from ftlessons.classroom.checks import get_exercise, grade
from ftlessons.classroom.quizzes import load_quiz

ROOT = Path(__file__).resolve().parent.parent
LESSONS = book.find(ROOT / "lessons")
BY_ID = {lesson.id: lesson for lesson in LESSONS}
each_lesson = pytest.mark.parametrize("lesson", [pytest.param(lesson, id=lesson.id) for lesson in LESSONS])
each_exercise = pytest.mark.parametrize("id", [id for lesson in LESSONS for id in rules.exercise_ids(lesson)])


def test_the_course_has_lessons_and_they_alone_are_notebooks():
    assert "00" in BY_ID
    assert sorted(path.name for path in (ROOT / "lessons").glob("*.ipynb")) == [x.path.name for x in LESSONS]


@each_lesson
@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule(lesson, rule):
    faults = rule(lesson)
    assert not faults, f"{lesson.path.name}: " + "; ".join(faults)


@each_lesson
def test_saved_in_normal_form(lesson):
    text = lesson.path.read_text(encoding="utf-8")
    assert text == book.dumps(lesson.notebook), f"run `make lessons ONLY={lesson.id}`"


@each_lesson
def test_header_says_what_the_metadata_says(lesson):
    written = lesson.notebook.cells[POSITION].source
    assert written == header(lesson, BY_ID, book.repository(ROOT)), "run `make lessons` or `... --headers`"


@each_lesson
def test_calm(lesson):
    for figure in rules.calm(lesson):
        warnings.warn(f"{lesson.path.name}: {figure}", stacklevel=1)


@each_lesson
def test_quizzes_explain_every_choice(lesson):
    for id in rules.quiz_ids(lesson):
        assert all(choice.why for question in load_quiz(id) for choice in question.choices)


@pytest.fixture
def short_practice(monkeypatch):
    """For lesson 16: a few episodes of the policy as it ships, where the exercise fine-tunes it and practises a hundred.

    Which answers are wrong depends on which episodes failed, not on how many there are.
    """
    from ftlessons.lesson16 import checks
    from ftlessons.lesson16.studies import arm_next
    from ftlib import tasks

    task = tasks.get("pick_and_place")
    monkeypatch.setattr(arm_next, "practise", lambda seed: task.episodes(task.pretrained(), "train", n=12))
    checks.practice.cache_clear()
    yield
    checks.practice.cache_clear()


@each_exercise
def test_exercise_rejects_the_stub_and_wrong_answers(id, request):
    if id == "16-next":
        request.getfixturevalue("short_practice")
    exercise = get_exercise(id)
    assert grade(id, ...).status == "not_started"
    assert len(exercise.wrong) >= 2, f"{id}: list at least two wrong answers"
    for answer in exercise.wrong_answers():
        verdict = grade(id, answer)
        assert verdict.status == "not_yet", (
            f"{id}: {answer!r} should be refused with a reason: {verdict.message}"
        )
