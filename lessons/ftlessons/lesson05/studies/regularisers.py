"""Lesson 05: over-fitting on purpose. Ten labels per class, 30 in 100 of them wrong, and what holds it back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlessons.lesson05 import monitor
from ftlib import metrics, tasks
from ftlib.batches import steps_per_epoch
from ftlib.train import fit

SEEDS = range(6)
BUDGET, WRONG = 10, 0.3
RATE, HEAD_RATE = 3e-4, 1e-2  # the head's is the one that tuning chose for lesson 03
EPOCHS, EPOCHS_A_LOOK = 40, 2
SMALL = 2  # a class, in the small validation set
PLAIN: dict[str, Any] = {}
BRAKES: dict[str, Sequence[dict[str, Any]]] = {
    "weight decay": ({"weight_decay": 1.0}, {"weight_decay": 10.0}),
    "dropout": ({"dropout": 0.5}, {"dropout": 0.8}),
    "label smoothing": ({"label_smoothing": 0.1}, {"label_smoothing": 0.4}),
    "batch size": ({"batch_size": 4}, {"batch_size": 50}),
    "frozen backbone": ({"frozen": True},),
}


def jobs() -> list[tuple]:
    """Share of wrong labels, name of the brake, its setting, seed. Two strengths each; validation chooses."""
    arms = [(WRONG, "none", PLAIN), (0.0, "none", PLAIN), (0.0, "frozen backbone", BRAKES["frozen backbone"][0])]
    arms += [(WRONG, name, setting) for name, settings in BRAKES.items() for setting in settings]
    return [(wrong, name, setting, seed) for seed in SEEDS for wrong, name, setting in arms]


def one(wrong: float, brake: str, setting: dict[str, Any], seed: int) -> dict[str, Any]:
    """One run of 40 epochs: at every second one, accuracy and loss on each set, as lists."""
    data, given = spoilt(wrong, seed)
    network, sets = watched(data, given, wrong, seed)
    if setting.get("frozen"):
        layer4 = nn.Sequential(*network[:3]).eval()
        sets = {name: TensorDataset(tasks.predict(layer4, part.tensors[0]), part.tensors[1])
                for name, part in sets.items()}  # fmt: skip
        network = network[3]
    looks = run(network, sets, seed, HEAD_RATE if setting.get("frozen") else RATE, setting)
    lists = {name: values.round(4).tolist() for name, values in looks.items()}
    return {"wrong": wrong, "brake": brake, "setting": str(setting or ""), "seed": seed} | lists


def spoilt(wrong: float, seed: int) -> tuple[TensorDataset, Tensor]:
    """A hundred digits of the training writers with their true labels, and the labels that the network is given."""
    data = tasks.get("digits").sample(BUDGET, seed)
    return data, monitor.spoil(data.tensors[1], wrong, 10, seed)


def watched(data: TensorDataset, given: Tensor, wrong: float, seed: int) -> tuple[nn.Module, dict[str, TensorDataset]]:
    """The tail of the network (``monitor.cut``) and the sets to watch, as the front hands them on.

    Returns:
        The tail, and by name: ``training`` (labels as given), ``training, true labels``, ``validation`` (all
        four writers), ``small`` (two a class), ``small, wrong labels`` (the same, spoilt like the training
        labels), ``leaky`` (bent copies of the training pictures, labels as given) and ``test``.
    """
    x, true = data.tensors
    front, tail = monitor.cut(tasks.get("digits"), seed)
    z = tasks.predict(front, x)
    valid_z, valid_y = _seen("tune", "tune_valid")
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(valid_y), generator=generator)
    few = torch.cat([shuffled[valid_y[shuffled] == label][:SMALL] for label in range(10)])
    bent = tasks.predict(front, monitor.copies(x, 1, seed))
    spoilt_few = monitor.spoil(valid_y, wrong, 10, seed)[few]
    sets = {
        "training": (z, given), "training, true labels": (z, true), "validation": (valid_z, valid_y),
        "small": (valid_z[few], valid_y[few]), "small, wrong labels": (valid_z[few], spoilt_few),
        "leaky": (bent, given), "test": _seen("test"),
    }  # fmt: skip
    return tail, {name: TensorDataset(*tensors) for name, tensors in sets.items()}


@cache
def _seen(*splits: str) -> tuple[Tensor, Tensor]:
    digits = tasks.get("digits")
    front, _ = monitor.cut(digits, 0)
    parts = [digits.split(split).tensors for split in splits]
    return tasks.predict(front, torch.cat([x for x, _ in parts])), torch.cat([y for _, y in parts])


def run(
    network: nn.Module, sets: dict[str, TensorDataset], seed: int, rate: float = RATE, setting: dict | None = None
) -> pd.DataFrame:
    """Train ``network`` in place on ``sets["training"]`` at a constant rate, looking at all sets every second epoch."""
    options = {"batch_size": 16} | {key: value for key, value in (setting or {}).items() if key != "frozen"}
    dropout = options.pop("dropout", 0.0)
    if dropout:
        network = nn.Sequential(*network[:3], nn.Dropout(dropout), network[3])
    per_epoch = steps_per_epoch(len(sets["training"]), options["batch_size"])
    watch = monitor.Monitor(sets)
    fit(
        network, sets["training"], lr=rate, steps=EPOCHS * per_epoch, schedule="constant", batchnorm="eval",
        evaluate=watch, evaluate_every=EPOCHS_A_LOOK * per_epoch, seed=seed, progress=False, **options,
    )  # fmt: skip
    return watch.table()


def stopped(table: pd.DataFrame, by: str = "validation", patience: int | None = None) -> pd.Series:
    """Test accuracy, by seed, of the weights that early stopping on the set ``by`` keeps."""
    found = {row["seed"]: row["test"][monitor.kept(row[by], patience)] for _, row in table.iterrows()}
    return pd.Series(found).sort_index()


def ends(table: pd.DataFrame, column: str = "test") -> pd.Series:
    """The value of a column at the end of each run, by seed."""
    return pd.Series({row["seed"]: row[column][-1] for _, row in table.iterrows()}).sort_index()


def chosen(table: pd.DataFrame, brake: str) -> pd.DataFrame:
    """The runs with wrong labels of one brake, at the strength with the best mean validation accuracy at the end."""
    rows = table[(table.brake == brake) & (table.wrong > 0)]
    means = {setting: ends(part, "validation").mean() for setting, part in rows.groupby("setting", sort=False)}
    return rows[rows.setting == max(means, key=means.get)]


def gains(table: pd.DataFrame) -> dict[str, metrics.Interval]:
    """What each brake and early stopping do to the test accuracy at the end, seed by seed, with 95 % intervals."""
    plain, clean = (table[(table.brake == "none") & (table.wrong == wrong)] for wrong in (WRONG, 0.0))
    found = {f"wrong labels, {name}": metrics.difference(ends(chosen(table, name)), ends(plain)) for name in BRAKES}
    found["wrong labels, early stopping"] = metrics.difference(stopped(plain), ends(plain))
    return found | {"right labels, early stopping": metrics.difference(stopped(clean), ends(clean))}
