"""``python -m authoring kit``: make a folder with which a room starts the course without a network."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from pathlib import Path

from authoring.kit.folder import GB, build, size
from authoring.kit.targets import PLATFORMS, targets
from authoring.notebooks import book


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
