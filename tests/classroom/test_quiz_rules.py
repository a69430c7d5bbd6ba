"""The quizzes of the whole course: only reading finds the right choice, and half of the questions show something."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from ftlessons.classroom.course import load_course
from ftlessons.classroom.glossary import load_glossary, premature
from ftlessons.classroom.quizzes import load_quiz

ROOT = Path(__file__).resolve().parents[2]
QUIZZES = {path.stem: load_quiz(path.stem) for path in sorted((ROOT / "data" / "quizzes").glob("*.toml"))}
QUESTIONS = [(f"{id}, question {n}", q) for id, quiz in QUIZZES.items() for n, q in enumerate(quiz, start=1)]
MOST = 0.4  # of all questions, for any way to find the right choice without reading
WIDEST = 1.4  # the longest choice of a question over the shortest


def right(question):
    return next(pair for pair in question.labelled() if pair[1].correct)


def test_no_letter_is_right_too_often():
    letters = Counter(right(question)[0] for _, question in QUESTIONS)
    assert max(letters.values()) <= MOST * len(QUESTIONS), letters


@pytest.mark.parametrize("extreme", [max, min])
def test_length_gives_nothing_away(extreme):
    found = [where for where, question in QUESTIONS
             if len(right(question)[1].text) == extreme(len(choice.text) for choice in question.choices)]  # fmt: skip
    assert len(found) <= MOST * len(QUESTIONS), f"{len(found)} of {len(QUESTIONS)}: {'; '.join(found)}"


def test_choices_are_of_like_length():
    lengths = {where: [len(choice.text) for choice in question.choices] for where, question in QUESTIONS}
    uneven = [f"{where}: {found}" for where, found in lengths.items() if max(found) > WIDEST * min(found)]
    assert not uneven, "\n".join(uneven)


def test_questions_are_whole_and_short():
    for where, question in QUESTIONS:
        assert 2 <= len(question.choices) <= 5, f"{where}: a question needs 2 to 5 choices"
        assert len((question.code or "").splitlines()) <= 5, f"{where}: show at most five lines of code"
        for line in question.figure.lines if question.figure else ():
            assert len(line.x) == len(line.y) > 0, f"{where}: `x` and `y` must be equally long"
            assert {len(line.low), len(line.high)} in ({0}, {len(line.y)}), f"{where}: bars need `low` and `high`"
        assert question.figure is None or question.figure.lines, f"{where}: a figure needs a line"


def test_half_of_the_questions_show_code_or_a_figure():
    for id, quiz in QUIZZES.items():
        shown = [question for question in quiz if question.code or question.figure]
        assert len(shown) >= len(quiz) / 2, id
        for question in shown:
            ast.parse(question.code or "")
            assert question.figure is None or "(invented)" in question.figure.title, f"{id}: say that it is invented"


def required(id, course):
    """All lessons that a lesson builds on."""
    return {id, *(further for earlier in course[id].requires for further in required(earlier, course))}


def test_a_quiz_opens_with_two_questions_from_lessons_that_it_requires():
    course = load_course()
    for id, quiz in QUIZZES.items():
        recalled = [question.recalls for question in quiz]
        expected = 2 if course[id].requires else 0
        assert all(recalled[:expected]) and not any(recalled[expected:]), id
        assert set(recalled[:expected]) <= required(id, course) - {id}, id


def test_no_quiz_uses_a_term_of_a_later_lesson():
    glossary, faults = load_glossary(), []
    for id, quiz in QUIZZES.items():
        choices = [choice for question in quiz for choice in question.choices]
        texts = [question.text for question in quiz] + [text for each in choices for text in (each.text, each.why)]
        faults += [f"{id}: {term.name!r} in {text!r}" for text in texts for term in premature(id, text, glossary)]
    assert not faults, "\n".join(faults)


def test_each_question_is_asked_once():
    """The ledger knows a question by its text, and a learner must not meet the same choice twice in one."""
    assert len({question.text for _, question in QUESTIONS}) == len(QUESTIONS)
    for where, question in QUESTIONS:
        assert len({choice.text for choice in question.choices}) == len(question.choices), where
