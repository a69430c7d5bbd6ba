"""All lessons' claims in one table, read from the executed notebooks; never typed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ftlessons.classroom.claims import CLAIM_MIME, load_claims
from ftlessons.classroom.source import CourseDataError
from ftlib import catalog

COLUMNS = ("claim", "lesson", "verdict", "recorded", "value", "interval", "statement")


def collect_claims(lessons_dir: Path | str) -> list[dict[str, Any]]:
    """The claim outputs of every notebook in a folder, in the notebooks' order.

    Each is the JSON that `claim` emitted plus ``notebook``, the file's name.

    Raises:
        CourseDataError: the folder is missing or a file in it is not a notebook.
    """
    folder = Path(lessons_dir)
    if not folder.is_dir():
        raise CourseDataError(f"{folder} is not a folder: give the one that holds the lessons.")
    return [
        {"notebook": path.name, **output["data"][CLAIM_MIME]}
        for path in sorted(folder.glob("*.ipynb"))
        for output in _outputs(path)
        if CLAIM_MIME in output.get("data", {})
    ]


def claims_table(records: Sequence[dict[str, Any]] = ()) -> str:
    """A plain-text table with one row for each test on record, measured or not.

    Args:
        records: what `collect_claims` returned.
    """
    measured = {(record["id"], record["lesson"]): record for record in records}
    rows = [COLUMNS]
    for key, test in load_claims().items():
        record = measured.pop(key, None)
        rows.append((*key, *_measured_cells(record, test.verdict), test.statement))
    for key, record in measured.items():
        rows.append((*key, *_measured_cells(record, "none"), record["text"]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def changed_claims(records: Sequence[dict[str, Any]]) -> list[str]:
    """One line for each collected claim whose verdict is not the one on record."""
    tests = load_claims()
    lines = []
    for record in records:
        test = tests.get((record["id"], record["lesson"]))
        recorded = test.verdict if test else "not there"
        if record["verdict"] != recorded:
            where = f"{record['id']} in {record['notebook']}"
            lines.append(f"{where}: verdict {record['verdict']}, on record {recorded}.")
    return lines


def claims_main(argv: Sequence[str] | None = None) -> int:
    """``python -m authoring claims [--json] [--lessons FOLDER]``.

    Returns:
        0 if all is as recorded, 1 if a verdict changed, 2 if something could not be read.
    """
    parser = argparse.ArgumentParser(prog="python -m authoring claims", description="The claims of all lessons.")
    parser.add_argument("--json", action="store_true", help="print the collected claims as JSON")
    parser.add_argument("--lessons", type=Path, help="folder with the executed notebooks (default: lessons/)")
    options = parser.parse_args(argv)
    try:
        records = collect_claims(options.lessons or Path(catalog.data_dir()).parent / "lessons")
        print(json.dumps(records, indent=1, ensure_ascii=False) if options.json else claims_table(records))
        changed = changed_claims(records)
    except CourseDataError as problem:
        print(problem, file=sys.stderr)
        return 2
    for line in changed:
        print(line, file=sys.stderr)
    return 1 if changed else 0


def _outputs(path: Path) -> Iterator[dict[str, Any]]:
    try:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            yield from cell.get("outputs", [])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CourseDataError(f"{path.name} is not a notebook: run `make lessons` or remove it.") from None


def _measured_cells(record: dict[str, Any] | None, recorded: str) -> tuple[str, str, str, str]:
    if record is None:
        return "not run", recorded, "", ""
    low, high = record["interval"]
    return record["verdict"], recorded, f"{record['value']:+.3g}", f"[{low:.3g}, {high:.3g}]"
