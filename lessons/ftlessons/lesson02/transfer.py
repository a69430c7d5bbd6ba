"""Four targets at a growing distance from printed letters, and one simple property: ten classes each.

``letters`` are ten of the network's own letters, in fonts it was not trained on. ``digits`` are handwritten.
``negatives`` are the same digits with the light reversed. ``sound`` is the spoken words zero to nine, drawn as
pictures of their pitches over time. ``strokes`` asks for the direction of a single stroke.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from ftlib import tasks
from ftlib.tasks.base import Split, draw_per_class
from ftlib.tasks.glyphs import CANVAS, FONTS, HELD_OUT_FONTS, SIZE, GlyphBank, _lower_resolution, to_input

TARGETS = ("letters", "digits", "negatives", "sound")  # from near to far, an order fixed before measuring
NAMES = (*TARGETS, "strokes")
CLASSES, LETTERS_TO_TUNE, EACH = 10, 200, 30
QUIET, LOUD = 1.5, 3.5  # no ink and full ink in a log-mel picture

Examples = tuple[Tensor, Tensor]


def draw(name: str, budget: int, seed: int, tune: bool = False) -> tuple[Examples, Examples]:
    """A labelled draw to learn from and the examples to test on, inputs (N, 3, 32, 32) and labels (N,).

    Args:
        budget: labels per class.
        tune: from the pool for choosing settings, which shares no writer, voice or letter with the other.

    Raises:
        ValueError: there is no target of that name.
    """
    if name in ("digits", "negatives"):
        task, (learn, test) = tasks.get(name), ("tune", "tune_valid") if tune else ("train", "test")
        return task.sample(budget, seed, learn).tensors, task.split(test).tensors
    if name == "sound":
        return _spoken(budget, seed, tune)
    if name == "letters":
        chosen, start = letters(seed, tune), 20_000 + 1_000 * tune + seed
        return tuple(_drawn(chosen, *how) for how in ((FONTS, budget, start), (HELD_OUT_FONTS, EACH, start + 500)))
    if name == "strokes":
        start = 30_000 + 1_000 * tune + seed
        return strokes(budget, start), strokes(EACH, 40_000 + tune)
    raise ValueError(f"there is no target {name!r}: choose from {', '.join(NAMES)}")


def letters(seed: int, tune: bool = False) -> list[str]:
    """The ten letters of one draw of the target ``letters``, in the order of its labels."""
    known = np.random.default_rng(0).permutation(_in_both_kinds_of_font())
    pool = known[:LETTERS_TO_TUNE] if tune else known[LETTERS_TO_TUNE:]
    return np.random.default_rng(seed).choice(pool, CLASSES, replace=False).tolist()


@cache
def _in_both_kinds_of_font() -> list[str]:
    """The network's letters that fonts of its training have, and the held-out ones too."""
    letters = tasks.get("letters").letters
    had = [set(GlyphBank.draw(letters, fonts).labels.tolist()) for fonts in (FONTS, HELD_OUT_FONTS)]
    return [letter for i, letter in enumerate(letters) if all(i in each for each in had)]


def _drawn(letters: list[str], fonts: tuple[str, ...], each: int, seed: int) -> Examples:
    """``each`` distorted drawings of every letter."""
    generator = torch.Generator().manual_seed(seed)
    parts = [GlyphBank.draw((letter,), fonts).sample(each, generator)[0] for letter in letters]
    return torch.cat(parts), torch.arange(len(letters)).repeat_interleave(each)


def _spoken(budget: int, seed: int, tune: bool) -> tuple[Examples, Examples]:
    x, y = sound_pictures("tune" if tune else "train")
    chosen = draw_per_class(y, "0123456789", budget, seed, "tune" if tune else "train")
    return (x[chosen], y[chosen]), sound_pictures("tune_valid" if tune else "test")


@cache
def sound_pictures(split: Split) -> Examples:
    """Spoken digits as pictures: time runs to the right, pitch upwards, loud is ink; inputs (N, 3, 32, 32)."""
    from ftlib.speech.audio import log_mel

    clips = tasks.get("spoken_digits").split(split)
    parts = []
    for wave in clips.waves:  # and not clips.picture, which would keep every log-mel picture in memory
        ink = ((log_mel(wave).flip(0) - QUIET) / (LOUD - QUIET)).clamp(0, 1)
        parts.append(nn.functional.interpolate(ink[None, None], (SIZE, SIZE), mode="bilinear", antialias=True))
    return to_input(torch.cat(parts)), torch.tensor(clips.column("label"))  # three channels, one memory


def strokes(each: int, seed: int) -> Examples:
    """Single strokes in ten directions, 18 degrees apart, at any place, length and width."""
    generator = torch.Generator().manual_seed(seed)
    n = CLASSES * each
    y = torch.arange(CLASSES).repeat_interleave(each)

    def uniform(low: float, high: float) -> Tensor:
        return (torch.rand(n, generator=generator) * (high - low) + low)[:, None, None]

    angle = (torch.pi / CLASSES * y)[:, None, None]
    axis = torch.arange(CANVAS) - (CANVAS - 1) / 2
    right, up = axis[None, None] - uniform(-9, 9), -axis[None, :, None] - uniform(-9, 9)
    along = right * torch.cos(angle) + up * torch.sin(angle)
    across = -right * torch.sin(angle) + up * torch.cos(angle)
    ink = ((along.abs() < uniform(9, 20)) & (across.abs() < uniform(2, 4))).float()
    return to_input(_degraded(ink, generator)), y


def _degraded(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Scaled down, blurred and noisy as the letters are, but neither turned nor sheared: the label would change."""
    small = nn.functional.interpolate(ink[:, None], (SIZE, SIZE), mode="area")
    small = _lower_resolution(small, generator)
    return (small + 0.03 * torch.randn(small.shape, generator=generator)).clamp(0, 1)
