"""Runs lessons in an environment like Colab's: its versions, its first cell, no repository and no strange torch.

The environment has the versions of ``pins.txt`` and no others are asked for. The course gets in by the line that
the first cell of a published lesson runs, with this checkout instead of the address; nothing that was pinned may
change by that, nor any file of torch. Then nbval runs copies of the notebooks in a folder of their own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from authoring.notebooks.book import Lesson, LessonError, find
from authoring.notebooks.kernel import CELL_TIMEOUT, FIXED
from authoring.notebooks.launch import INSTALL
from authoring.notebooks.usage import read_usage, table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PINS = HERE / "pins.txt"
LESSONS = ("03", "06", "13")  # those of them that there are
PYTHONS = ("python3.13", "python3.11")  # Colab's, and the next best
SNAPSHOT = """
import importlib.metadata as m, json, sys
versions = {name: m.version(name) for name in sys.argv[1:]}
files = [file.locate() for file in m.distribution("torch").files]
stats = {str(file): [file.stat().st_size, file.stat().st_mtime_ns] for file in files if file.exists()}
print(json.dumps({"versions": versions, "torch": stats}))
"""

Snapshot = dict[str, dict]


def clean(**more: str) -> dict[str, str]:
    """The environment variables without those that lead Python or pip elsewhere, and with ``more``."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, **more}


class ColabError(RuntimeError):
    """The environment cannot be made or is not like Colab's; the message says why."""


def pinned() -> list[str]:
    """The names of the packages in ``pins.txt``."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if line and not line.startswith("#")]


def install_command(python: Path, root: Path) -> list[str]:
    """The command of Colab's install cell, with a checkout in the place of the published address."""
    line = next(line.strip() for line in INSTALL.splitlines() if "%pip" in line)
    pip, *arguments = shlex.split(line)
    assert pip == "%pip" and "git+" in arguments[-1], line
    return [str(python), "-m", "pip", *arguments[:-1], f"ftlib @ {root.as_uri()}"]


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """What an installation changed of what was pinned, one sentence each."""
    found = [
        f"{name} became {after['versions'].get(name)}, and Colab has {version}."
        for name, version in before["versions"].items()
        if after["versions"].get(name) != version
    ]
    touched = [file for file, stat in before["torch"].items() if after["torch"].get(file) != stat]
    return found + ([f"{len(touched)} files of torch were changed, such as {touched[0]}."] if touched else [])


def choose_python(candidates: Sequence[str]) -> str:
    """The first of these that runs and suits the course.

    Raises:
        ColabError: none does.
    """
    program = "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"
    for candidate in candidates:
        try:
            if not subprocess.run([candidate, "-c", program], capture_output=True).returncode:
                return candidate
        except OSError:
            continue
    raise ColabError(f"There is no Python among {', '.join(candidates)}: install one, or name it with PYTHON=...")


def environment(folder: Path, python: str) -> Path:
    """Make the environment, unless it is there and whole; returns its Python.

    Raises:
        ColabError: a package could not be installed.
    """
    key = hashlib.sha256(PINS.read_bytes() + python.encode()).hexdigest()[:16]
    venv, stamp = folder / "venv", folder / "venv" / f".colab-{key}"
    inside = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if stamp.exists():
        return inside
    from uv import find_uv_bin

    uv = find_uv_bin()
    shutil.rmtree(venv, ignore_errors=True)
    install = [uv, "pip", "install", "-q", "--python", str(inside), "-r", str(PINS), "pytest", "nbval"]
    print(f"Making Colab's environment with {python} ...", flush=True)
    if subprocess.run([uv, "venv", "-q", "--seed", "--python", python, str(venv)]).returncode:
        raise ColabError(f"{python} could not make an environment in {venv}.")
    if subprocess.run([*install, "--torch-backend=cpu"], capture_output=True).returncode:
        print("The index of torch's CPU builds is out of reach; taking the usual build.", flush=True)
        if subprocess.run(install).returncode:
            raise ColabError("The packages could not be installed: see the lines above.")
    stamp.touch()
    return inside


def install(python: Path, root: Path) -> None:
    """Install the course as Colab's first cell does, and see that nothing pinned has changed.

    Raises:
        ColabError: the installation failed, or changed what Colab ships.
    """
    snapshot = [str(python), "-I", "-c", SNAPSHOT, *pinned()]
    subprocess.run([str(python), "-m", "pip", "uninstall", "-q", "-y", "ftlib"], capture_output=True, env=clean())
    before = json.loads(subprocess.run(snapshot, capture_output=True, check=True, text=True).stdout)
    print("Installing the course as the first cell does ...", flush=True)
    if subprocess.run(install_command(python, root), env=clean()).returncode:
        raise ColabError("The course could not be installed: see the lines above.")
    after = json.loads(subprocess.run(snapshot, capture_output=True, check=True, text=True).stdout)
    if found := changes(before, after):
        raise ColabError(f"Installing the course changed what Colab ships: {' '.join(found)}")
    shown = ", ".join(f"{name} {version}" for name, version in after["versions"].items())
    print(f"Nothing that Colab ships was changed: {shown}; {len(after['torch'])} files of torch as before.", flush=True)


def run(python: Path, lessons: Sequence[Lesson], folder: Path) -> int:
    """Run copies of the lessons outside the repository, offline; returns the exit status of pytest."""
    content, usage = folder / "content", folder / "usage"
    for place in (content, usage):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    for lesson in lessons:
        shutil.copy2(lesson.path, content)
    quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # the debugger of Colab's ipykernel warns on Python 3.13
    settings = clean(**FIXED, **quiet, FTLIB_USAGE_DIR=str(usage), PYTHONPATH=str(ROOT / "tests" / "guard"))
    command = [str(python), "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(content), "-p", "no:cacheprovider"]
    command += ["--confcutdir", str(content)]  # the repository around the folder has no say
    command += ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}", str(content)]
    status = subprocess.run(command, cwd=content, env=settings).returncode
    print(table([(lesson, read_usage(usage, lesson.id)) for lesson in lessons]))
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python tests/colab", description="Run lessons as Colab would.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "colab", help="default: build/colab")
    parser.add_argument("--python", action="append", default=[], help="the Python to use, if it can be had")
    parser.add_argument("--only", nargs="+", help=f"lessons by number; default: {' '.join(LESSONS)}, where there are")
    options = parser.parse_args(argv)
    try:
        there = {lesson.id for lesson in find(ROOT / "lessons")}
        lessons = find(ROOT / "lessons", options.only or sorted(there.intersection(LESSONS)))
        folder = options.folder.absolute()
        python = environment(folder, choose_python([*options.python, *PYTHONS, sys.executable]))
        install(python, ROOT)
        return run(python, lessons, folder)
    except (ColabError, LessonError) as problem:
        print(problem, file=sys.stderr)
        return 1
