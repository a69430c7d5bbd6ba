"""What came in and what became of it, by class and by reason; and who stays where there are more than the limit."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_LABELS = 5_000  # different labels, before any are merged
MOST_LISTED = 10_000  # entries of ``skipped``
Skipped = list[tuple[str, str]]  # what could not be used, and why


@dataclass
class Account:
    """Every row or file that came in is used or left out for a reason; ``str`` says how many, and of which classes.

    Where more come in than ``limit``, the largest classes are cut down to one size and the small ones stay whole.
    Who stays is decided by a hash of the id and the seed: the same ones on every machine, in whatever order they come.

    Attributes:
        unit: what is counted, in the singular.
        came: how many came in, counted where they are read.
        found: how many of each class came in; the class "" is that of those without a class.
        used: how many of each class are used.
        out: reason -> class -> how many were left out.
        skipped: id of what could not be used, and why; at most 10,000 of them.
    """

    unit: str
    limit: int
    seed: int = 0
    came: int = 0
    found: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    out: dict[str, Counter[str]] = field(default_factory=dict)
    skipped: Skipped = field(default_factory=list)
    _said: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, list[tuple[bytes, int, Any]]] = field(default_factory=dict)
    _held: int = 0

    def keep(self, label: str, id: str, item: Any) -> None:
        """Take in one example; at most twice the limit are held at any time.

        Raises:
            ValueError: there are more different labels than can be classes.
        """
        self.found[label] += 1
        if len(self.found) > MOST_LABELS:
            raise ValueError(f"there are more than {MOST_LABELS:,} different labels: is that the label?")
        key = hashlib.blake2b(f"{self.seed} {id}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
        self._kept.setdefault(label, []).append((key, self.came, item))
        self._held += 1
        if self._held >= 2 * self.limit + 1:
            self._trim()

    def leave(self, reason: str, label: str, id: str, why: str = "", known: bool = False) -> None:
        """Leave one out; ``why`` goes on with a sentence that begins with the id. ``known``: it is in ``found``."""
        self.found[label] += not known
        self.out.setdefault(reason, Counter())[label] += 1
        self._said.setdefault(reason, f"{id} {why}".strip())
        if why and len(self.skipped) < MOST_LISTED:
            self.skipped.append((id, why))

    def chosen(self, least: int) -> list[tuple[str, Any]]:
        """Classes and items that stay, in the order in which they came.

        Raises:
            ValueError: the limit leaves no class ``least`` examples.
        """
        had = {label: n for label, n in self.found.items() if label in self._kept}
        cap = self._trim()
        kept = sorted((at, label, item) for label, pile in self._kept.items() for _, at, item in pile)
        gone = Counter(had)
        for counts in (*self.out.values(), {label: len(pile) for label, pile in self._kept.items()}):
            gone.subtract({label: n for label, n in counts.items() if label in had})
        if +gone:
            self.out[LIMIT] = +gone
            if cap < least:
                n = least * len(had)
                raise ValueError(f"limit is {self.limit}, too few for {len(had)} classes: pass limit={n} or more")
        self._kept = {}
        return [(label, item) for _, label, item in kept]

    def _trim(self) -> int:
        """Cut the largest classes to one size, so that no more than the limit are left; returns that size."""
        sizes = sorted(map(len, self._kept.values()))
        room, cap = self.limit, sizes[-1] if sizes else 0
        if sum(sizes) > room:
            for i, size in enumerate(sizes):
                cap = room // (len(sizes) - i)
                if size > cap:
                    break
                room -= size
        for pile in self._kept.values():
            if len(pile) > cap:
                pile.sort()
                del pile[cap:]
        self._held = sum(map(len, self._kept.values()))
        return cap

    def __str__(self) -> str:
        used = self.used.total()
        first = f"All {used:,}" if used == self.came else f"{used:,} of {self.came:,}"
        lines = [f"{first} {self.unit}s are used."]
        gone = [label for label in sorted(self.found) if label and not self.used[label]]
        if gone:
            lines.append(f"Nothing is left of {listed(map(repr, gone))}: see below why.")
        for reason, counts in self.out.items():
            n, hint = counts.total(), HINTS.get(reason, "")
            largest = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
            by_class = listed(f"{label} {k:,}" for label, k in largest if label)
            said = self._said.get(reason, "")
            shown = f", such as {said}" if said else ""
            if reason == UNUSABLE:
                shown = f": {said}" + (f"; {n - 1:,} more in task.skipped" if n > 1 else "")
            lines.append(f"Left out {reason}: {n:,}{f' ({by_class})' if by_class else ''}{shown}{hint}.")
        if lost := self.came - used - sum(counts.total() for counts in self.out.values()):
            lines.append(f"Unaccounted for: {lost:,}. Please report this.")
        return "\n".join(lines)


UNUSABLE, LIMIT, LINK = "as unusable", "to keep to limit=", "as links"
OTHER, DROPPED, RELABELLED = "as of another kind", "by drop=", "by relabel="
HINTS = {
    LIMIT: ", the largest classes first: pass limit= for more",
    LINK: ": copy the files themselves into the folder",
}


def listed(names: Iterable[str], most: int = 6) -> str:
    """The first few of many, and how many more there are.

    >>> listed("abcd", 2)
    'a, b and 2 more'
    """
    names = [name if len(name) <= 60 else f"{name[:50]}..." for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


