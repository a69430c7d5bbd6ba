"""One row of each record, made again: how, how it is compared, and what it costs.

``records.json`` beside this file holds, for each row, its CPU seconds on one thread and which job of a study it is;
for each checkpoint the sha256 of its weights; and how the processor rounds on which the records come out to the last
digit. ``python -m tests.records`` adds what is missing there. Delete an entry to have it measured again;
``python -m tests.records studies/rare=5`` takes job 5 of that study from now on.

A record that does not come out is no reason to widen the tolerance: until it is made again, write what comes out in
its place by hand, as ``"now": {"score": 0.5}`` beside the seconds. The row is then compared with that. So it is with
``lora``: when it was recorded, peft drew the adapters' first weights from torch's global generator, wherever the runs
before had left it; now they come from the run's seed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import tempfile
import time
from importlib import import_module
from multiprocessing import get_context
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from authoring import record as recording
from ftlessons.lesson07 import reader
from ftlessons.lesson17 import network
from ftlib import adapt, catalog, models, recipes, results, runtime, tasks
from ftlib.models import sentences

BOOK = Path(__file__).resolve().parent / "records.json"
STUDIES = "studies"
IMPORTS = ("gymnasium", "mujoco", "peft", "sklearn.svm", "transformers")  # not counted as a row's own
CLOCKS = ("seconds", "seconds_to")  # columns that no two runs share
# of a mean that is compared: one answer more moves a part further than it
PARTS = ("documents", "source_documents", "households", "source_households")
EXACT = 0.5e-4 + 1e-9  # most numbers are recorded with four digits
ELSEWHERE = results.LIVE_TOLERANCE  # sums are made in another order: with AVX2 for AVX-512, scores moved by 0.004


def keys() -> list[str]:
    """A row for each study and for each recipe or rival in a task's grid: ``studies/rare``, ``digits/head``."""
    grids = [f"{task}/{name}" for task in tasks.names() for name in tasks.get(task).grid]
    return [f"{STUDIES}/{name}" for name in recording.names()] + grids


def read() -> dict[str, Any]:
    """The book of costs and hashes."""
    return json.loads(BOOK.read_text(encoding="utf-8"))


def cheap(rows: dict[str, dict[str, Any]], seconds: float) -> set[str]:
    """As many rows as fit into so many CPU seconds together, the cheapest first."""
    chosen, spent = set(), 0.0
    for key in sorted(rows, key=lambda key: rows[key]["seconds"]):
        spent += rows[key]["seconds"]
        if spent > seconds:
            break
        chosen.add(key)
    return chosen


def lacks(key: str) -> str | None:
    """The environment variable that must name a folder before the row can be made, if there is one and it is unset."""
    where, name = key.split("/", 1)
    variable = getattr(recording.study(name), "FOLDER", None) if where == STUDIES else None
    return variable if variable and not os.environ.get(variable) else None


def fresh(key: str, job: int) -> dict[str, Any]:
    """The row, computed now; what draws from torch's global generator finds it at seed 0."""
    where, name = key.split("/", 1)
    runtime.seed_everything(0)
    if where == STUDIES:
        module = recording.study(name)
        return module.one(*module.jobs()[job])
    task = tasks.get(where)
    if name in task.rivals():
        return recipes.run_rival(name, task, min(task.budgets), 0)
    return recipes.run(name, task, min(task.budgets), 0).row


def recorded(key: str, job: int) -> dict[str, Any]:
    """The row as it is on record; a study's rows stand in the order of its jobs."""
    where, name = key.split("/", 1)
    if where == STUDIES:
        return results.study(name).iloc[job].to_dict()
    task = tasks.get(where)
    table = results.load(task.domain, where)
    row = table[(table.recipe == name) & (table.budget == min(task.budgets)) & (table.seed == 0)]
    return row.squeeze(axis=0).to_dict()


def differences(row: dict[str, Any], record: dict[str, Any], tolerance: float) -> list[str]:
    """What differs between a row and its record in any column but the clocks, one sentence each."""
    left_out = CLOCKS if tolerance <= EXACT else CLOCKS + PARTS
    columns = [name for name in dict.fromkeys([*record, *row]) if name not in left_out]
    return [
        f"{name} is {row.get(name)!r}, and {record.get(name)!r} is on record"
        for name in columns
        if name not in record or not _same(row.get(name), record[name], tolerance)
    ]


