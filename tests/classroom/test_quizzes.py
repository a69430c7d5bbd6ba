from __future__ import annotations

import re
from html.parser import HTMLParser

import ipywidgets
import pytest

from ftlessons import lesson, quiz, reflect
from ftlessons.classroom.display import WIDGET_MIME
from ftlessons.classroom.quizzes import as_html, load_quiz
from ftlessons.classroom.reflection import load_reflection
from ftlessons.classroom.source import CourseDataError
from ftlessons.classroom.storage import Ledger
from ftlessons.classroom.widgets import quiz_widget, reflection_widget

QUIZ = """
[[question]]
text = "What does `requires_grad=False` stop?"
from = "02"
[[question.choice]]
text = "The forward pass, if x < 1"
correct = false
why = "Frozen layers still compute."
misconception = "frozen-means-unused"
[[question.choice]]
text = "The gradient"
correct = true
why = "No gradient is kept."
[[question]]
text = "Which is first?"
[[question.choice]]
text = "head"
correct = true
why = "It is random."
[[question.choice]]
text = "stem"
correct = false
why = "It is general."
"""
REFLECT = """
[reflect]
question = "Why freeze first?"
answer = "A random head sends large gradients."
rubric = ["random head", "large gradients", "damage to features"]
"""
WORDS = " ".join(["word"] * 25)


@pytest.fixture
def quiz03(data):
    data("misconceptions.toml", '[frozen-means-unused]\nwrong = "Frozen layers do nothing."\n')
    data("quizzes/03.toml", QUIZ + REFLECT)


def widgets_in(root, kind):
    children = getattr(root, "children", ())
    return [root] * isinstance(root, kind) + [w for child in children for w in widgets_in(child, kind)]


def visible_text(root):
    return " ".join(re.sub(r"<[^>]+>", "", w.value) for w in widgets_in(root, ipywidgets.HTML))


