"""Lesson 02: does a wrong source help? Two short pre-trainings that differ in nothing but the pixels' places.

Both learn the same hundred letters from the same drawings in the same order. In ``shuffled`` all pixels are
rearranged, in every picture in the same way, so that no stroke is left. Then a probe on the last stage reads digits
and sounds, ten labels per class. ``random`` has had no pre-training.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ftlessons.lesson02 import probing, transfer
from ftlib import models, runtime, tasks
from ftlib.metrics import Interval, mean_interval
from ftlib.tasks.glyphs import FONTS, SIZE, GlyphBank

SOURCES, TARGETS = ("random", "shuffled", "letters"), ("digits", "sound")
SEEDS, TUNE_SEEDS, BUDGET = range(5), range(100, 103), 10
LETTERS, STEPS, BATCH, RATE, DECAY = 100, 120, 128, 2e-3, 0.05
LAST = "layer4"


def jobs() -> list[tuple]:
    """Source and seed: first weights, order of the drawings, shuffle and draw of labels."""
    return [(source, seed) for seed in SEEDS for source in SOURCES]


def one(source: str, seed: int) -> dict[str, Any]:
    """A row: how well the network does its own job after pre-training, and the probe's accuracy on each target."""
    model, own = pretrained(source, seed)
    return {"source": source, "seed": seed, "own": own} | {t: round(probed(model, t, seed), 4) for t in TARGETS}


def pretrained(source: str, seed: int) -> tuple[nn.Module, float | None]:
    """A network after its short pre-training, and its accuracy on fresh drawings of its own kind."""
    runtime.seed_everything(seed)
    model = models.resnet10(LETTERS)
    if source == "random":
        return model.eval(), None
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.1)
    for step in range(STEPS):
        x, y = drawings(source, seed, step, BATCH)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    x, y = drawings(source, seed, -1, 500)
    with torch.no_grad():
        return model, round((model(x).argmax(1) == y).float().mean().item(), 4)


def drawings(source: str, seed: int, step: int, n: int) -> tuple[Tensor, Tensor]:
    """Distorted letters, the same for both sources, inputs (n, 3, 32, 32); ``shuffled`` ones are rearranged."""
    x, y = _bank().sample(n, torch.Generator().manual_seed(1_000_003 * (seed + 1) + step))
    if source == "shuffled":
        places = torch.randperm(SIZE * SIZE, generator=torch.Generator().manual_seed(seed))
        x = x.flatten(2)[:, :, places].view_as(x)
    return x, y


@lru_cache(maxsize=1)
def _bank() -> GlyphBank:
    known = np.random.default_rng(0).permutation(tasks.get("letters").letters)
    return GlyphBank.draw(known[:LETTERS].tolist(), FONTS)


def probed(model: nn.Module, target: str, seed: int) -> float:
    """Accuracy of a probe on the last stage; its C is chosen on the pool for tuning."""

    def read(tune: bool, number: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        (x, y), (test_x, test_y) = transfer.draw(target, BUDGET, number, tune)
        return probing.readings(model, x)[LAST], y, probing.readings(model, test_x)[LAST], test_y

    C = probing.strength([read(True, number) for number in TUNE_SEEDS])
    z, y, *test = read(False, seed)
    return probing.Probe(z, y, C).score(*test)


def wrong_source(table: pd.DataFrame) -> dict[str, Interval]:
    """The second part of claim C18: what a wrong source gains is less than half of what the right one gains."""
    found = {}
    for target in TARGETS:
        by = {source: rows.sort_values("seed")[target].to_numpy() for source, rows in table.groupby("source")}
        right, wrong = by["letters"] - by["random"], by["shuffled"] - by["random"]
        found[f"wrong source gains less than half, {target}"] = mean_interval(right / 2 - wrong)
    return found
