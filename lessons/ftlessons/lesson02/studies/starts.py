"""Lesson 02: which start for which job? A probe on what each candidate hands to a head, ten labels per class.

The candidates are the course's own checkpoints and, for every job, no network at all. Jobs: digits, spoken digits,
and of reviews the area that they are about and the opinion.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ftlessons.lesson02 import probing, transfer
from ftlib import adapt, catalog, models, tasks
from ftlib.metrics import mean_interval
from ftlib.tasks import tfidf

CANDIDATES = {
    "digits": ("nothing", "glyph-resnet10"),
    "sound": ("nothing", "glyph-resnet10", "speech-wavenet"),
    "area": ("nothing", "minilm"),
    "opinion": ("nothing", "minilm"),
}
JOBS = {
    "digits": "handwritten digits", "sound": "spoken digits",
    "area": "what a review is about", "opinion": "a review's opinion",
}  # fmt: skip
SEEDS, TUNE_SEEDS, BUDGET = range(10), range(100, 103), 10
COLUMN = {"area": "area", "opinion": "label"}
NOTHING = dict.fromkeys(COLUMN, "no network: letter counts")


def jobs() -> list[tuple]:
    """Target, candidate and draw of labels."""
    return [(target, start, seed) for target, starts in CANDIDATES.items() for start in starts for seed in SEEDS]


def one(target: str, start: str, seed: int) -> dict[str, Any]:
    """A row: the probe's accuracy on the test examples."""
    z, y, *test = drawn(target, start, seed)
    score = probing.Probe(z, y, strength(target, start)).score(*test)
    return {"target": target, "start": start, "seed": seed, "accuracy": round(score, 4)}


@cache
def strength(target: str, start: str) -> float:
    """The probe's C, chosen on the pool for tuning."""
    return probing.strength([drawn(target, start, seed, tune=True) for seed in TUNE_SEEDS])


def drawn(target: str, start: str, seed: int, tune: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features and labels to learn from, then to test on."""
    splits = ("tune", "tune_valid") if tune else ("train", "test")
    if start == "nothing" and target in COLUMN:
        return _counted(target, splits, seed)
    (z, y), (test_z, test_y) = (features(target, start, split) for split in splits)
    chosen = _draw(y, seed)
    return z[chosen], y[chosen], test_z, test_y


def _draw(y: Tensor, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(y == label))[:BUDGET] for label in y.unique()])


def _counted(target: str, splits: tuple[str, str], seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Letter groups counted in the labelled texts: no network."""
    (texts, y), (shown, test_y) = (reviews(target, split) for split in splits)
    chosen = _draw(y, seed)
    counter = tfidf.vectorizer("char_wb").fit([texts[i] for i in chosen])
    z, test_z = (torch.tensor(counter.transform(part).toarray()) for part in ([texts[i] for i in chosen], shown))
    return z, y[chosen], test_z, test_y


def reviews(target: str, split: str) -> tuple[list[str], Tensor]:
    """Texts and class numbers; classes are those of the training texts."""
    task = tasks.get("reviews")
    classes, rows = sorted(task.rows("train")[COLUMN[target]].unique()), task.rows(split)
    rows = rows[rows[COLUMN[target]].isin(classes)]
    return rows.text.tolist(), torch.tensor([classes.index(name) for name in rows[COLUMN[target]]])


@cache
def features(target: str, start: str, split: str) -> tuple[Tensor, Tensor]:
    """What a candidate hands to a head, (N, numbers), and the labels."""
    if target in COLUMN:
        texts, y = reviews(target, split)
        return sentences(tuple(texts)), y
    if start == "speech-wavenet":
        return _heard(split)
    x, y = transfer.sound_pictures(split) if target == "sound" else tasks.get("digits").split(split).tensors
    if start == "nothing":
        return x[:, 0].flatten(1), y
    return probing.readings(models.load(start), x)["layer4"], y


@cache
def sentences(texts: tuple[str, ...], batch_size: int = 16) -> Tensor:
    """MiniLM's vector of each text, (N, 384)."""
    from ftlib.models.sentences import minilm
    from ftlib.tasks.tokens import encode

    with torch.no_grad(), adapt.features(minilm()) as backbone:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        found = torch.cat([backbone(**encode([texts[i] for i in part])) for part in parts])
    return found[torch.argsort(torch.tensor(order))]


def _heard(split: str) -> tuple[Tensor, Tensor]:
    """The mean over time of what the speech network hands to its head."""
    from ftlib.recipes import frozen_features

    task = tasks.get("spoken_digits")
    return frozen_features(task.pretrained(), task.split(split), task, batch_size=16).tensors


def decision_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each job and candidate: what a probe reads, how large the candidate is, and its licence."""
    rows = []
    for (target, start), part in table.groupby(["target", "start"], sort=False):
        span, network = mean_interval(part.accuracy), start != "nothing"
        size = sum(f.size for f in catalog.entry(start).files if f.path.endswith(".safetensors")) if network else 0
        rows.append({
            "job": JOBS[target], "start from": start if network else NOTHING.get(target, "no network: pixels"),
            "probe": f"{span.value:.2f} ({span.low:.2f} to {span.high:.2f})",
            "MB": round(size / 1e6), "licence": catalog.entry(start).licence if network else "",
        })  # fmt: skip
    return pd.DataFrame(rows).set_index(["job", "start from"])
