"""An environment of its own for each set of versions that the course is tested with."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class EnvironmentFault(RuntimeError):
    """The environment cannot be made, or is not the one that was asked for; the message says why."""


def clean(**more: str) -> dict[str, str]:
    """The environment variables without those that lead Python or pip elsewhere, and with ``more``."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, **more}


def choose_python(candidates: Sequence[str]) -> str:
    """The first of these that runs and suits the course.

    Raises:
        EnvironmentFault: none does.
    """
    program = "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"
    for candidate in candidates:
        try:
            if not subprocess.run([candidate, "-c", program], capture_output=True).returncode:
                return candidate
        except OSError:
            continue
    raise EnvironmentFault(f"There is no Python among {', '.join(candidates)}: install one, or name it with PYTHON=...")


def uv(*arguments: str | Path, silent: bool = False) -> bool:
    """Run uv without the settings of this repository or account, and tell whether it went well.

    The release train that ``pyproject.toml`` names for whoever runs uv by hand would pin every other set as well.
    """
    from uv import find_uv_bin

    command = [find_uv_bin(), *map(str, arguments), "--no-config", "-q"]
    return subprocess.run(command, env=clean(), capture_output=silent).returncode == 0


def make(folder: Path, python: str, requirements: Path) -> Path:
    """Make the environment ``folder/venv`` with these pins, unless it is there and whole; returns its Python.

    Raises:
        EnvironmentFault: a package could not be installed.
    """
    key = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()[:16]
    venv = folder / "venv"
    stamp, inside = venv / f".made-{key}", venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if stamp.exists():
        return inside
    shutil.rmtree(venv, ignore_errors=True)
    print(f"Making the environment {venv} with {python} ...", flush=True)
    if not uv("venv", "--seed", "--python", python, venv):
        raise EnvironmentFault(f"{python} could not make an environment in {venv}.")
    install = ["pip", "install", "--compile-bytecode", "--python", inside, "-r", requirements]
    if not uv(*install, "--torch-backend=cpu", silent=True):
        print("The index of torch's CPU builds is out of reach; taking the usual build.", flush=True)
        if not uv(*install):
            raise EnvironmentFault("The packages could not be installed: see the lines above.")
    stamp.touch()
    return inside
