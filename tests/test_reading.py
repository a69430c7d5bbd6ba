"""The reading copy: pages that need nothing but themselves. The browser looks at them in tests/browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.__main__ import main
from authoring.notebooks import book
from authoring.notebooks.book import Lesson
from authoring.teach.reading import make_reading, reading_copy, to_pages

ROOT = Path(__file__).resolve().parent.parent
WIDGET = "application/vnd.jupyter.widget-view+json"


def shown(**data: str) -> NotebookNode:
    return NotebookNode(output_type="display_data", data=data, metadata={})


def small(*cells: NotebookNode) -> Lesson:
    about = {"id": "00", "title": "A <small> lesson", "question": "Q?", "seconds": 1.0}
    return Lesson(Path("00_small.ipynb"), new_notebook(cells=list(cells), metadata={"ftlib": about}))


def cell(source: str, *outputs: NotebookNode, tag: str = "core") -> NotebookNode:
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": [tag]})


def remote(page: str) -> list[str]:
    """What a page would fetch from the network when it is opened: scripts, styles, pictures, imports."""
    patterns = (
        r"<(?:script|img|iframe|source|video|audio)\b[^>]*?\bsrc=[\"'](https?:[^\"']+)",
        r"<link\b[^>]*?\bhref=[\"'](https?:[^\"']+)",
        r"(?:@import\s+(?:url\()?|url\()\s*[\"']?(https?:[^\"')]+)",
        r"\bfrom\s+[\"'](https?:[^\"']+)",
    )
    return sorted({address for pattern in patterns for address in re.findall(pattern, page)})


def test_remote_finds_what_a_page_would_fetch():
    text = '<script src="https://a/x.js"></script><link rel="stylesheet" href=\'http://b/c.css\'><img src="data:x">'
    text += '<style>@import url(https://d/e.css);</style><a href="https://only-a-link">x</a>'
    assert remote(text) == ["http://b/c.css", "https://a/x.js", "https://d/e.css"]


def test_a_page_holds_text_code_and_results_and_nothing_from_elsewhere():
    picture = shown(**{"text/html": '<img alt="a curve" src="data:image/png;base64,AA==">', WIDGET: {"model_id": "x"}})
    lesson = small(new_markdown_cell("# Hello"), cell("x = 1", picture, shown(**{"text/markdown": "**bold**"})))
    page = reading_copy(lesson, [])
    assert "<title>00 A &lt;small&gt; lesson</title>" in page and '<html lang="en">' in page
    assert 'alt="a curve"' in page and "<strong>bold</strong>" in page and "Hello" in page
    assert "model_id" not in page and "<script" not in page and not remote(page)
    assert lesson.notebook.cells[1].outputs[0].data[WIDGET]  # the lesson itself stays as it was


def test_a_solution_is_folded_and_the_install_cell_left_out():
    page = reading_copy(small(cell("answer = 42", tag="solution"), cell("%pip install x", tag="colab")), [])
    fold = page[page.index('<details class="solution">') : page.index("</details>")]
    assert "42" in fold and "A solution" in fold and "pip" not in page


def test_text_cannot_break_the_page():
    output = NotebookNode(output_type="stream", name="stdout", text="<b>no</b> & <script>x</script>")
    page = reading_copy(small(cell("print(1)", output)), [])
    assert "&lt;b&gt;no&lt;/b&gt; &amp; &lt;script&gt;" in page


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("[a](03_x.ipynb)", "[a](03_x.html)"),
        ("[a](lessons/03_x.ipynb#part)", "[a](03_x.html#part)"),
        ("[a](99_none.ipynb)", "a"),
        ("[a](https://x.org/03_x.ipynb)", "[a](https://x.org/03_x.ipynb)"),
        ("[a](table.csv)", "[a](table.csv)"),
    ],
)
def test_links_between_lessons_lead_to_pages(text, made):
    assert to_pages(text, ["03_x"]) == made


def test_pages_that_are_there_already_stay_and_are_linked(tmp_path):
    first, second = book.find(ROOT / "lessons", ["00", "20"])
    make_reading([first], tmp_path)
    assert f"{second.path.stem}.html" not in (tmp_path / "index.html").read_text(encoding="utf-8")
    make_reading([second], tmp_path)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{lesson.path.stem}.html"' in index for lesson in (first, second))
    assert not [page.name for page in tmp_path.glob("*.html") if remote(page.read_text(encoding="utf-8"))]


def test_the_command_writes_where_it_is_told_and_refuses_in_one_sentence(tmp_path, capsys):
    assert main(["reading", "--only", "0", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"00_start_here.html", "index.html"}
    assert str(tmp_path) in capsys.readouterr().out
    assert main(["reading", "--only", "77", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("There is no lesson 77")
    (tmp_path / "file").touch()
    assert main(["reading", "--only", "00", "--out", str(tmp_path / "file")]) == 1
    assert "cannot be read or written" in capsys.readouterr().err
