"""The exercises and the quiz of lesson 14."""

from __future__ import annotations

import pytest

from ftlessons.classroom.checks import get_exercise, grade
from ftlessons.classroom.quizzes import load_quiz
from ftlessons.lesson14 import checks

SOLUTIONS = {
    "14-count": lambda: checks.COUNTED, "14-words": checks.solution_of_words, "14-choose": lambda: checks.RIGHT,
}  # fmt: skip


@pytest.mark.parametrize("id", SOLUTIONS)
def test_each_exercise_knows_right_from_wrong(id):
    assert grade(id, SOLUTIONS[id]()).status == "correct"
    assert grade(id, ...).status == "not_started"
    for answer in get_exercise(id).wrong_answers():
        verdict = grade(id, answer)
        assert verdict.status == "not_yet", f"{answer!r}: {verdict.message}"


def test_the_counts_are_those_of_the_error_rates():
    import jiwer

    from ftlessons.classroom.read_along import errors
    from ftlib.speech import ctc

    counted = jiwer.process_words([checks.SAID], [checks.READ])
    assert (counted.substitutions, counted.insertions, counted.deletions) == (2, 2, 1)
    assert errors(checks.SAID, checks.READ) == 5
    assert ctc.word_error_rate([checks.SAID], [checks.READ]) == pytest.approx(checks.COUNTED["wer"])
    assert ctc.term_recall([checks.TERMS], [checks.READ]) == checks.COUNTED["terms"] / 4


def test_sixty_frequent_words_are_judged_by_what_they_cover():
    verdict = grade("14-words", checks.solution_of_words())
    assert "went from 26.7% to 21.7%" in verdict.message and "word error rate from" in verdict.message
    too_many = grade("14-words", lambda texts, listed: [f"word{chr(97 + i % 26)}{i}" for i in range(61)])
    assert "61 words are more than 60" in too_many.message


def test_the_quiz_opens_with_earlier_lessons():
    questions = load_quiz("14")
    assert len(questions) == 7
    assert all(choice.why for question in questions for choice in question.choices)
