"""Split examples so that nothing leaks: by class in fixed shares, with what belongs together kept together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from ftlib.own.account import listed
from ftlib.tasks.base import Split

SHARES: dict[Split, float] = {"train": 0.5, "tune": 0.1, "tune_valid": 0.1, "test": 0.3}
SPLITS: tuple[Split, ...] = tuple(SHARES)
LEAST = 4  # examples a class
ATTEMPTS = 400
UNEVEN, MANY = (0.12, 0.25), 20  # how far shares may lie from SHARES where there are few groups, and where many


class TooSmall(ValueError):
    """There are too few examples, or too few groups, to train on some and test on others."""


def shares(n: int) -> dict[Split, int]:
    """How many of ``n`` examples of a class go into each split; with more examples training never gets fewer.

    Where rounding would take one from training, tuning gets it less. Small classes have none left for tuning.

    >>> shares(10), shares(4)
    ({'train': 5, 'tune': 1, 'tune_valid': 1, 'test': 3}, {'train': 3, 'tune': 0, 'tune_valid': 0, 'test': 1})
    """
    found = _rounded(n)
    short = max(_rounded(fewer)["train"] for fewer in range(min(n, LEAST), n + 1)) - found["train"]
    for split in ("tune_valid", "tune") * 2:
        moved = min(found[split], (short + 1) // 2 if found[split] > 1 else short)
        found[split] -= moved
        found["train"] += moved
        short -= moved
    return found


def _rounded(n: int) -> dict[Split, int]:
    tune = round(n * SHARES["tune"] + 1e-9)
    test = max(1, round(n * SHARES["test"]))
    return {"train": n - 2 * tune - test, "tune": tune, "tune_valid": tune, "test": test}


def assign(labels: Sequence[str], groups: Sequence[str], digests: Sequence[str], seed: int) -> list[Split]:
    """Choose a split for each example; the same seed chooses the same.

    The split of a group is a hash of its name, whatever else is in the data, so that leaving out an example or a group
    never moves another group. Where that leaves a class without training or test examples, or the shares far off, the
    next hash is taken. Examples without a group are dealt class by class in the order of their hashes, copies together.

    Args:
        labels: one an example.
        groups: of each example, "" where it has none.
        digests: of each example; examples of one digest, and of one group, stay in one split.

    Raises:
        TooSmall: a class has fewer than four examples, or is missing from train or test because too few
            groups hold it. The sentence says how many are needed.
    """
    found, numbers = np.unique(np.asarray(labels), return_inverse=True)
    classes, counts = found.tolist(), np.bincount(numbers)
    if counts.min() < LEAST:
        few = [f"{name!r} has {n}" for name, n in zip(classes, counts, strict=True) if n < LEAST]
        raise TooSmall(
            f"each class needs at least {LEAST} examples, better 20, so that some are left to test on, but "
            f"{listed(few, 5)}: add examples, or leave a class out with relabel={{{classes[counts.argmin()]!r}: None}}"
        )
    units = _units(len(labels), [[name or f"no group {i}" for i, name in enumerate(groups)], digests])
    names = [min((groups[i] for i in unit if groups[i]), default="") for unit in units]
    grouped = [(unit, name) for unit, name in zip(units, names, strict=True) if name]
    single = [unit for unit, name in zip(units, names, strict=True) if not name]
    target = np.array([list(shares(n).values()) for n in counts])  # (classes, splits)
    for salt in range(ATTEMPTS):
        chosen, have = np.zeros(len(numbers), int), np.zeros_like(target)
        for unit, name in grouped:
            chosen[unit] = np.searchsorted(np.cumsum(list(SHARES.values()))[:-1], _hash(seed, salt, name), side="right")
            np.add.at(have, (numbers[unit], chosen[unit]), 1)
        far = np.abs(have.sum(0) / max(1, have.sum()) - list(SHARES.values())).max()
        even = not grouped or far <= UNEVEN[len(grouped) >= MANY]
        _deal(sorted(single, key=lambda unit: _hash(seed, salt, digests[unit[0]])), numbers, target, chosen, have)
        present = have[:, [SPLITS.index("train"), SPLITS.index("test")]].all(1)
        if present.all() and (even or salt >= ATTEMPTS // 2):
            return [SPLITS[i] for i in chosen]
    missing = [f"{classes[i]!r} {_held_by(numbers == i, units)}" for i in np.flatnonzero(~present)]
    raise TooSmall(
        "examples that belong together, copies among them, cannot be split, and then some classes are missing from "
        "training or test: "
        f"{listed(missing, 5)}; each class needs examples from at least 2 groups, better 10"
    )


def _hash(seed: int, salt: int, name: str) -> float:
    """A number from 0 to 1 that depends on these three alone."""
    key = f"{seed} {salt} {name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) / 2**64


def complete(chosen: Sequence[Split], labels: Sequence[str]) -> bool:
    """Whether each class has something to train and to test on."""
    chosen, labels = np.asarray(chosen), np.asarray(labels)
    return all(set(labels[chosen == split]) == set(labels) for split in ("train", "test"))


def from_parts(
    parts: Sequence[Split], labels: Sequence[str], groups: Sequence[str], digests: Sequence[str]
) -> list[Split]:
    """Splits that come with the data; what was kept for tuning is halved, with what belongs together kept together.

    Without a test, what was kept for tuning is the test.

    Raises:
        TooSmall: a class has nothing to train or to test on.
    """
    chosen, labels = np.array(parts, dtype="<U10"), np.asarray(labels)
    if "test" not in chosen:
        chosen[chosen == "tune"] = "test"
    units = _units(len(parts), [[name or f"no group {i}" for i, name in enumerate(groups)], digests])
    for turn, unit in enumerate(sorted(units, key=lambda unit: unit[0])):
        if turn % 2:
            chosen[unit[chosen[unit] == "tune"]] = "tune_valid"
    for split in ("train", "test"):
        if missing := sorted(set(labels) - set(labels[chosen == split])):
            raise TooSmall(f"the folder for {split} has no examples of {listed(map(repr, missing))}: add some there")
    return chosen.tolist()


def alike(counts: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """Labels that are perhaps a commoner one written differently, the rarest first, with what differs.

    Capitals and spaces may differ, or a slip of typing: a letter too few or too many within a word or doubled at its
    end, a plural's s, or two letters exchanged, in a word of at least five. First letters, numbers and signs are
    never slips: *unhealthy*, *class_2* and *C++* mean something else.

    >>> alike({"billing": 30, "Billing": 2, "returns": 20, "return": 1, "male": 9, "female": 8})
    [('return', 'returns', 'a letter'), ('Billing', 'billing', 'capitals or spaces')]
    """
    names = sorted(counts, key=lambda name: -counts[name])
    found = []
    for i, rare in reversed(list(enumerate(names))):
        differs = {common: _differs(_bare(rare), _bare(common)) for common in names[:i]}
        if close := next((common for common, what in differs.items() if what), None):
            found.append((rare, close, differs[close]))
    return found


def _bare(label: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+|[^\w\s]", label.casefold().replace("_", " "))


def _differs(first: list[str], second: list[str]) -> str:
    if "".join(first) == "".join(second):
        return "capitals or spaces"
    apart = [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]]
    return "a letter" if len(first) == len(second) and len(apart) == 1 and _slipped(*apart[0]) else ""


def _slipped(first: str, second: str) -> bool:
    """Whether one word may be a slip for the other."""
    short, long = sorted((first, second), key=len)
    if len(short) < 5 or not (short + long).isalpha() or short[0] != long[0]:
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) == len(long):
        return short[:at] + short[at + 1 : at + 2] + short[at] + short[at + 2 :] == long
    return short[at:] == long[at + 1 :] and (at < len(short) or long[-1] in ("s", short[-1]))


def _held_by(members: np.ndarray, units: list[np.ndarray]) -> str:
    n = sum(bool(members[unit].any()) for unit in units)
    return f"is in {n} group{'s' * (n > 1)}"


def _units(n: int, ties: Sequence[Sequence[Hashable]]) -> list[np.ndarray]:
    """Positions that must stay together: connected through any of the ties."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = []
    for tie in ties:
        first: dict[Hashable, int] = {}
        pairs += [(first.setdefault(key, i), i) for i, key in enumerate(tie)]
    rows, columns = np.array(pairs or [(0, 0)]).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    _, unit_of = connected_components(graph, directed=False)
    order = np.argsort(unit_of, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(unit_of[order])) + 1)


def _deal(
    units: Sequence[np.ndarray], numbers: np.ndarray, target: np.ndarray, chosen: np.ndarray, have: np.ndarray
) -> None:
    """Give each unit, the largest first, to the split that lacks its classes most; fills ``chosen`` and ``have``."""
    weight = 1 / np.maximum(target.sum(1), 1)
    for unit in sorted(units, key=lambda unit: -len(unit)):
        counts = np.bincount(numbers[unit], minlength=len(target))
        best = int(np.argmax((counts * weight) @ (target - have)))
        have[:, best] += counts
        chosen[unit] = best
