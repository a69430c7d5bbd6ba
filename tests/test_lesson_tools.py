"""The tools that run, measure, normalise and check lessons, tried on toy notebooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring import __main__ as authoring
from authoring.notebooks import book, command, header, kernel, normal, rules, usage
from authoring.notebooks.book import Lesson, LessonError
from authoring.notebooks.usage import Usage

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = {
    "id": "00",
    "title": "A toy",
    "question": "Does it run?",
    "objectives": ["name it", "run it", "read it"],
    "requires": [],
    "minutes": 5,
    "next": "01",
}
MEASURED = {"seconds": 12.0, "peak_mb": 300, "versions": {"python": "3.11"}}
START = 'from ftlessons import lesson\n\nlesson("00")'


def code(source, *outputs, tags=("core",), count=None):
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs), execution_count=count)


def stream(text, name="stdout"):
    return new_output("stream", text=text, name=name)


def display(**data):
    return new_output("display_data", data=dict(data.items()))


def toy(folder: Path, *cells, name="00_toy.ipynb", **about) -> Lesson:
    """A lesson with a title, its opening cell and `cells`, saved in `folder`."""
    title = new_markdown_cell("# 00 · A toy\n\nDoes it run?", metadata={"tags": ["title"]})
    notebook = new_notebook(metadata={"ftlib": {**WRITTEN, **about}}, cells=[title, code(START), *cells])
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / name)
    return book.read(folder / name)


def finished(folder: Path, *cells, **about) -> Lesson:
    """The same, as if it had been run: counted, with a header, in normal form."""
    lesson = toy(folder, *cells, **{**MEASURED, **about})
    normal.normalise(lesson)
    header.put_header(lesson, {lesson.id: lesson})
    book.save(lesson)
    return book.read(lesson.path)


# --- finding, reading, writing ---------------------------------------------------------------------


def test_find_sorts_and_selects(tmp_path):
    for name in ("10_b.ipynb", "03_a.ipynb"):
        toy(tmp_path, name=name)
    (tmp_path / "notes.ipynb").write_text("{}")
    assert [lesson.id for lesson in book.find(tmp_path)] == ["03", "10"]
    assert [lesson.id for lesson in book.find(tmp_path, ["3"])] == ["03"]
    with pytest.raises(LessonError, match="There is no lesson 04 in .*: it has 03, 10"):
        book.find(tmp_path, ["04"])
    toy(tmp_path, name="03_c.ipynb")
    with pytest.raises(LessonError, match="Two notebooks in .* start with 03"):
        book.find(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"nbformat": 4}'])
def test_read_refuses_what_is_no_notebook(tmp_path, content):
    (tmp_path / "00_toy.ipynb").write_text(content)
    with pytest.raises(LessonError, match="00_toy.ipynb cannot be read as a notebook"):
        book.read(tmp_path / "00_toy.ipynb")
    with pytest.raises(LessonError, match="name it NN_topic.ipynb"):
        book.read(tmp_path / "toy.ipynb")


def test_save_replaces_in_one_step_or_not_at_all(tmp_path, monkeypatch):
    lesson = toy(tmp_path)
    book.save(lesson)
    assert book.save(lesson) is False
    before = lesson.path.read_bytes()
    assert before.endswith(b"}\n") and b'\n "cells"' in before
    lesson.about["title"] = "Größer"

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full_disk)
        with pytest.raises(OSError, match="No space left"):
            book.save(lesson)
    assert lesson.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["00_toy.ipynb"]
    assert book.save(lesson) is True and "Größer" in lesson.path.read_text(encoding="utf-8")


def test_checkout_and_repository(tmp_path):
    assert book.checkout() == ROOT
    (tmp_path / "pyproject.toml").write_text('[tool.ftlib]\nrepository = "https://github.com/a/b/"\n')
    assert book.repository(tmp_path) == "https://github.com/a/b"


# --- header ----------------------------------------------------------------------------------------


def test_header_is_made_from_metadata(tmp_path):
    first = finished(tmp_path)
    lesson = toy(tmp_path, name="03_x.ipynb", id="03", requires=["00", "02"], next=None, **MEASURED)
    text = header.header(lesson, {"00": first}, "https://github.com/a/b.git")
    assert "1. name it\n2. run it\n3. read it" in text
    assert "| Builds on | Your time | On one CPU core | Open in |\n|:--|:--|:--|:--|\n" in text
    row = "| [00 · A toy](00_toy.ipynb) · 02 (not built yet) | 5 minutes for the core | 12 s, 300 MB of memory |"
    assert row in text
    assert "colab.research.google.com/github/a/b/blob/main/lessons/03_x.ipynb" in text
    assert "mybinder.org/v2/gh/a/b/main?urlpath=lab/tree/" + "work/03_x.ipynb" in text
    alone = header.header(first, {})
    assert "Next" not in text and "| Next |" in alone and "| 01 (not built yet) |" in alone
    assert "Open in" not in alone


def test_put_header_moves_and_replaces_its_one_cell(tmp_path):
    lesson = finished(tmp_path, code("1", count=2))
    lesson.about["minutes"] = 44
    lesson.notebook.cells.append(lesson.notebook.cells.pop(1))
    header.put_header(lesson, {})
    assert [rules.tags(cell)[0] for cell in lesson.notebook.cells] == ["title", "header", "core", "core"]
    assert "44 minutes" in lesson.notebook.cells[1].source


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": "07"}, "`id` is '07', the file name says '00'"),
        ({"title": " "}, "`title` must be a text"),
        ({"objectives": ["one"]}, "`objectives` must be a list of three texts"),
        ({"requires": "00"}, "`requires` must be a list of lesson ids"),
        ({"requires": ["03"]}, "`requires` may only name earlier lessons"),
        ({"minutes": 4.5}, "`minutes` must be a whole number"),
        ({"next": 3}, "`next` must be a lesson id"),
    ],
)
def test_missing_keys_says_what_is_wrong(tmp_path, change, fault):
    assert fault in "; ".join(header.missing_keys(toy(tmp_path, **change)))


def test_missing_keys_names_them(tmp_path):
    lesson = toy(tmp_path)
    assert header.missing_keys(lesson) == []
    assert header.missing_keys(lesson, measured=True)[0] == "`seconds` is missing"
    with pytest.raises(LessonError, match="Lesson 00, metadata.ftlib: `seconds` is missing"):
        header.header(lesson, {})


# --- usage -----------------------------------------------------------------------------------------


def test_read_usage(tmp_path):
    assert usage.read_usage(tmp_path, "03") is None
    (tmp_path / "03.json").write_text('{"lesson": "03", "cpu_seconds": 1.5, "peak_mb": 200}')
    assert usage.read_usage(tmp_path, "03") == Usage(1.5, 200.0)
    (tmp_path / "03.json").write_text('{"cpu_sec')
    assert usage.read_usage(tmp_path, "03") is None


@pytest.mark.parametrize(
    ("took", "kept"),
    [(Usage(13.5, 340), (12.0, 300)), (Usage(14.0, 350), (14.0, 350)), (Usage(10.0, 250), (10.0, 250))],
)
def test_record_ignores_noise(tmp_path, took, kept):
    lesson = toy(tmp_path, **MEASURED)
    usage.record(lesson, took)
    assert (lesson.about["seconds"], lesson.about["peak_mb"]) == kept


def test_over_budget(tmp_path):
    lesson = toy(tmp_path, **MEASURED)
    assert usage.over_budget(lesson, Usage(90, 1536)) == []
    assert "its budget is 1536" in usage.over_budget(lesson, Usage(1, 1600))[0]
    lesson.about["budget"] = {"seconds": 20}
    assert usage.budget(lesson) == Usage(20, 1536.0)
    assert "took 21.0 CPU seconds; its budget is 20" in usage.over_budget(lesson, Usage(21, 300))[0]


def never() -> float:
    pytest.fail("a lesson within its gates must not cost a calibration")


def test_the_gates_let_a_busy_machine_pass_and_stop_another_lesson(tmp_path):
    lesson = toy(tmp_path, **MEASURED)
    assert usage.over_gate(lesson, Usage(41.0, 1690), never) == []
    assert "more than 3 times the recorded 12: find" in usage.over_gate(lesson, Usage(41.1, 300))[0]
    assert "no lesson may take 1690" in usage.over_gate(lesson, Usage(1, 1691), never)[0]
    assert 'must call lesson("00")' in usage.over_gate(lesson, None, never)[0]


def test_a_slower_machine_gets_more_time(tmp_path):
    lesson = toy(tmp_path, **MEASURED, calibration=1.0)
    assert usage.over_gate(lesson, Usage(76.9, 300), lambda: 2.0) == []
    assert "on a machine that is 2.0 times as slow" in usage.over_gate(lesson, Usage(77.1, 300), lambda: 2.0)[0]
    assert usage.over_gate(lesson, Usage(41.1, 300), lambda: 0.5), "a faster machine asks for no less time"


def test_new_seconds_bring_their_calibration(tmp_path):
    lesson = toy(tmp_path, **MEASURED)
    usage.record(lesson, Usage(12.5, 300), 0.5)
    assert (lesson.about["seconds"], lesson.about["calibration"]) == (12.0, 0.5)
    usage.record(lesson, Usage(12.5, 300), 0.9)
    assert lesson.about["calibration"] == 0.5
    usage.record(lesson, Usage(20.0, 300), 0.9)
    assert (lesson.about["seconds"], lesson.about["calibration"]) == (20.0, 0.9)


def test_the_calibration_measures_something():
    assert 0.01 < usage.calibrate() < 60


def test_table_shows_all_figures(tmp_path):
    lesson = toy(tmp_path, **MEASURED)
    rows = usage.table([(lesson, Usage(3.25, 444)), (lesson, None)]).splitlines()
    assert rows[1].split() == ["00_toy", "3.2", "12.0", "41", "444", "300", "1690"]
    assert rows[2].split() == ["00_toy", "none", "12.0", "41", "none", "300", "1690"]


# --- running ---------------------------------------------------------------------------------------


def test_two_runs_give_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = (
        code("from tqdm.auto import tqdm\n\nfor _ in tqdm(range(3)):\n    print('step')"),
        code(
            "import socket\n\ntry:\n    socket.create_connection(('192.0.2.1', 80), 1)\n"
            "except OSError as e:\n    print(e)"
        ),
        code(
            "import os\n\n{k: os.environ[k] for k in ('OMP_NUM_THREADS', 'FTLIB_STRICT', 'HF_HUB_OFFLINE')}"
        ),
    )
    lesson = toy(tmp_path, *cells)
    assert authoring.main(["lessons", "--folder", str(tmp_path)]) == 0
    first = lesson.path.read_bytes()
    assert authoring.main(["lessons", "--folder", str(tmp_path), "--only", "00"]) == 0
    assert lesson.path.read_bytes() == first
    saved = book.read(lesson.path)
    assert [fault for rule in rules.RULES for fault in rule(saved)] == []
    outputs = [cell.outputs for cell in saved.code_cells[1:]]
    assert [output.text for output in outputs[0]] == ["step\nstep\nstep\n"]
    assert outputs[1][0].text == "network is blocked in tests: 192.0.2.1\n"
    assert outputs[2][0].data["text/plain"].count("'1'") == 3
    assert saved.about["seconds"] > 0 and saved.about["peak_mb"] > 20
    assert "python" in saved.about["versions"]
    assert "iopub" not in first.decode()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "Lesson 00, code cell 2: ZeroDivisionError: division by zero"),
        ("print(__import__('sys').prefix + '/bin')", "code cell 2 prints a path of this machine"),
        ("import os; os._exit(1)", "Lesson 00, code cell 2: the kernel died"),
    ],
)
def test_a_failing_lesson_stays_as_it_was(tmp_path, capsys, source, message):
    lesson = toy(tmp_path, code(source), code("2"))
    before = lesson.path.read_bytes()
    assert authoring.main(["lessons", "--folder", str(tmp_path)]) == 1
    assert message in capsys.readouterr().err
    assert lesson.path.read_bytes() == before


def test_a_lesson_that_does_not_report_is_refused(tmp_path):
    lesson = toy(tmp_path)
    lesson.code_cells[0].source = "1"
    with pytest.raises(LessonError, match="left no usage report"):
        kernel.execute(lesson, ROOT)


def test_command_says_what_it_cannot_do(tmp_path, capsys):
    assert authoring.main(["lessons", "--folder", str(tmp_path)]) == 1
    assert "There is no lesson in" in capsys.readouterr().err
    toy(tmp_path, minutes=0)
    assert authoring.main(["lessons", "--folder", str(tmp_path), "--only", "09"]) == 1
    assert "There is no lesson 09" in capsys.readouterr().err
    assert authoring.main(["lessons", "--folder", str(tmp_path)]) == 1
    assert "`minutes` must be" in capsys.readouterr().err


def test_headers_alone(tmp_path, capsys):
    lesson = finished(tmp_path)
    assert command.renew_headers(tmp_path, ROOT) == []
    toy(tmp_path, name="01_new.ipynb", id="01", title="New")
    assert authoring.main(["lessons", "--folder", str(tmp_path), "--headers"]) == 0
    assert capsys.readouterr().out == "00: header renewed\n"
    assert "[01 · New](01_new.ipynb)" in lesson.path.read_text(encoding="utf-8")


def test_pytest_fails_lessons_that_cost_too_much_or_do_not_report(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shutil.copytree(ROOT / "tests" / "guard", tmp_path / "tests" / "guard")
    toy(tmp_path / "lessons", **MEASURED | {"seconds": -10})  # no run is as short as that
    silent = toy(tmp_path / "lessons", name="01_silent.ipynb")
    silent.code_cells[0].source = "1"
    book.save(silent)
    options = "-m pytest --nbval-lax --nbval-current-env -p no:cacheprovider -q lessons".split()
    done = subprocess.run(
        [sys.executable, *options, "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "more than 3 times the recorded -10" in done.stdout
    assert 'Lesson 01 left no usage report: its first code cell must call lesson("01")' in done.stdout
    assert "what the lessons cost" in done.stdout
    assert "2 passed, 2 errors" in done.stdout.splitlines()[-1]
