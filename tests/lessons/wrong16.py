"""Answers that the exercises of lesson 16 refuse."""

from __future__ import annotations

from torch import nn
from torch.utils.data import ConcatDataset

from ftlessons.lesson16 import checks
from ftlib import fit, recipes, tasks
from ftlib.robot import demonstrations


def _succeeded() -> list[int]:
    return [episode.seed for episode in checks.practice() if episode.success][:5]


def _trained(new: bool, old: bool) -> nn.Module:
    """A policy that saw only one side of what replay mixes."""
    task = tasks.get("pick_and_place")
    policy, parts = task.pretrained(), [task.sample(10, seed=0)] if new else []
    if old:
        parts.append(demonstrations.examples(demonstrations.record("push", range(100_000, 100_010))))
    fit(policy, ConcatDataset(parts), loss=task.loss, batch_size=64, seed=0, progress=False,
        **recipes.tuned(task)["full"])  # fmt: skip
    return policy


WRONG = {
    "16-replay": [
        lambda: tasks.get("pick_and_place").pretrained(),
        lambda: _trained(new=True, old=False),
        lambda: _trained(new=False, old=True),
        7,
    ],
    "16-next": [_succeeded, [1, 2, 3, 4, 5], [40_000] * 5, [40_000, 40_001], "the failed ones"],
    "16-choose": [
        checks.RIGHT | {"Ada": "full"},
        checks.RIGHT | {"Ben": "full"},
        checks.RIGHT | {"Chi": "full"},
        checks.RIGHT | {"Ben": "more data"},
        "full",
    ],
}
