"""What a learner leaves behind on their own disk: guesses, texts and progress, in ``.ftlib/ledger.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from ftlib import runtime
from ftlib.runtime import write_json

PATIENCE = 10.0  # seconds to wait for another kernel that is writing


class Ledger:
    """A JSON file with named sections, each an append-only list of entries that carry an ``id``.

    Nothing is overwritten: a second guess is a second entry, and a file that can't be read is renamed
    to ``ledger.unreadable-1.json``. In strict mode (tests, recorded runs) it stays empty and unwritten,
    so that an author's own guesses never reach the published notebooks. Kernels that write at the same time wait
    for each other, with ``ledger.lock`` beside the file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or Path.cwd() / ".ftlib" / "ledger.json"

    def entries(self, section: str) -> list[dict[str, Any]]:
        """All entries of a section, oldest first; none where the file may not be read."""
        try:
            return [] if runtime.strict() else self._read().get(section, [])
        except OSError:
            return []

    def latest(self, section: str, id: str) -> dict[str, Any] | None:
        """The newest entry for `id`, or None, also where the file may not be read."""
        return next((entry for entry in reversed(self.entries(section)) if entry.get("id") == id), None)

    def append(self, section: str, entry: dict[str, Any], keys: tuple[str, ...] = ()) -> None:
        """Add `entry` and save; with `keys` only if no entry has the same values under them, whoever wrote it.

        Raises:
            OSError: the ledger can't be written.
            ValueError: the entry is no dict of texts, numbers and lists, or the section has no name.
        """
        try:
            json.dumps(entry)
        except (TypeError, ValueError, RecursionError) as problem:
            raise ValueError(f"the entry cannot be kept ({problem}): give texts, numbers and lists") from problem
        if not isinstance(section, str) or not isinstance(entry, dict) or set(keys) - entry.keys():
            raise ValueError(f"{section!r} and a {type(entry).__name__} are no section and entry")
        if runtime.strict() or _is_there(entry, keys, self.entries(section)):
            return
        with self._alone():
            content = self._read()
            entries = content.setdefault(section, [])
            if not _is_there(entry, keys, entries):
                entries.append(entry)
                write_json(self.path, content)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other kernel reads, changes and writes the ledger; a wait that is too long is an OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path.with_suffix(".lock"), timeout=PATIENCE)
        try:
            lock.acquire()
        except NotImplementedError:  # a file system that knows no locks: as if alone
            pass
        try:
            yield
        finally:
            lock.release()

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError):
            content = None
        if _is_ledger(content):
            return content
        self._set_aside()
        return {}

    def _set_aside(self) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.stem}.unreadable-{number}.json")).exists():
            number += 1
        os.replace(self.path, aside)
        print(f"Your notes in {self.path.name} could not be read; they are kept as {aside.name}.")


def _is_there(entry: dict[str, Any], keys: tuple[str, ...], entries: list[dict[str, Any]]) -> bool:
    return bool(keys) and any(all(old.get(key) == entry[key] for key in keys) for old in entries)


def _is_ledger(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        for entries in content.values()
    )