def _same(value: Any, record: Any, tolerance: float) -> bool:
    if _missing(value) or _missing(record):
        return _missing(value) and _missing(record)
    if isinstance(record, dict):
        return value.keys() == record.keys() and all(_same(value[key], record[key], tolerance) for key in record)
    if isinstance(record, list):
        return len(value) == len(record) and all(_same(*pair, tolerance) for pair in zip(value, record, strict=True))
    if isinstance(record, Real) and not isinstance(record, bool):
        return abs(value - record) <= tolerance
    return value == record


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def checkpoint(name: str) -> nn.Module:
    """A checkpoint of the catalog as the course loads it, without a head that would be new.

    Raises:
        CatalogError: its files cannot be had in this profile.
    """
    if name in sentences.ENCODERS:
        model = sentences.encoder(name)
        adapt.set_head(model, nn.Identity())
        return model
    if name == reader.CHECKPOINT:  # the difference alone: how it adds up with MiniLM hangs on the processor
        kept = load_file(catalog.path(name, "model.safetensors", verbose=False))
        return nn.ParameterDict({key.replace(".", "/"): nn.Parameter(value, False) for key, value in kept.items()})
    if name == network.CHECKPOINT:
        return nn.ParameterDict({key.replace(".", "/"): nn.Parameter(x, False) for key, x in network.parts().items()})
    if any(file.path == "adapter_config.json" for file in catalog.entry(name).files):
        return sentences.sentiment(name)
    return models.load(name)


def weights_hash(model: nn.Module) -> str:
    """The sha256 of all weights: names, types, shapes and bytes, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def arithmetic() -> str:
    """A sha256 of how this machine rounds: of a step of training, of products in two precisions, and of numpy's."""
    runtime.set_threads(1)
    draw = np.random.default_rng(0)
    x, y = torch.from_numpy(draw.normal(size=(8, 3, 32, 32)).astype(np.float32)), torch.arange(8)
    model = models.resnet10(8)
    for weights in model.parameters():
        weights.data = torch.from_numpy(draw.normal(0, 0.05, weights.shape).astype(np.float32))
    nn.functional.cross_entropy(model(x), y).backward()
    wide, sound = model.layer4[0].conv1.weight.detach().flatten(1), x.flatten(2)
    parts = [*(weights.grad for weights in model.parameters()), wide @ wide.T, (wide.bfloat16() @ wide.T.bfloat16())]
    parts += [nn.functional.conv1d(sound, sound[:, :, :3]).tanh(), wide.softmax(1), wide.log_softmax(0)]
    digest = hashlib.sha256(b"".join(part.detach().float().contiguous().numpy().tobytes() for part in parts))
    digest.update((wide.double().numpy() @ wide.double().numpy().T).tobytes())
    return digest.hexdigest()


def tolerance(book: dict[str, Any]) -> float:
    """How far a number may be from its record on this machine."""
    return EXACT if arithmetic() == book.get("arithmetic") else ELSEWHERE


def cheapest_job(key: str) -> int:
    """The job of a study that took least by its record, or its first."""
    where, name = key.split("/", 1)
    table = results.study(name) if where == STUDIES else {}
    return int(table["seconds"].argmin()) if "seconds" in table else 0


def measure(key: str, job: int) -> tuple[float, list[str]]:
    """CPU seconds of making a row again on one thread, all that it imports left out, and how it differs."""
    runtime.set_threads(1)
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        started = time.process_time()
        row = fresh(key, job)
        spent = time.process_time() - started
        os.chdir(here)
    return round(spent, 2), differences(row, recorded(key, job), EXACT)


def main(wanted: list[str]) -> None:
    """Measure the rows that are named, or all that have no cost yet, each in its own process."""
    for module in IMPORTS:
        import_module(module)
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    book = read()
    for text in wanted or [key for key in keys() if key not in book["rows"]]:
        key, _, number = text.partition("=")
        if variable := lacks(key):
            print(f"{key}: name the folder of its data in {variable}")
            continue
        job = int(number) if number else cheapest_job(key)
        with context.Pool(1) as pool:
            seconds, found = pool.apply(measure, (key, job))
        print(f"{text}: {seconds} CPU s", *found, sep="\n  ", flush=True)
        book["rows"][key] = ({"job": job} if key.startswith(STUDIES) else {}) | {"seconds": seconds}
        _write(book)
    for name in [] if wanted else catalog.names("checkpoint"):
        if name not in book["weights"]:
            try:
                book["weights"][name] = weights_hash(checkpoint(name))
            except catalog.CatalogError as error:
                print(error)
    book["arithmetic"] = book["arithmetic"] or arithmetic()
    _write(book)


def _write(book: dict[str, Any]) -> None:
    """One line an entry."""
    lines = []
    for part in ("rows", "weights"):
        entries = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(book[part].items()))
        lines.append(f' "{part}": {{\n{entries}\n }}')
    lines.append(f' "arithmetic": {json.dumps(book["arithmetic"])}')
    BOOK.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
