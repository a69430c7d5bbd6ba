"""What a learner has who only installed the wheel, as on Colab: no checkout, no notebooks, an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from authoring.notebooks import book
from authoring.notebooks.index import index

ROOT = Path(__file__).resolve().parents[1]
LESSONS = book.find(ROOT / "lessons")
# runs each first cell as a kernel would, then tells what the learner sees
PROGRAM = """
import json, sys
import ftlib
for cell in json.load(sys.stdin):
    exec(cell, {"__name__": "__main__"})
from ftlessons import progress
from ftlessons.classroom import records
from ftlessons.lesson00.path import my_path
from ftlessons.classroom.course import course_map
from ftlessons.lesson00.path import DOMAINS, Answers, plan
everything = plan(Answers(tuple(DOMAINS), "little", None, own_data=True))
told = {"file": ftlib.__file__, "map": course_map(), "plan": everything.as_markdown()}
print(json.dumps(told))
my_path()
records.keep_solved("03-first-stage")
progress()
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """(where the wheel was unpacked, what the program told, what it printed)."""
    made, unpacked, work = (tmp_path_factory.mktemp(name) for name in ("made", "unpacked", "work"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = made.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    # the folders of PYTHONPATH come before the one that leads to this checkout
    path = os.pathsep.join([str(unpacked), str(ROOT / "tests" / "guard")])
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "FTLIB_STRICT")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        cwd=work, env={**kept, "PYTHONPATH": path, "FTLIB_BLOCK_NETWORK": "1", "PYTHONUTF8": "1"},
        input=json.dumps([lesson.code_cells[0].source for lesson in LESSONS]),
        capture_output=True, text=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told, _, printed = done.stdout.partition("\n")
    return unpacked, json.loads(told), printed


def test_what_only_builds_the_course_is_not_installed(seen):
    there = {path.name for path in seen[0].iterdir() if not path.name.endswith(".dist-info")}
    assert there == {"ftlib", "ftlessons"} and (seen[0] / "ftlib/_data/lessons.json").is_file()


def test_the_first_cell_of_every_lesson_runs(seen):
    unpacked, told, _ = seen
    assert Path(told["file"]) == unpacked / "ftlib" / "__init__.py", "the wheel was tried, not this checkout"


def test_the_map_has_every_lesson_with_link_and_numbers(seen):
    _, told, printed = seen
    for id, known in index(LESSONS).items():
        link = f"| [{id} {known['title']}]({known['file']}) | {known['question']} | {known['minutes']} |"
        assert f"{link} {known['seconds']:.0f} s, {known['peak_mb']:.0f} MB |" in told["map"]
        assert link in printed


def test_the_path_leads_to_every_lesson(seen):
    _, told, printed = seen
    for id, known in index(LESSONS).items():
        assert f"[{id} · {known['title']}]({known['file']}), {known['minutes']} minutes" in told["plan"]
    assert "[06 Sentiment with BERT](06_sentiment_bert.ipynb)" in printed, "my_path() without widgets"


def test_progress_counts_what_was_done(seen):
    (row,) = [line for line in seen[2].splitlines() if line.startswith("| [03")]
    assert "exercises 1 of" in row
