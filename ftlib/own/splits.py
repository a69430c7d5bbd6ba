"""Split examples so that nothing leaks: by class in fixed shares, with what belongs together kept together."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from difflib import SequenceMatcher

import numpy as np

from ftlib.tasks.base import Split

SHARES: dict[Split, float] = {"train": 0.5, "tune": 0.1, "tune_valid": 0.1, "test": 0.3}
SPLITS: tuple[Split, ...] = tuple(SHARES)
LEAST = 4  # examples a class
ATTEMPTS = 20
ALIKE = 0.8  # smallest likeness of two spellings; 1 is equal


class TooSmall(ValueError):
    """There are too few examples, or too few groups, to train on some and test on others."""


def shares(n: int) -> dict[Split, int]:
    """How many of ``n`` examples of a class go into each split; small classes have none left for tuning.

    >>> shares(10), shares(4)
    ({'train': 5, 'tune': 1, 'tune_valid': 1, 'test': 3}, {'train': 3, 'tune': 0, 'tune_valid': 0, 'test': 1})
    """
    tune = round(n * SHARES["tune"] + 1e-9)
    test = max(1, round(n * SHARES["test"]))
    return {"train": n - 2 * tune - test, "tune": tune, "tune_valid": tune, "test": test}


def assign(labels: Sequence[str], ties: Sequence[Sequence[Hashable]], seed: int) -> list[Split]:
    """Choose a split for each example; the same seed chooses the same.

    Args:
        labels: one a example.
        ties: sequences as long as ``labels``; examples that agree in any of them stay in one split.

    Raises:
        TooSmall: a class has fewer than four examples, or is missing from train or test because too few
            groups hold it. The sentence says how many are needed.
    """
    classes, numbers = np.unique(np.asarray(labels), return_inverse=True)
    counts = np.bincount(numbers)
    if counts.min() < LEAST:
        few = [f"{name!r} has {n}" for name, n in zip(classes, counts, strict=True) if n < LEAST]
        listed = ", ".join(few[:5]) + (f" and {len(few) - 5} more classes have too few" if len(few) > 5 else "")
        raise TooSmall(
            f"each class needs at least {LEAST} examples, better 20, so that some are left to test on, but {listed}: "
            f"add examples, or merge or leave out classes with relabel={_suggestion(classes, counts)}"
        )
    units = _units(len(labels), ties)
    target = np.array([list(shares(n).values()) for n in counts])  # (classes, splits)
    for attempt in range(ATTEMPTS):
        chosen, have = _deal(units, numbers, target, np.random.default_rng([seed, attempt]))
        present = have[:, [SPLITS.index("train"), SPLITS.index("test")]].all(1)
        if present.all():
            return [SPLITS[i] for i in chosen]
    missing = [f"{classes[i]!r} {_held_by(numbers == i, units)}" for i in np.flatnonzero(~present)]
    raise TooSmall(
        "examples that belong together cannot be split, and then some classes are missing from training or test: "
        f"{', '.join(missing[:5])}; each class needs examples from at least 2 groups, better 10"
    )


def alike(counts: Mapping[str, int]) -> list[tuple[str, str, float]]:
    """Labels that are probably a commoner one written differently, the rarest first, with their likeness.

    >>> alike({"billing": 30, "Billing": 2, "returns": 20, "return": 1})
    [('return', 'returns', 0.92), ('Billing', 'billing', 1.0)]
    """
    names = sorted(counts, key=lambda name: -counts[name])
    found = []
    for i, rare in reversed(list(enumerate(names))):
        scored = [(SequenceMatcher(None, _bare(rare), _bare(common)).ratio(), common) for common in names[:i]]
        close = [(round(likeness, 2), common) for likeness, common in scored if likeness >= ALIKE]
        if close and not (rare.isdigit() or close[0][1].isdigit()):
            likeness, common = close[0]
            found.append((rare, common, likeness))
    return found


def _bare(label: str) -> str:
    return re.sub(r"[\W_]+", "", label).casefold() or label


def _suggestion(classes: np.ndarray, counts: np.ndarray) -> str:
    close = alike(dict(zip(classes.tolist(), counts.tolist(), strict=True)))[:6]
    return f", perhaps {{{', '.join(f'{rare!r}: {common!r}' for rare, common, _ in close)}}}" if close else ""


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
    units: list[np.ndarray], numbers: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Give each unit, the largest first, to the split that lacks its classes most."""
    chosen, have = np.zeros(len(numbers), int), np.zeros_like(target)
    weight = 1 / np.maximum(target.sum(1), 1)
    shuffled = rng.permutation(len(units))
    for i in sorted(shuffled, key=lambda i: -len(units[i])):
        counts = np.bincount(numbers[units[i]], minlength=len(target))
        best = int(np.argmax((counts * weight) @ (target - have)))
        have[:, best] += counts
        chosen[units[i]] = best
    return chosen, have
