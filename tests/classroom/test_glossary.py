"""The glossary itself, and the lessons and quizzes that lean on it and on the list of misconceptions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from authoring.notebooks import book
from ftlessons import term
from ftlessons.classroom import source
from ftlessons.classroom.course import load_course
from ftlessons.classroom.glossary import Term, load_glossary, premature
from ftlessons.classroom.quizzes import load_quiz
from ftlessons.classroom.source import CourseDataError

ROOT = Path(__file__).resolve().parents[2]
LESSONS = book.find(ROOT / "lessons")
GLOSSARY = """
[backbone]
text = "Everything but the head."
lesson = "03"
[frozen]
text = "Kept as it is, e.g. a layer."
lesson = "03"
aliases = ["freeze"]
"""


def prose(lesson):
    """The Markdown cells, and the objectives from which the header is made."""
    cells = [cell.source for cell in lesson.notebook.cells if cell.cell_type == "markdown"]
    return [*cells, *lesson.about["objectives"]]


def test_no_lesson_uses_a_term_before_the_lesson_that_introduces_it():
    glossary = load_glossary()
    faults = [
        f"{lesson.path.name} uses {found.name!r} of lesson {found.lesson} in {text[:60]!r}"
        for lesson in LESSONS
        for text in prose(lesson)
        for found in premature(lesson.id, text, glossary)
    ]
    assert not faults, "explain it there, or say it in plain words:\n" + "\n".join(faults)


def test_every_term_is_used_and_belongs_to_a_lesson_of_the_course():
    glossary, texts = load_glossary(), {lesson.id: prose(lesson) for lesson in LESSONS}
    assert len(glossary) >= 30
    for found in glossary.values():
        assert found.lesson in load_course()
        used = [id for id, cells in texts.items() if any(found.occurs_in(cell) for cell in cells)]
        assert used, f"no lesson uses {found.name!r}: drop it from the glossary"


def test_a_term_is_found_in_prose_only_and_as_a_whole_word():
    frozen = Term("frozen", "x.", "03", ("freeze",))
    for text in ("A frozen weight", "Frozen.", "how deep to\nfreeze", "it freezes"):
        assert frozen.occurs_in(text), text
    for text in ("the code `frozen`", "```\nfrozen\n```", "[How to freeze](03_freeze.ipynb)", "unfrozen and freezer",
                 "deep-freeze"):  # fmt: skip
        assert not frozen.occurs_in(text), text


def test_plurals_and_hyphens_are_understood():
    for name, text in {"class": "ten classes", "entropy": "two entropies", "day": "two days", "batch": "batches",
                       "fine-tuning": "fine tuning", "forward pass": "forward passes"}.items():  # fmt: skip
        assert Term(name, "x.", "03").occurs_in(text), name


def test_a_premature_term_is_named(data):
    data("glossary.toml", GLOSSARY)
    found = premature("02", "The frozen part and its BACKBONES", load_glossary())
    assert [one.name for one in found] == ["backbone", "frozen"]
    assert not list(premature("03", "The frozen part", load_glossary()))
    assert not list(premature("02", "The ice", load_glossary()))


def test_a_term_shows_its_sentence(data, shown):
    data("glossary.toml", GLOSSARY)
    for word in ("frozen", " Frozen", "freeze", "FREEZES"):
        assert term(word) is None
        assert shown.pop()["text/markdown"] == "**frozen**: Kept as it is, e.g. a layer. (Lesson 03.)"


def test_an_unknown_term_gets_a_sentence_and_raises_only_in_strict_mode(data, capsys, monkeypatch):
    data("glossary.toml", GLOSSARY)
    term("backbome")
    assert capsys.readouterr().out == "The glossary has no term 'backbome'. Similar: backbone.\n"
    for unknown in ("", "zzz", None):
        term(unknown)
        assert "There are backbone, frozen." in capsys.readouterr().out
    monkeypatch.setenv("FTLIB_STRICT", "1")
    with pytest.raises(CourseDataError, match="no term 'zzz'"):
        term("zzz")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Everything but the head.", "Everything. But not all.", "[backbone]: `text` must be one sentence"),
        ("[backbone]", "[zebra]", "[frozen]: put it before [zebra]"),
        ('["freeze"]', '["Backbone"]', "[frozen]: 'Backbone' already belongs to [backbone]"),
        ("aliases", "alias", "alias"),
    ],
)
def test_a_broken_glossary_is_named_in_one_sentence(data, old, new, message):
    assert old in GLOSSARY
    data("glossary.toml", GLOSSARY.replace(old, new))
    with pytest.raises(CourseDataError, match=re.escape(message)) as problem:
        load_glossary()
    assert "\n" not in str(problem.value)


QUIZ_IDS = sorted(path.stem for path in (ROOT / "data" / "quizzes").glob("*.toml"))


def misconceptions_in_quizzes():
    return {
        id: {choice.misconception for question in load_quiz(id) for choice in question.choices} - {None}
        for id in QUIZ_IDS
    }


def test_every_misconception_says_what_is_believed_true_and_to_be_said():
    for key, table in source.load_toml("misconceptions.toml").items():
        where = f"data/misconceptions.toml, [{key}]"
        source.only_keys(table, {"belief", "truth", "say", "lesson"}, where)
        for field in ("belief", "truth", "say", "lesson"):
            text = source.text_field(table, field, where)
            assert field == "lesson" or text.endswith((".", "?", "!")), f"{where}: {field} is no sentence"


def test_every_misconception_is_met_in_the_quiz_that_it_names():
    used, course = misconceptions_in_quizzes(), load_course()
    assert set().union(*used.values()) <= set(source.load_toml("misconceptions.toml"))
    for key, table in source.load_toml("misconceptions.toml").items():
        lesson = table["lesson"]
        assert lesson in course, f"{key}: there is no lesson {lesson}"
        assert lesson not in used or key in used[lesson], f"no choice in quiz {lesson} names {key}"
        earlier = [id for id, keys in used.items() if key in keys and id < lesson]
        assert not earlier, f"{key} is met in quiz {earlier[0]} already: let its `lesson` say so"
