"""A new lesson is found by its place alone: nobody edits Python code elsewhere for it.

A small copy of the course gets lesson 99: a notebook, a folder with a check, a widget, a task and a study, a quiz, and
its lines in two files of data. The commands that authors use then find it, run it, head it, check it and teach it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.notebooks import book
from authoring.notebooks.book import Lesson

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("ftlib", "lessons/ftlessons", "lessons/authoring", "tests/guard")
PLACED = {
    "lessons/ftlessons/lesson99/__init__.py": '"""What lesson 99 needs."""\n',
    "lessons/ftlessons/lesson99/checks.py": '''
from ftlessons.classroom.checks import exercise, expect


@exercise("99-double", hints=("Think of two.", "Twice three."))
def double(answer):
    """The double of three."""
    expect(answer == 6, f"{answer} is not the double of three")
    return "Twice three is six."
''',
    "lessons/ftlessons/lesson99/bench.py": '''
from ftlessons.classroom.display import emit


def toy_bench() -> None:
    """A bench without a machine."""
    emit("a toy", widget=None)
''',
    "lessons/ftlessons/lesson99/doubles.py": '''
from ftlib.tasks.vision import Digits


class Doubles(Digits):
    """Digits under another name."""

    name = "doubles"
    grid = ()
''',
    "lessons/ftlessons/lesson99/studies/toy_doubles.py": '''
def jobs():
    """Three numbers."""
    return [(n,) for n in range(3)]


def one(n):
    """A number and its double."""
    return {"n": n, "double": 2 * n}
''',
    "data/quizzes/99.toml": '''
[[question]]
text = "What is twice three?"
[[question.choice]]
text = "Six"
correct = true
why = "Two threes are six."
[[question.choice]]
text = "Five"
correct = false
why = "That is three and two."

[reflect]
question = "What is a double?"
answer = "The number, and the number again."
rubric = ["two of them", "the same number", "added up"]
''',
}


def toy_lesson(folder: Path) -> None:
    """Write ``99_toy.ipynb``, as an author would leave it: never run."""

    def cell(kind, source, *tags):
        return kind(source, metadata={"tags": list(tags)}, id=f"c{abs(hash(source)) % 10**8}")

    cells = [
        cell(new_markdown_cell, "# 99 · Doubles\n\nWhat is a double?", "title"),
        cell(new_code_cell, "from ftlib import results\nfrom ftlessons import check, lesson, quiz, reflect\n"
                            "from ftlessons.lesson99.bench import toy_bench\n\nlesson(\"99\")", "core"),
        cell(new_markdown_cell, "## Try it", "core"),
        cell(new_code_cell, "toy_bench()\nresults.study(\"toy_doubles\").double.sum()", "core"),
        cell(new_markdown_cell, "## Exercise", "core"),
        cell(new_code_cell, "answer = ...\ncheck(\"99-double\", answer)", "core"),
        cell(new_code_cell, "answer = 6\ncheck(\"99-double\", answer)", "solution"),
        cell(new_markdown_cell, "## Quiz", "core"),
        cell(new_code_cell, "quiz()", "core"),
        cell(new_code_cell, "reflect()", "core"),
    ]  # fmt: skip
    about = {
        "id": "99", "title": "Doubles", "question": "What is a double?", "requires": [], "minutes": 10, "next": None,
        "objectives": ["say what a double is", "double a number", "tell it from a triple"],
        "surprise": "Six.",
    }  # fmt: skip
    book.save(Lesson(folder / "99_toy.ipynb", new_notebook(cells=cells, metadata={"ftlib": about})))


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A copy of the course with lesson 99; data and other lessons are links."""
    root = tmp_path_factory.mktemp("course")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt", "README.md"):
        shutil.copy2(ROOT / name, root / name)
    for path in (ROOT / "lessons").glob("*"):
        if path.is_file():
            shutil.copy2(path, root / "lessons" / path.name)
    (root / "data").mkdir()
    for path in (ROOT / "data").iterdir():
        if path.name in ("quizzes", "results"):
            shutil.copytree(path, root / "data" / path.name)
        elif path.is_dir():
            (root / "data" / path.name).symlink_to(path)
        else:
            shutil.copy2(path, root / "data" / path.name)
    for name, text in PLACED.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.lstrip(), encoding="utf-8")
    plan = root / "data/course.toml"
    text = plan.read_text(encoding="utf-8")
    line = '\n99 = { title = "Doubles", part = "practice" }'
    plan.write_text(text.replace("\n20 = {", line + "\n20 = {"), encoding="utf-8")
    toy_lesson(root / "lessons")
    return root


# one process in the copy, with the copy's packages alone: record the study, run and head the lesson, teach it, grade it
PROGRAM = """
import json
from pathlib import Path
from authoring.__main__ import main
for command in ("results toy_doubles", "lessons --only 99", "teach --only 99"):
    assert not main(command.split()), command
from authoring.notebooks import book, rules
from authoring.teach import sections
from ftlessons.classroom.checks import grade
from ftlib import tasks
lesson = book.read(Path("lessons/99_toy.ipynb"))
print(json.dumps({
    "faults": [fault for rule in rules.RULES for fault in rule(lesson)], "widgets": sections.WIDGETS,
    "grade": grade("99-double", 6).status, "task": type(tasks.get("doubles")).__name__, "there": rules.__file__,
}))
"""


@pytest.fixture(scope="module")
def told(course) -> dict:
    """What the program tells."""
    path = os.pathsep.join(str(course / name) for name in (".", "lessons"))
    options = {"cwd": course, "env": os.environ | {"PYTHONPATH": path}, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", PROGRAM], **options)
    assert not done.returncode, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_its_study_is_found_and_recorded(course, told):
    recorded = json.loads((course / "data/results/toy_doubles.json").read_text(encoding="utf-8"))
    assert recorded["lesson"] == "99" and recorded["columns"]["double"] == [0, 2, 4]


def test_it_is_run_measured_and_headed(course, told):
    lesson = book.read(course / "lessons/99_toy.ipynb")
    assert lesson.about["seconds"] > 0 and "On one CPU core" in lesson.notebook.cells[1].source
    assert "99_toy.ipynb" in (course / "README.md").read_text(encoding="utf-8")
    index = json.loads((course / "data/lessons.json").read_text(encoding="utf-8"))
    assert index["99"]["exercises"] == ["99-double"] and index["99"]["quizzes"] == ["99"]


def test_it_keeps_the_rules_and_is_taught(course, told):
    assert Path(told["there"]).resolve().is_relative_to(course.resolve())
    assert told["faults"] == [] and told["grade"] == "correct" and told["task"] == "Doubles"
    assert "toy_bench" in told["widgets"]
    guides = [path for path in (course / "build").rglob("*99*") if path.is_file()]
    assert any("Doubles" in path.read_text(encoding="utf-8", errors="replace") for path in guides)
