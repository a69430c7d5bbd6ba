"""Which skills must a policy know before it learns to pick and place? One row a mix and draw."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import torch

from ftlessons.lesson16.studies.arm_next import fine_tune
from ftlib import tasks
from ftlib.models.policy import Policy
from ftlib.robot import demonstrations
from ftlib.robot.demonstrations import Demonstrations
from ftlib.train import History, fit

MIXES = {
    "reach, push, lift": ("reach", "push", "lift"),
    "reach, push, lift 10 cm": ("reach", "push", "lift_10cm"),
    "reach, push, hold": ("reach", "push", "hold"),
    "reach, lift": ("reach", "lift"),
    "reach, push": ("reach", "push"),
}
SKILLS_MIX = "reach, push, lift"  # the mix of the shipped checkpoint
DEMOS = {"reach": 300, "push": 600, "hold": 600, "lift_10cm": 600, "lift": 600}
SEEDS_FROM = 100_000  # of the demonstrations to pre-train on; lessons draw theirs from below
STEPS, BATCH, LR = 12_000, 256, 1e-3
SMALLEST_DEVIATION = 0.01  # what hardly varies is not blown up
BUDGET, DRAWS = 10, 5
WORK = Path(".ftlib/arm")  # what an interrupted pre-training goes on from


def skill_demonstrations(skill: str, folder: Path | None = None) -> Demonstrations:
    """The demonstrations of a skill to pre-train on; kept in ``folder``, if given, and read from there again."""
    file = folder and folder / f"{skill}.npz"
    if file and file.exists():
        return Demonstrations.load(file)
    found = demonstrations.record(skill, range(SEEDS_FROM, SEEDS_FROM + DEMOS[skill]))
    if file:
        folder.mkdir(parents=True, exist_ok=True)
        found.save(file)
    return found


def pretrain(
    mix: str, seed: int = 0, folder: Path | None = None, steps: int | None = None, progress: bool = False
) -> tuple[Policy, History]:
    """Train a policy from nothing on the demonstrations of a mix of skills.

    Args:
        mix: a name in ``MIXES``.
        folder: where demonstrations and the state of training are kept, so that a killed run goes on.
    """
    demos = Demonstrations.join([skill_demonstrations(skill, folder) for skill in MIXES[mix]])
    train = demonstrations.examples(demos)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = Policy()
    seen = train.tensors[0]
    policy.normalise_with(seen.mean(0), seen.std(0).clamp(min=SMALLEST_DEVIATION))
    task = tasks.get("pick_and_place")
    state = folder and folder / f"state-{'-'.join(MIXES[mix])}-{seed}"
    history = fit(
        policy, train, steps=steps or STEPS, batch_size=BATCH, lr=LR, loss=task.loss, seed=seed,
        checkpoint_dir=state, checkpoint_every=1000, progress=progress,
    )  # fmt: skip
    return policy, history


def jobs() -> list[tuple]:
    """Each mix, five draws of ten demonstrations."""
    return [(mix, draw) for draw in range(DRAWS) for mix in MIXES]


def one(mix: str, draw: int) -> dict:
    """Pre-train once a mix, then fine-tune gently and, beside it, as long and as fast as from scratch."""
    task = tasks.get("pick_and_place")
    policy, _ = pretrain(mix, folder=WORK)
    row = {"mix": mix, "draw": draw, "zero_shot": None if draw else task.evaluate(policy).value}
    for column, name in (("gentle", "full"), ("bold", "scratch")):
        tuned = deepcopy(policy)
        fine_tune(tuned, task, task.sample(BUDGET, draw), draw, name)
        row[column] = task.evaluate(tuned).value
    return row
