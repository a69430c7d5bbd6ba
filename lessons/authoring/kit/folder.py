"""Puts the kit's folder together: the course, the wheels, what starts it, and the checksums that come last."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from authoring.kit import start, wheels
from authoring.kit.targets import KitError, Target
from authoring.kit.text import readme
from authoring.kit.wheels import Say

HERE = Path(__file__).resolve().parent
LEFT_OUT = (
    ".git", ".venv", "build", "dist", "work", ".ftlib", "*.egg-info", "__pycache__", ".pytest_cache", ".ruff_cache",
    ".ipynb_checkpoints",
)  # fmt: skip
IN_USE = ("work", ".venv")  # what somebody who started the kit leaves in its course


def build(folder: Path, course: Path, targets: list[Target], say: Say = print) -> Path:
    """Make a kit, or make it anew; until it is whole it is called ``<folder>.part``, and an earlier one stays.

    Args:
        folder: where the kit shall be.
        course: the repository.
        targets: the machines it is for.
        say: shows progress.

    Raises:
        KitError: it cannot be made. What has been downloaded is used by the next run.
    """
    _refuse_foreign(folder)
    part = folder.with_name(f"{folder.name}.part")
    try:
        (part / "wheels").mkdir(parents=True, exist_ok=True)
        _reuse(folder / "wheels", part / "wheels")
        (part / start.SUMS).unlink(missing_ok=True)  # whole is only what has its checksums
        copy_course(course, part / "course")
        _finish(part, _wheels(course, targets, part / "wheels", say))
        _swap(part, folder)
    except OSError as problem:
        raise KitError(
            f"{problem.filename or folder} cannot be written ({problem.strerror or problem}): free some disk space, or "
            "choose another folder with KIT=..., and run this again. What has arrived is kept."
        ) from problem
    return folder


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())) and not start.about(folder):
        raise KitError(f"{folder} exists and is no kit: move it away, or choose another folder with KIT=...")
    if used := [name for name in IN_USE if (folder / "course" / name).exists()]:
        raise KitError(
            f"{folder} has been started (course/{used[0]} is there) and may hold somebody's work: move it away, or "
            "choose another folder with KIT=..."
        )


def _reuse(old: Path, new: Path) -> None:
    """Take over the wheels of an earlier kit."""
    for wheel in old.glob("*.whl"):
        if not (new / wheel.name).exists():
            try:
                os.link(wheel, new / wheel.name)
            except OSError:  # a disk without hard links
                shutil.copyfile(wheel, new / wheel.name)


def _wheels(course: Path, targets: list[Target], folder: Path, say: Say) -> dict[str, Any]:
    """Fetch all wheels; returns what ``kit.json`` says of them."""
    with tempfile.TemporaryDirectory(prefix="ftlib-kit-") as scratch:
        locks = wheels.lock_all(course, targets, Path(scratch), say)
        for target, file in locks.items():
            say(f"Fetching the wheels for {target} ...")
            wheels.fetch(target, file, folder)
        wanted = {target: wheels.pins(file) for target, file in locks.items()}
    needed = wheels.settle(folder, wanted)
    return {
        "pythons": list(dict.fromkeys(target.python for target in targets)),
        "targets": [str(target) for target in targets],
        "installed_bytes": max(_unpacked(folder / name for name in names) for names in needed.values()),
        "torch": {str(target): found["torch"] for target, found in wanted.items() if "torch" in found},
    }


def copy_course(course: Path, folder: Path) -> None:
    """Copy the repository: of a git checkout all that git does not ignore, as it is now, else all but caches.

    Raises:
        KitError: there is no repository, as where only the wheel is installed.
    """
    if not (course / "lessons").is_dir() or not (course / "pyproject.toml").is_file():
        raise KitError(f"{course} is not the course's repository: clone it and run this there.")
    shutil.rmtree(folder, ignore_errors=True)
    if not (course / ".git").exists():
        shutil.copytree(course, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        return
    command = ["git", "-C", str(course), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError) as problem:
        raise KitError("git cannot list the course's files: install git, or run `git status` to see why.") from problem
    for name in filter(None, listed.split("\0")):
        if (course / name).is_file():  # a file may be deleted and not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(course / name, folder / name)


def _finish(part: Path, about: dict[str, Any]) -> None:
    """Write what starts the kit, its description and, last, the checksums."""
    shutil.copy2(HERE / "start.py", part / "start.py")
    shutil.copy2(HERE / "start.sh", part / "start.sh")
    (part / "start.sh").chmod(0o755)
    lines = (HERE / "start.bat").read_text(encoding="ascii").splitlines()
    (part / "start.bat").write_bytes("".join(f"{line}\r\n" for line in lines).encode("ascii"))
    about = {"bytes": size(part), **about}
    (part / start.ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    (part / "README.md").write_text(readme(about), encoding="utf-8")
    (part / start.SUMS).write_text(sums(part), encoding="utf-8", newline="\n")


def size(folder: Path) -> int:
    """The bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _unpacked(files: Iterable[Path]) -> int:
    """The bytes that these wheels take when they are installed."""
    total = 0
    for file in files:
        with zipfile.ZipFile(file) as wheel:
            total += sum(item.file_size for item in wheel.infolist())
    return total


def sums(folder: Path) -> str:
    """The text of ``SHA256SUMS`` for all files in a folder, as the program ``sha256sum -c`` reads it."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return "".join(f"{start.sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in files)


def _swap(part: Path, folder: Path) -> None:
    """Put the finished kit in its place; the earlier one is deleted only then."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
