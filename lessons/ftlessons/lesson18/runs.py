"""A colleague's fine-tune: a short script in plain PyTorch that really runs, and what is left of it afterwards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ftlib import adapt, metrics, recipes, runtime, tasks
from ftlib.batches import EpochBatches, load
from ftlib.history import History
from ftlib.tasks.base import Task

BATCH = 16
KEPT = ("model", "task", "train", "test", "score")  # what every script leaves behind


@dataclass
class Run:
    """What is left of a run: the network, the data as the run saw them, the loss of each step, and the score reported.

    ``optimizer`` is None where the script made none that can be seen.
    """

    model: nn.Module
    task: Task
    train: Dataset
    test: Dataset
    history: History
    score: float
    optimizer: torch.optim.Optimizer | None
    seconds: float


def run(script: str, seed: int = 0) -> Run:
    """Run a script and keep what it made.

    Raises:
        ValueError: the script stops on an error, lacks a name of ``KEPT``, or its loss is no finite number; the
            sentence says in which line.
    """
    history, started = History(), perf_counter()
    names = _tools(history) | {"seed": seed}
    runtime.seed_everything(seed)
    try:
        exec(compile(script, "the script", "exec"), names)  # the learner's own line, in the learner's own kernel
    except Exception as problem:
        raise ValueError(f"the script stops{_where(problem)}: {type(problem).__name__}: {problem}") from problem
    history = names.get("history", history)
    missing = [name for name in KEPT if name not in names]
    if missing:
        raise ValueError(f"the script leaves no {missing[0]!r} behind: keep the line that makes it")
    if not all(map(math.isfinite, history.loss)):
        raise ValueError("the loss is no longer a finite number")
    optimizer = names.get("optimizer")
    if optimizer is not None:  # three times the network's memory, and nobody steps any more
        optimizer.zero_grad()
        optimizer.state.clear()
    kept = {name: names[name] for name in KEPT}
    names.clear()
    runtime.trim_memory()
    return Run(**kept, history=history, optimizer=optimizer, seconds=perf_counter() - started)


def _where(problem: BaseException) -> str:
    """`` in line 7``, as far as it can be told."""
    line, trace = getattr(problem, "lineno", None), problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "the script":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" in line {line - 1}" if line else ""  # the first line brings the tools, and readers do not see it


def _tools(history: History) -> dict[str, Any]:
    """The names that a script finds: torch, the library, and three short helpers."""
    library = {"adapt": adapt, "tasks": tasks, "fit_head": partial(recipes.fit_head, progress=False)}
    helpers = {"batches": batches, "accuracy": accuracy, "log": partial(_log, history)}
    return {"torch": torch, "nn": nn, "TensorDataset": TensorDataset} | library | helpers


def _log(history: History, loss: Tensor, lr: float = 0.0) -> None:
    history.loss.append(float(loss.detach()))
    history.lr.append(lr)
    history.seconds_at.append(0.0)


def batches(data: Dataset, task: Task, steps: int, seed: int) -> Iterator[Any]:
    """``steps`` shuffled batches of 16, pass after pass."""
    return iter(load(data, EpochBatches(len(data), BATCH, steps, seed), task.collate))


@torch.no_grad()
def outputs(model: nn.Module, data: Dataset, task: Task, size: int = 64) -> tuple[Tensor, Tensor]:
    """Scores (N, outputs) and labels (N,) in the order of the data, in whatever mode the model is."""
    parts = []
    for batch in DataLoader(data, size, collate_fn=task.collate):
        inputs = task.inputs(batch)
        made = model(**inputs) if isinstance(inputs, Mapping) else model(inputs)
        parts.append((getattr(made, "logits", made).float(), task.labels(batch)))
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def accuracy(model: nn.Module, data: Dataset, task: Task) -> float:
    """Share of examples whose class has the highest score."""
    scores, labels = outputs(model, data, task)
    return metrics.accuracy(labels.tolist(), scores.argmax(1).tolist())
