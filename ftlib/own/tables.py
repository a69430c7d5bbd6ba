"""Read a CSV file of texts and labels, from whatever program it comes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

MAX_BYTES = 50_000_000
DELIMITERS = (",", ";", "\t", "|")
NO_LABEL = {"", "nan", "null", "n/a", "#n/a"}
Row = dict[str, str]


@dataclass
class Table:
    """The usable rows of a CSV file; ``id`` names a row as a spreadsheet counts it, the header being row 1."""

    columns: list[str]
    ids: list[str]
    rows: list[Row]
    skipped: list[tuple[str, str]]
    delimiter: str


def read_table(
    path: Path, needed: Sequence[str], encoding: str | None = None, delimiter: str | None = None
) -> Table:
    """Read all rows that have as many fields as the header; the others are kept by number, with the reason.

    The delimiter is the one of comma, semicolon, tab and bar with which the header has the needed columns.

    Raises:
        ValueError: no such file, not text in this encoding, too large, or a needed column is missing. The
            sentence says where, and what to pass.
    """
    text = _decode(path, encoding)
    delimiter = delimiter or _find_delimiter(text, needed)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    table = Table([], [], [], [], delimiter)
    try:
        table.columns = [name.strip() for name in next(reader)]
        _check_columns(path, table, needed)
        for number, fields in enumerate(reader, start=2):
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(table.columns):
                table.skipped.append((f"row {number}", _wrong_count(len(fields), len(table.columns))))
                continue
            table.ids.append(f"row {number}")
            table.rows.append(dict(zip(table.columns, (field.strip() for field in fields), strict=True)))
    except csv.Error as problem:
        raise ValueError(f"{path.name} cannot be read after line {reader.line_num}: {problem}") from problem
    return table


def _wrong_count(found: int, wanted: int) -> str:
    hint = "a delimiter inside a text needs quotes round the text" if found > wanted else "some are missing"
    return f"has {found} field{'s' * (found != 1)} where the header has {wanted}: {hint}"


def _decode(path: Path, encoding: str | None) -> str:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {what}: give the path of a CSV file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path.name} has {size / 1e6:,.0f} MB: take a sample of at most {MAX_BYTES / 1e6:.0f} MB")
    data = path.read_bytes()
    if data[:2] == b"PK":
        raise ValueError(f"{path.name} is no CSV but a zipped file, such as a spreadsheet: save it as CSV first")
    if encoding is None and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        text = data.decode(encoding or "utf-8-sig")
    except LookupError as problem:
        raise ValueError(f"there is no encoding {encoding!r}: try 'utf-8', 'cp1252' or 'utf-16'") from problem
    except UnicodeDecodeError as problem:
        raise ValueError(_wrong_encoding(path, data, problem.start, encoding)) from problem
    if "\0" in text:
        raise ValueError(f"{path.name} is no CSV: it holds zero bytes at position {text.index(chr(0))}")
    if not text.strip():
        raise ValueError(f"{path.name} is empty: the first row should name the columns")
    return text


def _wrong_encoding(path: Path, data: bytes, at: int, encoding: str | None) -> str:
    line = data.count(b"\n", 0, at) + 1
    where = f"{path.name} is not {encoding or 'utf-8'}: byte 0x{data[at]:02X} at position {at:,} (line {line:,})"
    if encoding:
        return f"{where} cannot be read: pass another encoding="
    around = data[max(0, at - 12) : at + 12].decode("cp1252", "replace").splitlines()
    shown = next((part for part in around if not part.isascii()), "?").strip()
    return f"{where}; read as cp1252 it says {shown!r}: if that looks right, pass encoding='cp1252'"


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])]
    except csv.Error:
        return []


def _find_delimiter(text: str, needed: Sequence[str]) -> str:
    headers = {delimiter: _header(text, delimiter) for delimiter in DELIMITERS}

    def fitness(delimiter: str) -> tuple[int, int]:
        return sum(name in headers[delimiter] for name in needed), len(headers[delimiter])

    return max(DELIMITERS, key=fitness)


def _check_columns(path: Path, table: Table, needed: Sequence[str]) -> None:
    listed = ", ".join(map(repr, table.columns[:12])) + (", ..." if len(table.columns) > 12 else "")
    for name in needed:
        if table.columns.count(name) > 1:
            raise ValueError(f"{path.name} has {table.columns.count(name)} columns named {name!r}: rename all but one")
        if name not in table.columns:
            near = get_close_matches(name, table.columns, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ": name the right ones with text=, label= or group="
            raise ValueError(f"{path.name} has no column {name!r} (found {listed}){hint}")
