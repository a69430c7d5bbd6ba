"""The course for all eyes, ears and hands: what `lessons/ACCESSIBILITY.md` promises."""

from __future__ import annotations

import ast
import base64
import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image

from authoring.notebooks import book
from authoring.notebooks.rules import ALT_TEXT
from authoring.teach import pages
from authoring.teach.slides import REVEAL
from ftlessons.classroom import display, quizzes, words
from ftlessons.classroom.cards import card
from ftlessons.classroom.read_along import entry
from ftlessons.lesson03.canvas import Pad
from ftlessons.lesson04 import figures
from ftlib import plots
from ftlib.plots import palette
from ftlib.speech.clips import Clips

ROOT = Path(__file__).resolve().parent.parent
LESSONS = book.find(ROOT / "lessons")
CARDS = sorted((ROOT / "data").glob("*/*/README.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "lessons").glob("*.md")), *CARDS]

# Machado, Oliveira & Fernandes 2009: what a reader without one kind of cone sees, in linear RGB
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])
LEAST_APART = 15  # of CIELAB's units: 2.3 are just noticeable side by side
THEMES = {"light": ("#ffffff", "#212121"), "dark": ("#111111", "#ffffff")}  # JupyterLab's page and text
EMPTY_LINKS = {"here", "this", "link", "click here", "read more", "more", "this page", "this link"}
CONTROLS = {"Button", "Checkbox", "Dropdown", "FileUpload", "FloatSlider", "IntSlider", "Play", "SelectionSlider",
            "Text", "Textarea", "ToggleButtons"}  # fmt: skip


# --- colours ---------------------------------------------------------------------------------------


