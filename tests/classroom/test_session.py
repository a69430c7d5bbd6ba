from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from ftlessons import lesson, show
from ftlessons.classroom import display, session
from ftlessons.classroom.display import details, rich
from ftlessons.classroom.source import CourseDataError

CELLS = [
    "from ftlessons import lesson, predict, quiz, show\nlesson('03')",
    "show(f'accuracy **{0.5:.2f}**')",
    "quiz()",
    "guess = predict('03-a', 'How much?', 0, 1)",
    "guess",
    "import ipywidgets\nfrom ftlessons.classroom.widgets import quiz_widget\n"
    "from ftlessons.classroom.quizzes import load_quiz\n"
    "box = quiz_widget(load_quiz('03')); right = [c.correct for c in load_quiz('03')[0].choices].index(True)\n"
    "box.children[0].children[1 + right].children[0].click()\n"
    "'Right.' in box.children[0].children[-1].value",
    "import sys; [m for m in ('torch', 'matplotlib', 'transformers') if m in sys.modules]",
]
QUIZ = """
[[question]]
text = "a?"
[[question.choice]]
text = "b"
correct = true
why = "c"
[[question.choice]]
text = "d"
correct = false
why = "e"
"""


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Child processes, which start in another folder, import this checkout's ftlib."""
    root = str(Path(__file__).resolve().parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_kernel_shows_the_real_thing_and_reports_its_usage(data, tmp_path, monkeypatch):
    data("quizzes/03.toml", QUIZ)
    usage = tmp_path / "usage"
    patch = f"from ftlib import catalog; catalog.data_dir = lambda: {str(tmp_path / 'data')!r}"
    monkeypatch.setenv("FTLIB_USAGE_DIR", str(usage))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in [patch, *CELLS]])
    NotebookClient(notebook, timeout=300, kernel_name="python3", store_widget_state=False).execute()
    first, sentence, quiz, guess, silent, clicked, heavy = (cell.outputs for cell in notebook.cells[1:])
    assert first == [] and silent == []
    assert sentence[0].data == {"text/plain": "accuracy **0.50**", "text/markdown": "accuracy **0.50**"}
    assert [set(quiz[0].data), set(guess[0].data)] == [{"text/plain", "text/html", display.WIDGET_MIME}] * 2
    assert clicked[0].data["text/plain"] == "True"
    assert heavy[0].data["text/plain"] == "[]"
    report = json.loads((usage / "03.json").read_text())
    assert report["lesson"] == "03" and 0 < report["cpu_seconds"] < 60
    assert sys.platform == "win32" or 10 < report["peak_mb"] < 1000
    assert [p.name for p in usage.iterdir()] == ["03.json"]


@pytest.mark.parametrize("id", ["3", "003", "a", 3, None, ""])
def test_a_lesson_is_two_digits(id):
    with pytest.raises(CourseDataError, match="two digits"):
        lesson(id)
    assert session.current_lesson() is None


def test_lesson_remembers_and_prints_nothing(capsys):
    assert lesson("03") is None
    assert session.current_lesson() == "03" and session.lesson_id(None, "quiz()") == "03"
    assert session.lesson_id("06", "quiz()") == "06"
    assert capsys.readouterr().out == ""


def test_show_prints_outside_ipython_and_refuses_what_is_no_sentence(capsys):
    show("0.5 of **all**")
    assert capsys.readouterr().out == "0.5 of **all**\n"
    with pytest.raises(TypeError, match="not float"):
        show(0.5)


def test_usage_counts_cpu_time_and_memory():
    before = session.usage()
    sum(i * i for i in range(2_000_000))
    after = session.usage()
    assert after["cpu_seconds"] > before["cpu_seconds"] > 0
    assert sys.platform == "win32" or after["peak_mb"] >= before["peak_mb"] > 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reports no peak memory")
def test_peak_memory_is_not_inherited_from_the_parent():
    code = "from ftlessons.classroom.session import usage; print(usage()['peak_mb'])"
    ballast = bytearray(b"x" * (400 * 2**20))
    assert float(python(code)) < 300 < len(ballast) / 2**20


def test_peak_memory_without_proc(monkeypatch):
    if sys.platform == "win32":
        pytest.skip("Windows reports no peak memory")

    def missing(*_, **__):
        raise OSError("no /proc")

    monkeypatch.setattr("pathlib.Path.read_text", missing)
    assert 10 < session.usage()["peak_mb"] < 10_000


def test_importing_the_classroom_is_light():
    code = (
        "import sys, ftlessons; heavy = {'torch', 'numpy', 'matplotlib', 'ipywidgets', 'IPython'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert python(code).strip() == "[]"


def test_text_is_escaped_and_code_kept():
    assert rich("`<b>` & <i>") == "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"
    assert details("a", "<p>b</p>") == "<details><summary>a</summary><p>b</p></details>"


def test_pages_of_files_count_only_so_far(monkeypatch):
    def peak(status: str) -> float:
        monkeypatch.setattr(session.Path, "read_text", lambda self, **_: status)
        return session.usage()["peak_mb"]

    kb = 2**10
    assert peak(f"VmHWM:\t{1000 * kb} kB\nRssAnon:\t{600 * kb} kB\nRssFile:\t{300 * kb} kB\n") == 1000
    assert peak(f"VmHWM:\t{1500 * kb} kB\nRssFile:\t{(session.LIBRARY_MB + 100) * kb} kB\n") == 1400


@pytest.mark.parametrize("strict", [True, False])
def test_in_ci_a_lessons_own_deprecated_call_is_an_error(monkeypatch, strict):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("FTLIB_STRICT", str(int(strict)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session.lesson("03")
        for module, fails in (("__main__", strict), ("ftlib.train", strict), ("torch.jit", False)):
            with pytest.raises(FutureWarning) if fails else nullcontext():
                warnings.warn_explicit("goes away", FutureWarning, "x.py", 1, module=module)