class Balanced(HTMLParser):
    """Collects tags and checks that each is closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_one_display_serves_widgets_html_and_plain_text(quiz03, shown):
    lesson("03")
    assert quiz() is None
    (bundle,) = shown
    assert set(bundle) == {"text/plain", "text/html", WIDGET_MIME}
    assert re.fullmatch(r"\w{32}", bundle[WIDGET_MIME]["model_id"])
    plain = bundle["text/plain"]
    assert "Question 1 (from lesson 02). What does `requires_grad=False` stop?" in plain
    assert "1A: Not quite. Frozen layers still compute." in plain and "1B: Right." in plain


def test_the_html_fallback_folds_every_choice_and_needs_neither_script_nor_colour(quiz03):
    html = as_html(load_quiz("03"))
    tags = [tag for tag, _ in Balanced(html).seen]
    assert tags.count("details") == tags.count("summary") == 4
    assert "<code>requires_grad=False</code>" in html and "x &lt; 1" in html
    assert "<summary>B. The gradient</summary><p>Right. No gradient is kept.</p>" in html
    assert not {"script", "style"} & set(tags) and "color" not in html
    assert not re.search("<h[1-6]", html), "headings in outputs would enter JupyterLab's table of contents"


def test_the_widget_explains_every_choice_in_words_and_scores_first_tries(quiz03):
    box = quiz_widget(load_quiz("03"))
    buttons = widgets_in(box, ipywidgets.Button)
    assert [b.description for b in buttons] == ["A", "B", "A", "B"]
    assert "0 of 2 answered" in visible_text(box)
    buttons[0].click()
    assert "A. Not quite. Frozen layers still compute." in visible_text(box)
    buttons[1].click()
    text = visible_text(box)
    assert "B. Right. No gradient is kept." in text and "Not quite" not in text
    assert "0 of 2 right at the first try, 1 answered" in text
    buttons[2].click()
    assert "1 of 2 right at the first try, 2 answered" in visible_text(box)
    assert [b.description for b in buttons] == ["A ✗", "B ✓", "A ✓", "B"]


def test_long_choices_stand_in_a_wrapping_widget_not_in_a_button(quiz03):
    box = quiz_widget(load_quiz("03"))
    text = next(w for w in widgets_in(box, ipywidgets.HTML) if "The forward pass" in w.value)
    assert "white-space:normal" in text.value and text.layout.flex == "1 1 0%"
    assert "x &lt; 1" in text.value


def test_without_widgets_the_fallback_stands(quiz03, shown, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ftlessons.classroom.widgets", None)
    quiz("03")
    assert set(shown[0]) == {"text/plain", "text/html"}


def test_broken_widgets_do_not_stop_a_learner_but_stop_the_tests(quiz03, shown, monkeypatch):
    def broken(*_):
        raise RuntimeError("no comm")

    monkeypatch.setattr("ftlessons.classroom.widgets.quiz_widget", broken)
    quiz("03")
    assert set(shown[0]) == {"text/plain", "text/html"}
    monkeypatch.setenv("FTLIB_STRICT", "1")
    with pytest.raises(RuntimeError, match="no comm"):
        quiz("03")


def test_outside_ipython_the_quiz_is_printed(quiz03, capsys):
    quiz("03")
    assert "Question 2. Which is first?\n  A. head" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('false\nwhy = "Frozen', 'true\nwhy = "Frozen', "question 1: 2 choices are marked"),
        ('true\nwhy = "It is r', 'false\nwhy = "It is r', "question 2: 0 choices are marked"),
        ('why = "It is general."', "", "question 2, choice 2: `why` is missing"),
        ('why = "It is general."', 'why = " "', "question 2, choice 2: `why` is missing or empty"),
        ('text = "Which is first?"', "", "question 2: `text` is missing"),
        ('true\nwhy = "No', '"yes"\nwhy = "No', "question 1, choice 2: `correct`"),
        ("misconception =", "misconceptoin =", "question 1, choice 1: unknown key `misconceptoin`"),
        ('"frozen-means-unused"', '"frozen"', "'frozen' is not in data/misconceptions.toml"),
        ("[[question]]", "[[question", "data/quizzes/03.toml is not valid TOML"),
    ],
)
def test_a_broken_quiz_is_named_in_one_sentence(data, old, new, message):
    assert old in QUIZ
    data("misconceptions.toml", "[frozen-means-unused]\n")
    data("quizzes/03.toml", QUIZ.replace(old, new))
    with pytest.raises(CourseDataError, match=re.escape(message)) as problem:
        load_quiz("03")
    assert "\n" not in str(problem.value).split(" is not valid TOML")[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no [[question]]"),
        ('question = "x"', "[[...question]] tables"),
        (
            '[[question]]\ntext = "a"\n[[question.choice]]\ntext="b"\ncorrect=true\nwhy="c"',
            "between 2 and 26",
        ),
    ],
)
def test_an_incomplete_quiz_is_refused(data, content, message):
    data("quizzes/03.toml", content)
    with pytest.raises(CourseDataError, match=re.escape(message)):
        load_quiz("03")


def test_a_missing_quiz_or_lesson_is_named(data):
    with pytest.raises(CourseDataError, match=r"data/quizzes/99.toml does not exist"):
        quiz("99")
    with pytest.raises(CourseDataError, match="first code cell"):
        quiz()


def test_the_model_answer_comes_after_25_words(quiz03):
    saved = []
    box = reflection_widget(load_reflection("03"), "", lambda text: saved.append(text) or "")
    (area,), (button,) = widgets_in(box, ipywidgets.Textarea), widgets_in(box, ipywidgets.Button)
    area.value = "word " * 24
    button.click()
    assert "1 more word first" in visible_text(box) and "large gradients" not in visible_text(box)
    area.value = WORDS
    button.click()
    assert "A random head sends large gradients." in visible_text(box)
    assert "damage to features" in visible_text(box)
    assert saved == [WORDS]


def test_reflect_shows_a_fold_and_gives_back_what_was_written(quiz03, shown, monkeypatch):
    given = []
    build = reflection_widget
    monkeypatch.setattr("ftlessons.classroom.widgets.reflection_widget", lambda *a: given.append(a) or build(*a))
    lesson("03")
    assert reflect() is None
    (bundle,) = shown
    Balanced(bundle["text/html"])
    assert "<details><summary>Write at least 25 words" in bundle["text/html"]
    assert WIDGET_MIME in bundle and "Model answer: A random head" in bundle["text/plain"]
    _, written, save = given[0]
    assert written == "" and save(WORDS) == ""
    reflect()
    assert given[1][1] == WORDS


def test_a_text_that_cannot_be_saved_is_not_lost_silently(quiz03, shown, monkeypatch):
    given = []
    monkeypatch.setattr("ftlessons.classroom.widgets.reflection_widget", lambda *a: given.append(a))
    reflect("03")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Ledger, "append", full)
    assert "No space left on device" in given[0][2](WORDS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (QUIZ, "[reflect] is missing"),
        (REFLECT.replace(', "damage to features"', ""), "exactly 3 sentences"),
        (REFLECT.replace('"random head"', '""'), "exactly 3 sentences"),
        (REFLECT.replace("answer =", "anwser ="), "unknown key `anwser`"),
        ('[reflect]\nquestion = "a"\nrubric = ["a", "b", "c"]', "`answer` is missing"),
    ],
)
def test_a_broken_reflection_is_named(data, content, message):
    data("quizzes/03.toml", content)
    with pytest.raises(CourseDataError, match=re.escape(message)):
        load_reflection("03")
