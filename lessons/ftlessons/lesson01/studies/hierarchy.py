"""What the stages of the letters network respond to: edges at the front, whole letters at the back?

Two measures. A first-layer filter is an edge detector if one Gabor patch, a striped blob, explains its pixels;
the same filter with its pixels shuffled says how much such a patch explains by luck. And a unit knows the
letter if most of its variation is between letters and little within: between drawings, fonts and distortions
of the same letter.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ftlib import models, runtime, tasks
from ftlib.metrics import Interval, difference
from ftlib.tasks.glyphs import FONTS, HELD_OUT_FONTS, SIZE, GlyphBank

CHECKPOINT = "glyph-resnet10"
STAGES = ("stem", "layer1", "layer2", "layer3", "layer4")
SEEDS, LETTERS, DRAWINGS = range(10), 60, 10
FILTERS, STEM_SEES = 64, 11  # 11 pixels: a patch of 7, every other pixel, the largest of 3 x 3 answers


def jobs() -> list[tuple]:
    """Each first-layer filter, then each draw of letters for the trained and for a random network."""
    return [("filter", i) for i in range(FILTERS)] + [(kind, s) for s in SEEDS for kind in ("trained", "random")]


def one(kind: str, number: int) -> dict:
    """A row: ``gabor`` and ``shuffled`` of a filter, or the share explained by the letter at each stage."""
    if kind == "filter":
        patch = first_filters()[number].double().numpy()
        mixed = np.random.default_rng(number).permutation(patch.ravel()).reshape(patch.shape)
        return {"kind": kind, "number": number} | {
            name: round(gabor_share(pixels), 4) for name, pixels in (("gabor", patch), ("shuffled", mixed))
        }
    return {"kind": kind, "number": number} | letter_shares(kind, number)


@cache
def first_filters() -> Tensor:
    """The first layer's 64 filters, (64, 7, 7); its three input channels get the same grey, so only their sum acts."""
    return models.load(CHECKPOINT).conv1.weight.detach().sum(1)


def gabor(parameters: np.ndarray, size: int) -> np.ndarray:
    """A Gabor patch of unit height, flat: place x, y, angle, widths along and across, frequency, phase."""
    x0, y0, angle, along, across, frequency, phase = parameters
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    u = (x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)
    v = -(x - x0) * np.sin(angle) + (y - y0) * np.cos(angle)
    blob = np.exp(-((u / along) ** 2 + (v / across) ** 2) / 2)
    return (blob * np.cos(2 * np.pi * frequency * u + phase)).ravel()


def gabor_share(patch: np.ndarray) -> float:
    """The share of a square patch's sum of squares that the best Gabor patch explains (R², 8 free numbers).

    Jones & Palmer 1987 fitted such patches to cells of a cat's visual cortex.

    Raises:
        ValueError: the patch is not square or is zero everywhere.
    """
    from scipy.optimize import least_squares

    if patch.ndim != 2 or patch.shape[0] != patch.shape[1] or not np.any(patch):
        raise ValueError(f"a Gabor patch is fitted to a square of pixels that are not all 0, not to {patch.shape}")
    size, target = len(patch), patch.ravel() / np.linalg.norm(patch)
    reach = size / 2
    low = [-reach, -reach, -2 * np.pi, 0.5, 0.5, 0.0, -4 * np.pi]
    high = [reach, reach, 3 * np.pi, size, size, 0.5, 4 * np.pi]

    def miss(parameters: np.ndarray) -> np.ndarray:
        wave = gabor(parameters, size)
        return target - wave * (wave @ target) / max(wave @ wave, 1e-12)

    places, waves = (-1.5, 0.0, 1.5), (0.05, 0.12, 0.2, 0.3)
    grid = product(places, places, np.arange(8) * np.pi / 8, (2.0,), (2.0,), waves, (0.0, np.pi / 2))
    starts = sorted(grid, key=lambda start: miss(np.array(start)) @ miss(np.array(start)))[:6]
    best = min(2 * least_squares(miss, start, bounds=(low, high), max_nfev=80).cost for start in starts)
    return float(1 - best)


