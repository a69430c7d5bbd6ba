"""Runs lessons in an environment like Colab's: its versions, its first cell, no repository and no strange torch.

The environment has the versions of ``colab.txt`` and no others are asked for. The course gets in by the line that
the first cell of a published lesson runs, with this checkout instead of the address; nothing that was pinned may
change by that, nor any file of torch. Then nbval runs copies of the notebooks in a folder of their own.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from environments import ROOT, EnvironmentFault, clean, make, uv

from authoring.notebooks.book import Lesson, find
from authoring.notebooks.kernel import CELL_TIMEOUT, FIXED
from authoring.notebooks.launch import INSTALL
from authoring.notebooks.usage import read_usage, table

HERE = Path(__file__).resolve().parent
PINS = HERE / "colab.txt"
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


def pinned() -> list[str]:
    """The names of the packages in ``colab.txt``."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if line and not line.startswith("#")]


def install_commands(python: Path, root: Path) -> list[list[str]]:
    """The commands of Colab's install cell, with a checkout in the place of the published address."""
    found = []
    for line in (line.strip() for line in INSTALL.splitlines() if "%pip" in line):
        pip, *arguments = shlex.split(line)
        assert pip == "%pip" and "git+" in arguments[-1], line
        what = arguments[-1].partition(" @ ")[0]
        found.append([str(python), "-m", "pip", *arguments[:-1], f"{what} @ {root.as_uri()}"])
    return found


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """What an installation changed of what was pinned, one sentence each."""
    found = [
        f"{name} became {after['versions'].get(name)}, and Colab has {version}."
        for name, version in before["versions"].items()
        if after["versions"].get(name) != version
    ]
    touched = [file for file, stat in before["torch"].items() if after["torch"].get(file) != stat]
    return found + ([f"{len(touched)} files of torch were changed, such as {touched[0]}."] if touched else [])


def install(python: Path, root: Path) -> None:
    """Install the course as Colab's first cell does, and see that nothing pinned has changed.

    Raises:
        EnvironmentFault: the installation failed, or changed what Colab ships.
    """
    snapshot = [str(python), "-I", "-c", SNAPSHOT, *pinned()]
    subprocess.run([str(python), "-m", "pip", "uninstall", "-q", "-y", "ftlib"], capture_output=True, env=clean())
    before = json.loads(subprocess.run(snapshot, capture_output=True, check=True, text=True).stdout)
    print("Installing the course as the first cell does ...", flush=True)
    if any(subprocess.run(command, env=clean()).returncode for command in install_commands(python, root)):
        raise EnvironmentFault("The course could not be installed: see the lines above.")
    after = json.loads(subprocess.run(snapshot, capture_output=True, check=True, text=True).stdout)
    if found := changes(before, after):
        raise EnvironmentFault(f"Installing the course changed what Colab ships: {' '.join(found)}")
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


def test(python: str, folder: Path, only: Sequence[str] | None) -> int:
    """Make the environment, install the course there and run these lessons; returns the exit status of pytest.

    Raises:
        EnvironmentFault: the environment can't be made, or the installation changed what Colab ships.
        LessonError: there is no such lesson.
    """
    there = {lesson.id for lesson in find(ROOT / "lessons")}
    lessons = find(ROOT / "lessons", only or sorted(there.intersection(LESSONS)))
    inside = make(folder, python, PINS)
    if not uv("pip", "install", "--python", inside, "pytest", "nbval"):
        raise EnvironmentFault("pytest and nbval could not be installed: see the lines above.")
    install(inside, ROOT)
    return run(inside, lessons, folder)
