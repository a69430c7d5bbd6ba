"""``python -m authoring kit``: make a folder with which a room starts the course without a network."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from authoring.kit.folder import GB, build, size
from authoring.kit.targets import PLATFORMS, KitError, targets

ROOT = Path(__file__).resolve().parents[3]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 1 if the kit could not be made."""
    parser = argparse.ArgumentParser(prog="python -m authoring kit", description="One folder, no network.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "kit", help="default: build/kit")
    names = f"{', '.join(PLATFORMS)}; default: this machine's"
    parser.add_argument("--platforms", nargs="*", default=[], help=names)
    parser.add_argument("--pythons", nargs="*", default=[], help="versions such as 3.11; default: this one's")
    options = parser.parse_args(argv)
    try:
        wanted = targets(options.platforms, options.pythons, _allowed())
        folder = build(options.folder.absolute(), ROOT, wanted)
    except KitError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"The kit is in {folder}: {size(folder) / GB:.2f} GB. Its README.md says how to start it.")
    return 0


def _allowed() -> str:
    project = ROOT / "pyproject.toml"
    if not project.is_file():
        raise KitError("A kit is made in a checkout of the course: clone its repository and run this there.")
    return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["requires-python"]