def letter_shares(weights: str, seed: int) -> dict[str, float]:
    """For each stage the share of its units' variation that the letter explains, averaged over units.

    A unit is one channel at one place. The share is the intraclass correlation of a one-way analysis of
    variance (Fisher 1925): 0 if the letter says nothing about the unit, 1 if it says all.
    """
    x = drawings(seed)
    if weights == "random":
        runtime.seed_everything(seed)
        model = models.resnet10(10).eval()
    else:
        model = models.load(CHECKPOINT)
    return {stage: round(letter_share(found), 4) for stage, found in responses(model, x).items()}


def drawings(seed: int, letters: int = LETTERS, each: int = DRAWINGS) -> Tensor:
    """Letters drawn at random from the network's own, each in ``each`` distorted drawings of all fonts.

    Returns:
        (letters * each, 3, 32, 32), all drawings of a letter in a row.
    """
    names = tasks.get("letters").letters
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    found = []
    for index in rng.choice(len(names), letters, replace=False):
        bank = GlyphBank.draw((names[index],), FONTS + HELD_OUT_FONTS)
        found.append(bank.sample(each, generator)[0])
    return torch.cat(found)


@torch.no_grad()
def responses(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What the units of each stage answer to (N, 3, 32, 32) pictures: (N, channels, height, width) a stage."""
    found = {"stem": model.maxpool(model.relu(model.bn1(model.conv1(x))))}
    for stage, before in zip(STAGES[1:], STAGES, strict=False):
        found[stage] = getattr(model, stage)(found[before])
    return found


def favourites(found: Tensor, x: Tensor, unit: int = 0, n: int = 8, sees: int = SIZE) -> Tensor:
    """The pictures that excite one unit most: a channel in the middle of a stage.

    Args:
        found: responses (N, channels, height, width) to the pictures ``x``, (N, 3, 32, 32).
        sees: how many pixels, from side to side, such a unit looks at; only these are shown, enlarged.

    Returns:
        (n, 32, 32), the most exciting first.
    """
    row, column = found.shape[-2] // 2, found.shape[-1] // 2
    chosen = x[found[:, unit, row, column].topk(n).indices, :1]
    start = (SIZE - sees + 1) // 2
    window = chosen[..., start : start + sees, start : start + sees]
    return nn.functional.interpolate(window, (SIZE, SIZE), mode="nearest")[:, 0]


def letter_share(found: Tensor, each: int = DRAWINGS) -> float:
    """Mean over units of the intraclass correlation; rows of ``found`` stand in groups of ``each``."""
    groups = found.flatten(1).double().unflatten(0, (-1, each))  # letters, drawings, units
    between = each * groups.mean(1).var(0)
    within = groups.var(1).mean(0)
    alive = between + within > 1e-12
    share = (between - within) / (between + (each - 1) * within)
    return share[alive].mean().item()


def long_table(table: pd.DataFrame) -> pd.DataFrame:
    """The shares of the recorded table, one row for each stage: columns ``weights, seed, stage, share``."""
    rows = table[table.kind != "filter"].rename(columns={"kind": "weights", "number": "seed"})
    long = rows.melt(["weights", "seed"], list(STAGES), "stage", "share")
    return long.sort_values("weights", ascending=False, kind="stable")  # stages stay in their order


def gains(table: pd.DataFrame) -> dict[str, Interval]:
    """What claim C14 needs: edges over the filters, then the rise of the letter's share over the draws of letters."""
    filters = table[table.kind == "filter"]
    trained, random = (table[table.kind == kind].sort_values("number") for kind in ("trained", "random"))
    rises = [(part.layer4 - part.stem).to_numpy() for part in (trained, random)]
    return {
        "edges: first-layer filters": difference(filters.gabor, filters.shuffled),
        "parts: layer2 minus stem": difference(trained.layer2, trained.stem),
        "wholes: layer4 minus layer2": difference(trained.layer4, trained.layer2),
        "rise from stem to layer4, beyond that of random weights": difference(*rises),
    }
