"""Record the size and sha256 of what is shipped: ``python -m authoring stamp NAME``, after a shipped file changed."""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence

from ftlib import catalog
from ftlib._sources import sha256
from ftlib.catalog import CatalogError, File
from ftlib.resume import replacing


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
    found = catalog.entry(name)
    shipped = [source for source in found.sources if source.origin == "data"]
    if not shipped:
        raise CatalogError(f"{name!r} is not shipped in the data folder, so it cannot be stamped.")
    folder = catalog.data_dir() / shipped[0].path
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
    file = catalog.data_dir() / "catalog.toml"
    text = before = file.read_bytes().decode()  # line endings stay as they are
    header = re.search(rf"^\[\s*[\"']?{re.escape(name)}[\"']?\s*\]", text, re.MULTILINE)
    start = header.end() if header else len(text)
    following = re.search(r"^\[", text[start:], re.MULTILINE)
    end = start + following.start() if following else len(text)
    for each in now.values():
        record = rf'(path\s*=\s*"{re.escape(each.path)}"\s*,\s*size\s*=\s*)\d+(\s*,\s*sha256\s*=\s*)"[^"]*"'
        block = re.sub(record, rf'\g<1>{each.size}\g<2>"{each.sha256}"', text[start:end])
        text, end = text[:start] + block + text[end:], start + len(block)
    expected = tomllib.loads(before)
    expected[name]["files"] = [vars(now[each["path"]]) for each in expected[name]["files"]]
    if tomllib.loads(text) != expected:
        raise CatalogError(
            f"{name!r} cannot be stamped: write its files as "
            '{ path = "...", size = 0, sha256 = "" }, one a line.'
        )
    with replacing(file) as part:
        part.write_bytes(text.encode())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m authoring stamp", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="entries of data/catalog.toml")
    try:
        for name in parser.parse_args(argv).names:
            print(f"{name}: {stamp(name)} of {len(catalog.entry(name).files)} records changed.")
    except CatalogError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