def lab(colour, blindness):
    """CIELAB of a colour as a colour-blind reader sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x = XYZ @ np.clip(np.array(BLINDNESS[blindness]) @ linear, 0, 1) / XYZ.sum(1)
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one, other, blindness):
    return float(np.linalg.norm(lab(one, blindness) - lab(other, blindness)))


def test_all_eyes_tell_the_colours_apart():
    close = {
        (one, other, eyes): round(apart(one, other, eyes), 1)
        for one, other in itertools.combinations(palette.COLOURS, 2) for eyes in BLINDNESS
        if apart(one, other, eyes) < LEAST_APART
    }  # fmt: skip
    assert not close
    assert len(set(palette.MARKERS)) == len(palette.MARKERS) == len(palette.COLOURS)


def test_the_measure_itself():
    assert apart("black", "white", "none") == pytest.approx(100, abs=0.1)
    assert apart("#cc5555", "#7f7f33", "deuteranopia") < LEAST_APART < apart("#cc5555", "#7f7f33", "none")
    assert palette.contrast("black", "white") == pytest.approx(21)


def test_a_line_stands_out_from_a_figures_page():
    for colour in (*palette.COLOURS, palette.FAINT, palette.GUIDE):
        assert palette.contrast(colour, plots.STYLE["figure.facecolor"]) >= palette.LEAST_FOR_LINES, colour


def test_a_figure_brings_its_own_page_in_every_theme():
    figure, _ = plots.figure("Title", "x", "y")
    shown = plots.Picture(figure, "An empty figure with two axes")._repr_mimebundle_()["text/html"]
    image = Image.open(io.BytesIO(base64.b64decode(re.search(r'base64,([^"]+)"', shown)[1]))).convert("RGBA")
    corners = [image.getpixel((x, y)) for x in (0, image.width - 1) for y in (0, image.height - 1)]
    assert set(corners) == {(255, 255, 255, 255)}


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("effect", [0.15, -0.15, 1.0, -1.0, 9.0, -9.0])
def test_shaded_words_can_be_read_and_carry_a_sign(effect, theme):
    page, text = (np.array(to_rgb(colour)) for colour in theme)
    span = words._span("good", effect)
    *rgb, alpha = (float(number) for number in re.search(r"rgba\(([^)]+)\)", span)[1].split(","))
    shade = alpha * np.array(rgb) / 255 + (1 - alpha) * page
    assert palette.contrast(shade, text) >= palette.LEAST_FOR_TEXT
    assert ("+" if effect > 0 else "−") in re.search("<sup>(.*)</sup>", span)[1]


def test_text_on_a_heat_map_can_be_read():
    square = pd.DataFrame([[3, 7], [5, 5]], index=list("ab"), columns=list("ab"))
    rows = pd.DataFrame({"depth": ["head"] * 9, "lr": np.logspace(-5, -1, 9), "valid": np.linspace(0.6, 0.9, 9)})
    for picture in (plots.confusion(square, "Letters"), figures.depth_by_rate(rows, "Depth", {"head": "head"})):
        (ax,) = picture.figure.axes
        (shown,) = ax.images
        for text in ax.texts:
            column, row = text.get_position()
            cell = shown.to_rgba(shown.get_array()[int(row), int(column)])
            assert palette.contrast(text.get_color(), cell) >= palette.LEAST_FOR_TEXT


# --- no meaning by colour alone --------------------------------------------------------------------


def two_lines(**second):
    figure, ax = plots.figure("Title", "x", "y")
    ax.plot([1, 2], label="one", color=palette.COLOURS[0])
    ax.plot([2, 1], label="two", **{"color": palette.COLOURS[1], **second})
    return figure


@pytest.mark.parametrize("second", [{"linestyle": "--"}, {"marker": "s"}])
def test_a_dash_or_a_marker_tells_two_lines_apart(second):
    assert plots.Picture(two_lines(**second), "Two lines that cross").alt


@pytest.mark.parametrize(
    ("second", "fault"),
    [({}, "'one' and 'two' differ in colour alone"), ({"color": "#E69F00", "marker": "s"}, "'two' is too pale")],
)
def test_a_figure_that_not_all_can_read_is_refused(second, fault):
    with pytest.raises(ValueError, match=fault):
        plots.Picture(two_lines(**second), "Two lines that cross")


def test_bars_of_one_look_are_refused():
    figure, ax = plots.figure("Title", "x", "y")
    for place, name in enumerate(("one", "two")):
        ax.bar(place, 1, label=name, color=palette.COLOURS[place])
    assert "colour alone" in next(palette.hard_to_see(figure))


def test_more_lines_than_colours_are_told_apart():
    rows = [{"recipe": f"r{i}", "budget": b, "seed": s, "score": (i + b + s) / 30} for i in range(10) for b in (1, 2)
            for s in (0, 1)]  # fmt: skip
    table = pd.DataFrame(rows).assign(metric="accuracy", budget_unit="labels", source_score=float("nan"))
    assert "r9" in plots.curves(table, "Ten recipes").alt


def test_right_and_wrong_have_a_sign_and_a_word():
    from ftlessons.classroom.widgets import quiz_widget

    choices = quizzes.Choice("this", True, "Because."), quizzes.Choice("that", False, "It is not.")
    box = quiz_widget((quizzes.Question("Which?", choices),)).children[0]
    _, *rows, feedback = box.children
    for row, sign, word in zip(rows, "✓✗", (quizzes.RIGHT, quizzes.NOT_QUITE), strict=True):
        row.children[0].click()
        assert sign in row.children[0].description and word in feedback.value and 'role="status"' in feedback.value


# --- what a screen reader says ---------------------------------------------------------------------


class Parts(HTMLParser):
    """Collects images, sounds, drawings, tables and links of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.named: list[str] = []
        self.tables: list[int] = []
        self.tabs: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "img":
            self.images.append(found.get("alt") or "")
        if tag in ("audio", "video", "svg", "canvas"):
            self.named.append(found.get("aria-label") or "")
        if tag == "table":
            self.tables.append(0)
        if tag == "th" and self.tables:
            self.tables[-1] += 1
        if "tabindex" in found:
            self.tabs.append(found["tabindex"])


def shown(lesson):
    """Every piece of HTML or Markdown that a saved lesson shows, cells and outputs."""
    for cell in lesson.notebook.cells:
        if cell.cell_type == "markdown":
            yield cell.source
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            yield from ("".join(data[mime]) for mime in ("text/html", "text/markdown") if mime in data)


def prose(text):
    return re.sub(r"```.*?```|`[^`\n]*`|base64,[^\"]*", "code", text, flags=re.DOTALL)


def faults(text):
    """What a screen reader would stumble over in a piece of Markdown or HTML."""
    text, parts = prose(text), Parts(text)
    for alt in parts.images + re.findall(r"!\[([^\]]*)\]\(", text):
        if len(alt.strip()) < ALT_TEXT:
            yield f"an image says only {alt!r}"
    yield from ("a sound or drawing has no name" for name in parts.named if not name.strip())
    yield from ("a table has no headers" for headers in parts.tables if not headers)
    yield from (f"tabindex {tab} breaks the order" for tab in parts.tabs if tab not in ("0", "-1"))
    for name in re.findall(r"(?<!!)\[([^\[\]]*)\]\([^)]+\)", text):
        if name.strip().strip("*_.").lower() in EMPTY_LINKS or name.startswith("http"):
            yield f"the link {name!r} does not say where it leads"
    lines = [line.strip() for line in text.splitlines()]
    for header, line in itertools.pairwise(lines):
        ruled = re.fullmatch(r"\|([-:]+\|)+", line.replace(" ", ""))
        if ruled and not all(cell.strip() for cell in header[1:-1].split("|")):
            yield f"the table {header!r} has a column without a name"
    if "<summary></summary>" in text:
        yield "a fold does not say what is in it"


