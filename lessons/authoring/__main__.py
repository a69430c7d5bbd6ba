"""The command line of those who build the course: ``python -m authoring COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from authoring import AuthoringError
from ftlessons.classroom.source import CourseDataError

# what a command does, and the function that gets the rest of the line
COMMANDS = {
    "lessons": ("run lessons and save them in their normal form", "authoring.notebooks.command:main"),
    "claims": ("collect what the lessons' claims came to", "authoring.notebooks.claims_report:claims_main"),
    "tune": ("choose each recipe's rate and step count on the tuning split of a domain", "authoring.record:tune_main"),
    "results": ("rebuild the recorded grid of a domain, or a lesson's own study", "authoring.record:results_main"),
    "stamp": ("record size and hash of shipped files that changed", "authoring.stamp:main"),
    "teach": ("make the teacher's kit: guides, plans, slides, two editions", "authoring.teach.command:main"),
    "reading": ("make a copy of the lessons for reading: HTML pages", "authoring.teach.reading:main"),
    "kit": ("make one folder with which a room starts without a network", "authoring.kit.folder:main"),
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, 1 after one sentence on what is wrong."""
    argv = list(sys.argv[1:] if argv is None else argv)
    usage = "\n".join(f"  {name:9} {text}" for name, (text, _) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m authoring", epilog=f"commands:\n{usage}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    module, _, function = COMMANDS[parser.parse_args(argv[:1]).command][1].partition(":")
    try:
        return getattr(import_module(module), function)(argv[1:]) or 0
    except (AuthoringError, CourseDataError) as problem:
        print(problem, file=sys.stderr)
    except OSError as problem:
        print(f"{problem.filename} cannot be read or written: {problem.strerror or problem}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
