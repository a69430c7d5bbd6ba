"""``python tests/versions SET``, which is what ``make test-newest``, ``test-lowest`` and ``test-colab`` run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import colab
import ends
from environments import ROOT, EnvironmentFault, choose_python

from authoring.notebooks.book import LessonError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python tests/versions", description="Test the course with other versions.")
    parser.add_argument("set", choices=["newest", "lowest", "colab"])
    parser.add_argument("--folder", type=Path, help="where the environment lives; default: build/versions/SET")
    parser.add_argument("--python", action="append", default=[], help="the Python to use, if it can be had")
    parser.add_argument("--workers", type=int, default=2, help="how many processes newest and lowest use")
    parser.add_argument("--only", nargs="+", help="colab: lessons by number; newest, lowest: paths for pytest")
    options = parser.parse_args(argv)
    folder = (options.folder or ROOT / "build" / "versions" / options.set).absolute()
    try:
        if options.set == "colab":
            return colab.test(choose_python([*options.python, *colab.PYTHONS, sys.executable]), folder, options.only)
        python = choose_python(ends.candidates(options.set, options.python))
        return ends.run(options.set, python, folder, options.workers, options.only or ())
    except (EnvironmentFault, LessonError) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
