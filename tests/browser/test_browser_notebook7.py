"""Lesson 00 in Notebook 7, which some learners have in the place of JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chosen import ROOT

from authoring.notebooks.book import find
from ftlessons.classroom.quizzes import load_quiz

driver = pytest.importorskip("driver", reason="the browser tests need the package playwright")
import looks  # noqa: E402


@pytest.fixture(scope="module")
def opened(browser, server) -> Iterator[driver.Notebook]:
    """A learner's copy of lesson 00, open in Notebook 7, with all cells run."""
    notebook = driver.in_browser(browser, server, find(ROOT / "lessons", ["00"])[0], app="notebook")
    yield notebook
    notebook.close()


def test_lesson_00_runs_and_shows_everything(opened):
    opened.picture("notebook7")
    assert opened.page.evaluate("() => window.jupyterapp.name") == "Jupyter Notebook"
    assert any(cell["drawn"] for cell in opened.cells() if cell["type"] == "code")
    faults = looks.complaints(opened) + looks.missing_widgets(opened) + looks.bad_figures(opened)
    assert not faults, "\n".join(faults)


def test_the_quiz_answers(opened):
    quiz = opened.cell(opened.index("quiz(")).locator(".ftlib-quiz")
    for choice in load_quiz("00")[0].choices:
        quiz.locator(".widget-hbox").filter(has_text=choice.text).get_by_role("button").click()
        quiz.get_by_text(choice.response.replace("`", "")).wait_for()
