"""The widgets of several lessons in one notebook, used with mouse and keyboard, in JupyterLab's own settings.

JupyterLab then draws only what is near the window, so that these tests also prove that widgets come up by scrolling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from chosen import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.notebooks.book import find
from authoring.notebooks.normal import KERNELSPEC
from authoring.notebooks.rules import calls
from ftlessons.classroom.quizzes import load_quiz
from ftlessons.classroom.reflection import MINIMUM_WORDS

driver = pytest.importorskip("driver", reason="the browser tests need the package playwright")
import looks  # noqa: E402
import probes  # noqa: E402

USED = {"03": ("predict", "freeze_explorer", "quiz", "reflect"), "04": ("bench",), "05": ("threshold_bench",)}
PROSE = "\n\n".join(["Prose that takes room."] * 40)  # so that the next widget is out of the window


def cells_of_lessons() -> list:
    """The cells that show these widgets, word for word, each far below the one before."""
    lessons = find(ROOT / "lessons", list(USED))
    lines = [line for lesson in lessons for line in lesson.code_cells[0].source.splitlines()]
    rooms = "\n".join(line for line in lines if line.startswith("from ftlessons.lesson"))
    cells = [new_code_cell(f"from ftlessons import lesson, predict, quiz, reflect\n{rooms}\n\nlesson('03')")]
    for lesson in lessons:
        for name in USED[lesson.id]:
            source = next(cell.source for cell in lesson.code_cells if calls(cell, name))
            cells += [new_code_cell(source), new_markdown_cell(PROSE)]
    return cells


@pytest.fixture(scope="module")
def bench(browser, server) -> Iterator[driver.Notebook]:
    """The notebook, run."""
    server.set("notebook-extension/tracker")
    notebook = new_notebook(cells=cells_of_lessons(), metadata={"kernelspec": KERNELSPEC})
    opened = driver.Notebook(browser, server, server.add("97_widgets.ipynb", notebook))
    opened.run_all()
    yield opened
    opened.close()


@pytest.fixture
def widget(bench, request):
    """The output of the cell that calls this function, scrolled into the window."""
    cell = bench.cell(bench.index(f"{request.param}("))
    cell.scroll_into_view_if_needed()
    return cell.locator(".jp-OutputArea")


def keys(bench, *names: str) -> None:
    """Press keys, with a pause in which the kernel may answer."""
    for name in names:
        bench.page.keyboard.press(name)
        bench.page.wait_for_timeout(150)


def tab_to(bench, what: str, wanted: object = True) -> None:
    """Press Tab until what has the keyboard answers to this, by `probes.FOCUS`."""
    for _ in range(12):
        keys(bench, "Tab")
        if bench.page.evaluate(probes.FOCUS)[what] == wanted:
            return
    pytest.fail(f"twelve times Tab does not lead to the {what} {wanted}")


def number(text: str) -> float:
    """A number as a slider says it, also one that is out of the window."""
    return float(text.replace("\u2212", "-"))


def test_widgets_far_down_the_page_are_drawn(bench):
    for cell in bench.cells():
        bench.cell(cell["index"]).scroll_into_view_if_needed()
    bench.settle()
    assert sum(cell["drawn"] for cell in bench.cells()) == sum(map(len, USED.values()))
    assert not (faults := looks.complaints(bench) + looks.missing_widgets(bench)), "\n".join(faults)


@pytest.mark.parametrize("widget", ["quiz"], indirect=True)
def test_a_quiz_needs_no_mouse(bench, widget):
    bench.page.evaluate(probes.SELECT, bench.index("quiz("))
    tab_to(bench, "quiz")
    box, choices = widget.locator(".ftlib-quiz > .widget-vbox").first, load_quiz("03")[0].choices
    for letter, row, key in zip("ABC", box.locator(".widget-hbox").all(), ("Space", "Enter", "Space"), strict=True):
        (choice,) = [c for c in choices if c.text.replace("`", "") in row.inner_text()]  # in this learner's order
        assert bench.page.evaluate(probes.FOCUS)["text"] == letter
        keys(bench, key)
        widget.get_by_text(f"{letter}. {choice.response}".replace("`", "")).wait_for()
        assert bench.page.evaluate(probes.FOCUS)["text"] == f"{letter} {'✓' if choice.correct else '✗'}"
        keys(bench, "Tab")
    widget.get_by_text(f"of {len(load_quiz('03'))} right at the first try, 1 answered.").wait_for()


@pytest.mark.parametrize("widget", ["predict"], indirect=True)
def test_a_guess_is_made_and_locked_without_a_mouse(bench, widget):
    readout = widget.locator(".widget-readout").first
    before = number(readout.text_content())
    bench.page.evaluate(probes.SELECT, bench.index("predict("))
    tab_to(bench, "slider")
    keys(bench, "ArrowRight", "ArrowRight")
    after = number(readout.text_content())
    assert after > before
    tab_to(bench, "slider")
    keys(bench, "ArrowRight")
    tab_to(bench, "text", "Lock my guess")
    keys(bench, "Enter")
    locked = widget.get_by_text(re.compile(r"Locked: [\d.]+ \w+, 75 % sure\."))
    locked.wait_for()
    said = float(re.search(r"Locked: ([\d.]+)", locked.text_content())[1])
    assert said == pytest.approx(after, abs=0.1), "the readout beside the slider is rounded"
    assert widget.get_by_role("button", name="Lock my guess").is_disabled()


@pytest.mark.parametrize("widget", ["threshold_bench"], indirect=True)
def test_a_slider_that_is_dragged_changes_the_figure_and_the_counts(bench, widget):
    figure, status = widget.locator("img").first, widget.get_by_role("status").first
    before, counts = figure.get_attribute("src"), status.text_content()
    handle = widget.locator(".widget-slider", has_text="Threshold").locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    bench.page.mouse.move(x, y)
    bench.page.mouse.down()
    bench.page.mouse.move(x - 300, y, steps=6)  # to its left end
    bench.page.mouse.up()
    bench.page.wait_for_timeout(500)
    bench.settle()
    drawn, counted = figure.get_attribute("src") != before, status.text_content() != counts
    assert drawn and counted
    assert not looks.bad_figures(bench)


@pytest.mark.parametrize("widget", ["bench"], indirect=True)
def test_the_fine_tuning_bench_trains_and_shows_curve_and_score(bench, widget):
    widget.locator(".noUi-handle").first.focus()
    keys(bench, "Home")
    widget.get_by_role("button", name="Train", exact=True).click()
    widget.get_by_text("1 of 12 runs used.").wait_for(timeout=1000 * driver.RUN_S)
    curve = widget.locator("img")
    assert curve.get_attribute("alt").startswith("Validation accuracy of the newest run: 0.")
    assert curve.evaluate("image => image.naturalWidth") > 300
    row = widget.locator("tr").nth(1).inner_text()
    assert "head only" in row and "best so far" in row
    assert widget.get_by_role("button", name="Open the test set").is_enabled()


@pytest.mark.parametrize("widget", ["freeze_explorer"], indirect=True)
def test_the_freeze_explorer_trains_and_keeps_the_run(bench, widget):
    widget.locator(".noUi-handle").nth(1).focus()
    keys(bench, "Home")
    widget.get_by_role("button", name="Train").click()
    row = widget.locator("tr").nth(1)
    row.wait_for(timeout=1000 * driver.RUN_S)
    trained, labels, accuracy, *_ = row.locator("th, td").all_inner_texts()
    assert (trained, labels) == ("head only", "1") and 0.5 < float(accuracy) < 1


@pytest.mark.parametrize("widget", ["reflect"], indirect=True)
def test_the_model_answer_comes_after_enough_words(bench, widget):
    box, button = widget.locator("textarea"), widget.get_by_role("button", name="Compare")
    box.fill("Too short.")
    button.click()
    widget.get_by_text("more words first").wait_for()
    box.fill("word " * MINIMUM_WORDS)
    box.blur()
    button.click()
    widget.get_by_text("more words first").wait_for(state="detached")
    assert widget.locator("li").count() >= 3


def test_nothing_complained_in_the_end(bench):
    bench.picture("used")
    assert not (faults := looks.complaints(bench)), "\n".join(faults)
