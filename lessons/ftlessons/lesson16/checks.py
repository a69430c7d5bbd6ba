"""The exercises of lesson 16: replay, choose the next demonstrations, choose for a job."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from ftlessons.classroom.checks import exercise, expect
from ftlib import tasks
from ftlib.robot import reports

NEXT_SEED = 5
PICKED, PUSHED = 60, 40  # episodes in which an exercise lets a policy pick and place, and push


@cache
def practice() -> list[Any]:
    """A hundred practice episodes of a policy that was fine-tuned on five demonstrations."""
    from ftlessons.lesson16.studies import arm_next

    return arm_next.practise(NEXT_SEED)


def at_random() -> float:
    """The recorded success rate of that policy after five more demonstrations from random starts."""
    from ftlib import results

    return results.by_seed(results.study("arm_next"), choice="random").score[NEXT_SEED]


@exercise(
    "16-replay",
    hints=(
        "Start from `task.pretrained()`, and give `fit` one data set that holds both: `ConcatDataset([new, old])`.",
        "`fit(both, mixed, loss=task.loss, batch_size=64, seed=0, progress=False, **settings)`",
    ),
)
def replay(answer: Any) -> str:
    """A policy that was fine-tuned on ten new demonstrations and ten old ones of pushing."""
    expect(isinstance(answer, torch.nn.Module), "give the policy itself: `both = task.pretrained()`, then train it")
    air = reports.by_goal(tasks.get("pick_and_place").episodes(answer, n=PICKED))["goals in the air"]
    learnt = f"it brings {air:.0%} of the blocks to goals in the air"
    expect(air >= 0.6, f"{learnt}; left alone it was half of them. Has it seen the ten new demonstrations?")
    pushed = reports.success_rate(tasks.get("push").episodes(answer, n=PUSHED)).value
    expect(pushed >= 0.5, f"it pushes in {pushed:.0%} of the episodes: are the old demonstrations among its examples?")
    return f"{learnt}. And it still pushes: in {pushed:.0%} of {PUSHED} episodes."


@exercise(
    "16-next",
    hints=(
        "What can a demonstration teach at a start where the policy succeeds already? Look at `episode.success`.",
        "Take five episodes that failed: `[episode.seed for episode in practised if not episode.success][:5]`.",
    ),
)
def following(answer: Any) -> str:
    """Seeds of five practice starts whose demonstrations help more than random ones."""
    from ftlessons.lesson16.studies import arm_next

    known = {episode.seed for episode in practice()}
    expect(isinstance(answer, list | tuple), "give a list of five seeds, such as [40003, 40007, ...]")
    expect(len(answer) == len(set(answer)) == arm_next.MORE, f"choose {arm_next.MORE} different starts")
    expect(set(answer) <= known, "choose among the practice episodes: `episode.seed` says where each one began")
    failed = {episode.seed for episode in practice() if not episode.success}
    n = len(set(answer) - failed)
    expect(not n, f"at {n} of these starts the policy succeeds already: what could it learn there?")
    rate = arm_next.after([int(seed) for seed in answer], NEXT_SEED)
    said = f"with these five more, {rate:.0%} of the test episodes succeed"
    return (
        f"{said}; with five at random it was {at_random():.0%}. Over ten draws choosing by failure helped by "
        f"{100 * _mean_lead():.0f} points on average, and in single draws random starts did better."
    )


def _mean_lead() -> float:
    from ftlib import results

    means = results.study("arm_next").groupby("choice").score.mean()
    return means["failed"] - means["random"]


PLANS = ("leave it", "head", "full", "full with replay", "scratch")
RIGHT = {"Ada": "full with replay", "Ben": "scratch", "Chi": "leave it"}
WHY_NOT = {
    ("Ada", "full"): "her robot would unlearn pushing: look at the figure of what was forgotten",
    ("Ada", "leave it"): "as it is, it fails at many goals in the air, and she has demonstrations",
    ("Ada", "head"): "the head alone gains nothing over the policy as it is",
    ("Ada", "scratch"): "ten demonstrations are too few for random weights, and pushing was never shown",
    ("Ben", "full"): "with fifty demonstrations random weights do as well, and he wants no checkpoint",
    ("Ben", "full with replay"): "nothing but pick and place is asked of his robot, and he wants no checkpoint",
    ("Ben", "head"): "the head alone cannot learn it, however many demonstrations he has",
    ("Ben", "leave it"): "he has fifty demonstrations, and they buy more than twenty points",
}


@exercise(
    "16-choose",
    hints=(
        "Ask three things of each: is there anything to train on, what may be lost, and what ties at that number of "
        "demonstrations?",
        "On the table the policy pushes well as it is. With fifty demonstrations two lines of the first figure meet. "
        "And only one plan kept pushing while the new skill grew.",
    ),
)
def choose(answer: Any) -> str:
    """A plan for each of three people."""
    expect(isinstance(answer, dict) and set(answer) == set(RIGHT), f"fill in the entries {', '.join(RIGHT)}")
    for name, plan in answer.items():
        expect(plan in PLANS, f"{name}: choose one of {', '.join(PLANS)}")
        expect(name != "Chi" or plan == RIGHT["Chi"], "Chi has nothing to train on, and pushing reaches her goals")
        expect(plan == RIGHT[name], f"{name}: {WHY_NOT.get((name, plan), 'that is not it')}")
    return "Three jobs, three plans. What decides: how many demonstrations there are, and what may be lost."
