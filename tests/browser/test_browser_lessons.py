"""Lessons in JupyterLab, run in a real browser as a learner would: nothing fails, nothing is missing, all is readable.

`make browser` runs these tests alone. Pictures of what the browser showed are saved in build/browser.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import wrong_answers
from chosen import ROOT, lessons_to_open, touched

from authoring.notebooks import rules
from authoring.notebooks.book import Lesson
from authoring.notebooks.rules import calls
from ftlessons.classroom.checks import get_exercise
from ftlessons.classroom.quizzes import load_quiz

driver = pytest.importorskip("driver", reason="the browser tests need the package playwright")
import looks  # noqa: E402
import probes  # noqa: E402

OURS = ".jp-OutputArea .jupyter-widgets, .jp-OutputArea [data-mime-type], .jp-RenderedMarkdown"
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
BODY_TEXT = 4.5  # least ratio of luminance, WCAG 2.2 at level AA
NARROW = 600  # pixels


@pytest.fixture(scope="module", params=lessons_to_open(), ids=lambda lesson: lesson.id)
def lesson(request) -> Lesson:
    """A lesson as it is in the repository."""
    return request.param


@pytest.fixture(scope="module")
def opened(lesson, browser, server) -> Iterator[driver.Notebook]:
    """A learner's copy of it, open in JupyterLab, with all cells run."""
    notebook = driver.in_browser(browser, server, lesson)
    yield notebook
    notebook.close()


# in this order: the later tests change the notebook


def test_every_cell_runs_without_an_error_or_a_warning(opened):
    opened.picture("light")
    assert not (faults := looks.complaints(opened)), "\n".join(faults)


def test_every_widget_is_drawn(opened):
    assert {"quiz", "predict", "reflect", "freeze_explorer", "bench"} <= rules.widget_makers()
    assert any(cell["drawn"] for cell in opened.cells() if cell["type"] == "code")
    assert not (faults := looks.missing_widgets(opened)), "\n".join(faults)


def test_every_figure_is_loaded_and_has_a_text(opened):
    assert opened.page.evaluate(probes.FIGURES, ".jp-OutputArea img")
    assert not (faults := looks.bad_figures(opened)), "\n".join(faults)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_text_can_be_read(opened, theme):
    opened.theme(theme)
    found = opened.page.evaluate(probes.CONTRAST, OURS)
    if theme == DARK:
        opened.picture("dark")
    faint = [text for text in found if text["ratio"] < BODY_TEXT]
    assert len(found) > 50 and not faint, faint[:10]


def test_a_narrow_window_needs_no_sideways_scrolling(opened):
    opened.resize(NARROW)
    wide = opened.page.evaluate(probes.WIDE, ".jp-RenderedMarkdown, .jp-OutputArea-output > .jupyter-widgets")
    opened.picture("narrow")
    opened.resize(1280)
    assert not wide, "\n".join(wide)


def test_the_quiz_answers_a_wrong_and_a_right_choice(opened, lesson):
    cell = opened.cell(opened.index("quiz("))
    for number, question in enumerate(load_quiz(lesson.id), start=1):
        for choice in sorted(question.choices, key=lambda choice: choice.correct):
            box = cell.locator(".ftlib-quiz > .widget-vbox").nth(number - 1)
            button = box.locator(".widget-hbox").filter(has_text=said(choice.text)).get_by_role("button")
            letter = button.inner_text()  # the order is this learner's own
            button.click()
            box.get_by_text(said(f"{letter}. {choice.response}"), exact=False).wait_for()
    total = len(load_quiz(lesson.id))
    cell.get_by_text(f"0 of {total} right at the first try, {total} answered.").wait_for()


def test_an_exercise_says_what_is_wrong_and_accepts_its_solution(opened, lesson):
    found = simple_exercise(lesson)
    if not found:
        pytest.skip(f"lesson {lesson.id} has no exercise whose wrong answers are plain values")
    id, wrong, solution = found
    place = opened.index(f'check("{id}"')
    printed = opened.write_and_run(place, f'check("{id}", {wrong!r})')
    assert printed.startswith("Not yet: ") and f"Hint 1: {get_exercise(id).hints[0]}" in printed
    printed = opened.write_and_run(place, solution)
    assert "Correct. " in printed and "Hint" not in printed  # a solution may print what it looked at, first
    assert not (faults := looks.complaints(opened)), "\n".join(faults)


def said(text: str) -> str:
    """A text as the browser shows it: without the marks of code."""
    return text.replace("`", "")


def simple_exercise(lesson: Lesson) -> tuple[str, object, str] | None:
    """Id, a wrong answer and the solution's code of the first exercise whose wrong answer can be typed."""
    for cell in lesson.with_tag("solution"):
        for id in calls(cell, "check"):
            for wrong in wrong_answers(id):
                try:
                    if ast.literal_eval(repr(wrong)) == wrong:
                        return id, wrong, cell.source
                except (ValueError, SyntaxError):
                    continue
    return None


def test_only_the_answer_to_an_early_question_is_passed_over():
    early = [f"{looks.EARLY}\n", "No such comm: a\n", "No such comm: a\n"]
    assert looks.without_early_question(early) == []
    assert looks.without_early_question([*early, "Warning\n"]) == ["Warning\n"]
    assert looks.without_early_question(["No such comm: a\n"]) == []
    assert looks.without_early_question(["No such comm: a\n", "No such comm: b\n"]) != []
    assert looks.without_early_question([*early, "No such comm: b\n"]) == [*early[1:], "No such comm: b\n"]


# what chooses the lessons


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
def test_a_change_names_its_lessons_and_new_results_do_not(tmp_path):
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def write(path: str, source: str = "1", *outputs: object) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        cells = [{"cell_type": "code", "source": source, "outputs": list(outputs)}]
        (tmp_path / path).write_text(json.dumps({"cells": cells}), encoding="utf-8")

    assert touched(tmp_path) == set()
    for name in ("lessons/01_a.ipynb", "lessons/02_b.ipynb", "data/quizzes/04.toml", "lessons/README.md"):
        write(name)
    git("init", "-b", "main")
    for message in ("first", "second"):
        git("add", ".")
        git("commit", "--allow-empty", "-m", message)
    assert touched(tmp_path) == set()
    write("lessons/01_a.ipynb", "1", {"a new": "result"})
    write("lessons/02_b.ipynb", "2")
    write("lessons/03_new.ipynb")
    write("data/quizzes/04.toml", "2")
    write("lessons/ftlessons/lesson05/checks.py")
    write("lessons/README.md", "2")
    git("add", "lessons")
    assert touched(tmp_path) == {"02", "03", "04", "05"}


def test_the_recipe_is_always_among_the_lessons_unless_others_are_named(monkeypatch):
    monkeypatch.delenv("FTLIB_BROWSER_LESSONS", raising=False)
    assert {"00", "03"} <= {lesson.id for lesson in lessons_to_open()}
    monkeypatch.setenv("FTLIB_BROWSER_LESSONS", "4")
    assert [lesson.id for lesson in lessons_to_open()] == ["04"]
    monkeypatch.setenv("FTLIB_BROWSER_LESSONS", "all")
    assert len(lessons_to_open()) == len(list(Path(ROOT, "lessons").glob("[0-9][0-9]_*.ipynb")))
