"""`make test-colab`, `test-newest` and `test-lowest`: what they install is what they say.

The runs themselves need the network and gigabytes; here only what they are made of is tested.
"""

from __future__ import annotations

import importlib.util
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
    sys.path.insert(0, str(ROOT / "tests" / "versions"))
    import colab

    yield colab
    sys.path.remove(str(ROOT / "tests" / "versions"))


@pytest.fixture(scope="module")
def ends(colab):
    import ends

    return ends


@pytest.fixture(scope="module")
def command(colab):
    path = ROOT / "tests/versions/__main__.py"
    spec = importlib.util.spec_from_file_location("versions_command", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_the_course_takes_what_colab_ships(colab):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [*project["optional-dependencies"].values(), project["dependencies"]]  # the last one counts
    needed = {one.name: one for group in groups for one in map(Requirement, group)}
    pins = [Requirement(line) for line in colab.PINS.read_text().splitlines() if line and line[0] != "#"]
    assert [pin.name for pin in pins] == colab.pinned() and {"torch", "ipywidgets", "numpy"} <= set(colab.pinned())
    for pin in pins:
        (version,) = [one.version for one in pin.specifier]
        assert needed[pin.name].specifier.contains(version), f"Colab's {pin.name} {version} would be replaced"


def test_it_runs_the_lines_of_the_first_cell(colab, tmp_path):
    course, files = colab.install_commands(Path("py"), tmp_path)
    assert course == ["py", "-m", "pip", "install", "-q", f"ftlib @ {tmp_path.as_uri()}"]
    assert files == ["py", "-m", "pip", "install", "-q", f"ftlib[files] @ {tmp_path.as_uri()}"]
    cell = launch.INSTALL.format(name="anna/course")
    assert " ".join(course[3:5]) in cell and '"ftlib @ git+https://' in cell


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
    import environments

    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert environments.choose_python([str(tmp_path / "none"), str(old), sys.executable]) == sys.executable
    with pytest.raises(colab.EnvironmentFault, match="There is no Python among"):
        environments.choose_python([str(tmp_path / "none")])


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
    with pytest.raises(colab.EnvironmentFault, match="changed what Colab ships: 1 files of torch"):
        colab.install(Path("py"), ROOT)
    sizes = iter([1, 1])
    colab.install(Path("py"), ROOT)
    assert "1 files of torch as before" in capsys.readouterr().out
    assert sum(command[:4] == ["py", "-m", "pip", "install"] for command in commands) == 4, "the course, then its files, twice"


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


def test_a_lesson_that_is_not_there(command, capsys):
    assert command(["colab", "--only", "99"]) == 1
    assert "There is no lesson 99" in capsys.readouterr().err


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_ends_are_resolved_from_the_floors_alone(ends, monkeypatch, tmp_path):
    """The release train in [tool.uv] would pin both, and an older resolution too: uv prefers what a file there has."""
    commands = []
    (tmp_path / "pins.txt").write_text("torch==1.0\n")
    import environments

    def run(command, env, capture_output):
        commands.append([str(word) for word in command])
        assert not (tmp_path / "pins.txt").exists() and "PYTHONPATH" not in env
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setenv("PYTHONPATH", "/x")
    monkeypatch.setattr(environments.subprocess, "run", run)
    for name in ends.SETS:
        ends.resolve(name, "py", tmp_path)
    assert all("--no-config" in command and "-c" not in command for command in commands)
    assert [command[command.index("--resolution") + 1] for command in commands] == ["highest", "lowest-direct"]


def test_what_cannot_be_resolved_is_said(ends, command, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(ends, "uv", lambda *arguments: False)
    assert command(["newest", "--folder", str(tmp_path), "--python", sys.executable]) == 1
    assert "could not be resolved" in capsys.readouterr().err


def test_a_set_is_shown_beside_what_is_installed(ends, tmp_path):
    pins = tmp_path / "pins.txt"
    pins.write_text("".join(f"{name}==1.2\n" for name in ends.SHOWN))
    lines = ends.differences(pins)
    assert len(lines) == len(ends.SHOWN) and lines[0].split()[:3] == ["torch", "1.2", "here"]


def test_the_release_train_is_the_tested_one():
    """Whoever runs uv by hand in the repository gets the torch, torchvision and torchaudio that are tested."""
    tested = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    train = PROJECT["tool"]["uv"]["constraint-dependencies"]
    assert len(train) == 3 and set(train) <= set(tested)


def test_every_floor_is_stated():
    extras = PROJECT["project"]["optional-dependencies"]
    groups = [PROJECT["project"]["dependencies"], *(group for name, group in extras.items() if name != "files")]
    assert all("==" in one for one in extras["files"]), "a file has one version: its hash decides"
    needed = [one for group in groups for one in map(Requirement, group) if one.name != "ftlib"]
    assert [str(one) for one in needed if not any(spec.operator == ">=" for spec in one.specifier)] == []


def test_the_table_of_versions_says_what_the_sets_are(colab):
    text = (ROOT / "lessons/CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    at = next(i for i, row in enumerate(rows) if row[0] == "set")
    shown = {row[0].partition(":")[0]: dict(zip(rows[at][3:8], row[3:8], strict=True)) for row in rows[at + 2 : at + 6]}
    pins = {"tested": (ROOT / "constraints.txt"), "Colab's": colab.PINS}
    for name, path in pins.items():
        lines = path.read_text(encoding="utf-8").splitlines()
        assert [f"{package}=={version}" for package, version in shown[name].items() if package] == [
            next(line for line in lines if line.startswith(f"{package}==")) for package in shown[name]
        ]
    floors = {one.name: one for one in map(Requirement, PROJECT["project"]["dependencies"])}
    for package, version in shown["lowest"].items():
        assert version.removesuffix(".0") in (floor := str(floors[package].specifier)), f"{package}{floor}"
