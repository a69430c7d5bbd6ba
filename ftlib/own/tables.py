"""Read a CSV file of texts and labels, from whatever program it comes, row by row."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from ftlib.own.account import UNUSABLE, Account, listed

MAX_BYTES = 50_000_000
DELIMITERS = (",", ";", "\t", "|")
# what pandas, R, spreadsheets and databases write where nothing is known
NO_LABEL = frozenset(
    ["", "nan", "-nan", "null", "none", "nil", "na", "n/a", "n.a.", "<na>", "(null)", "\\n", "#n/a", "#n/a n/a", "#na",
     "#value!", "#ref!", "#name?", "#div/0!", "#null!", "#num!", "-1.#ind", "1.#qnan", "?", "-", "--", ".", "nat"]
)  # fmt: skip
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
UNPACK, PANDAS = "unpack it first", "read it with pandas and write it as CSV with its to_csv"
OTHER_FILES = (
    (b"PK\x03\x04", "a zipped file, such as a spreadsheet", "save it as CSV first"),
    (b"PK\x05\x06", "an empty zipped file", "save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)", "save it as CSV first"),
    (b"\x1f\x8b", "compressed by gzip", UNPACK), (b"BZh", "compressed by bzip2", UNPACK),
    (b"\xfd7zXZ", "compressed by xz", UNPACK), (b"\x28\xb5\x2f\xfd", "compressed by zstd", UNPACK),
    (b"7z\xbc\xaf", "a 7-zip archive", UNPACK), (b"Rar!", "a RAR archive", UNPACK),
    (b"PAR1", "a Parquet file", PANDAS), (b"ARROW1", "a Feather file", PANDAS), (b"\x89HDF", "an HDF5 file", PANDAS),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"%PDF", "a PDF document", "copy the table into a spreadsheet and save it as CSV"),
    (b"\x89PNG", "a picture", "put pictures into folders and call from_folder"),
    (b"\xff\xd8\xff", "a picture", "put pictures into folders and call from_folder"),
    (b"RIFF", "a recording", "put recordings into folders and call from_folder"),
)  # fmt: skip


class Table:
    """A CSV file whose header has been read.

    Args:
        needed: names of columns; the second one holds the labels.
        encoding: utf-8 unless given; a byte-order mark counts for more.
        delimiter: unless given, the one in a first line such as ``sep=;``, or else the one of comma, semicolon, tab
            and bar with which the header has the needed columns.

    Raises:
        ValueError: no such file, not text in this encoding, another kind of file, too large, or a needed column is
            missing. The sentence says where, and what to pass.
    """

    def __init__(self, path: Path, needed: Sequence[str], encoding: str | None = None, delimiter: str | None = None):
        self.path, self.data = path, _content(path)
        self.mark = next((name for mark, name in MARKS if self.data.startswith(mark)), None)
        self.encoding = self.mark or encoding or "utf-8"
        _check_encoding(self.encoding)
        self.named = encoding
        if b"\0" in self.data and not re.match(r"utf[-_]?(16|32)", self.encoding, re.IGNORECASE):
            raise ValueError(f"{path.name} is no CSV in {self.encoding}: {_zeros(self.data)}")
        with self._said():
            first = next(self._lines(), "")
            stated = re.fullmatch(r'"?sep=(.)"?\s*', first, re.IGNORECASE)
            self.above = int(stated is not None)
            choice = [delimiter] if delimiter else [stated[1]] if stated else list(DELIMITERS)
            headers = {sign: self._header(sign) for sign in choice}
            if not any(filter(None, headers[choice[0]])):
                raise ValueError(f"{path.name} is empty: the first row should name the columns")
        fits = {sign: (sum(name in header for name in needed), len(header)) for sign, header in headers.items()}
        self.delimiter = max(choice, key=fits.__getitem__)
        self.columns = headers[self.delimiter]
        self._check_columns(needed)
        self.label = self.columns.index(needed[1])

    def rows(self, account: Account, is_label: Callable[[str], bool]) -> Iterator[tuple[str, list[str]]]:
        """Each row with as many fields as the header, under a name as a spreadsheet counts it, the header being row 1.

        All others are left out with the reason. Where a quotation mark swallows the rows below, these are read again.

        Args:
            is_label: whether a label was met before.
        """
        number, lines = 0, _Lines(self._lines())
        width = len(self.columns)
        with self._said():
            reader = self._reader(lines)
            while True:
                lines.since.clear()
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    fields = None
                number += 1
                taken = lines.since[:]
                reread = number > 1 and (fields is None or self._swallows(fields, taken, is_label))
                if reread:
                    fields = self._one(taken[0])
                    lines.back.extendleft(reversed(taken[1:]))
                    reader = self._reader(lines)
                if number == 1 or not any(map(str.strip, fields)):
                    continue
                account.came += 1
                if len(fields) == width:
                    yield f"row {number}", [field.strip() for field in fields]
                    continue
                why = _wrong_count(len(fields), width)
                if reread:
                    why = "has a quotation mark that no other one closes: remove it, or write it twice"
                label = fields[self.label].strip() if len(fields) > self.label else ""
                account.leave(UNUSABLE, label if is_label(label) else "", f"row {number}", why)

    def _swallows(self, fields: list[str], lines: list[str], is_label: Callable[[str], bool]) -> bool:
        """Whether a row of several lines is rather several rows, by its label and by what stands between."""
        if len(lines) < 2:
            return False
        if len(fields) == len(self.columns) and "\n" in fields[self.label].strip():
            return True
        width, at = len(self.columns), self.label
        inner = map(self._one, lines[1:-1])
        return len(lines) > 2 and all(len(row) == width and is_label(row[at].strip()) for row in inner)

    def _lines(self) -> Iterator[str]:
        lines = io.TextIOWrapper(io.BytesIO(self.data), self.encoding, newline="")
        for _ in range(getattr(self, "above", 0)):
            next(lines, "")
        return lines

    def _reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _one(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self.delimiter), [])

    def _header(self, delimiter: str) -> list[str]:
        return [name.strip() for name in next(csv.reader(self._lines(), delimiter=delimiter), [])]

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Turn what goes wrong while decoding into a sentence, and let a field be as long as the file."""
        most = csv.field_size_limit(MAX_BYTES)
        try:
            yield
        except UnicodeError as problem:
            raise ValueError(self._wrong_encoding(problem)) from problem
        except csv.Error as problem:
            raise ValueError(f"{self.path.name} cannot be read as a table: {problem}") from problem
        finally:
            csv.field_size_limit(most)

    def _wrong_encoding(self, problem: UnicodeError) -> str:
        data = self.data
        try:
            data.decode(self.encoding)
        except UnicodeDecodeError as absolute:
            at = absolute.start
        except UnicodeError:
            return f"{self.path.name} is not {self.encoding} ({problem}): pass another encoding="
        else:
            return f"{self.path.name} breaks off in the middle of a letter: save it again as UTF-8"
        line = data.count(b"\n", 0, at) + 1
        where = f"{self.path.name} is not {self.encoding}: byte 0x{data[at]:02X} at position {at:,} (line {line:,})"
        if self.mark:
            return f"{where}, although the file says so in its first bytes: save it again as UTF-8"
        if self.named:
            return f"{where} cannot be read: pass another encoding="
        around = data[max(0, at - 12) : at + 12].decode("cp1252", "replace").splitlines()
        shown = next((part for part in around if not part.isascii()), "?").strip()
        return f"{where}; read as cp1252 it says {shown!r}: if that looks right, pass encoding='cp1252'"

    def _check_columns(self, needed: Sequence[str]) -> None:
        there = listed(map(repr, self.columns), 12)
        for name in needed:
            n = self.columns.count(name)
            if n > 1:
                raise ValueError(f"{self.path.name} has {n} columns named {name!r}: rename all but one")
            if n:
                continue
            if self.data.lstrip()[:1] in (b"{", b"[", b"<"):
                raise ValueError(f"{self.path.name} is no CSV but looks like JSON, HTML or XML: {PANDAS}")
            near = get_close_matches(name, self.columns[:200], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ": name the right ones with text=, label= or group="
            raise ValueError(f"{self.path.name} has no column {name!r} (found {there}){hint}")


class _Lines:
    """Lines that can be handed back; ``since`` holds those that went out, until it is cleared."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.back, self.since = lines, deque[str](), list[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else next(self.lines)
        self.since.append(line)
        return line


def _wrong_count(found: int, wanted: int) -> str:
    hint = "a delimiter inside a text needs quotes round the text" if found > wanted else "some are missing"
    return f"has {found} field{'s' * (found != 1)} where the header has {wanted}: {hint}"


def _content(path: Path) -> bytes:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist" if not path.exists() else "is no usual file"
        raise ValueError(f"{path} {what}: give the path of a CSV file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path.name} has {size / 1e6:,.0f} MB: take a sample of at most {MAX_BYTES / 1e6:.0f} MB")
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ValueError(f"{path.name} cannot be read ({problem.strerror}): check who may read it") from problem
    for start, what, hint in OTHER_FILES:
        if data.startswith(start):
            raise ValueError(f"{path.name} is no CSV but {what}: {hint}")
    if not data.strip():
        raise ValueError(f"{path.name} is empty: the first row should name the columns")
    return data


def _check_encoding(name: str) -> None:
    try:
        "".encode(name)
        b"".decode(name)
    except (LookupError, ValueError) as problem:
        raise ValueError(f"there is no encoding {name!r} of texts: try 'utf-8', 'cp1252' or 'utf-16'") from problem


def _zeros(data: bytes) -> str:
    """What zero bytes in a text may mean."""
    even, odd = data[:100_000:2].count(0), data[1:100_000:2].count(0)
    if max(even, odd) > 5 * min(even, odd) + 2:
        name = "utf-16-le" if odd > even else "utf-16-be"
        return f"every other byte is zero, so pass encoding={name!r}"
    return f"it holds zero bytes at position {data.index(0)}"
