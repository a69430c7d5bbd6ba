"""Demonstrations: record an expert, keep, load and check them, and turn them into examples to learn from."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import TensorDataset

from ftlib.robot.arm import ACTION, OBSERVATION, STEPS, TOLERANCE, Arm, World
from ftlib.robot.experts import EXPERTS, Expert
from ftlib.runtime import replacing

NOISE = 0.2  # deviation of the noise on the expert's motion, in actions (0.2 is 1 cm)


class BadDemonstrations(ValueError):
    """These arrays or this file hold no demonstrations of the arm."""


@dataclass(frozen=True)
class Demonstrations:
    """Episodes of an expert.

    Attributes:
        seen: (episodes, steps, 28) observations, float32.
        done: (episodes, steps, 4) what the expert wanted to do at each of them, float32.
        seeds: (episodes,) where each began.
    """

    seen: np.ndarray
    done: np.ndarray
    seeds: np.ndarray

    def __post_init__(self) -> None:
        for name, array, width in (("seen", self.seen, OBSERVATION), ("done", self.done, ACTION)):
            if array.ndim != 3 or array.shape[2] != width:
                raise BadDemonstrations(f"{name} has shape {array.shape}: it must be (episodes, steps, {width})")
            if not np.isfinite(array).all():
                episode, step, _ = np.argwhere(~np.isfinite(array))[0]
                raise BadDemonstrations(f"{name} holds NaN or infinity, first in episode {episode} at step {step}")
        if self.seen.shape[:2] != self.done.shape[:2] or len(self.seeds) != len(self.seen):
            raise BadDemonstrations(
                f"seen is {self.seen.shape}, done {self.done.shape}, and there are {len(self.seeds)} seeds: "
                "each episode needs as many observations as actions, and one seed"
            )

    def __len__(self) -> int:
        return len(self.seen)

    def take(self, episodes: Sequence[int]) -> Demonstrations:
        """Some of the episodes."""
        chosen = np.asarray(episodes, int)
        return Demonstrations(self.seen[chosen], self.done[chosen], self.seeds[chosen])

    @classmethod
    def join(cls, parts: Sequence[Demonstrations]) -> Demonstrations:
        """Several sets in a row."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("seen", "done", "seeds")))

    def save(self, path: str | Path) -> None:
        """Write an ``.npz`` file, in one step."""
        with replacing(Path(path)) as part, part.open("wb") as file:
            np.savez_compressed(file, seen=self.seen, done=self.done, seeds=self.seeds)

    @classmethod
    def load(cls, path: str | Path) -> Demonstrations:
        """Read a file that ``save`` wrote; nothing in it is ever executed.

        Raises:
            BadDemonstrations: the file is cut short, is something else, or holds wrong arrays.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(file["seen"], file["done"], file["seeds"])
        except FileNotFoundError:
            raise
        except BadDemonstrations as problem:
            raise BadDemonstrations(f"{path}: {problem}") from problem
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, AttributeError) as problem:
            raise BadDemonstrations(
                f"{path} is no file of demonstrations, or was cut short ({problem}): record it again"
            ) from problem


def record(
    skill: str,
    seeds: Sequence[int],
    noise: float = NOISE,
    world: World | None = None,
    only_good: bool = True,
    enough: int | None = None,
    expert: Expert | None = None,
) -> Demonstrations:
    """Let the scripted expert do a skill once a seed and note what it sees and what it wants.

    With ``noise`` the arm does not quite do what the expert wants, so that the expert shows how to come
    back (DART, Laskey et al. 2017, https://arxiv.org/abs/1703.09327); what is noted is the clean wish.

    The expert sees block and goal where they are, whatever the arm's camera does.

    Args:
        noise: deviation of the noise on x, y and z of each action.
        only_good: leave out the episodes that did not end at the goal.
        enough: stop after this many episodes.

    Raises:
        BadDemonstrations: no episode is left.
    """
    episodes, world = [], world or World()
    with ExitStack() as made:
        arm = cache(lambda: made.enter_context(Arm(skill, world)))  # when it is first needed
        for seed in seeds:
            if len(episodes) == enough:
                break
            key = (skill, world, noise, expert, int(seed))
            if key not in _shown:
                _shown[key] = _show(arm(), int(seed), expert or EXPERTS[skill], noise)
            if _shown[key].good or not only_good:
                episodes.append(_shown[key])
    if not episodes:
        raise BadDemonstrations(f"the expert reached the goal in none of {len(seeds)} episodes of {skill}")
    seen, done, kept = (np.stack([getattr(one, name) for one in episodes]) for name in ("seen", "done", "seed"))
    return Demonstrations(seen, done, kept)


@dataclass(frozen=True)
class _Shown:
    seen: np.ndarray
    done: np.ndarray
    seed: int
    good: bool


_shown: dict[tuple, _Shown] = {}  # the same episode of the same expert is recorded once in a process


def _show(arm: Arm, seed: int, expert: Expert, noise: float) -> _Shown:
    rng = np.random.default_rng([seed, 2])
    seen, done = [arm.reset(seed)], []
    for _ in range(STEPS):
        done.append(expert(arm.truth))
        seen.append(arm.step(done[-1] + noise * np.r_[rng.standard_normal(3), 0]))
    return _Shown(np.array(seen[:-1], np.float32), np.array(done, np.float32), seed, arm.distance < TOLERANCE)


def examples(demos: Demonstrations, chunk: int = 8) -> TensorDataset:
    """Pairs to learn from: an observation (28,) and the expert's next ``chunk`` actions, flat (chunk * 4,).

    At the end of an episode the last action is repeated.
    """
    steps = demos.done.shape[1]
    ahead = np.minimum(np.arange(steps)[:, None] + np.arange(chunk), steps - 1)
    done = torch.from_numpy(demos.done[:, ahead])  # (episodes, steps, chunk, 4)
    return TensorDataset(torch.from_numpy(demos.seen).flatten(0, 1), done.flatten(2).flatten(0, 1))
