"""Pre-train the arm's policy on scripted skills: ``python -m authoring.pretrain.arm``.

Nothing is downloaded: a scripted expert shows each skill in the simulator, and the policy learns to do the
same. Takes some minutes of one core. Killed at any moment, it goes on where it last saved.
"""

from __future__ import annotations

import json
from pathlib import Path

from authoring.pretrain import shipping
from ftlessons.lesson16.studies import arm_mixes
from ftlib import runtime
from ftlib.metrics import wilson_interval
from ftlib.models.policy import Policy
from ftlib.robot import rollouts
from ftlib.robot.arm import Arm
from ftlib.robot.tasks import CHECKPOINT, EPISODE_SEEDS

TESTED = ("reach", "push", "lift", "pick_and_place")


def train(out: Path, work: Path, steps: int = arm_mixes.STEPS, seed: int = 0, episodes: int = 100) -> dict:
    """Train and save ``model.safetensors``, ``config.json``, ``training.json`` and the card in ``out``.

    Args:
        work: a folder for what an interrupted run needs: demonstrations and the state of training.
        episodes: how many episodes each score takes.
    """
    policy, history = arm_mixes.pretrain(arm_mixes.SKILLS_MIX, seed, work, steps, progress=True)
    summary = {
        "skills": {skill: arm_mixes.DEMOS[skill] for skill in arm_mixes.MIXES[arm_mixes.SKILLS_MIX]},
        "steps": history.steps, "batch_size": arm_mixes.BATCH, "lr": arm_mixes.LR, "seed": seed,
        "seconds": round(history.seconds), "loss": round(sum(history.loss[-100:]) / len(history.loss[-100:]), 4),
        "episodes": episodes, "success": {skill: score(policy, skill, episodes) for skill in TESTED},
        "versions": runtime.versions(),
    }  # fmt: skip
    save(out, policy, summary)
    return summary


def score(policy: Policy, skill: str, episodes: int) -> float:
    """Share of tuning episodes of a skill that end at the goal; the test episodes stay unseen."""
    start = EPISODE_SEEDS["tune"]
    with Arm(skill) as arm:
        done = rollouts.rollouts(arm, policy, range(start, start + episodes))
    return rollouts.successes(done) / episodes


def save(out: Path, policy: Policy, summary: dict) -> None:
    """Write the finished checkpoint: weights in half precision, the normalisation in full."""
    config = {"architecture": "policy", "observation": policy.observation, "action": policy.action,
              "chunk": policy.chunk, "width": policy.head.in_features}  # fmt: skip
    shipping.ship(out, shipping.halved(policy.state_dict()) | dict(policy.named_buffers()), config, summary)
    write_card(out)


def write_card(folder: Path) -> None:
    """Write the model card, ``README.md``, from ``config.json`` and ``training.json`` in ``folder``."""
    config, record = shipping.shipped(folder)
    rows = []
    for skill, value in record["success"].items():
        interval = wilson_interval(round(value * record["episodes"]), record["episodes"])
        seen = "yes" if skill in record["skills"] else "no"
        rows.append(f"| {skill.replace('_', ' ')} | {seen} | {value:.2f} | {interval.low:.2f} to {interval.high:.2f} |")
    shipping.write_card(
        folder, "arm", **config, **{key: record[key] for key in ("steps", "batch_size", "lr", "seed", "episodes")},
        skills=", ".join(f"{n} of {skill}" for skill, n in record["skills"].items()),
        minutes=max(1, round(record["seconds"] / 60)), table="\n".join(rows),
        parameters=sum(p.numel() for p in Policy(config["observation"], width=config["width"]).parameters()),
    )  # fmt: skip


def main() -> None:
    """Command line."""
    options = shipping.arguments(__doc__, CHECKPOINT, work=arm_mixes.WORK, steps=arm_mixes.STEPS, seed=0)
    print(json.dumps(train(**options), indent=1))


if __name__ == "__main__":
    main()
