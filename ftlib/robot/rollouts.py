"""Let a policy move the arm, and note how each episode ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ftlib.robot.arm import ACTION, BLOCK_FROM_GRIPPER, STEPS, TOLERANCE, Arm

EXECUTE = 4  # actions of a chunk that are done before the policy looks again
Controller = Callable[[np.ndarray], np.ndarray]  # observation (28,) -> actions (n, 4), done one after the other


@dataclass(frozen=True)
class Episode:
    """One episode, as it really was.

    Attributes:
        seed: where it began.
        seen: (steps + 1, 28) observations.
        done: (steps, 4) actions.
        distance: (steps + 1,) metres from the goal.
        where: (steps + 1, 3) the block (or gripper, on an empty table), in metres.
        goal: (3,) metres.
    """

    seed: int
    seen: np.ndarray
    done: np.ndarray
    distance: np.ndarray
    where: np.ndarray
    goal: np.ndarray

    @property
    def success(self) -> bool:
        """Whether it ended within 5 cm of the goal."""
        return bool(self.distance[-1] < TOLERANCE)

    @property
    def outcome(self) -> str:
        """In a word or two how an episode with a block ended."""
        if self.success:
            return "success"
        if np.linalg.norm(self.where[-1] - self.where[0]) < 0.01 and np.ptp(self.where[:, 2]) < 0.01:
            return "never moved the block"
        if (self.distance < TOLERANCE).any():
            return "reached the goal and left it"
        held = np.linalg.norm(self.seen[:, BLOCK_FROM_GRIPPER], axis=1) < 0.04
        if held[-1] and self.where[-1, 2] > self.where[0, 2] + 0.02:
            return "held it, but not at the goal"
        if self.where[:, 2].max() > self.where[0, 2] + 0.05:
            return "lifted and lost it"
        if self.where[-1, 2] < self.where[0, 2] - 0.05:
            return "pushed it off the table"
        return "pushed it about"


def controller(policy: nn.Module, execute: int = EXECUTE) -> Controller:
    """A policy as a controller that does the first ``execute`` actions of each chunk."""
    device = next(policy.parameters()).device

    @torch.no_grad()
    def act(seen: np.ndarray) -> np.ndarray:
        chunk = policy(torch.as_tensor(seen, dtype=torch.float32, device=device)[None])
        return chunk.view(-1, ACTION)[:execute].cpu().numpy()

    return act


def rollout(arm: Arm, control: Controller, seed: int) -> Episode:
    """One episode of ``STEPS`` steps under a controller."""
    seen, done = [arm.reset(seed)], []
    distance, where = [arm.distance], [arm.where]
    waiting: list[np.ndarray] = []
    for _ in range(STEPS):
        waiting = waiting or list(control(seen[-1]))
        done.append(waiting.pop(0))
        seen.append(arm.step(done[-1]))
        distance.append(arm.distance)
        where.append(arm.where)
    return Episode(seed, np.array(seen), np.array(done), np.array(distance), np.array(where), arm.goal)


def rollouts(arm: Arm, policy: nn.Module, seeds: Sequence[int], execute: int = EXECUTE) -> list[Episode]:
    """One episode for each seed under a policy, which is left in evaluation mode."""
    policy.eval()
    control = controller(policy, execute)
    return [rollout(arm, control, seed) for seed in seeds]


def successes(episodes: Sequence[Episode]) -> int:
    """How many ended at the goal."""
    return sum(episode.success for episode in episodes)
