"""Draw the two example hands of the secret alphabet: ``python -m authoring.pretrain.secret``.

A program draws five invented signs in two imagined hands, as strokes with a slant and a tremor. No person drew them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from authoring.pretrain.signs import Hand, Stroke
from ftlessons.lesson03.secret import SIDE, Alphabet, Drawing, save
from ftlib import catalog

HANDS, EACH, SEED = ("Ada", "Ben"), 5, 3


STEM: Stroke = [(0.5, 0.02), (0.5, 0.98)]


def _branch(rng: np.random.Generator, start: float, end: float, side: float = 0.85) -> Stroke:
    """A line from the stem at one height to the side at another."""
    return [(0.5, start + rng.normal(0, 0.04)), (side, end + rng.normal(0, 0.04))]


def _loop(rng: np.random.Generator) -> Stroke:
    top, low = rng.uniform(0.08, 0.2), rng.uniform(0.5, 0.65)
    return [(0.5, top), (rng.uniform(0.8, 0.95), (top + low) / 2), (0.5, low)]


# five runes that differ by a stroke
SIGNS: dict[str, Callable[[np.random.Generator], list[Stroke]]] = {
    "ana": lambda rng: [STEM, _branch(rng, 0.15, 0.4)],
    "bor": lambda rng: [STEM, _branch(rng, 0.4, 0.1)],
    "cyn": lambda rng: [STEM, _branch(rng, 0.12, 0.32), _branch(rng, 0.42, 0.62)],
    "dur": lambda rng: [STEM, _branch(rng, 0.38, 0.08, 0.15), _branch(rng, 0.38, 0.08)],
    "eld": lambda rng: [STEM, _loop(rng)],
}


def alphabet(name: str, rng: np.random.Generator) -> Alphabet:
    """All signs in one invented hand."""
    hand = Hand.invent(rng, light_on_dark=False)
    return Alphabet(name, {sign: [_draw(sign, hand, rng) for _ in range(EACH)] for sign in SIGNS})


def _draw(sign: str, hand: Hand, rng: np.random.Generator) -> Drawing:
    turn, slant = hand.turn + rng.normal(0, 0.07), hand.slant + rng.normal(0, 0.07)
    scale, middle = SIDE * rng.uniform(0.5, 0.7), SIDE * rng.uniform(0.45, 0.55, 2)
    strokes = [hand.bend(stroke, turn, slant, rng) * scale + middle for stroke in SIGNS[sign](rng)]
    return [[tuple(point) for point in stroke.clip(0, SIDE).round(1).tolist()] for stroke in strokes]


def make(folder: Path, seed: int = SEED) -> list[Path]:
    """Write a file for each hand."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for old in folder.glob("signs-of-*.json"):
        old.unlink()
    return [save(alphabet(name, rng), folder) for name in HANDS]


if __name__ == "__main__":
    make(catalog.data_dir() / "datasets" / "secret")
