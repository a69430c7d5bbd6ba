"""What the checks of a run share: its data, its network in evaluation mode, and the network it started as."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from ftlib.adapt.anatomy import unwrap
from ftlib.batches import to_device
from ftlib.tasks.base import Task

LOOKED_AT, COMPARED = 256, 1_000  # examples of each set, and training examples to compare test examples with


class Unseen(Exception):
    """A check cannot look; the message says at what and why."""


class Look:
    """What the checks share: the data, the network in evaluation mode, and the network it started as."""

    def __init__(self, model, task, history, train, test, optimizer, reported) -> None:
        for name, data in (("training", train), ("test", test)):
            if not len(data):
                raise ValueError(f"check_run: the {name} set is empty: give at least one example")
        self.model, self.task, self.history, self.optimizer, self.reported = model, task, history, optimizer, reported
        self.train, self.test = spread(train, LOOKED_AT), spread(test, LOOKED_AT)
        self.known = spread(train, COMPARED)  # what test examples may be copies of
        self.start = task.pretrained().eval()
        self.wrapped = unwrap(model) is not model
        self.labels = {"train": labels_of(train, task), "test": labels_of(self.test, task)}
        self.classes = not (self.labels["test"].is_floating_point() or self.labels["test"].ndim > 1)
        self._said: Tensor | None = None

    def said(self) -> Tensor:
        """The classes that the network gives the test examples in evaluation mode."""
        if not self.classes:
            raise Unseen("what is right and wrong: the outputs are no classes")
        if self._said is None:
            self._said = in_mode(self.model, False, lambda: outputs_of(self.model, self.test, self.task)).argmax(1)
        return self._said

    def accuracy(self) -> float:
        """Share of the test examples that are right in evaluation mode."""
        return float((self.said() == self.labels["test"]).float().mean())


def spread(data: Dataset, n: int) -> Dataset:
    """At most ``n`` examples, evenly over the whole."""
    if len(data) <= n:
        return data
    return Subset(data, np.linspace(0, len(data) - 1, n).round().astype(int).tolist())


def loader(data: Dataset, task: Task, size: int = 64) -> DataLoader:
    """Batches in the order of the data."""
    return DataLoader(data, size, collate_fn=task.collate)


def labels_of(data: Dataset, task: Task) -> Tensor:
    """All labels of a data set; read without the inputs where they lie ready."""
    if hasattr(data, "tensors"):
        return data.tensors[1]
    ready = getattr(data, "labels", None)
    return ready if torch.is_tensor(ready) else torch.cat([task.labels(batch) for batch in loader(data, task)])


def call(model: nn.Module, inputs: Any) -> Tensor:
    """A network's scores as float32, whatever its outputs are wrapped in."""
    made = model(**inputs) if isinstance(inputs, Mapping) else model(inputs)
    return getattr(made, "logits", made).float()


@torch.no_grad()
def outputs_of(model: nn.Module, data: Dataset, task: Task) -> Tensor:
    """(N, outputs) on the CPU, in whatever mode the network is."""
    device = next(model.parameters()).device
    return torch.cat([call(model, to_device(task.inputs(batch), device)).cpu() for batch in loader(data, task)])


def in_mode(model: nn.Module, training: bool | None, work: Callable[[], Any]) -> Any:
    """Work with the network in a mode (None: as it is); modes and running statistics are then put back."""
    modes = {module: module.training for module in model.modules()}
    kept = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        if training is not None:
            model.train(training)
        return work()
    finally:
        for module, mode in modes.items():
            module.training = mode
        for name, buffer in model.named_buffers():
            buffer.copy_(kept[name])


def whole(data: Dataset) -> Any:
    """A data set of texts, also where only some of it is looked at."""
    if isinstance(data, Subset) and hasattr(data.dataset, "texts"):
        some = copy.copy(data.dataset)
        some.texts = [data.dataset.texts[i] for i in data.indices]
        return some
    return data
