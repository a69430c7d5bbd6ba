"""Look a fine-tune over after training: what a machine can see of the ways in which such runs break.

``check_run`` looks at the network, the data as the run saw them, and the loss. Each finding says what is wrong, where,
on what evidence, and what to do. It is a list of suspicions, not a proof, and no finding is no clean bill of health:
the report ends with what nobody has looked at.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import Dataset

from ftlib.diagnosis.checks import CHECKS
from ftlib.diagnosis.look import Look, Unseen
from ftlib.diagnosis.report import Finding, Report
from ftlib.history import History
from ftlib.tasks.base import Task

__all__ = ["Finding", "Report", "check_run"]

ALWAYS_UNSEEN = (
    "labels that are wrong, and examples that hang together (a person, a day, a device) without being alike",
    "what happens after training: saving, loading, and the program that serves the model",
    "whether the test set is like what will come",
)


def check_run(
    model: nn.Module,
    task: Task,
    history: History | None = None,
    *,
    train: Dataset | None = None,
    test: Dataset | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    reported: float | None = None,
) -> Report:
    """Look for what a machine can see of a broken fine-tune. Leaves the network as it was.

    Args:
        model: the network after training.
        task: gives batches and the pre-trained network; ``split("train")`` and ``split("test")`` stand in for data
            that are not given.
        history: its loss is read, one value a step.
        train, test: the data as the run saw them.
        optimizer: the run's own; without it nobody can say what it did not know.
        reported: the accuracy that the run claims on ``test``.

    Returns:
        The findings, and what was not looked at and why.

    Raises:
        ValueError: there is nothing to check: training or test set is empty.
    """
    look = Look(model, task, history, task.split("train") if train is None else train,
                 task.split("test") if test is None else test, optimizer, reported)  # fmt: skip
    findings, unseen = [], list(ALWAYS_UNSEEN)
    for check in CHECKS:
        try:
            findings += check(look)
        except Unseen as reason:
            unseen.append(str(reason))
    return Report(findings, unseen)
