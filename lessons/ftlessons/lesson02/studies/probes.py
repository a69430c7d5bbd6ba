"""Lesson 02: what a linear probe reads at each stage of the letters network and of random ones, on five targets.

Ten labels per class. How strongly a probe's weights are held back is chosen for each target, network and stage on
other writers, voices and letters, by ``TUNE_SEEDS`` draws.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor, nn

from ftlessons.lesson02 import probing, transfer
from ftlib import models, results, runtime
from ftlib.metrics import Interval, difference, mean_interval

CHECKPOINT = "glyph-resnet10"
WEIGHTS = ("letters", "random")
STAGES = (probing.PIXELS, "stem", "layer1", "layer2", "layer3", "layer4")
SEEDS, TUNE_SEEDS, BUDGET = range(10), range(100, 103), 10


def jobs() -> list[tuple]:
    """Network, target and draw of labels; a random network's weights are drawn anew with the labels."""
    return [(weights, target, seed) for target in transfer.NAMES for weights in WEIGHTS for seed in SEEDS]


def one(weights: str, target: str, seed: int) -> dict[str, Any]:
    """A row: the probe's accuracy on the test examples at each stage."""
    learn, test = transfer.draw(target, BUDGET, seed)
    model = network(weights, seed)
    z, shown = probing.readings(model, learn[0]), _read(model, target, seed, test[0])
    found = {}
    for stage, C in strengths(weights, target).items():
        found[stage] = round(probing.Probe(z[stage], learn[1], C).score(shown[stage], test[1]), 4)
    return {"weights": weights, "target": target, "seed": seed} | found


def network(weights: str, seed: int = 0) -> nn.Module:
    """The letters network, or its architecture with random weights."""
    if weights == "letters":
        return _letters_network()
    runtime.seed_everything(seed)
    return models.resnet10(10).eval()


@cache
def _letters_network() -> nn.Module:
    return models.load(CHECKPOINT)


@lru_cache(maxsize=1)
def _read(model: nn.Module, target: str, seed: int, x: Tensor) -> dict[str, Tensor]:
    return probing.readings(model, x)


@cache
def strengths(weights: str, target: str) -> dict[str, float]:
    """The probe's C at each stage, chosen on the pool for tuning."""
    draws = []
    for seed in TUNE_SEEDS:
        (x, y), (test_x, test_y) = transfer.draw(target, BUDGET, seed, tune=True)
        model = network(weights, seed)
        draws.append((probing.readings(model, x), y, probing.readings(model, test_x), test_y))
    return {s: probing.strength([(z[s], y, tz[s], ty) for z, y, tz, ty in draws]) for s in STAGES}


def at(table: pd.DataFrame, target: str, stage: str, weights: str = "letters") -> np.ndarray:
    """Recorded accuracies by seed."""
    return results.by_seed(table, target=target, weights=weights)[stage].to_numpy(dtype=float)


def removed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The share of errors that is gone, seed by seed: 1 is all, 0 is none, negative is more errors than before."""
    return 1 - (1 - np.asarray(after)) / np.maximum(1 - np.asarray(before), 1e-9)


def general_then_specific(table: pd.DataFrame) -> dict[str, Interval]:
    """What claim C4 needs: early stages help everywhere, later ones help letters more than other targets."""
    found = {}
    for target in transfer.TARGETS[1:]:
        found[f"early is general, {target}: layer1 of letters minus layer1 of random"] = difference(
            at(table, target, "layer1"), at(table, target, "layer1", "random")
        )
    own = removed(at(table, "letters", "layer1"), at(table, "letters", "layer4"))
    for target in transfer.TARGETS[1:]:
        other = removed(at(table, target, "layer1"), at(table, target, "layer4"))
        found[f"late is specific: share of layer1's errors that layer4 removes, letters minus {target}"] = difference(
            own, other
        )
    return found


def simple_then_whole(table: pd.DataFrame) -> dict[str, Interval]:
    """What claim C14 needs: the direction of a stroke is there early, the letter only late."""
    rise = {name: at(table, name, "layer4") - at(table, name, "stem") for name in ("letters", "strokes")}
    stem, pixels = (at(table, "strokes", stage) for stage in ("stem", "pixels"))
    return {
        "direction of a stroke: stem minus pixels": difference(stem, pixels),
        "letter: layer4 minus stem": mean_interval(rise["letters"]),
        "what comes after the stem: letter minus direction": difference(rise["letters"], rise["strokes"]),
    }


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """Columns ``target, seed, removed``: the share of a random network's errors that the letters network removes."""
    rows = []
    for target in transfer.TARGETS:
        shares = removed(at(table, target, "layer4", "random"), at(table, target, "layer4"))
        rows += [{"target": target, "seed": seed, "removed": share} for seed, share in enumerate(shares)]
    return pd.DataFrame(rows)


def further_away(table: pd.DataFrame) -> dict[str, Interval]:
    """The first part of claim C18: the checkpoint helps each target, and less at each step away from letters."""
    shares = {target: rows.removed.to_numpy() for target, rows in distances(table).groupby("target")}
    helps = {f"helps {target}": mean_interval(shares[target]) for target in transfer.TARGETS[1:]}
    steps = zip(transfer.TARGETS, transfer.TARGETS[1:], strict=False)
    return helps | {f"less for {far} than for {near}": difference(shares[near], shares[far]) for near, far in steps}


def long_table(table: pd.DataFrame, weights: str = "letters") -> pd.DataFrame:
    """One row for each accuracy: columns ``target, seed, stage, accuracy``."""
    rows = table[table.weights == weights]
    return rows.melt(["target", "seed"], list(STAGES), "stage", "accuracy")
