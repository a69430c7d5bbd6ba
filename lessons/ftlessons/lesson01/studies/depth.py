"""How much of its training set a network of each depth can fit, and how long that takes, from random weights.

Two jobs: the spirals (200 points in a plane) and scikit-learn's digits by the training writers. Every
depth has the same width. Each gets its own learning rate, chosen among the same five on draws, or writers,
that the recorded runs do not use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from time import process_time

import pandas as pd
import torch
from torch import Tensor, nn

from ftlessons.lesson01.mlp import mlp
from ftlessons.lesson01.spirals import spirals
from ftlib import results, runtime, tasks
from ftlib.metrics import Interval, difference

DATA = ("spirals", "digits")
DEPTHS = (1, 2, 4, 8, 16, 32)
REMEDIES = ("shortcuts", "he")  # for the deepest, on the spirals
WIDTH, STEPS = {"spirals": 8, "digits": 16}, {"spirals": 2000, "digits": 800}
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
SEEDS, REMEDY_SEEDS, TUNE_SEEDS = range(10), range(5), range(100, 103)
TARGET, LOOK_EVERY, BATCH = 0.1, 5, 32
# the rate with the lowest mean training loss on the tuning draws; `chosen` finds it again
CHOSEN = {
    ("digits", "plain", 1): 0.03, ("digits", "plain", 2): 0.03, ("digits", "plain", 4): 0.03,
    ("digits", "plain", 8): 0.01, ("digits", "plain", 16): 0.01, ("digits", "plain", 32): 0.001,
    ("spirals", "plain", 1): 0.01, ("spirals", "plain", 2): 0.003, ("spirals", "plain", 4): 0.003,
    ("spirals", "plain", 8): 0.003, ("spirals", "plain", 16): 0.001, ("spirals", "plain", 32): 0.0003,
    ("spirals", "shortcuts", 32): 0.001, ("spirals", "he", 32): 0.0003,
}  # fmt: skip


def jobs() -> list[tuple]:
    """Data, build, depth, rate and seed of each run: first those that choose a rate, then those that count."""
    places = [(data, "plain", depth) for data in DATA for depth in DEPTHS]
    places += [("spirals", build, DEPTHS[-1]) for build in REMEDIES]
    tuning = [(*place, rate, seed) for place in places for rate in RATES for seed in TUNE_SEEDS]
    seeds = {build: REMEDY_SEEDS for build in REMEDIES}
    measured = [(*place, seed) for place in places for seed in seeds.get(place[1], SEEDS)]
    return tuning + [(*place, CHOSEN[tuple(place)], seed) for *place, seed in measured]


def one(data: str, build: str, depth: int, rate: float, seed: int) -> dict:
    """Train once and tell how well the training examples are fitted, and when the loss first fell to ``TARGET``.

    ``seconds_to`` is CPU time without the looks at the loss; a run that never gets there has all its seconds.
    """
    runtime.seed_everything(seed)
    (x, y), (test_x, test_y) = _examples(data, seed)
    model = network(data, build, depth, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    spent, reached = 0.0, None
    for step, index in enumerate(_batches(data, len(x), seed), start=1):
        started = process_time()
        loss = _loss(model(x[index]), y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        spent += process_time() - started
        if reached is None and step % LOOK_EVERY == 0 and _score(model, x, y)[0] < TARGET:
            reached = (step, spent)
    final, fitted = _score(model, x, y)
    steps_to, seconds_to = reached or (STEPS[data], spent)
    return {
        "data": data, "build": build, "depth": depth, "rate": rate, "seed": seed,
        "role": "tune" if seed in TUNE_SEEDS else "measure", "loss": round(final, 4), "accuracy": round(fitted, 4),
        "test_accuracy": round(_score(model, test_x, test_y)[1], 4), "reached": reached is not None,
        "steps_to": steps_to, "seconds_to": round(seconds_to, 3), "seconds": round(spent, 3),
    }  # fmt: skip


def network(data: str, build: str, depth: int, seed: int) -> nn.Module:
    """The untrained network of a run; ``he`` draws larger first weights (He et al. 2015, arXiv:1502.01852)."""
    inputs, outputs = (2, 1) if data == "spirals" else (64, 10)
    model = mlp(inputs, WIDTH[data], depth, outputs, shortcuts=build == "shortcuts", seed=seed)
    if build == "he":
        generator = torch.Generator().manual_seed(seed)
        for layer in model:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(layer.bias)
    return model


def _examples(data: str, seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    if data == "spirals":
        return spirals(seed=seed), spirals(n=1000, seed=10_000 + seed)
    digits = tasks.get("digits")
    tuning = seed in TUNE_SEEDS
    parts = [digits.ink(split) for split in (("tune", "tune_valid") if tuning else ("train", "test"))]
    (x, y), (test_x, test_y) = [(x.flatten(1), y) for x, y in parts]
    return (x, y), (test_x, test_y)


def _batches(data: str, n: int, seed: int) -> Iterator[Tensor | slice]:
    """The spirals are looked at all at once, the digits in shuffled batches."""
    order, left = torch.Generator().manual_seed(seed), STEPS[data]
    while left > 0:
        parts = [slice(None)] if data == "spirals" else list(torch.randperm(n, generator=order).split(BATCH))
        yield from parts[:left]
        left -= len(parts)


def _loss(outputs: Tensor, y: Tensor) -> Tensor:
    if y.is_floating_point():
        return nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], y)
    return nn.functional.cross_entropy(outputs, y)


@torch.no_grad()
def _score(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    outputs = model(x)
    guessed = (outputs[:, 0] > 0).float() if y.is_floating_point() else outputs.argmax(1)
    return _loss(outputs, y).item(), (guessed == y).float().mean().item()


def chosen(table: pd.DataFrame) -> dict[tuple[str, str, int], float]:
    """From the tuning runs, the rate with the lowest mean training loss for each data, build and depth."""
    means = table[table.role == "tune"].groupby(["data", "build", "depth", "rate"]).loss.mean()
    best = means.groupby(level=[0, 1, 2]).idxmin()
    return {(data, build, int(depth)): float(rate) for data, build, depth, rate in best}


def runs(table: pd.DataFrame, data: str, depth: int, build: str = "plain") -> pd.DataFrame:
    """The runs that count of one network, indexed by seed."""
    return results.by_seed(table, role="measure", data=data, depth=depth, build=build)


def gains(table: pd.DataFrame, pairs: list[tuple[int, int]]) -> dict[str, Interval]:
    """What claim C13 needs: for each (deeper, shallower) pair the gain in fit and the log2 of the time ratio."""
    found: dict[str, Interval] = {}
    for data in DATA:
        for deep, flat in pairs:
            first, second = runs(table, data, deep), runs(table, data, flat)
            found[f"{data}, {deep} against {flat}: fits more"] = difference(first.accuracy, second.accuracy)
            times = [part.seconds_to.map(math.log2) for part in (first, second)]
            found[f"{data}, {deep} against {flat}: takes longer"] = difference(*times)
    return found
