"""The rules for saved lessons and their normal form, each tried on a notebook that breaks it."""

from __future__ import annotations

import getpass
import sys

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from test_lesson_tools import START, code, display, finished, stream, toy

from authoring.notebooks import book, normal, rules
from authoring.notebooks.book import LessonError

BAR = "\r 50%|█████     | 5/10 [00:01<00:01,  4.9it/s]\r100%|██████████| 10/10 [00:02<00:00,  5.0it/s]\n"
VIEW = {"model_id": "1", "version_major": 2, "version_minor": 0}


# --- normal form -----------------------------------------------------------------------------------


def test_settled():
    for text, shown in {"a\nb\n": "a\nb\n", "10\r20\r30\n": "30\n", "windows\r\n": "windows\n"}.items():
        assert normal.settled(text, False) == shown
    for text, shown in {
        BAR: "", BAR + "UserWarning: odd\n": "UserWarning: odd\n", BAR.rstrip("\n") + "\rkept\n": "kept\n",
        "train: 5it [00:00, 2.1batch/s, loss=0.3]\r              \r": "",
        "took [00:01] in all\n": "took [00:01] in all\n",
    }.items():  # fmt: skip
        assert normal.settled(text, True) == shown


def test_normal_outputs_merges_streams_and_drops_live_widgets():
    outputs = [
        stream("a\n"),
        stream("b\n"),
        stream(BAR, "stderr"),
        stream("c\n"),
        display(**{"text/plain": "IntSlider(value=1)", normal.WIDGET_VIEW: VIEW}),
        display(**{"text/plain": "quiz", "text/html": "<p>quiz", normal.WIDGET_VIEW: VIEW}),
        new_output("execute_result", data={"text/plain": "2"}, execution_count=9),
    ]
    kept = normal.normal_outputs(outputs, 4)
    assert [output.get("text") or sorted(output.data) for output in kept] == [
        "a\nb\n", "c\n", ["text/html", "text/plain"], ["text/plain"],
    ]  # fmt: skip
    assert kept[-1].execution_count == 4
    assert outputs[0].text == "a\n", "the kernel's outputs stay untouched"


def test_normalise_keeps_ids_and_strips_the_rest(tmp_path):
    lesson = toy(tmp_path, code("1", count=7), code("1", count=9))
    cells = lesson.notebook.cells
    cells[1]["id"], cells[2]["id"], cells[3]["id"] = "mine", "not valid!", "mine"
    cells[2].metadata.update(execution={"iopub.execute_input": "2024"}, jupyter={"source_hidden": True})
    lesson.notebook.metadata.update(widgets={"state": {}}, kernelspec={"name": "venv-3.12"}, colab={})
    normal.normalise(lesson)
    ids = [cell["id"] for cell in cells]
    assert ids[1] == "mine" and len(set(ids)) == 4 and all(normal.CELL_ID.fullmatch(id) for id in ids)
    assert sorted(lesson.notebook.metadata) == ["ftlib", "kernelspec", "language_info"]
    assert lesson.notebook.metadata.kernelspec.name == "python3"
    assert cells[2].metadata == {"tags": ["core"], "jupyter": {"source_hidden": True}}
    assert [cell.execution_count for cell in lesson.code_cells] == [1, 2, 3]
    text = book.dumps(lesson.notebook)
    normal.normalise(lesson)
    assert book.dumps(lesson.notebook) == text


def test_invented_ids_are_the_same_every_time(tmp_path):
    ids = []
    for folder in ("a", "b"):
        lesson = toy(tmp_path / folder, code("1"), code("1"))
        for cell in lesson.notebook.cells:
            del cell["id"]
        normal.normalise(lesson)
        ids.append([cell["id"] for cell in lesson.notebook.cells])
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("output", "what"),
    [
        (stream(f"saved in {sys.prefix}/x\n"), "a path of this machine"),
        (stream("/ho" + "me/ada/model"), "a home folder"),
        (display(**{"text/html": "<p>C:\\Us" + "ers\\ada"}), "a home folder"),
        (stream("<function f at 0x7f12ab34cd56>"), "a memory address"),
        (stream("ipykernel_4711/1.py:3: UserWarning"), "a temporary file of the kernel"),
    ],
)
def test_traces_of_a_machine_are_refused(tmp_path, output, what):
    lesson = toy(tmp_path, code("x", output))
    assert what in normal.machine_traces(lesson)[0]
    with pytest.raises(
        LessonError, match=f"Lesson 00 shows this machine to the reader: code cell 2 prints {what}"
    ):
        normal.normalise(lesson)


def test_an_account_name_is_a_trace_but_common_words_are_not(tmp_path, monkeypatch):
    lesson = toy(
        tmp_path, code("x", display(**{"text/html": "the root of adalovelace's tree, base64,/tmp/x"}))
    )
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    assert normal.machine_traces(lesson) == []
    monkeypatch.setattr(getpass, "getuser", lambda: "adalovelace")
    assert "your account's name" in normal.machine_traces(lesson)[0]


# --- rules -----------------------------------------------------------------------------------------

ALT = "Accuracy rises with every label"
ERROR = new_output("error", ename="KeyError", evalue="x", traceback=[])


