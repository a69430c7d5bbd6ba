"""The command line: ``python -m ftlib COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

COMMANDS = {
    "doctor": "check whether this machine can run the course",
    "workspace": "make or update your own copy of the lessons",
}
ELSEWHERE = ("lessons", "claims", "tune", "results", "stamp", "teach", "reading", "kit")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    usage = "\n".join(f"  {name:9} {text}" for name, text in COMMANDS.items())
    told = "What builds the course, " + ", ".join(ELSEWHERE) + ", is python -m authoring COMMAND, in its repository."
    parser = argparse.ArgumentParser(
        prog="python -m ftlib", epilog=f"commands:\n{usage}\n\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("command", metavar="COMMAND")
    command = parser.parse_args(argv[:1]).command
    if command in ELSEWHERE:
        parser.error(f"{command} is python -m authoring {command} now, in the course's repository")
    if command not in COMMANDS:
        parser.error(f"there is no COMMAND {command!r}: choose from {', '.join(COMMANDS)}")
    if command == "doctor":
        from ftlib.doctor import main as doctor_main

        return doctor_main(argv[1:])
    from ftlib.workspace import main as workspace_main

    return workspace_main(argv[1:])
