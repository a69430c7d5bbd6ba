"""What fine-tuning to pick and place does to pushing: four learning rates, with and without old demonstrations."""

from __future__ import annotations

from torch.utils.data import ConcatDataset

from ftlessons.lesson16.studies.arm_mixes import SEEDS_FROM
from ftlessons.lesson16.studies.arm_next import fine_tune
from ftlib import recipes, tasks
from ftlib.robot import demonstrations
from ftlib.robot.reports import success_rate

BUDGET, SEEDS, REPLAYED, EPISODES = 10, 10, 10, 50
FACTORS = (0.1, 0.3, 1.0, 3.0)  # on the tuned rate


def jobs() -> list[tuple]:
    """The tuned rate and others, each without and with ten old demonstrations of pushing."""
    return [(factor, replay, seed) for seed in range(SEEDS) for factor in FACTORS for replay in (0, REPLAYED)]


def one(factor: float, replay: int, seed: int) -> dict:
    """Train everything on ten demonstrations, and score the new skill and the old one."""
    task = tasks.get("pick_and_place")
    policy, train = task.pretrained(), task.sample(BUDGET, seed)
    if replay:
        start = SEEDS_FROM + 50 * seed  # these the policy saw when it was pre-trained
        old = demonstrations.record("push", range(start, start + 2 * replay), enough=replay)
        train = ConcatDataset([train, demonstrations.examples(old)])
    fine_tune(policy, task, train, seed, factor=factor)
    scores = {"score": success_rate(task.episodes(policy, n=EPISODES)).value}
    scores["push"] = task.source.evaluate(policy).value
    return {"factor": factor, "lr": recipes.tuned(task)["full"]["lr"] * factor, "replay": replay, "seed": seed} | scores