def test_a_finished_lesson_keeps_all_rules(tmp_path):
    picture = display(**{"text/html": f'<img alt="{ALT}" src="x">'})
    solution = code('check("00-a", 1)', stream("Correct. It is.\n"), tags=("solution",))
    lesson = finished(tmp_path, code("plot", picture), code('check("00-a", ...)'), solution)
    assert [fault for rule in rules.RULES for fault in rule(lesson)] == []


@pytest.mark.parametrize(
    ("rule", "cell", "fault"),
    [
        (rules.executed, code("1", ERROR), "code cell 2 ended in KeyError"),
        (rules.executed, code(" "), "code cell 2 is empty"),
        (rules.clean, code("1", stream("x" * 501_000)), "500 are allowed"),
        (rules.clean, code("1", stream("ipykernel_12")), "a temporary file of the kernel"),
        (rules.arranged, code("1", tags=("intro",)), "cell 3 needs one of the tags"),
        (rules.pictured, code("1", display(**{"image/png": "aGk="})), "code cell 2 shows a bare image"),
        (rules.pictured, code("1", display(**{"text/html": '<img alt="plot">'})), "under 20 characters"),
        (rules.pictured, code("1", display(**{"text/html": "<img>"})), "under 20 characters"),
        (rules.plain, code("!pip install torch"), "contains `pip install`"),
        (rules.plain, code("torch.set_num_threads(1)"), "set the threads in ftlib.runtime"),
        (rules.plain, code("%matplotlib inline"), "code cell 2 is not plain Python"),
        (rules.solved, code('check("00-a", ...)'), "no solution of exercise '00-a' was accepted"),
        (rules.solved, code("x = 1", tags=("solution",)), "code cell 2 is a solution, but no check printed"),
    ],
)
def test_rule_finds_its_fault(tmp_path, rule, cell, fault):
    lesson = toy(tmp_path, cell)
    for number, each in enumerate(lesson.code_cells, start=1):
        each.execution_count = number
    book.save(lesson)
    assert fault in "; ".join(rule(lesson))


def test_faults_of_order_widgets_title_and_header(tmp_path):
    lesson = finished(tmp_path, code("1"))
    lesson.code_cells[1].execution_count = None
    assert rules.executed(lesson) == ["code cell 2 was not run in order: `make lessons ONLY=00`"]
    lesson.notebook.metadata["widgets"] = {}
    lesson.code_cells[1].outputs = [NotebookNode(display(**{normal.WIDGET_VIEW: VIEW}))]
    assert rules.clean(lesson) == ["metadata holds widget state", "code cell 2 saved a widget view"]
    lesson.code_cells[0].source = START.replace("00", "01")
    assert rules.plain(lesson) == ['the first code cell must call lesson("00")']
    mixed = finished(tmp_path, code("1", tags=("extra",)), code("2"))
    assert rules.arranged(mixed) == ["cell 5 is core but stands after an extra cell"]
    lesson.about["question"] = "Why?"
    assert rules.described(lesson) == ["the first cell must ask the question of the metadata"]
    lesson.about["title"] = "Else"
    assert rules.described(lesson) == ["the first cell must start with '# 00 · Else'"]
    del lesson.notebook.cells[1]
    assert "the second cell must be the header" in rules.described(lesson)[1]
    del lesson.about["minutes"]
    assert rules.described(lesson) == ["metadata.ftlib: `minutes` is missing"]


def test_a_core_has_limits(tmp_path):
    short = [code("x = 1") for _ in range(27)]
    assert rules.fitting(finished(tmp_path, *short)) == []
    assert rules.fitting(finished(tmp_path, *short, code("1"))) == ["the core has 29 cells; 28 are allowed"]
    long = [code("x = 1\n" * 5) for _ in range(25)]
    assert rules.fitting(finished(tmp_path, *long)) == ["the core has 26 cells; 25 are allowed"]
    text = new_markdown_cell("word " * 1_401, metadata={"tags": ["core"]})
    assert rules.fitting(finished(tmp_path, text, minutes=50)) == [
        "the core has 1401 words of text; 1400 are allowed", "the core has 50 minutes; 45 are allowed",
    ]  # fmt: skip
    aside = new_markdown_cell("word " * 9_000, metadata={"tags": ["extra"]})
    assert rules.fitting(finished(tmp_path, aside)) == []


def test_calm_gives_figures(tmp_path):
    lesson = finished(tmp_path, *[code("x = 1\n" * 14) for _ in range(26)])
    assert rules.calm(lesson) == [
        "code cells have 14 lines in the median (at most 5)",
        "the 90th percentile of code cells has 14 lines (at most 13)",
        rules.calm(lesson)[-1],
    ]
    assert "prose words per code line (at least 8)" in rules.calm(lesson)[-1]
    short = finished(tmp_path, new_markdown_cell("word " * 100, metadata={"tags": ["core"]}), code("1"))
    assert rules.calm(short) == []


def test_ids_of_exercises_and_quizzes(tmp_path):
    lesson = toy(
        tmp_path, code('check("00-b", 1)\ncheck("00-a", 2)'), code('quiz()\nquiz("02")\ncheck("00-b", 3)')
    )
    assert rules.exercise_ids(lesson) == ["00-b", "00-a"]
    assert rules.quiz_ids(lesson) == ["00", "02"]
    assert rules.calls(code("%magic"), "check") == []


def test_alt_texts():
    assert rules.alt_texts(f'<p><img src="x" alt="{ALT}"/><IMG><svg>') == [ALT, ""]