def levels(text):
    """The levels of the headings in Markdown text."""
    fences = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return [len(found) for found in re.findall(r"^(#{1,6}) ", fences, flags=re.MULTILINE)]


def jumps(found):
    """Pairs of neighbouring headings that leave a level out."""
    return [(above, below) for above, below in itertools.pairwise([0, *found]) if below > above + 1]


def test_everything_shown_has_words_and_headings_leave_no_level_out():
    found = []
    for lesson in LESSONS:
        prose_cells = [cell.source for cell in lesson.notebook.cells if cell.cell_type == "markdown"]
        above = [level for text in prose_cells for level in levels(text)]
        found += [f"{lesson.path.name}: {fault}" for text in shown(lesson) for fault in faults(text)]
        found += [f"{lesson.path.name}: headings {above}"] if above[0] != 1 or jumps(above) else []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [f"{page.parent.name}/{page.name}: {fault}" for fault in faults(text)]
        if levels(text)[0] != 1 or levels(text).count(1) != 1 or jumps(levels(text)):
            found.append(f"{page.parent.name}/{page.name}: headings {levels(text)}")
    assert not found, "\n".join(found)


FAULTS = {
    "![](x.png)": "an image says only ''",
    '<img src="x" alt="a plot">': "an image says only 'a plot'",
    "see [here](x.md)": "does not say where it leads",
    "| | |\n|--|--|\n| a | b |": "a column without a name",
    "<table><tr><td>1</td></tr></table>": "a table has no headers",
    '<audio controls src="x">': "a sound or drawing has no name",
    '<b tabindex="3">x</b>': "breaks the order",
    "<details><summary></summary>x</details>": "a fold does not say what is in it",
}


def test_the_rules_themselves():
    for text, fault in FAULTS.items():
        assert any(fault in found for found in faults(text)), text
    assert not list(faults("[lesson 03](03.ipynb)\n| a | b |\n|--|--|\n| 1 | 2 |"))
    assert jumps(levels("# a\n## b\n#### c\n## d")) == [(2, 4)]
    assert list(unnamed("widgets.Textarea(value='x', description='')")) and list(unnamed("w.Button()"))
    assert not list(unnamed("widgets.Text(placeholder='Write.')"))


def test_what_the_library_makes_has_words():
    drawing = [[(1.0, 1.0), (9.0, 9.0)]]
    pad = Pad(["wave", "dash"])
    pad.kept["wave"] = [drawing]
    made = [
        display.as_table(["recipe", "score"], [("head", 0.9)]),
        pad.board(),
        entry(Clips([torch.zeros(800)], [{"label": 0, "text": "one", "voice": "v", "terms": []}]), {"net": ["one"]}, 0),
    ]
    assert not [fault for html in made for fault in faults(html)]
    assert 'role="img" aria-label="wave, drawing 1"' in pad.board()


def test_a_cards_headings_continue_those_of_the_lesson(capsys):
    card("glyph-resnet10")
    assert jumps([1, 2, *levels(capsys.readouterr().out)]) == []


# --- keyboard and pages ----------------------------------------------------------------------------


def unnamed(source):
    """Calls that make a control which has no word of its own."""
    for node in ast.walk(ast.parse(source)):
        name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if name in CONTROLS and "display='none'" not in ast.unparse(node):
            words_in = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if not any(words_in.get(key, "''") not in ("''", "None") for key in ("description", "placeholder")):
                yield ast.unparse(node)[:80]


def test_every_control_has_a_name():
    for path in (ROOT / "lessons" / "ftlessons").rglob("*.py"):
        assert not list(unnamed(path.read_text(encoding="utf-8"))), path.name


OURS = {"pages": pages.PAGE, "slides": (REVEAL / "course.css").read_text(encoding="utf-8")}


@pytest.mark.parametrize("css", OURS.values(), ids=OURS)
def test_our_pages_keep_the_focus_visible_and_their_text_dark(css):
    assert not re.search(r"outline(-\w+)?:\s*(none|0)|user-select:\s*none|tabindex", css)
    written = re.findall(r"(?<![-\w])color:\s*(#\w+)", css)
    assert written and all(palette.contrast(colour, "white") >= palette.LEAST_FOR_TEXT for colour in written)
    assert "background: #fff" in css


def test_a_page_names_its_language_and_title():
    html = pages.page("# Lesson 03\n\nText")
    assert '<html lang="en">' in html and "<title>Lesson 03</title>" in html and "width=device-width" in html
    assert html.count("<main>") == 1 and "user-scalable" not in html
