"""A model card (Mitchell et al. 2019, https://arxiv.org/abs/1810.03993) on one page, filled from the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from torch import nn

from ftlib import metrics, runtime
from ftlib.export.predict import kind
from ftlib.export.saved import folder_of
from ftlib.own.base import OwnData
from ftlib.runtime import replacing

FILE = "README.md"
CARD = """# {name}

Tells apart {classes}. *Lines in italics are for you to fill in.*

`{command}`, or from Python: `from predict import {reader}; {reader}().predict(...)`. It needs {packages},
and nothing of the course.

| | |
|---|---|
| for whom, for what | *say who uses it, and for which decisions* |
| not for | *say what it must not decide*; anything that is none of its classes: it always names one of them |
| fine-tuned from | {base} |
| trained on | {trained} |
| came in | {account} |
| guideline for labels | *where it is written* |
| score | {score} |
| by class, of what is there | {recall} |
| most often confused | {confused} |
| the cheapest rival | {rival} |
| versions | {versions} |
"""
PACKAGES = {
    "picture": "torch, torchvision, safetensors, pillow and numpy", "sound": "torch, torchaudio, soundfile and numpy",
    "text": "torch, transformers and safetensors",
}  # fmt: skip
READERS = {"picture": "Classifier", "sound": "SoundClassifier", "text": "TextClassifier"}


def card(
    folder: str | Path, model: nn.Module, task: OwnData, table: pd.DataFrame | None = None, base: str = ""
) -> Path:
    """Write the card of a saved model into its README: what it learnt from, how it scores and on whom.

    Args:
        folder: where ``save`` put the model.
        task: what it was trained for; it is scored on its test split.
        table: rows as ``compare`` or ``menu`` give them, for the line on the rival.
        base: the network that it was fine-tuned from, with its licence; known for pictures unless given.

    Raises:
        ValueError: the folder holds no saved model, or the task is none of your own data.
    """
    folder = folder_of(folder, "")
    what = kind(folder)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} holds no saved model: save it first, with export.save")
    if not isinstance(task, OwnData):
        named = getattr(task, "name", type(task).__name__)
        raise ValueError(f"{named!r} is no task of your own data: give what from_folder or from_csv returned")
    tested = task.items[task.items.split == "test"]
    said = [task.classes[i] for i in task.said(model, "test")]
    found = metrics.confusion_matrix(tested.label.tolist(), said).reindex(index=task.classes, columns=task.classes)
    found = found.fillna(0).astype(int)
    right, n = int(found.to_numpy().trace()), len(tested)
    reach, whose = metrics.wilson_interval(right, n), tested.group[tested.group != ""].nunique()
    rows = task.items[task.items.split == "train"]
    counts = rows.label.value_counts()
    off = max(((found.loc[a, b], a, b) for a in found.index for b in found.columns if a != b), default=(0, "", ""))
    text = CARD.format(
        name=task.name, classes=_listed(task.classes),
        command="python predict.py " + what.upper(), reader=READERS[what], packages=PACKAGES[what],
        base=base or _base(folder),
        trained=f"{len(rows)} examples: " + _listed(f"{c} {counts[c]}" for c in task.classes),
        account=" ".join(str(task.account or "not counted").split("\n")),
        score=f"accuracy {right / n:.2f} ({reach.low:.2f} to {reach.high:.2f}) on {n} test examples"
        + (f" of {whose} groups, none of them in training" if whose else ""),
        recall=_listed(f"{c} {found.loc[c, c]} of {found.loc[c].sum()}" for c in task.classes),
        confused=f"{off[1]} taken for {off[2]}, {off[0]} of {found.loc[off[1]].sum()} times" if off[0] else "none",
        rival=_rival(task, table), versions=_listed(" ".join(pair) for pair in runtime.versions().items()),
    )  # fmt: skip
    with replacing(folder / FILE) as part:
        part.write_text(text, encoding="utf-8")
    return folder / FILE


def _base(folder: Path) -> str:
    import json

    from ftlib.export import BASES

    named = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architecture")
    return BASES.get(named, "*name the network and its licence*")


def _rival(task: OwnData, table: pd.DataFrame | None) -> str:
    name = next(iter(task.rivals()))
    rows = table[table.recipe == name] if table is not None else ()
    if not len(rows):
        return "*not measured: run menu(task)*"
    most = rows.budget.max()
    return f"{name}, {rows[rows.budget == most].score.mean():.2f} with {most} labels a class"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(str(name).replace("|", "/") for name in names)
