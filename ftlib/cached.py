"""Train a head on features that the frozen backbone computes once, instead of in every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ftlib import adapt
from ftlib.tasks.base import Task
from ftlib.train import History, fit


def fit_head(model: nn.Module, train: Dataset, task: Task, **options: Any) -> History:
    """Train only the head of ``model``, in place, on features that the frozen backbone computes once."""
    started = perf_counter()
    cached = frozen_features(model, train, task)
    spent = perf_counter() - started
    options = {"loss": task.head_loss} | options | {"collate": None}
    history = fit(adapt.get_head(model), cached, **options)
    history.seconds_at = [spent + at for at in history.seconds_at]
    return history


@torch.no_grad()
def frozen_features(model: nn.Module, data: Dataset, task: Task, batch_size: int | None = None) -> TensorDataset:
    """What the head of ``model`` gets to see of each example, in evaluation mode, with the labels.

    Args:
        batch_size: examples at once, the task's ``feature_batch`` by default.
    """
    from accelerate.utils import send_to_device

    device, parts = next(model.parameters()).device, []
    with adapt.features(model) as backbone:
        for batch in DataLoader(data, batch_size or task.feature_batch, collate_fn=task.collate):
            inputs = send_to_device(task.inputs(batch), device)
            found = backbone(**inputs) if isinstance(inputs, Mapping) else backbone(inputs)
            parts.append((found.cpu(), task.labels(batch)))
    return TensorDataset(*(torch.cat(column) for column in zip(*parts, strict=True)))
