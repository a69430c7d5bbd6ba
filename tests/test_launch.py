"""A published course: launch links and Colab's install cell come from one setting, everywhere."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nbclient
import pytest
from IPython.core.interactiveshell import InteractiveShell

from authoring.notebooks import book, command, launch, rules
from authoring.notebooks.front import part, renew_readme

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://github.com/anna/course"
INSTALL = launch.INSTALL.format(name="anna/course")


@pytest.fixture
def course(tmp_path):
    """Two lessons, the README and the setting, in a folder of their own."""
    for name in ("README.md", "lessons/00_start_here.ipynb", "lessons/03_fine_tuning_recipe.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    publish(tmp_path, "")
    return tmp_path


def publish(root, address):
    (root / "pyproject.toml").write_text(f'[tool.ftlib]\nrepository = "{address}"\n')
    command.renew_headers(root / "lessons", root)
    renew_readme(root / "README.md", address)
    return book.find(root / "lessons")


def test_one_setting_reaches_all_notebooks_and_the_readme_and_leaves_them_again(course):
    before = {path: path.read_bytes() for path in course.rglob("*.*")}
    for lesson in publish(course, ADDRESS):
        assert launch.links(lesson.path.name, ADDRESS) in lesson.notebook.cells[1].source
        assert launch.COLAB in book.tags(lesson.notebook.cells[2]) and "anna/course" in lesson.notebook.cells[2].source
        assert not [fault for rule in rules.RULES for fault in rule(lesson)]
    readme = (course / "README.md").read_text(encoding="utf-8")
    badges = part("launch", ADDRESS)
    assert badges in readme.partition("\n## ")[0], "badges stand above the first heading"
    assert "colab.research.google.com/github/anna/course/blob/main/lessons/00_start_here.ipynb" in badges
    assert "[![Open lesson 00 in Binder](" in badges and "/anna/course/main?urlpath=lab/tree/" + "work/00" in badges
    for lesson in publish(course, "https://github.com/ben/other"):
        text = lesson.path.read_text(encoding="utf-8")
        assert "ben/other" in text and "anna" not in text and text.count('"colab"') == 1
    publish(course, "")
    assert {path: path.read_bytes() for path in course.rglob("*.*")} == before


def test_another_host_gets_no_links():
    assert launch.links("00_start_here.ipynb", "https://example.org/a/b") == ""
    assert launch.badges("00_start_here.ipynb", "", "lesson 00") == ""
    assert launch.install_cell(book.find(ROOT / "lessons")[0], "") is None


def test_no_run_of_ours_executes_the_install_cell():
    assert nbclient.NotebookClient.skip_cells_with_tag.default_value in launch.COLAB_TAGS
    assert "nbval-skip" in launch.COLAB_TAGS


def test_the_cell_installs_on_colab_and_does_nothing_elsewhere(monkeypatch):
    shell, asked = InteractiveShell.instance(), []
    monkeypatch.setitem(shell.magics_manager.magics["line"], "pip", asked.append)
    assert shell.run_cell(INSTALL).success and asked == []
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    assert shell.run_cell(INSTALL).success
    assert asked == [f'install -q "{what} @ git+https://github.com/anna/course"' for what in ("ftlib", "ftlib[files]")]
