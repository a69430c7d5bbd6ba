"""The learner's own copies: results hidden, refreshed only where nothing of theirs is lost."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from ftlib import cli, workspace
from ftlib.workspace import RECORD, WorkspaceError, cleared, copy_lessons, fingerprint, read_notebook, sentences

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["00_start.ipynb", "03_recipe.ipynb"]


def code(source, *outputs, count=None, **metadata):
    return {
        "cell_type": "code",
        "id": "c1",
        "metadata": metadata,
        "source": source,
        "outputs": list(outputs),
        "execution_count": count,
    }


def text(source):
    return {"cell_type": "markdown", "id": "m1", "metadata": {"tags": ["header"]}, "source": source}


def notebook(*cells, **metadata):
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


PRINTED = {"output_type": "stream", "name": "stdout", "text": "0.91\n"}


def save(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def course(tmp_path):
    for name in NAMES:
        run = code(["score = fit()\n", "score"], PRINTED, count=1, tags=["core"], execution={"a": "t"})
        cells = text(f"# {name}"), run
        save(tmp_path / "lessons" / name, notebook(*cells, widgets={"state": 1}, ftlib={"id": name[:2]}))
    return tmp_path / "lessons"


@pytest.fixture
def mine(course, tmp_path):
    copy_lessons(course, tmp_path / "copies")
    return tmp_path / "copies"


def renew(course, name=NAMES[1]):
    """The course brings out a new version of a lesson."""
    changed = load(course / name)
    changed["cells"][0]["source"] = "# A better text"
    save(course / name, changed)


def edit(path, source="score = my_own_fit()"):
    theirs = load(path)
    theirs["cells"][1]["source"] = source
    save(path, theirs)
    return path.read_bytes()


def run_it(path):
    """What JupyterLab leaves behind when a notebook is run to its end and saved."""
    theirs = load(path)
    theirs["cells"][1].update(outputs=[PRINTED], execution_count=7)
    theirs["cells"][1]["metadata"]["collapsed"] = True
    theirs["cells"].append(code("", tags=[]))
    theirs["metadata"]["language_info"] = {"version": "3.13"}
    save(path, theirs)


def test_copies_have_no_results_and_keep_everything_else(mine, course):
    assert sorted(path.name for path in mine.glob("*.ipynb")) == NAMES
    there, here = load(course / NAMES[0]), load(mine / NAMES[0])
    assert here["cells"][0] == there["cells"][0]
    cell = here["cells"][1]
    assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert cell["source"] == there["cells"][1]["source"] and cell["id"] == "c1"
    assert cell["metadata"] == {"tags": ["core"]}
    assert here["metadata"] == {"ftlib": {"id": "00"}}


def test_clearing_leaves_the_original_alone():
    original = notebook(code("x", PRINTED, count=3), widgets={})
    before = json.dumps(original)
    assert cleared(original)["cells"][0]["outputs"] == []
    assert json.dumps(original) == before


@pytest.mark.parametrize(
    ("cells", "same"),
    [
        ([text("a"), code("x = 1\ny", PRINTED, count=9)], True),
        ([text("a"), code(["x = 1\n", "y"])], True),
        ([text("a"), code("x = 1\r\ny\n\n"), code("  ")], True),
        ([text("a"), code("x = 2\ny")], False),
        ([text("a"), code(" x = 1\ny")], False),
        ([code("x = 1\ny"), text("a")], False),
        ([text("a"), text("x = 1\ny")], False),
        ([text("a"), code("x = 1"), code("y")], False),
        ([text("a")], False),
    ],
)
def test_the_fingerprint_sees_the_cells_and_nothing_else(cells, same):
    assert (fingerprint(notebook(*cells)) == fingerprint(notebook(text("a"), code("x = 1\ny")))) is same


def test_a_second_start_changes_nothing(mine, course):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in mine.glob("*.ipynb")}
    outcome = copy_lessons(course, mine)
    assert outcome == workspace.Outcome()
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert "up to date" in sentences(outcome, course, mine)[0]


def test_an_untouched_or_merely_run_copy_is_refreshed(mine, course):
    run_it(mine / NAMES[1])
    renew(course)
    outcome = copy_lessons(course, mine)
    assert outcome.refreshed == [NAMES[1]] and not outcome.left
    assert load(mine / NAMES[1])["cells"][0]["source"] == "# A better text"
    assert copy_lessons(course, mine) == workspace.Outcome()


def test_running_a_copy_keeps_its_results_while_the_course_stays(mine, course):
    run_it(mine / NAMES[1])
    ran = (mine / NAMES[1]).read_bytes()
    assert copy_lessons(course, mine) == workspace.Outcome()
    assert (mine / NAMES[1]).read_bytes() == ran


def test_a_changed_copy_is_never_replaced_and_the_new_version_is_named(mine, course):
    theirs = edit(mine / NAMES[1])
    assert copy_lessons(course, mine) == workspace.Outcome()
    renew(course)
    for _ in range(2):
        outcome = copy_lessons(course, mine)
        assert outcome.left == [NAMES[1]] and not outcome.refreshed
        assert (mine / NAMES[1]).read_bytes() == theirs
    said = " ".join(sentences(outcome, course, mine))
    assert NAMES[1] in said and str(course) in said and NAMES[0] not in said
    (mine / NAMES[1]).rename(mine / "mine.ipynb")
    assert copy_lessons(course, mine).again == [NAMES[1]]
    assert (mine / "mine.ipynb").read_bytes() == theirs


def test_a_change_taken_back_is_no_change(mine, course):
    original = load(mine / NAMES[1])["cells"][1]["source"]
    edit(mine / NAMES[1])
    renew(course)
    copy_lessons(course, mine)
    edit(mine / NAMES[1], original)
    assert copy_lessons(course, mine).refreshed == [NAMES[1]]


def test_new_deleted_and_retired_lessons(mine, course):
    save(course / "06_words.ipynb", notebook(text("new")))
    (mine / NAMES[0]).unlink()
    (course / NAMES[1]).unlink()
    outcome = copy_lessons(course, mine)
    assert (outcome.new, outcome.again, outcome.retired) == (["06_words.ipynb"], [NAMES[0]], [NAMES[1]])
    assert all((mine / name).is_file() for name in [*NAMES, "06_words.ipynb"])
    said = sentences(outcome, course, mine)
    assert len(said) == 3 and all(name in " ".join(said) for name in NAMES)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"copies": 3}', '{"version": 1}', None, b"\xff\xfe\x00"])
def test_without_its_record_every_differing_copy_counts_as_theirs(mine, course, record):
    theirs = edit(mine / NAMES[0])
    if record is None:
        (mine / RECORD).unlink()
    else:
        (mine / RECORD).write_bytes(record if isinstance(record, bytes) else record.encode())
    renew(course)
    untouched = (mine / NAMES[1]).read_bytes()
    outcome = copy_lessons(course, mine)
    assert outcome.left == NAMES and outcome.record_lost is (record is not None)
    assert (mine / NAMES[0]).read_bytes() == theirs and (mine / NAMES[1]).read_bytes() == untouched
    assert ("damaged" in sentences(outcome, course, mine)[0]) is (record is not None)
    assert not copy_lessons(course, mine).record_lost


def test_a_copy_equal_to_the_course_needs_no_record(mine, course):
    (mine / RECORD).unlink()
    assert copy_lessons(course, mine) == workspace.Outcome()
    renew(course)
    assert copy_lessons(course, mine).refreshed == [NAMES[1]]


@pytest.mark.parametrize("content", ["", "half a note", "[]", '{"cells": 1}', '{"worksheets": []}', b"\xff\xfe\x00"])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_copy_that_is_no_notebook_is_replaced_beside_the_old_one(mine, course, content, is_new):
    path, good = mine / NAMES[1], (mine / NAMES[1]).read_bytes()
    content = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(content)
    if is_new:
        renew(course)
    outcome = copy_lessons(course, mine)
    aside = path.with_name(f"{path.stem}.broken-1.ipynb")
    assert outcome.mended == [f"{path.name} (what was there: {aside.name})"] and not outcome.left
    assert aside.read_bytes() == content and (is_new or path.read_bytes() == good)
    assert "could not be opened as notebooks and are written again" in "\n".join(sentences(outcome, course, mine))
    assert not copy_lessons(course, mine).mended
    path.write_bytes(good[: len(good) // 2])  # a disk was full once more
    assert copy_lessons(course, mine).mended and path.with_name(f"{path.stem}.broken-2.ipynb").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_in_place_of_a_copy_is_left(mine, course, tmp_path):
    (mine / NAMES[1]).unlink()
    (mine / NAMES[1]).symlink_to(tmp_path / "nowhere.ipynb")
    renew(course)
    assert copy_lessons(course, mine).left == [NAMES[1]]
    assert (mine / NAMES[1]).is_symlink()


def test_a_failed_write_leaves_the_old_copy_and_no_litter(mine, course, monkeypatch):
    before = (mine / NAMES[1]).read_bytes()
    renew(course)

    def full(*_):
        raise OSError(28, "No space left on device", "copies")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkspaceError, match="No space left.*free some disk space"):
        copy_lessons(course, mine)
    monkeypatch.undo()
    assert (mine / NAMES[1]).read_bytes() == before
    assert [path.name for path in mine.iterdir() if path.suffix != ".ipynb"] == [".ftlib"]
    assert copy_lessons(course, mine).refreshed == [NAMES[1]]


def test_killed_between_the_copies_and_the_record(mine, course, monkeypatch):
    renew(course)
    write = workspace.write_json
    monkeypatch.setattr(workspace, "write_json", lambda path, x: None if path.name == RECORD.name else write(path, x))
    copy_lessons(course, mine)
    monkeypatch.undo()
    assert copy_lessons(course, mine) == workspace.Outcome()
    assert load(mine / RECORD)["copies"][NAMES[1]] == fingerprint(load(course / NAMES[1]))


def test_what_it_refuses(course, tmp_path):
    with pytest.raises(WorkspaceError, match="the course's own lessons"):
        copy_lessons(course, course)
    with pytest.raises(WorkspaceError, match="no lessons in"):
        copy_lessons(tmp_path, tmp_path / "copies")
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        copy_lessons(course, tmp_path / "file")
    (course / NAMES[0]).write_text("{}")
    with pytest.raises(WorkspaceError, match=f"{NAMES[0]} cannot be read as a notebook"):
        copy_lessons(course, tmp_path / "copies")
    assert not (tmp_path / "copies").exists()
    with pytest.raises(WorkspaceError, match="cannot be read"):
        read_notebook(tmp_path / "none.ipynb")


def test_only_lessons_are_copied(course):
    save(course / "scratch.ipynb", notebook())
    assert [path.name for path in workspace.lesson_files(course)] == NAMES


def test_the_command(course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["workspace"]) == 0
    assert f"Copied to work/, with the results still hidden: {', '.join(NAMES)}." in capsys.readouterr().out
    assert cli.main(["workspace", "work"]) == 0
    assert capsys.readouterr().out == "Your copies in work/ are up to date.\n"
    assert cli.main(["workspace", "lessons"]) == 1
    assert "choose another folder" in capsys.readouterr().err


def test_links_between_the_lessons_work_in_the_copies(tmp_path):
    copy_lessons(ROOT / "lessons", tmp_path)
    for path in tmp_path.glob("*.ipynb"):
        cells = [cell for cell in load(path)["cells"] if cell["cell_type"] == "markdown"]
        said = "\n".join("".join(cell["source"]) for cell in cells)
        targets = [link for link in re.findall(r"\]\(([^)\s]+)\)", said) if not re.match(r"https?:|#", link)]
        missing = [link for link in targets if not (tmp_path / link.partition("#")[0]).is_file()]
        assert not missing, f"{path.name} links to {missing}, which its readers' copies do not have beside them"
        assert all(not cell.get("outputs") for cell in load(path)["cells"])


@pytest.mark.parametrize(
    "line",
    ["from ftlib.classroom import quiz", "from ftlib.cached import frozen_features", "from ftlib import plots, studies",
     "from ftlib import network_plots"],
)
def test_a_copy_that_is_older_than_the_course_says_so(line):
    with pytest.raises(ImportError, match="older than the course.*Rename your copy, run `make lab`"):
        exec(line, {})
