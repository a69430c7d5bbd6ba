"""The robot arm: Fetch at its table, in MuJoCo, through gymnasium-robotics.

Plappert et al. 2018, https://arxiv.org/abs/1802.09464. One arm serves many skills: a skill is an
environment of gymnasium-robotics and a rule where the goal lies. Nothing here draws anything.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

STEPS = 50  # of an episode, 25 a second
OBSERVATION, ACTION = 28, 4
TOLERANCE = 0.05  # metres from the goal that still count as there
HALF_BLOCK = 0.025  # metres, half an edge of the standard block
# where each part of an observation stands
GRIPPER, BLOCK, BLOCK_FROM_GRIPPER = slice(0, 3), slice(3, 6), slice(6, 9)
FINGERS, GOAL = slice(9, 11), slice(25, 28)
_NO_BLOCK = np.r_[0:3, 9:11, 20:25]  # what is left of the 25 numbers where the table is empty


class SimulatorMissing(ImportError):
    """MuJoCo or gymnasium-robotics cannot be used on this machine."""


@dataclass(frozen=True)
class World:
    """What differs from the standard world. The defaults are the standard world.

    Attributes:
        weight: the block's mass, as a factor on 2 kg.
        size: the block's edge, as a factor on 5 cm.
        shift: metres by which the camera sees block and goal beside where they are: x, y, z.
        noise: standard deviation in metres of where the camera sees the block, new at each step.
        delay: steps of 1/25 s until an action takes effect.
        slip: friction of the block, as a factor; below 1 is slippery.
    """

    weight: float = 1.0
    size: float = 1.0
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise: float = 0.0
    delay: int = 0
    slip: float = 1.0


@dataclass(frozen=True)
class Skill:
    """An environment and where its goal lies; ``goal`` gets the block's place and a generator, both of this episode."""

    env: str
    summary: str
    goal: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None


def _above(low: float, high: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    return lambda block, rng: block + [0, 0, rng.uniform(low, high)]


SKILLS = {
    "reach": Skill("FetchReach-v4", "move the gripper to a point"),
    "push": Skill("FetchPush-v4", "push the block across the table, fingers closed"),
    "hold": Skill("FetchPickAndPlace-v4", "grasp the block and hold it where it lies", _above(0.0, 0.0)),
    "lift_10cm": Skill("FetchPickAndPlace-v4", "grasp the block and lift it 10 cm", _above(0.1, 0.1)),
    "lift": Skill("FetchPickAndPlace-v4", "grasp the block and lift it up to 45 cm", _above(0.0, 0.45)),
    "pick_and_place": Skill("FetchPickAndPlace-v4", "grasp the block and bring it to a point on or above the table"),
}


@cache
def simulator() -> Any:
    """The module ``gymnasium`` with the Fetch environments registered.

    Raises:
        SimulatorMissing: a package is missing, too new, or does not run here.
    """
    try:
        with redirect_stderr(io.StringIO()):  # gymnasium-robotics greets each import with a note on other robots
            import gymnasium
            import gymnasium_robotics
    except Exception as problem:  # a wrong MUJOCO_GL raises AttributeError or RuntimeError
        raise SimulatorMissing(
            f"the robot's simulator cannot be loaded ({type(problem).__name__}: {problem}): install mujoco below 3.12 "
            "and gymnasium-robotics (Linux and macOS; on Windows open the lesson in Colab or Binder)"
        ) from problem
    gymnasium.register_envs(gymnasium_robotics)
    return gymnasium


class Arm:
    """The arm with one skill to show, in one world. Close it after use, or use it in a ``with`` block.

    An observation is (28,): the 25 numbers of gymnasium-robotics (where gripper and block are, their
    velocities, the fingers), zeros for what is not there, and where the goal is. An action
    is (4,), each from -1 to 1: where the gripper shall go (1 is 5 cm in x, y, z), and the fingers (1 opens).

    Raises:
        ValueError: there is no such skill.
        SimulatorMissing: see ``simulator``.
    """

    def __init__(self, skill: str = "pick_and_place", world: World | None = None) -> None:
        if skill not in SKILLS:
            raise ValueError(f"there is no skill {skill!r}: choose from {', '.join(SKILLS)}")
        self.skill, self.world = skill, world or World()
        try:
            self.env = simulator().make(SKILLS[skill].env, disable_env_checker=True).unwrapped
        except AssertionError as problem:
            raise SimulatorMissing(
                "this mujoco is too new for gymnasium-robotics: install mujoco below 3.12 (tested with 3.11.0)"
            ) from problem
        self._change_block()
        self.reset(0)

    def __enter__(self) -> Arm:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the simulator."""
        self.env.close()

    @property
    def has_block(self) -> bool:
        """Whether a block lies on the table."""
        return bool(self.env.has_object)

    def _change_block(self) -> None:
        if not self.has_block:
            return
        model = self.env.model
        body, geom = model.body("object0").id, model.geom("object0").id
        model.geom_size[geom] *= self.world.size
        model.geom_friction[geom] *= self.world.slip
        model.body_mass[body] *= self.world.weight
        model.body_inertia[body] *= self.world.weight * self.world.size**2

    def reset(self, seed: int) -> np.ndarray:
        """Begin the episode of that seed: block and goal lie where the seed puts them. Returns the observation."""
        state, _ = self.env.reset(seed=seed)
        self._rng = np.random.default_rng([seed, 1])
        goal = SKILLS[self.skill].goal
        if goal is not None:
            self.env.goal[:] = goal(state["achieved_goal"], self._rng)
        self._waiting = [np.zeros(ACTION)] * self.world.delay
        return self._observe(state)

    def step(self, action: np.ndarray) -> np.ndarray:
        """Do one action of (4,), clipped to -1..1; returns the next observation (28,).

        Raises:
            ValueError: the action has another shape or holds NaN.
        """
        action = np.asarray(action, float)
        if action.shape != (ACTION,) or not np.isfinite(action).all():
            raise ValueError(f"an action is {ACTION} finite numbers, not {action.tolist()!r:.80}")
        self._waiting = [*self._waiting, action]
        state, *_ = self.env.step(self._waiting.pop(0))
        return self._observe(state)

    def _observe(self, state: dict[str, np.ndarray]) -> np.ndarray:
        self.truth = np.zeros(OBSERVATION)  # what a camera without faults would see
        self.truth[slice(0, 25) if self.has_block else _NO_BLOCK] = state["observation"]
        self.truth[GOAL] = self.env.goal
        seen = self.truth.copy()
        seen[GOAL] += self.world.shift
        if self.has_block:
            error = self.world.shift + self.world.noise * self._rng.standard_normal(3)
            seen[BLOCK] += error
            seen[BLOCK_FROM_GRIPPER] += error
        return seen

    @property
    def distance(self) -> float:
        """Metres that block (or gripper, on an empty table) and goal are really apart."""
        return float(np.linalg.norm(self.env.goal - self.where))

    @property
    def where(self) -> np.ndarray:
        """Where the block (or gripper, on an empty table) really is: (3,) metres."""
        name = "object0" if self.has_block else "robot0:grip"
        return self.env.data.site(name).xpos.copy()

    @property
    def goal(self) -> np.ndarray:
        """Where the goal really is: (3,) metres."""
        return self.env.goal.copy()
