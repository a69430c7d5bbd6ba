"""Which wheels a target needs, and how they are fetched, kept and checked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from authoring.kit.targets import SHORT, KitError, Target

TORCH_CPU = "https://download.pytorch.org/whl/cpu"  # where uv's --torch-backend=cpu looks, for pip
EXTRA = "lab"  # what `make lab` installs
BUILD_TOOLS = ["editables"]  # beside [build-system]: what hatchling needs for an editable install
PIN = re.compile(r"^([\w.-]+)==([\w.+!-]+)", re.MULTILINE)
BLOCK = re.compile(r"^[^\s#].*\n(?:[ \t].*\n)*", re.MULTILINE)  # a package with its hashes
AT_ONCE = 24
NO_WHEEL = re.compile(r"([\w.-]+)==([\w.+!-]+) has no (?:usable )?wheels")
NO_FILE = re.compile(r"No matching distribution found for ([\w.-]+)==([\w.+!-]+)")
PLATFORMS_OF = re.compile(r"Wheels are available for .* on the following platforms?: (.*)")
OFFLINE = ("Failed to fetch", "error sending request", "Max retries exceeded", "Failed to establish a new connection")

Pins = dict[str, str]  # package -> version
Say = Callable[[str], None]


class Unreachable(KitError):
    """An index did not answer."""


def lock(course: Path, target: Target, file: Path, cpu_torch: bool) -> None:
    """Write the versions and hashes of everything that ``.[lab]`` needs on a target, as pip reads them.

    Raises:
        Unreachable: the index, or with ``cpu_torch`` that of torch's CPU builds, did not answer.
        KitError: a package has no wheel for the target.
    """
    project = course / "pyproject.toml"
    tools = tomllib.loads(project.read_text(encoding="utf-8")).get("build-system", {}).get("requires", [])
    needed = file.with_suffix(".in")
    needed.write_text("\n".join([*tools, *(BUILD_TOOLS if tools else [])]) + "\n", encoding="utf-8")
    command = [
        _uv(), "pip", "compile", "-q", "--python", sys.executable, str(project), str(needed), "--extra", EXTRA,
        "-c", str(course / "constraints.txt"), "--python-version", target.python, "--python-platform", target.uv_name(),
        "--only-binary", ":all:", "--generate-hashes", "--no-annotate", "--no-header", "-o", str(file),
        *(["--torch-backend=cpu"] if cpu_torch else []),
    ]  # fmt: skip
    file.unlink(missing_ok=True)  # uv would prefer what an earlier run chose
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **target.uv_environment()})
    if done.returncode:
        raise _fault(done.stderr, target)


def lock_all(course: Path, targets: Iterable[Target], folder: Path, say: Say) -> dict[Target, Path]:
    """One lock file for each target, with torch's CPU build on Linux where its index answers.

    Raises:
        KitError: a package has no wheel for a target, or the usual index did not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cpu_index, locks = True, {}
    for target in targets:
        locks[target] = file = folder / f"{target.platform}-{target.python}.txt"
        if target.is_linux and cpu_index:
            try:
                lock(course, target, file, cpu_torch=True)
                continue
            except Unreachable:
                cpu_index = False
                say("The index of torch's CPU builds is out of reach; taking the usual build, which brings CUDA.")
        lock(course, target, file, cpu_torch=False)
    return locks


def fetch(target: Target, file: Path, folder: Path) -> None:
    """Download the wheels of a lock file; what is there with the right hash is not fetched again.

    pip keeps nothing of a download that breaks off, so that it gets `AT_ONCE` packages at a time.

    Raises:
        KitError: the download failed. What has arrived stays.
    """
    blocks = BLOCK.findall(file.read_text(encoding="utf-8"))
    for first in range(0, len(blocks), AT_ONCE):
        some = file.with_suffix(".some")
        some.write_text("".join(blocks[first : first + AT_ONCE]), encoding="utf-8")
        _download(target, some, folder)


def _download(target: Target, file: Path, folder: Path) -> None:
    names = [part for tag in target.platforms() for part in ("--platform", tag)]
    index = ["--extra-index-url", TORCH_CPU] if "+cpu" in file.read_text(encoding="utf-8") else []
    command = [
        sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--implementation", "cp", "--python-version", target.python, *names, *index,
        "-r", str(file), "-d", str(folder),
    ]  # fmt: skip
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise _fault(done.stderr, target)


def pins(file: Path) -> Pins:
    """The packages of a lock file with their versions."""
    found = PIN.findall(file.read_text(encoding="utf-8"))
    return {canonicalize_name(name): str(Version(version)) for name, version in found}


def settle(folder: Path, wanted: Mapping[Target, Pins]) -> dict[Target, set[str]]:
    """Drop wheels that no target needs, and return the file names of each target's own.

    Raises:
        KitError: a wheel is missing.
    """
    needed: dict[Target, set[str]] = {}
    files = {file.name: _project(file.name) for file in folder.glob("*.whl")}
    for target, packages in wanted.items():
        fitting = {name for name, project in files.items() if project in packages.items() and target.takes(name)}
        needed[target] = fitting
        if missing := packages.keys() - {files[name][0] for name in fitting}:
            raise KitError(f"There is no wheel of {', '.join(sorted(missing))} for {target}: run this again.")
    for name in files.keys() - set().union(*needed.values()):
        (folder / name).unlink()
    return needed


def _project(wheel: str) -> tuple[str, str]:
    name, version, _, _ = parse_wheel_filename(wheel)
    return name, str(version)


def _uv() -> str:
    try:
        from uv import find_uv_bin
    except ImportError:
        raise KitError(f"A kit needs uv; run: {sys.executable} -m pip install uv") from None
    return find_uv_bin()


def _fault(told: str, target: Target) -> KitError:
    """What uv or pip printed, as one sentence."""
    if found := NO_WHEEL.search(told) or NO_FILE.search(told):
        others = PLATFORMS_OF.search(told)
        has = f" It has wheels for {others[1].replace('`', '')}." if others else ""
        newer = f" Try mac, which is {SHORT['mac']}." if not has and target.platform.startswith("macosx") else ""
        return KitError(f"{found[1]} {found[2]} has no wheel for {target}.{has}{newer}")
    if any(sign in told for sign in OFFLINE):
        return Unreachable("The package index cannot be reached: connect and run this again. What has arrived is kept.")
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    faults = [line for line in lines if line.lower().startswith(("error", "cause"))] or lines or ["no reason given"]
    return KitError(f"The packages for {target} could not be fetched: {faults[-1]}")
