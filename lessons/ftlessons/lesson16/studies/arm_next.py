"""Which five demonstrations next? Random starts against starts at which the policy just failed."""

from __future__ import annotations

import numpy as np
from torch.utils.data import Dataset

from ftlib import recipes, tasks
from ftlib.models.policy import Policy
from ftlib.robot import demonstrations
from ftlib.robot.demonstrations import Demonstrations
from ftlib.robot.rollouts import Episode
from ftlib.train import fit

FIRST, MORE, SEEDS = 5, 5, 10
CHOICES = ("random", "failed", "one kind")


def jobs() -> list[tuple]:
    """Each way to choose, ten seeds."""
    return [(choice, seed) for seed in range(SEEDS) for choice in CHOICES]


def choose(choice: str, practice: list[Episode], seed: int) -> list[int]:
    """Seeds of the starts to demonstrate: any, those that failed, or the failed ones with the highest goals."""
    rng = np.random.default_rng([seed, 3])
    failed = [episode for episode in practice if not episode.success]
    if choice == "random" or len(failed) < MORE:
        return rng.choice([episode.seed for episode in practice], MORE, replace=False).tolist()
    if choice == "failed":
        return rng.choice([episode.seed for episode in failed], MORE, replace=False).tolist()
    return [episode.seed for episode in sorted(failed, key=lambda one: -one.goal[2])[:MORE]]


def one(choice: str, seed: int) -> dict:
    """Fine-tune on five demonstrations, practise, demonstrate five more, fine-tune on all ten."""
    practice = practise(seed)
    failed = sum(not episode.success for episode in practice)
    score = after(choose(choice, practice, seed), seed)
    return {"choice": choice, "seed": seed, "failed_in_practice": failed, "score": score}


def practise(seed: int) -> list[Episode]:
    """A hundred practice episodes of a policy that was fine-tuned on its first five demonstrations."""
    task = tasks.get("pick_and_place")
    return task.episodes(_tuned(task, task.demonstrations(FIRST, seed), seed), "train")


def after(starts: list[int], seed: int) -> float:
    """The success rate once demonstrations from these starts have been added to the first five."""
    task = tasks.get("pick_and_place")
    more = demonstrations.record(task.skill, starts, only_good=False)
    return task.evaluate(_tuned(task, Demonstrations.join([task.demonstrations(FIRST, seed), more]), seed)).value


def _tuned(task: tasks.Task, demos: Demonstrations, seed: int) -> Policy:
    policy = task.pretrained()
    fine_tune(policy, task, demonstrations.examples(demos), seed)
    return policy


def fine_tune(
    policy: Policy, task: tasks.Task, data: Dataset, seed: int, recipe: str = "full", factor: float = 1.0
) -> None:
    """Train a policy in place as long and as fast as tuning chose for a recipe, at ``factor`` times its rate."""
    settings = dict(recipes.tuned(task)[recipe])
    settings["lr"] *= factor
    fit(policy, data, loss=task.loss, batch_size=task.batch_size, seed=seed, progress=False, **settings)
