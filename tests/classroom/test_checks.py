from __future__ import annotations

import ast
import re
import sys
import types
from pathlib import Path

import pytest
from answers import wrong_answers

from ftlessons import check
from ftlessons.classroom import checks
from ftlessons.classroom.checks import exercise, expect, get_exercise, grade, is_stub
from ftlessons.classroom.source import CourseDataError

HINTS = ("Look at the head.", "It is layer4.")


@pytest.fixture
def stage():
    @exercise("03-stage", hints=HINTS)
    def first_stage(answer, best="layer4"):
        expect(isinstance(answer, str), "the answer should be a stage's name")
        expect(answer == best, f"{answer} holds general features")
        return "It has the most to gain."

    return first_stage


@pytest.mark.parametrize("stub", [..., None, [..., ...], {"stage": ..., "why": ...}, lambda x: None])
def test_an_untouched_stub_gets_a_friendly_note_and_no_hint(stage, capsys, stub):
    assert check("03-stage", stub) is None
    assert capsys.readouterr().out.splitlines() == [
        "Not started yet: put your answer in place of ... and run this cell again."
    ]


def test_hints_come_one_after_the_other_and_start_anew_after_success(stage, capsys):
    def lines(answer):
        check("03-stage", answer)
        return capsys.readouterr().out.splitlines()

    wrong = "Not yet: stem holds general features."
    assert lines("stem") == [wrong, f"Hint 1: {HINTS[0]}"]
    assert lines(...)[0].startswith("Not started")
    assert lines("stem") == [wrong, f"Hint 1: {HINTS[0]}", f"Hint 2: {HINTS[1]}"]
    assert len(lines("stem")) == 3
    assert lines("layer4") == ["Correct. It has the most to gain."]
    assert len(lines("stem")) == 2


def test_an_exception_in_the_check_is_a_sentence_not_a_traceback(capsys):
    @exercise("03-number", hints=HINTS)
    def number(answer):
        return f"{answer + 1}"

    check("03-number", "one")
    first, hint = capsys.readouterr().out.splitlines()
    assert first.startswith("Not yet: your answer could not be checked: TypeError: ")
    assert hint.startswith("Hint 1")
    assert grade("03-number", "one").status == "failed"


def test_an_answer_that_exits_does_not_end_the_kernel(capsys):
    @exercise("03-call", hints=HINTS)
    def call(answer):
        return answer()

    check("03-call", sys.exit)
    assert capsys.readouterr().out.startswith("Not yet: your answer could not be checked: SystemExit.")


def test_context_reaches_the_check(stage):
    assert grade("03-stage", "layer2", best="layer2").status == "correct"
    assert grade("03-stage", "layer2").status == "not_yet"


def test_a_half_filled_answer_is_named(stage):
    assert "a part of your answer is still ..." in grade("03-stage", ["layer4", ...]).message


def test_a_check_stays_callable(stage):
    assert stage("layer4") == "It has the most to gain."


def test_every_wrong_answer_is_listed_as_a_value(monkeypatch):
    listed = types.SimpleNamespace(WRONG={"42-sum": ["stem", lambda: "layer" + "1", lambda: exercise, len]})
    monkeypatch.setitem(sys.modules, "wrong42", listed)
    assert wrong_answers("42-sum") == ["stem", "layer1", exercise, len]
    assert wrong_answers("42-other") == wrong_answers("43-sum") == []


def test_stubs_are_told_from_answers():
    def empty(x):
        """Says what to do."""

    def constant(x):
        return 5

    def text(x):
        return "layer4"

    def real(x):
        return x

    assert is_stub(empty)
    assert not any(map(is_stub, [constant, text, real, 0, False, "", [], {}, [0, ...], int]))


def test_lesson_modules_are_imported_on_first_use(monkeypatch, tmp_path):
    package = types.ModuleType("made_up_exercises")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "made_up_exercises", package)
    monkeypatch.setattr(checks, "EXERCISES_PACKAGE", "made_up_exercises")
    (tmp_path / "lesson42").mkdir()
    (tmp_path / "lesson42/checks.py").write_text(
        "from ftlessons.classroom.checks import exercise\n"
        "@exercise('42-sum', hints=('a', 'b'))\n"
        "def total(answer):\n    return 'It is what it is.'\n"
    )
    assert grade("42-sum", 3).message == "Correct. It is what it is."
    for name in ("made_up_exercises.lesson42", "made_up_exercises.lesson42.checks"):
        monkeypatch.delitem(sys.modules, name)


def test_an_unknown_exercise_is_a_sentence_and_raises_only_in_strict_mode(stage, capsys, monkeypatch):
    check("03-stag", 1)
    assert "There is no exercise '03-stag'. Exercises of lesson 03:" in (out := capsys.readouterr().out)
    assert "03-stage" in out
    monkeypatch.setenv("FTLIB_STRICT", "1")
    with pytest.raises(CourseDataError, match="no exercise '03-stag'"):
        check("03-stag", 1)
    with pytest.raises(CourseDataError, match="no exercise 'x'"):
        get_exercise("x")


def declared():
    """Lesson, id and hints of every exercise of the course, as its file says them."""
    for path in sorted(Path(checks.__file__).parents[1].glob("lesson*/checks.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "exercise":
                yield path.parent.name[-2:], ast.literal_eval(node.args[0]), ast.literal_eval(node.keywords[0].value)


def test_each_exercise_has_an_id_of_its_lesson_and_two_hints():
    ids = [id for _, id, _ in declared()]
    assert len(ids) == len(set(ids)) >= 30
    for lesson, id, hints in declared():
        assert re.fullmatch(rf"{lesson}-[a-z-]+", id), f"{id}: begin with the lesson's two digits and a dash"
        assert isinstance(hints, tuple) and len(hints) == 2 and all(map(str.strip, hints)), f"{id}: give two hints"
