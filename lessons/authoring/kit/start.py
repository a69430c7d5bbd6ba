"""Starts the course from this folder, without a network: checks the files, installs the wheels, opens JupyterLab.

    sh start.sh              Linux and macOS
    start.bat                Windows
    ... --check              only compare the files with SHA256SUMS
    ... --install            install, but do not open JupyterLab

It needs Python alone, and changes nothing outside this folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SUMS = "SHA256SUMS"
ABOUT = "kit.json"
CHUNK = 2**20
FEW = 3  # files that a sentence names


def sha256(file: Path) -> str:
    """The checksum of a file, read piece by piece."""
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK):
            found.update(piece)
    return found.hexdigest()


def faults(kit: Path) -> list[str]:
    """The files of a kit that are missing or differ from ``SHA256SUMS``, each with what is wrong; [] if all is well."""
    try:
        lines = (kit / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return [f"{SUMS} is missing or unreadable"]
    found = []
    for line in lines:
        sum_, _, name = line.partition("  ")
        try:
            found += [] if sha256(kit / name) == sum_ else [f"{name} is damaged"]
        except FileNotFoundError:
            found.append(f"{name} is missing")
        except OSError as problem:
            found.append(f"{name} cannot be read ({problem.strerror})")
    return found if lines else [f"{SUMS} is empty"]


def about(kit: Path) -> dict[str, Any]:
    """What the kit was made for; {} if that cannot be read."""
    try:
        return json.loads((kit / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def stamp(course: Path) -> Path:
    """The file that says that the environment is whole: the same one that `make lab` looks for."""
    key = hashlib.sha256((course / "constraints.txt").read_bytes() + (course / "pyproject.toml").read_bytes())
    return course / ".venv" / f".ftlib-lab-{key.hexdigest()[:16]}"


def python_of(venv: Path) -> Path:
    """The interpreter of an environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def ready(course: Path) -> bool:
    """Whether the environment is whole, and belongs to this folder; one that was moved must be made again."""
    program = "import ftlib, os, sys; sys.exit(not os.path.samefile(os.path.dirname(ftlib.__path__[0]), sys.argv[1]))"
    command = [str(python_of(course / ".venv")), "-I", "-c", program, str(course)]
    try:
        return stamp(course).exists() and not subprocess.run(command, capture_output=True).returncode
    except OSError:
        return False


def check(kit: Path) -> None:
    """Compare all files with their checksums.

    Raises:
        SystemExit: some differ; the sentence names them.
    """
    print("Checking the files ...", flush=True)
    if found := faults(kit):
        more = f", and {len(found) - FEW} more" if len(found) > FEW else ""
        raise SystemExit(f"This kit is not whole: {', '.join(found[:FEW])}{more}. Copy it again from where it came.")


def install(kit: Path) -> Path:
    """Make the environment from the kit's wheels alone, unless it is there; returns its Python.

    Raises:
        SystemExit: a file is damaged, or the installation failed; the sentence says what to do.
    """
    course = kit / "course"
    venv, python = course / ".venv", python_of(course / ".venv")
    if ready(course):
        return python
    check(kit)
    if venv.exists() and not (venv / ".ftlib").exists() and any(venv.iterdir()):
        raise SystemExit(f"{venv} exists and was not made by the course: move it away and start again.")
    print("Installing the course from this folder; the first time takes a few minutes ...", flush=True)
    _make_environment(venv)
    command = [str(python), "-m", "pip", "install", "-q", "--no-index", "--find-links", str(kit / "wheels")]
    # no constraints.txt: the wheels are the tested ones already, and some of its lines depend on Python's last digit
    command += ["--no-compile", "--no-warn-script-location", "-e", ".[lab]"]
    if subprocess.run(command, cwd=course, env=_pip_environment()).returncode:
        raise SystemExit(_why_not(kit))
    files = [*command[:-1], ".[files]"]
    if subprocess.run(files, cwd=course, env=_pip_environment(), capture_output=True).returncode:
        print("The kit holds not all models and data: python -m ftlib doctor says which lessons wait.")
    stamp(course).touch()
    return python


def _make_environment(venv: Path) -> None:
    """A fresh environment; the file ``.ftlib`` says whose it is."""
    try:
        shutil.rmtree(venv, ignore_errors=True)
        venv.mkdir()
        (venv / ".ftlib").touch()
    except OSError as problem:
        raise SystemExit(f"{venv} cannot be written ({problem.strerror}): copy the kit to your own disk.") from None
    if subprocess.run([sys.executable, "-m", "venv", str(venv)]).returncode:
        raise SystemExit(
            "Python could not make an environment. If the kit is on a stick, copy it to your own disk; on Debian and "
            "Ubuntu install python3-venv."
        )


def _pip_environment() -> dict[str, str]:
    """The environment without anybody's pip settings, which could point to an index."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _why_not(kit: Path) -> str:
    made_for = ", ".join(about(kit).get("targets", [])) or "nothing that can be read"
    here = f"{platform.system()} {platform.machine()} with Python {platform.python_version()}"
    return (
        f"The course could not be installed: see the lines above. This machine is {here}; the kit was made for "
        f"{made_for}. It needs free disk space, too."
    )


def run(kit: Path, python: Path) -> int:
    """Open the learner's copies in JupyterLab, as `make lab` does; returns its exit status."""
    course = kit / "course"
    if subprocess.run([str(python), "-m", "ftlib", "doctor", "--quiet"], cwd=course).returncode:
        print("Starting anyway.")
    if subprocess.run([str(python), "-m", "ftlib", "workspace"], cwd=course).returncode:
        return 1
    command = [str(python), "-m", "jupyterlab", "--LabApp.news_url=None", "--ServerApp.root_dir=work"]
    command += ["--LabApp.default_url=/lab/tree/00_start_here.ipynb"]
    if sys.platform == "linux":
        command += [] if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") else ["--no-browser"]
        command += ["--allow-root"] if os.geteuid() == 0 else []
    try:
        return subprocess.run(command, cwd=course).returncode
    except KeyboardInterrupt:
        return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    kit = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare the files with SHA256SUMS")
    parser.add_argument("--install", action="store_true", help="install, but do not open JupyterLab")
    parser.add_argument("--suits", action="store_true", help="say by the exit status whether this Python suits the kit")
    options = parser.parse_args(argv)
    if options.suits:
        return int("{}.{}".format(*sys.version_info) not in about(kit).get("pythons", []))
    if options.check:
        check(kit)
        print("All files are whole.")
        return 0
    python = install(kit)
    if options.install:
        print("The course is installed. Start it with: sh start.sh (Linux, macOS) or start.bat (Windows).")
        return 0
    return run(kit, python)


if __name__ == "__main__":
    sys.exit(main())
