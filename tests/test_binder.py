"""What Binder needs: the tested versions without CUDA, and each visitor's own copy of the lessons."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = [ROOT / "binder" / name for name in ("postBuild", "start")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_and_parse(script):
    assert os.access(script, os.X_OK) or os.name == "nt"
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_image_has_the_tested_versions_and_no_cuda():
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
    copy = tmp_path / "copy"
    (shown / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" "{copy}"\n')
    (shown / "python").chmod(0o755)
    run = subprocess.run(
        [str(SCRIPTS[1]), "echo", "jupyter", "starts"], cwd=ROOT, text=True, capture_output=True, check=True,
        env=os.environ | {"PATH": f"{shown}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.stdout.endswith("jupyter starts\n")
    assert (copy / "03_fine_tuning_recipe.ipynb").exists(), run.stdout + run.stderr
