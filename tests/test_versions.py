"""`make test-colab`: its pins suit the course, it installs as the first cell does, and it sees what changed.

The run itself needs the network and gigabytes; here only what it is made of is tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from authoring.notebooks import launch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def colab():
    sys.path.insert(0, str(ROOT / "tests" / "colab"))
    import lessons_there

    yield lessons_there
    sys.path.remove(str(ROOT / "tests" / "colab"))


def test_the_course_takes_what_colab_ships(colab):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    needed = {one.name: one for group in groups for one in map(Requirement, group)}
    pins = [Requirement(line) for line in colab.PINS.read_text().splitlines() if line and line[0] != "#"]
    assert [pin.name for pin in pins] == colab.pinned() and {"torch", "ipywidgets", "numpy"} <= set(colab.pinned())
    for pin in pins:
        (version,) = [one.version for one in pin.specifier]
        assert needed[pin.name].specifier.contains(version), f"Colab's {pin.name} {version} would be replaced"
    ours = (ROOT / "constraints.txt").read_text()
    assert all(f"{pin}\n" in ours for pin in pins if pin.name.startswith("torch")), "one release train"


def test_it_runs_the_line_of_the_first_cell(colab, tmp_path):
    command = colab.install_command(Path("py"), tmp_path)
    assert command == ["py", "-m", "pip", "install", "-q", f"ftlib @ {tmp_path.as_uri()}"]
    cell = launch.INSTALL.format(name="anna/course")
    assert " ".join(command[3:5]) in cell and '"ftlib @ git+https://' in cell


def test_what_an_installation_changed_is_named(colab):
    before = {"versions": {"torch": "2.11.0", "numpy": "2.1.3"}, "torch": {"a.so": [1, 5], "b.py": [2, 5]}}
    assert colab.changes(before, before) == []
    after = {"versions": {"torch": "2.11.0", "numpy": "2.5.5"}, "torch": {"a.so": [1, 6], "b.py": [2, 5]}}
    assert colab.changes(before, after) == [
        "numpy became 2.5.5, and Colab has 2.1.3.", "1 files of torch were changed, such as a.so."
    ]  # fmt: skip
    assert colab.changes(before, {"versions": before["versions"], "torch": {}})[0].startswith("2 files of torch")


def test_the_snapshot_sees_versions_and_torchs_files(colab):
    command = [sys.executable, "-c", colab.SNAPSHOT, "numpy"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert set(told["versions"]) == {"numpy"} and len(told["torch"]) > 1000


def test_the_first_python_that_suits(colab, tmp_path):
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert colab.choose_python([str(tmp_path / "none"), str(old), sys.executable]) == sys.executable
    with pytest.raises(colab.ColabError, match="There is no Python among"):
        colab.choose_python([str(tmp_path / "none")])


def test_nothing_leads_python_elsewhere(colab, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/x")
    monkeypatch.setenv("VIRTUAL_ENV", "/x")
    found = colab.clean(MORE="1")
    assert "PYTHONPATH" not in found and "VIRTUAL_ENV" not in found and found["MORE"] == "1"
    assert found["PATH"] == os.environ["PATH"]


def test_an_installation_that_changes_torch_stops_it(colab, monkeypatch, capsys):
    sizes = iter([1, 2])
    commands = []

    def run(command, **options):
        commands.append(command)
        seen = {"versions": {}, "torch": {"a.so": next(sizes)}} if colab.SNAPSHOT in command else {}
        return subprocess.CompletedProcess(command, 0, json.dumps(seen))

    monkeypatch.setattr(colab.subprocess, "run", run)
    with pytest.raises(colab.ColabError, match="changed what Colab ships: 1 files of torch"):
        colab.install(Path("py"), ROOT)
    sizes = iter([1, 1])
    colab.install(Path("py"), ROOT)
    assert "1 files of torch as before" in capsys.readouterr().out
    assert sum(command[:4] == ["py", "-m", "pip", "install"] for command in commands) == 2


def test_lessons_run_outside_the_repository_and_offline(colab, monkeypatch, tmp_path):
    seen = {}

    def run(command, cwd, env):
        seen.update(command=command, cwd=cwd, env=env, files=sorted(file.name for file in cwd.iterdir()))
        return subprocess.CompletedProcess(command, 3)

    lessons = [colab.find(ROOT / "lessons", ["03"])[0]]
    monkeypatch.setattr(colab.subprocess, "run", run)
    assert colab.run(Path("py"), lessons, tmp_path) == 3
    assert seen["files"] == ["03_fine_tuning_recipe.ipynb"] and ROOT not in seen["cwd"].parents
    assert seen["env"]["PYTHONPATH"] == str(ROOT / "tests" / "guard") and seen["env"]["FTLIB_BLOCK_NETWORK"] == "1"
    assert seen["env"]["FTLIB_STRICT"] == "1" and "--nbval-lax" in seen["command"]


def test_a_lesson_that_is_not_there(colab, capsys):
    assert colab.main(["--only", "99"]) == 1
    assert "There is no lesson 99" in capsys.readouterr().err
