"""Pre-train the arm's policy on scripted skills: ``python -m authoring.pretrain.arm``.

Nothing is downloaded: a scripted expert shows each skill in the simulator, and the policy learns to do the
same. Takes some minutes of one core. Killed at any moment, it goes on where it last saved.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from authoring.pretrain import card
from ftlessons.lesson16.studies import arm_mixes
from ftlib import resume, runtime
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
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    buffers = {name for name, _ in policy.named_buffers()}
    weights = {name: value if name in buffers else value.half() for name, value in policy.state_dict().items()}
    with resume.replacing(out / "model.safetensors") as part:
        save_file(weights, part, metadata={"format": "pt"})
    config = {"architecture": "policy", "observation": policy.observation, "action": policy.action,
              "chunk": policy.chunk, "width": policy.head.in_features}  # fmt: skip
    for name, content in (("config.json", config), ("training.json", summary)):
        with resume.replacing(out / name) as part:
            part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    write_card(out)


def write_card(folder: Path) -> None:
    """Write the model card, ``README.md``, from ``config.json`` and ``training.json`` in ``folder``."""
    config, record = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in ("config.json", "training.json")
    )
    rows = []
    for skill, value in record["success"].items():
        interval = wilson_interval(round(value * record["episodes"]), record["episodes"])
        seen = "yes" if skill in record["skills"] else "no"
        rows.append(f"| {skill.replace('_', ' ')} | {seen} | {value:.2f} | {interval.low:.2f} to {interval.high:.2f} |")
    text = card.ARM.format(
        **config, **{key: record[key] for key in ("steps", "batch_size", "lr", "seed", "episodes")},
        skills=", ".join(f"{n} of {skill}" for skill, n in record["skills"].items()),
        minutes=max(1, round(record["seconds"] / 60)), table="\n".join(rows),
        parameters=sum(p.numel() for p in Policy(config["observation"], width=config["width"]).parameters()),
    )  # fmt: skip
    with resume.replacing(folder / "README.md") as part:
        part.write_text(text, encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/checkpoints") / CHECKPOINT)
    parser.add_argument("--work", type=Path, default=arm_mixes.WORK)
    parser.add_argument("--steps", type=int, default=arm_mixes.STEPS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(json.dumps(train(args.out, args.work, args.steps, args.seed), indent=1))


if __name__ == "__main__":
    main()
