"""A changed world: how far a good policy falls, and what five demonstrations there bring back."""

from __future__ import annotations

from ftlessons.lesson16.studies.arm_next import fine_tune
from ftlib.robot import demonstrations
from ftlib.robot.arm import World
from ftlib.robot.reports import success_rate
from ftlib.robot.tasks import DEMO_SEEDS, PickAndPlace

WORLDS = {
    "block 15 % larger": World(size=1.15),
    "block 5 times as heavy": World(weight=5.0),
    "camera 3 cm off": World(shift=(0.03, 0.0, 0.0)),
    "camera noisy by 1 cm": World(noise=0.01),
    "actions 2 steps late": World(delay=2),
}
FIRST, FEW, SEEDS, EPISODES = 25, 5, 5, 50
SHOWN = 20  # episodes of the expert, to see what can be had


def jobs() -> list[tuple]:
    """Every world, five seeds."""
    return [(name, seed) for seed in range(SEEDS) for name in WORLDS]


def one(name: str, seed: int) -> dict:
    """Fine-tune to the standard world, score in the changed one, add five demonstrations from there, score again."""
    here, there = PickAndPlace(), PickAndPlace(WORLDS[name])
    policy = here.pretrained()
    fine_tune(policy, here, here.sample(FIRST, seed), seed)
    before = success_rate(there.episodes(policy, n=EPISODES)).value
    fine_tune(policy, there, there.sample(FEW, 100 + seed), seed)
    after = success_rate(there.episodes(policy, n=EPISODES)).value
    return {"world": name, "seed": seed, "before": before, "after": after, "expert": expert_success(there)}


def expert_success(task: PickAndPlace) -> float:
    """Share of the expert's episodes in the task's world that reach the goal."""
    start = DEMO_SEEDS["train"]
    return len(demonstrations.record(task.skill, range(start, start + SHOWN), world=task.world)) / SHOWN
