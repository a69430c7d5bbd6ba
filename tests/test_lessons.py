"""Every lesson in lessons/, checked as it is saved (nbval runs them; this reads them)."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from answers import wrong_answers

from authoring.notebooks import book, rules
from authoring.notebooks.header import POSITION, header
from ftlessons.classroom.checks import grade

TOO_LONG = {"20"}  # lessons whose core is still longer than the limits
ROOT = Path(__file__).resolve().parent.parent
LESSONS = book.find(ROOT / "lessons")
BY_ID = {lesson.id: lesson for lesson in LESSONS}
each_lesson = pytest.mark.parametrize("lesson", [pytest.param(lesson, id=lesson.id) for lesson in LESSONS])
each_exercise = pytest.mark.parametrize("id", [id for lesson in LESSONS for id in rules.exercise_ids(lesson)])


def test_the_course_has_lessons_and_they_alone_are_notebooks():
    assert "00" in BY_ID
    assert sorted(path.name for path in (ROOT / "lessons").glob("*.ipynb")) == [x.path.name for x in LESSONS]


@each_lesson
def test_a_lesson_keeps_the_rules_and_is_saved_as_the_commands_write_it(lesson):
    checked = [rule for rule in rules.RULES if rule is not rules.fitting or lesson.id not in TOO_LONG]
    faults = [fault for rule in checked for fault in rule(lesson)]
    if lesson.path.read_text(encoding="utf-8") != book.dumps(lesson.notebook):
        faults.append(f"run `make lessons ONLY={lesson.id}`: the file is not in its normal form")
    if lesson.notebook.cells[POSITION].source != header(lesson, BY_ID, book.repository(ROOT)):
        faults.append("run `make lessons` or `... --headers`: the header says something else than the metadata")
    assert not faults, f"{lesson.path.name}: " + "; ".join(faults)
    for figure in rules.calm(lesson):
        warnings.warn(f"{lesson.path.name}: {figure}", stacklevel=1)


@pytest.fixture
def short_practice(monkeypatch):
    """For lesson 16: a few episodes of the policy as it ships, where the exercise tunes it and practises 100.

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
    assert grade(id, ...).status == "not_started"
    refused = wrong_answers(id)
    assert len(refused) >= 2, f"{id}: list at least two wrong answers in tests/lessons/wrong{id[:2]}.py"
    for answer in refused:
        verdict = grade(id, answer)
        assert verdict.status == "not_yet", (
            f"{id}: {answer!r} should be refused with a reason: {verdict.message}"
        )
