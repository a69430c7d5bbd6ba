"""Robot tasks: a policy that knows a few skills of the arm learns to pick and place from demonstrations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlib import models
from ftlib.metrics import Score
from ftlib.models.policy import Policy
from ftlib.robot import demonstrations as demos
from ftlib.robot import rollouts
from ftlib.robot.arm import ACTION, Arm, World
from ftlib.robot.demonstrations import Demonstrations, examples
from ftlib.tasks.base import Split, Task

CHECKPOINT = "arm-skills"
# where the seeds of each group's demonstrations and test episodes begin; no two groups meet
DEMO_SEEDS: dict[Split, int] = {"train": 1_000, "tune": 20_000, "tune_valid": 30_000}
EPISODE_SEEDS: dict[Split, int] = {"train": 40_000, "tune": 25_000, "tune_valid": 35_000, "test": 50_000}
POOL: dict[Split, int] = {"train": 250, "tune": 60, "tune_valid": 60}
EPISODES: dict[Split, int] = {"train": 100, "tune": 25, "tune_valid": 25, "test": 100}
STEPS_TRIED = {"scratch": (1000, 3000)}


class ArmTask(Task):
    """One skill of the arm, learnt from demonstrations and scored by letting the policy move the arm.

    Args:
        world: what differs from the standard world, for demonstrations and score alike.
    """

    domain = "robotics"
    metric = "success rate"
    budget_unit = "demonstrations"
    budgets = (5, 10, 25, 50)
    n_outputs = 8 * ACTION
    top_stages = ("layer3", "head")
    has_zero_shot = True
    keeps_head = True
    batch_size = 64
    traced = ()
    tune_budgets = (10,)
    tune_steps = (100, 300)
    skill: str

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()

    def split(self, name: Split) -> TensorDataset:
        """All demonstrations of a group, as pairs of observation and chunk of actions."""
        return self.sample(_of(POOL, name, "demonstrations"), 0, name)

    def sample(self, budget: int, seed: int, split: Split = "train") -> TensorDataset:
        """Record ``budget`` demonstrations; a smaller budget with the same seed is a part of a larger one."""
        return examples(self.demonstrations(budget, seed, split))

    def demonstrations(self, budget: int, seed: int, split: Split = "train") -> Demonstrations:
        """``budget`` demonstrations, drawn from the group's pool.

        Raises:
            ValueError: the group has no demonstrations, or fewer.
        """
        pool = _of(POOL, split, "demonstrations")
        if not 1 <= budget <= pool:
            raise ValueError(f"budget is {budget}: the {split} group has 1 to {pool} demonstrations")
        order = DEMO_SEEDS[split] + np.random.default_rng(seed).permutation(pool)
        spare = DEMO_SEEDS[split] + np.arange(pool, 2 * pool)  # in place of episodes that failed
        return demos.record(self.skill, [*order, *spare], world=self.world, enough=budget)

    def pretrained(self) -> nn.Module:
        """The policy that knows how to reach, push and lift."""
        return models.load(CHECKPOINT)

    def untrained(self, seed: int) -> nn.Module:
        """The same network with random weights. It is given the pre-trained policy's normalisation."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            policy = Policy()
        mean, std = _normalisation()
        policy.normalise_with(mean, std)
        return policy

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Mean absolute difference between predicted and demonstrated actions (L1)."""
        return nn.functional.l1_loss(model(batch[0]), batch[1])

    head_loss = loss

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """Share of episodes that end within 5 cm of the goal."""
        episodes = self.episodes(model, split)
        value = rollouts.successes(episodes) / len(episodes)
        return Score(value, self.metric, higher_is_better=True, n=len(episodes))

    def episodes(self, model: nn.Module, split: Split = "test", n: int | None = None) -> list[rollouts.Episode]:
        """The first ``n`` test episodes of a group, all by default, with the model in control."""
        return self._roll(lambda arm, seeds: rollouts.rollouts(arm, model, seeds), split, n)

    def _roll(self, run: Callable, split: Split, n: int | None = None) -> list[rollouts.Episode]:
        start, many = _of(EPISODE_SEEDS, split, "episodes"), self.test_size(split) if n is None else n
        with Arm(self.skill, self.world) as arm:
            return run(arm, range(start, start + many))

    def test_size(self, split: Split) -> int:
        """How many episodes a score of this group takes."""
        return EPISODES[split]


def _of(table: dict[Split, int], split: Split, what: str) -> int:
    if split not in table:
        raise ValueError(f"there are no {what} in the group {split!r}: choose from {', '.join(table)}")
    return table[split]


def _normalisation() -> tuple[Tensor, Tensor]:
    first = models.load(CHECKPOINT).layer1[0]
    return first.mean, first.std


class Push(ArmTask):
    """The skill that shows what was forgotten: push a block to a point on the table."""

    name = "push"
    skill = "push"

    def test_size(self, split: Split) -> int:
        """Half of the episodes: it is scored beside each run of another task."""
        return EPISODES[split] // 2


class PickAndPlace(ArmTask):
    """Grasp a block and bring it to a point, half of them on the table and half up to 45 cm above it."""

    name = "pick_and_place"
    skill = "pick_and_place"
    grid = ("scratch", "head", "full", "neighbours")

    @cached_property
    def source(self) -> Push:
        """One of the skills that the policy was pre-trained on."""
        return Push()

    def rates(self, recipe: str) -> Sequence[float]:
        """The head is no new one, so it gets the rates of ``full``."""
        return super().rates("full" if recipe == "head" else recipe)

    def steps(self, recipe: str) -> Sequence[int]:
        """Training from scratch may take ten times the steps."""
        return STEPS_TRIED.get(recipe, self.tune_steps)

    def rivals(self) -> dict[str, Callable]:
        """Look up the demonstrated moments that are most like this one, and do what was done then."""
        return {"neighbours": self._neighbours}

    def rival_grid(self) -> dict[str, list[dict]]:
        """How many neighbours, and how much the goal counts: eight settings."""
        return {"neighbours": [{"k": k, "goal": goal} for k in (1, 3, 10, 30) for goal in (1.0, 3.0)]}

    def _neighbours(self, train: TensorDataset, split: Split, settings: dict) -> Score:
        control = neighbours(train, **settings)
        episodes = self._roll(lambda arm, seeds: [rollouts.rollout(arm, control, seed) for seed in seeds], split)
        return Score(rollouts.successes(episodes) / len(episodes), self.metric, True, len(episodes))


def neighbours(train: TensorDataset, k: int = 3, goal: float = 1.0) -> rollouts.Controller:
    """A controller without a network: the mean chunk of the ``k`` most similar moments (Pari et al. 2021).

    https://arxiv.org/abs/2112.01511. Similar is near in standardised observations, the goal
    counted ``goal`` times.
    """
    seen, done = train.tensors
    mean, std = _normalisation()
    weight = torch.ones(len(mean))
    weight[-3:] = goal
    known = (seen - mean) / std * weight

    def act(now: np.ndarray) -> np.ndarray:
        at = (torch.as_tensor(now, dtype=torch.float32) - mean) / std * weight
        nearest = torch.cdist(at[None], known)[0].topk(min(k, len(known)), largest=False).indices
        return done[nearest].mean(0).view(-1, ACTION)[: rollouts.EXECUTE].numpy()

    return act


