"""The exercises and the quiz of lesson 14."""

from __future__ import annotations

import pytest

from ftlib.classroom.checks import get_exercise, grade
from ftlib.classroom.exercises import lesson14
from ftlib.classroom.quizzes import load_quiz

SOLUTIONS = {
    "14-count": lambda: lesson14.COUNTED, "14-words": lesson14.solution_of_words, "14-choose": lambda: lesson14.RIGHT,
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

    from ftlib import decoding
    from ftlib.classroom.read_along import errors

    counted = jiwer.process_words([lesson14.SAID], [lesson14.READ])
    assert (counted.substitutions, counted.insertions, counted.deletions) == (2, 2, 1)
    assert errors(lesson14.SAID, lesson14.READ) == 5
    assert decoding.word_error_rate([lesson14.SAID], [lesson14.READ]) == pytest.approx(lesson14.COUNTED["wer"])
    assert decoding.term_recall([lesson14.TERMS], [lesson14.READ]) == lesson14.COUNTED["terms"] / 4


def test_sixty_frequent_words_are_judged_by_what_they_cover():
    verdict = grade("14-words", lesson14.solution_of_words())
    assert "went from 26.7% to 21.7%" in verdict.message and "word error rate from" in verdict.message
    too_many = grade("14-words", lambda texts, listed: [f"word{chr(97 + i % 26)}{i}" for i in range(61)])
    assert "61 words are more than 60" in too_many.message


def test_the_quiz_opens_with_earlier_lessons():
    questions = load_quiz("14")
    assert len(questions) == 7
    assert all(choice.why for question in questions for choice in question.choices)
