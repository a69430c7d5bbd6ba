"""The reading copy, opened as files with the network blocked: figures, quizzes and folds work without Jupyter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chosen import ROOT

from authoring.notebooks.book import find
from authoring.notebooks.rules import ALT_TEXT
from authoring.teach.reading import make_reading
from ftlessons.classroom.quizzes import load_quiz

driver = pytest.importorskip("driver", reason="the browser tests need the package playwright")
import probes  # noqa: E402

READ = ("03", "09")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The pages of two lessons and their index."""
    made = tmp_path_factory.mktemp("html")
    make_reading(find(ROOT / "lessons", READ), made)
    return made


@pytest.fixture(scope="module", params=READ)
def page(request, browser, folder) -> Iterator:
    """A page of the reading copy; ``page.asked`` holds what it wanted from the network."""
    opened = browser.new_page(viewport={"width": 1000, "height": 900})
    opened.context.set_offline(True)
    opened.asked = []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.lesson = request.param
    opened.goto(next(folder.glob(f"{request.param}_*.html")).as_uri())
    yield opened
    opened.close()


def test_the_page_wants_nothing_but_itself(page):
    others = [url for url in page.asked if not url.startswith(("file:", "data:"))]
    assert page.asked and not others
    assert page.locator("h1").first.inner_text().startswith(page.lesson)


def test_figures_are_there_with_their_text(page):
    figures = page.evaluate(probes.FIGURES, "img")
    assert len(figures) >= 5
    assert all(figure["width"] > 0 and figure["shown"] > 0 and len(figure["alt"]) >= ALT_TEXT for figure in figures)


def test_a_quiz_unfolds_its_explanations(page):
    for number, question in enumerate(load_quiz(page.lesson), start=1):
        heading = question.heading(number).replace("`", "")
        section = page.locator("section", has=page.get_by_text(heading, exact=True))
        for (letter, choice), fold in zip(question.labelled(), section.locator("details").all(), strict=True):
            text = choice.response.replace("`", "")
            assert fold.locator("summary").inner_text() == f"{letter}. {choice.text}".replace("`", "")
            assert not fold.get_by_text(text).is_visible()
            fold.locator("summary").focus()
            page.keyboard.press("Enter")
            assert fold.get_by_text(text).is_visible()


def test_a_solution_is_folded_until_it_is_wanted(page):
    fold = page.locator("details.solution").first
    code = fold.locator("pre").first
    assert not code.is_visible()
    fold.locator("summary").click()
    assert "check(" in code.inner_text() and code.is_visible()


def test_the_page_can_be_read_wide_and_narrow(page):
    found = page.evaluate(probes.CONTRAST, "body")
    assert len(found) > 200 and not [text for text in found if text["ratio"] < 4.5]
    page.screenshot(path=driver.picture_path(f"{page.lesson}_reading"), full_page=True)
    page.set_viewport_size({"width": 600, "height": 900})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 600


def test_links_lead_to_pages(page, folder):
    targets = page.locator("a[href]").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    files = {target.split("#")[0] for target in targets if not target.startswith(("http", "#"))} - {""}
    assert "index.html" in files and all((folder / name).is_file() for name in files)
