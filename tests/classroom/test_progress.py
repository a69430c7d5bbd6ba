"""What is kept of a learner's work, and what they see of it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import ipywidgets
import pytest
from matplotlib.figure import Figure

from ftlessons import calibration, check, lesson, predict, progress, quiz
from ftlessons.classroom import records
from ftlessons.classroom.checks import exercise
from ftlessons.classroom.course import digest, load_course
from ftlessons.classroom.quizzes import load_quiz
from ftlessons.classroom.reports import done_in
from ftlessons.classroom.storage import Ledger
from ftlessons.classroom.widgets import quiz_widget

LEDGER = Path(".ftlib/ledger.json")
QUIZ = """
[[question]]
text = "Which is `first`?"
[[question.choice]]
text = "head"
correct = true
why = "It is random."
[[question.choice]]
text = "stem"
correct = false
why = "It is general."
[[question]]
text = "Which is last?"
[[question.choice]]
text = "stem"
correct = true
why = "It is general."
[[question.choice]]
text = "head"
correct = false
why = "It is random."
"""
SOLUTION = 'check("03-stage", "layer4")'
INDEX = {
    "03": {
        "file": "03_topic.ipynb", "title": "B", "question": "Why?", "minutes": 45, "requires": [], "next": None,
        "seconds": 9, "peak_mb": 800, "quizzes": ["03"], "exercises": ["03-stage"], "guesses": ["03-a", "03-b"],
        "solutions": [digest(SOLUTION)],
    }
}  # fmt: skip


@pytest.fixture
def lessons(data):
    """A course of one lesson with a quiz of two questions, an exercise and two guesses."""
    data("course.toml", '[lessons]\n00 = { title = "A", part = "start" }\n03 = { title = "B", part = "start" }\n')
    data("quizzes/03.toml", QUIZ)
    data("lessons.json", json.dumps(INDEX))

    @exercise("03-stage", hints=("a", "b"))
    def stage(answer):
        from ftlessons.classroom.checks import expect

        expect(answer == "layer4", "another one")
        return "It is last."


def kept(section):
    return json.loads(LEDGER.read_text(encoding="utf-8")).get(section, []) if LEDGER.exists() else []


def answer_quiz(*picked):
    """Press buttons of a quiz whose first tries are kept: 0 is right and 1 wrong for question 1, 2 and 3 for 2."""
    questions = [replace(q, choices=sorted(q.choices, key=lambda c: not c.correct)) for q in load_quiz("03")]
    box = quiz_widget(questions, lambda text, correct: records.keep_answer("03", text, correct))
    buttons = [row.children[0] for block in box.children[:-1] for row in block.children[1:-1]]
    assert all(isinstance(button, ipywidgets.Button) for button in buttons)
    for number in picked:
        buttons[number].click()
    return box.children[-1].value


def typed(monkeypatch, cell):
    """Pretend that a notebook runs this cell."""
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=["", cell]))
    monkeypatch.setattr("ftlessons.classroom.records.in_ipython", lambda: True)
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)


def row(shown):
    progress()
    (line,) = [line for line in shown[-1]["text/markdown"].splitlines() if line.startswith("| [03")]
    return line


def test_the_map_fills_with_what_was_done(lessons, shown):
    assert row(shown) == "| [03 B](03_topic.ipynb) | Why? | 45 | nothing yet |"
    assert "done so far" in shown[-1]["text/markdown"] and "Still to come: 00 A." in shown[-1]["text/markdown"]
    answer_quiz(0)
    assert row(shown).endswith("| quiz 1 of 2 · exercises 0 of 1 · guesses 0 of 2 |")
    check("03-stage", "layer4")
    predict("03-b", "How long?", 0, 100).lock(30, 60)
    assert row(shown).endswith("| quiz 1 of 2 · exercises 1 of 1 · guesses 1 of 2 |")


def test_a_lesson_without_exercises_does_not_mention_them(lessons, shown):
    bare = replace(load_course()["03"], quizzes=(), exercises=())
    predict("03-a", "How good?", 0, 1).lock(0.3, 60)
    assert done_in(bare, Ledger()) == "guesses 1 of 2"


def test_a_quiz_counts_first_tries_across_restarts(lessons, shown):
    answer_quiz(1, 0)
    answer_quiz(0, 2)
    assert [(e["question"], e["correct"]) for e in kept("quizzes")] == [
        ("Which is `first`?", False), ("Which is last?", True),
    ]  # fmt: skip
    assert "quiz 1 of 2" in row(shown)


def test_a_question_that_was_rewritten_is_asked_anew(lessons, shown, data):
    answer_quiz(0, 2)
    data("quizzes/03.toml", QUIZ.replace("Which is last?", "Which comes last?"))
    assert "quiz 1 of 2" in row(shown)


def test_the_quiz_of_a_lesson_keeps_its_answers(lessons, shown, monkeypatch):
    built = []
    monkeypatch.setattr("ftlessons.classroom.widgets.quiz_widget", lambda *a: built.append(a) or quiz_widget(*a))
    lesson("03")
    quiz()
    assert built[0][1]("Which is last?", True) == ""
    assert kept("quizzes") == [{"id": "03", "question": "Which is last?", "correct": True}]


def test_an_exercise_is_kept_once_and_only_when_solved(lessons, capsys):
    for answer in (..., "stem", "layer4", "layer4"):
        check("03-stage", answer)
    assert kept("exercises") == [{"id": "03-stage"}]


def test_running_the_reference_solution_solves_nothing(lessons, monkeypatch, capsys):
    typed(monkeypatch, SOLUTION + "\n")
    check("03-stage", "layer4")
    assert "Correct." in capsys.readouterr().out and not kept("exercises")
    typed(monkeypatch, 'answer = "layer4"\ncheck("03-stage", answer)')
    check("03-stage", "layer4")
    assert kept("exercises") == [{"id": "03-stage"}]


def test_an_index_that_cannot_be_read_does_not_stop_a_check(lessons, data, monkeypatch, capsys):
    data("lessons.json", "{half")
    typed(monkeypatch, SOLUTION)
    check("03-stage", "layer4")
    assert kept("exercises") == [{"id": "03-stage"}]


def test_progress_that_cannot_be_saved_is_said_and_stops_nothing(lessons, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ftlessons.classroom.storage.write_json", full)
    assert "could not be saved (No space left on device)" in answer_quiz(0)
    check("03-stage", "layer4")
    guess = predict("03-a", "How good?", 0, 1)
    guess.lock(0.5, 70)
    guess.draw(Figure().add_subplot(), y=0.6)
    out = capsys.readouterr().out
    assert out.count("could not be saved (No space left on device)") == 2 and "not in your calibration" in out


def test_strict_mode_reads_and_writes_nothing(lessons, shown, capsys, monkeypatch):
    answer_quiz(0)
    before = LEDGER.read_bytes()
    monkeypatch.setenv("FTLIB_STRICT", "1")
    answer_quiz(2)
    check("03-stage", "layer4")
    guess = predict("03-a", "How good?", 0, 1)
    guess.lock(0.5, 70)
    assert guess.against(0.6) and records.guesses() == []
    assert row(shown).endswith("| nothing yet |")
    assert LEDGER.read_bytes() == before


def guessed(count, right, confidence=80):
    for number in range(count):
        guess = predict(f"03-{number}", "How good?", 0, 2)
        guess.lock(1.0, confidence)
        guess.reveal(Figure().add_subplot(), 0, 1.2 if number < right else 1.21)


def test_a_result_is_kept_beside_its_guess_once():
    lesson("03")
    guess = predict("03-a", "How good?", 0, 2)
    guess.draw(Figure().add_subplot(), y=1.0)
    assert guess.against(1.0) == "" and not kept("measured"), "no guess, nothing kept"
    guess.lock(0.9, 80)
    guess.draw(Figure().add_subplot())
    assert not kept("measured"), "no result, nothing kept"
    guess.reveal(Figure().add_subplot(), 0, 1.0)
    assert guess.against(1.5) == "You guessed 0.9, 0.6 off."
    again = predict("03-a", "How good?", 0, 2, again=True)
    again.lock(1.0, 100)
    again.draw(Figure().add_subplot(), y=1.0)
    assert kept("measured") == [
        {"id": "03-a", "lesson": "03", "guess": 0.9, "confidence": 80, "measured": 1.0, "low": 0.0, "high": 2.0}
    ], "a guess after the result says nothing"
    assert records.guesses() == [records.Guess("03-a", 0.8, True)]


def test_a_guess_is_right_within_a_tenth_of_the_range():
    guessed(6, 4)
    assert [guess.right for guess in records.guesses()] == [True] * 4 + [False] * 2


def test_entries_that_make_no_sense_are_left_out():
    Ledger().append("measured", {"id": "a", "guess": "much"})
    Ledger().append("measured", {"id": "b"})
    guessed(1, 1)
    assert [guess.id for guess in records.guesses()] == ["03-0"]


def test_the_calibration_plot_needs_five_guesses(shown):
    guessed(4, 3)
    assert calibration() is None
    text = shown[-1]["text/markdown"]
    assert text.startswith("Too few guesses") and "4 met their result" in text and "fewer than 5" in text
    picture = calibration([0.9, 0.8], [True, False])
    assert "the model: 85% sure on average, 50% right, 2 answers" in picture.alt and "you:" not in picture.alt


def test_the_calibration_plot_sets_you_beside_the_model(shown):
    guessed(5, 3)
    picture = calibration([0.95, 0.55, 0.65], [True, True, False])
    assert shown[-1]["text/markdown"] == "You were 80% sure on average, and right **3 of 5** times."
    assert "you: 80% sure on average, 60% right, 5 answers; the model:" in picture.alt
    labels = [text.get_text() for text in picture.figure.axes[0].get_legend().get_texts()]
    assert labels == ["well calibrated", "you", "the model"]
    (mine,) = [c for c in picture.figure.axes[0].containers if c.get_label() == "you"]
    assert [list(mine.lines[0].get_xdata()), list(mine.lines[0].get_ydata())] == [[0.8], [0.6]]


def test_half_a_model_is_refused():
    with pytest.raises(ValueError, match="give both, or neither"):
        calibration(confidences=[0.5])
    with pytest.raises(ValueError, match="flat sequences of one length"):
        calibration([0.5], [True, False])
    with pytest.raises(ValueError, match="confidences run from 0 to 1"):
        calibration([80], [True])
