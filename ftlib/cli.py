"""The command line: ``python -m ftlib COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

COMMANDS = {
    "doctor": "check whether this machine can run the course",
    "workspace": "make or update your own copy of the lessons",
    "tune": "choose each recipe's rate and step count on the tuning split of a domain",
    "results": "rebuild the recorded grid of a domain, or a lesson's own study (data/results/<name>.json)",
    "claims": "collect the claims that the lessons measured into one table",
    "lessons": "run lessons and save them in their normal form",
    "teach": "make the teacher's kit: guides, plans, slides, a student and an instructor edition",
    "reading": "make a copy of the lessons for reading: HTML pages that need no network",
    "kit": "make one folder with which a room starts the course without a network",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    usage = "\n".join(f"  {name:9} {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m ftlib", epilog=f"commands:\n{usage}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    command = parser.parse_args(argv[:1]).command
    rest = argv[1:]
    if command == "doctor":
        from ftlib.doctor import main as doctor_main

        return doctor_main(rest)
    if command == "workspace":
        from ftlib.workspace import main as workspace_main

        return workspace_main(rest)
    if command == "claims":
        from authoring.notebooks.claims_report import claims_main

        return claims_main(rest) or 0
    if command == "lessons":
        from authoring.notebooks.command import main as lessons_main

        return lessons_main(rest) or 0
    if command == "teach":
        from authoring.teach.command import main as teach_main

        return teach_main(rest)
    if command == "reading":
        from authoring.teach.reading import main as reading_main

        return reading_main(rest)
    if command == "kit":
        from authoring.kit import main as kit_main

        return kit_main(rest)
    return _grid(command, rest)


def _grid(command: str, argv: list[str]) -> int:
    from authoring import record
    from ftlib import results, tasks

    domains = sorted({tasks.get(name).domain for name in tasks.names()})
    parser = argparse.ArgumentParser(prog=f"python -m ftlib {command}", description=COMMANDS[command])
    parser.add_argument("domain", choices=domains + record.names() * (command == "results"))
    parser.add_argument("--workers", type=int, default=1, help="single-threaded processes at once")
    if command == "results":
        parser.add_argument("--seeds", type=int, default=10)
        args = parser.parse_args(argv)
        if args.domain in record.names():
            print(record.record(args.domain, args.workers).describe(include="all").to_string())
            return 0
        table = results.record(args.domain, args.seeds, args.workers)
        for task, part in table.groupby("task", sort=False):
            print(f"{task}\n{results.summary(part).round(3).to_string(index=False)}")
    else:
        args = parser.parse_args(argv)
        for task, found in results.tune(args.domain, args.workers).items():
            print(f"{task}: tuned on {found['pool']}")
            for name, settings in found["settings"].items():
                print(f"  {name:24} {settings}")
    return 0
