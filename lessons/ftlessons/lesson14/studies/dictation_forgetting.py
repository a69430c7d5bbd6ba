"""Lesson 14: what ten minutes of medical dictation do to general speech in the same voices, and what helps."""

from __future__ import annotations

from ftlessons.lesson14.studies.dictation_noise import fine_tuned
from ftlib import tasks
from ftlib.speech.clips import Clips

MINUTES, SEEDS, GENERAL = 10, 5, 75  # general sentences mixed in, about four minutes
SLOW = 1 / 3
ARMS = ("plain", "general speech mixed in", "early stages frozen", "a third of the rate")


def jobs() -> list[tuple]:
    """Arm and seed; all get the same number of steps."""
    return [(arm, seed) for seed in range(SEEDS) for arm in ARMS]


def one(arm: str, seed: int) -> dict:
    """Fine-tune on ten minutes, and score the field and general speech: word accuracy, greedy."""
    task = tasks.get("medical_dictation")
    train, options = task.sample(MINUTES, seed), {}
    if arm == "general speech mixed in":
        general = task.source.sample(GENERAL, seed)
        train = Clips(train.waves + general.waves, train.about + general.about)
    elif arm == "early stages frozen":
        stages = task.stages(task.pretrained())
        options = {"frozen": [stage for stage in stages if stage not in task.top_stages]}
    elif arm == "a third of the rate":
        options = {"factor": SLOW}
    network = fine_tuned(train, seed, **options)
    scores = {"score": task.evaluate(network).value, "general": task.source.evaluate(network).value}
    return {"arm": arm, "seed": seed} | {name: round(value, 4) for name, value in scores.items()}
