"""What noise in the demonstrations and chunks of actions change for a policy that only imitates."""

from __future__ import annotations

import torch

from ftlib import tasks
from ftlib.models.policy import Policy
from ftlib.robot import demonstrations, rollouts
from ftlib.robot.arm import Arm
from ftlib.robot.demonstrations import NOISE
from ftlib.train import fit

SKILL, DEMOS, STEPS, LR, SEEDS, EPISODES = "push", 50, 1500, 1e-3, 5, 50
VARIANTS = ((1, 1), (8, 1), (8, 4), (8, 8))  # predicted, executed
DEMO_SEEDS, TEST_SEEDS = 60_000, 70_000


def jobs() -> list[tuple]:
    """With and without noise, each length of chunk, five draws of demonstrations."""
    return [(noise, *variant, seed) for seed in range(SEEDS) for noise in (0.0, NOISE) for variant in VARIANTS] + [
        (NOISE / 2, 8, 4, seed) for seed in range(SEEDS)
    ]


def one(noise: float, chunk: int, execute: int, seed: int) -> dict:
    """Train on 50 demonstrations and let the policy push."""
    success = trial(noise, chunk, execute, seed)
    return {"noise": noise, "chunk": chunk, "execute": execute, "seed": seed, "success": success}


def trial(
    noise: float, chunk: int, execute: int, seed: int, demos: int = DEMOS, episodes: int = EPISODES
) -> float:
    """Train from random weights on fresh demonstrations; returns the share of episodes that succeed."""
    start = DEMO_SEEDS + 1000 * seed
    shown = demonstrations.record(SKILL, range(start, start + 2 * demos), noise=noise, enough=demos)
    task = tasks.get(SKILL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = Policy(chunk=chunk)
    normal = task.pretrained().layer1[0]
    policy.normalise_with(normal.mean, normal.std)
    fit(policy, demonstrations.examples(shown, chunk), steps=STEPS, lr=LR, batch_size=task.batch_size, loss=task.loss,
        seed=seed, progress=False)  # fmt: skip
    with Arm(SKILL) as arm:
        ended = rollouts.rollouts(arm, policy, range(TEST_SEEDS, TEST_SEEDS + episodes), execute)
    return rollouts.successes(ended) / episodes
