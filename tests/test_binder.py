"""What Binder needs: the tested versions without CUDA, each visitor's own copy, and lessons within its limits."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from authoring.notebooks import book, usage
from authoring.notebooks.hub import SERVER_MB

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "binder"
SCRIPTS = [FOLDER / name for name in ("postBuild", "start")]
MEMORY_MB = 2048  # mybinder.org stops whoever takes more, and promises no more than one core
PATIENCE = 0.1  # of a lesson's minutes may go by in waiting, on that core
GPU = re.compile(r"nvidia|cuda|triton|cupy|-cu\d\d")
WHEELS = {"torch", "torchvision", "torchaudio"}  # their CPU builds need nothing of a GPU
LESSONS = [lesson for lesson in book.find(ROOT / "lessons") if "seconds" in lesson.about]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = [text for extra in ("lab", "files") for text in PROJECT["optional-dependencies"][extra]]
NEEDED = [Requirement(text) for text in PROJECT["dependencies"] + EXTRAS]


def pinned_versions() -> dict[str, str]:
    """What constraints.txt pins, by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = (line.partition(";")[0].strip().split("==") for line in lines if "==" in line and line[0] != "#")
    return {canonicalize_name(name): version for name, version in pinned}


def named_versions(text: str) -> dict[str, str]:
    """Packages that a file of Binder's asks for with a version, as pip or conda writes them."""
    found = re.findall(r"(?m)(?<![\w.-])([A-Za-z][\w.-]*)\s*={1,3}\s*v?(\d[\w.]*)", text)
    return {canonicalize_name(name): version for name, version in found}


def test_scripts_are_executable_and_parse():
    for script in SCRIPTS:
        assert os.access(script, os.X_OK) or os.name == "nt"
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_image_has_the_pinned_versions_and_no_cuda():
    build = SCRIPTS[0].read_text()
    assert "--torch-backend=cpu" in build and "-c constraints.txt" in build and ".[lab]" in build
    assert not re.search(r"==\d", build), "versions stand in constraints.txt alone"
    python = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text()
    assert (3, 11) <= tuple(map(int, python.split("."))) < (3, 14)


def test_start_makes_the_copy_and_goes_on(tmp_path):
    shown = tmp_path / "bin"
    shown.mkdir()
    copy = tmp_path / "copy"
    (shown / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" "{copy}"\n')
    (shown / "python").chmod(0o755)
    run = subprocess.run(
        [str(SCRIPTS[1]), "echo", "jupyter", "starts"], cwd=ROOT, text=True, capture_output=True, check=True,
        env=os.environ | {"PATH": f"{shown}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.stdout.endswith("jupyter starts\n")
    assert (copy / "03_fine_tuning_recipe.ipynb").exists(), run.stdout + run.stderr


def test_lessons_stay_within_binders_memory_beside_jupyterlab_and_compute_in_a_small_part_of_their_minutes():
    assert usage.BUDGET["peak_mb"] + SERVER_MB <= MEMORY_MB, "the limit for every lesson to come fits too"
    for lesson in LESSONS:
        assert lesson.about["peak_mb"] + SERVER_MB <= MEMORY_MB, lesson.id
        seconds = max(lesson.about["seconds"], usage.budget(lesson).seconds)
        assert seconds <= PATIENCE * 60 * lesson.about["minutes"], lesson.id


def test_every_version_named_agrees_with_the_tested_one():
    tested = pinned_versions()
    for path in FOLDER.iterdir():
        named = named_versions(path.read_text(encoding="utf-8"))
        assert {name: tested.get(name) for name in named} == named, path.name


def test_the_rule_on_versions_itself():
    assert named_versions("torch==2.10.0\n  - PyTorch-cpu=2.9  # conda\nset -e; x=3y") == {
        "torch": "2.10.0", "pytorch-cpu": "2.9", "x": "3y",
    }  # fmt: skip
    assert re.fullmatch(r"2\.\d+\.\d", pinned_versions()["torch"])


def test_every_package_that_is_needed_has_a_tested_version():
    tested = pinned_versions()
    assert not [need.name for need in NEEDED if canonicalize_name(need.name) not in tested]
    assert all(need.specifier.contains(tested[canonicalize_name(need.name)]) for need in NEEDED)


def test_every_installation_keeps_to_the_pinned_versions():
    installs = [line for path in SCRIPTS for line in path.read_text().splitlines() if re.search(r"\binstall\b", line)]
    assert len(installs) == 3 and all("-c constraints.txt" in line for line in installs)
    assert not {path.name for path in FOLDER.iterdir()} & {"requirements.txt", "environment.yml", "Dockerfile"}


def needed_packages() -> set[str]:
    """Everything that the course brings along, torch's own builds aside."""
    seen: set[str] = set()
    open_ends = [(need.name, frozenset(need.extras)) for need in NEEDED]
    while open_ends:
        name, extras = open_ends.pop()
        name = canonicalize_name(name)
        if name in seen:
            continue
        seen.add(name)
        try:
            asked = [Requirement(text) for text in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:  # needed on another system
            continue
        for need in asked if name not in WHEELS else ():
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                open_ends.append((need.name, frozenset(need.extras)))
    return seen


def test_nothing_but_torch_could_bring_cuda_and_its_cpu_build_is_asked_for():
    found = needed_packages()
    assert {"transformers", "numpy", "jupyterlab-server"} | WHEELS <= found, "the walk reached what is below"
    assert not [name for name in found if GPU.search(name)]
    assert "--torch-backend=cpu" in SCRIPTS[0].read_text()
    for path in FOLDER.iterdir():
        assert not GPU.search(path.read_text(encoding="utf-8").lower().replace("# ", "")), path.name
