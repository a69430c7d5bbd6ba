"""``python -m authoring kit``: one folder with the course, the wheels, what starts it, and the checksums."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from authoring import template
from authoring.kit import start, wheels
from authoring.kit.targets import PLATFORMS, KitError, Target, targets
from authoring.kit.wheels import Say
from authoring.notebooks import book

HERE = Path(__file__).resolve().parent
LEFT_OUT = (
    ".git", ".venv", "build", "dist", "work", ".ftlib", "*.egg-info", "__pycache__", ".pytest_cache", ".ruff_cache",
    ".ipynb_checkpoints",
)  # fmt: skip
IN_USE = ("work", ".venv")  # what somebody who started the kit leaves in its course
GB = 10**9
CPU = "torch {} is its CPU build: small, and all that the lessons need."
CUDA = (
    "torch on Linux is the usual build, which brings CUDA: the index of the CPU builds was out of reach when this kit "
    "was made. Made where that index can be reached, the kit is gigabytes smaller."
)


def build(folder: Path, course: Path, wanted: list[Target], say: Say = print) -> Path:
    """Make a kit, or make it anew; until it is whole it is called ``<folder>.part``, and an earlier one stays.

    Args:
        folder: where the kit shall be.
        course: the repository.
        wanted: the machines it is for.
        say: shows progress.

    Raises:
        KitError: it cannot be made.
    """
    _refuse_foreign(folder)
    part = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        (part / "wheels").mkdir(parents=True)
        copy_course(course, part / "course")
        _finish(part, _wheels(course, wanted, part / "wheels", say))
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


def _wheels(course: Path, wanted: list[Target], folder: Path, say: Say) -> dict[str, Any]:
    """Fetch all wheels; returns what ``kit.json`` says of them."""
    with tempfile.TemporaryDirectory(prefix="ftlib-kit-") as scratch:
        locks, installed = wheels.lock_all(course, wanted, Path(scratch), say), []
        for target, file in locks.items():
            say(f"Fetching the wheels for {target} ...")
            installed.append(_unpacked(folder / name for name in wheels.fetch(target, file, folder)))
        torch = {str(target): wheels.version(file, "torch") for target, file in locks.items()}
    return {
        "pythons": list(dict.fromkeys(target.python for target in wanted)),
        "targets": [str(target) for target in wanted],
        "installed_bytes": max(installed),
        "torch": {target: version for target, version in torch.items() if version},
    }


def copy_course(course: Path, folder: Path) -> None:
    """Copy the repository: of a git checkout all that git does not ignore, as it is now, else all but caches.

    Raises:
        KitError: git does not answer.
    """
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


def readme(about: dict[str, Any]) -> str:
    """What somebody needs to know who opens a kit's folder.

    Args:
        about: the content of ``kit.json``.
    """
    linux = [version for target, version in about["torch"].items() if "linux" in target]
    torch = CPU.format(" or ".join(dict.fromkeys(about["torch"].values()))) if about["torch"] else ""
    return template("kit.md").format(
        size=about["bytes"] / GB, installed=about["installed_bytes"] / GB, pythons=" or ".join(about["pythons"]),
        targets="\n".join(f"- {target}" for target in about["targets"]),
        torch=torch if all("+cpu" in version for version in linux) else CUDA,
    )  # fmt: skip


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


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command.

    Raises:
        KitError: the kit could not be made.
    """
    parser = argparse.ArgumentParser(prog="python -m authoring kit", description="One folder, no network.")
    parser.add_argument("--folder", type=Path, help="default: build/kit")
    parser.add_argument("--platforms", nargs="*", default=[], help=f"{', '.join(PLATFORMS)}; default: this machine's")
    parser.add_argument("--pythons", nargs="*", default=[], help="versions such as 3.11; default: this one's")
    options = parser.parse_args(argv)
    root = book.checkout()
    allowed = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    wanted = targets(options.platforms, options.pythons, allowed)
    folder = build((options.folder or root / "build" / "kit").absolute(), root, wanted)
    print(f"The kit is in {folder}: {size(folder) / GB:.2f} GB. Its README.md says how to start it.")
