from __future__ import annotations

import re
from html.parser import HTMLParser

import ipywidgets
import pytest

from ftlessons import lesson, quiz, reflect
from ftlessons.classroom import records
from ftlessons.classroom.display import WIDGET_MIME
from ftlessons.classroom.quizzes import as_html, as_plain_text, load_quiz
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


def letter(number, text):
    """The letter under which a choice of question `number` stands in saved notebooks."""
    return next(letter for letter, choice in load_quiz("03")[number - 1].labelled() if choice.text == text)


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
    assert re.search("1[AB]: Not quite. Frozen layers still compute.", plain) and re.search("1[AB]: Right.", plain)


def test_the_html_fallback_folds_every_choice_and_needs_neither_script_nor_colour(quiz03):
    html = as_html(load_quiz("03"))
    tags = [tag for tag, _ in Balanced(html).seen]
    assert tags.count("details") == tags.count("summary") == 4
    assert "<code>requires_grad=False</code>" in html and "x &lt; 1" in html
    assert f"<summary>{letter(1, 'The gradient')}. The gradient</summary><p>Right. No gradient is kept.</p>" in html
    assert not {"script", "style"} & set(tags) and "color" not in html
    assert not re.search("<h[1-6]", html), "headings in outputs would enter JupyterLab's table of contents"


def test_the_widget_explains_every_choice_in_words_and_scores_first_tries(quiz03):
    box = quiz_widget(load_quiz("03"))
    buttons = widgets_in(box, ipywidgets.Button)
    assert [b.description for b in buttons] == ["A", "B", "A", "B"]
    at = {(number, choice): buttons[2 * number - 2 + "AB".index(letter(number, choice))]
          for number, choice in ((1, "The forward pass, if x < 1"), (1, "The gradient"), (2, "head"))}  # fmt: skip
    assert "0 of 2 answered" in visible_text(box)
    at[1, "The forward pass, if x < 1"].click()
    assert "Not quite. Frozen layers still compute." in visible_text(box)
    at[1, "The gradient"].click()
    text = visible_text(box)
    assert f"{letter(1, 'The gradient')}. Right. No gradient is kept." in text and "Not quite" not in text
    assert "0 of 2 right at the first try, 1 answered" in text
    at[2, "head"].click()
    assert "1 of 2 right at the first try, 2 answered" in visible_text(box)
    assert sorted(b.description[1:] for b in buttons) == ["", " ✓", " ✓", " ✗"]


def order(questions):
    return [[choice.text for choice in question.choices] for question in questions]


def test_a_learner_keeps_an_order_and_others_have_another(quiz03, shown):
    saved = load_quiz("03")
    orders = {str(order([question.ordered(f"learner {n}") for question in saved])) for n in range(40)}
    assert len(orders) == 4, "two questions of two choices"
    quiz("03")
    (kept,) = Ledger().entries("learner")
    assert records.learner() == kept["value"] and re.fullmatch(r"[0-9a-f]{16}", kept["value"])
    quiz("03")
    assert shown[0]["text/html"] == shown[1]["text/html"] and len(Ledger().entries("learner")) == 1
    assert shown[0]["text/html"] == as_html(tuple(question.ordered(kept["value"]) for question in saved))


def test_saved_notebooks_share_one_order_and_leave_no_ledger(quiz03, shown, strict, data):
    quiz("03")
    assert shown[0]["text/html"] == as_html(load_quiz("03")) and not Ledger().path.exists()
    before = order(load_quiz("03"))
    asked, one, other = QUIZ.rpartition("[[question]]")[0].split("[[question.choice]]")
    data("quizzes/03.toml", "[[question.choice]]".join([asked, other, one]))
    assert order(load_quiz("03")) == before[:1], "the order of the file does not count"


def test_without_a_ledger_the_order_is_that_of_saved_notebooks(quiz03, shown, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Ledger, "append", full)
    quiz("03")
    assert records.learner() == "" and shown[0]["text/html"] == as_html(load_quiz("03"))


CODE = """
[[question]]
text = "What is `y`?"
code = '''
x = 1 < 2
y = x + 1
'''
[[question.choice]]
text = "2"
correct = true
why = "c"
[[question.choice]]
text = "1"
correct = false
why = "e"
"""
FIGURE = """
[question.figure]
title = "A run (invented)"
xlabel = "epoch"
ylabel = "loss"
[[question.figure.line]]
name = "training"
x = [1, 2]
y = [0.5, 0.25]
[[question.figure.line]]
name = "validation"
x = [1, 2]
y = [0.6, 0.7]
low = [0.5, 0.6]
high = [0.65, 0.8]
"""


def test_a_question_shows_code_and_a_figure_in_every_form(data):
    data("quizzes/03.toml", CODE.replace("[[question.choice]]", FIGURE + "[[question.choice]]", 1))
    questions = load_quiz("03")
    alt = "A run (invented). Across: epoch. Up: loss. training: 0.5 at 1, 0.25 at 2; "
    alt += "validation: 0.6 (0.5 to 0.65) at 1, 0.7 (0.6 to 0.8) at 2."
    for html in (as_html(questions), visible_html(quiz_widget(questions))):
        assert "<pre><code>x = 1 &lt; 2\ny = x + 1</code></pre>" in html
        assert f'<img alt="{alt}"' in html and "data:image/png;base64," in html
    assert f"    x = 1 < 2\n    y = x + 1\n    [figure] {alt}\n" in as_plain_text(questions)


def test_names_on_the_axis_are_not_joined(data):
    names = FIGURE.replace("[1, 2]", '["a", "b"]')
    data("quizzes/03.toml", CODE.replace("[[question.choice]]", names + "[[question.choice]]", 1))
    assert "training: a 0.5, b 0.25; " in as_html(load_quiz("03"))


def visible_html(root):
    return "".join(w.value for w in widgets_in(root, ipywidgets.HTML))


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
    assert re.search(r"Question 2\. Which is first\?\n  A\. (head|stem)", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('false\nwhy = "Frozen', 'true\nwhy = "Frozen', "question 1: 2 choices are marked"),
        ('why = "It is general."', 'why = " "', "question 2, choice 2: `why` is missing or empty"),
        ("misconception =", "misconceptoin =", "misconceptoin"),
        ('"frozen-means-unused"', '"frozen"', "'frozen' is not in data/misconceptions.toml"),
        ("[[question]]", "[[question", "data/quizzes/03.toml is not valid TOML"),
        (', "damage to features"', "", "exactly 3 sentences"),
    ],
)
def test_a_broken_quiz_is_named_in_one_sentence(data, old, new, message):
    assert old in QUIZ + REFLECT
    data("misconceptions.toml", "[frozen-means-unused]\n")
    data("quizzes/03.toml", (QUIZ + REFLECT).replace(old, new))
    with pytest.raises(CourseDataError, match=re.escape(message)) as problem:
        load_quiz("03"), load_reflection("03")
    assert "\n" not in str(problem.value).split(" is not valid TOML")[0]


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
