"""The imitation bench: choose demonstrations, noise and how far the policy acts blindly, and train it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.bench import bench, board, image, slider, still
from ftlessons.classroom.display import emit

if TYPE_CHECKING:
    from ftlib.plots import Picture

DEMOS, NOISES, EXECUTED = (5, 10, 25, 50), (0.0, 0.1, 0.2, 0.4), (1, 4, 8)
EPISODES = 20
EMPTY = "Choose, press <b>Train</b>, and the run appears here. Each run records other demonstrations."


def imitation_bench() -> None:
    """Three sliders and a button that really trains a policy to push, with a board that keeps every run.

    Where widgets do not run, the recorded figure of noise and chunks stands instead.
    """
    picture = recorded()
    emit(**still(picture), widget=partial(bench_widget, picture))


def recorded() -> Picture:
    """The recorded success of pushing, with and without noise, over how many actions are executed."""
    from ftlib import plots, results

    table = results.study("arm_cloning")
    shaken = [f"noise {noise:g}" if noise else "no noise" for noise in table.noise]
    lines = [f"{noise}, chunk of {chunk}" for noise, chunk in zip(shaken, table.chunk, strict=True)]
    table = table.rename(columns={"execute": "budget", "success": "score"})
    table = table.assign(recipe=lines, budget_unit="actions done before the next look", metric="success")
    return plots.curves(table, "Pushing, learnt from 50 demonstrations", ylabel="success rate")


def run(demos: int, noise: float, execute: int, seed: int) -> tuple[object, ...]:
    """Train a policy from nothing and let it push twenty times: a row of the board."""
    from ftlessons.lesson15.studies import arm_cloning
    from ftlib.metrics import wilson_interval

    success = arm_cloning.trial(noise, 8, execute, seed, demos=demos, episodes=EPISODES)
    span = wilson_interval(round(success * EPISODES), EPISODES)
    return demos, f"{noise:g}", execute, f"{span.value:.2f}", f"{span.low:.2f} to {span.high:.2f}"


def bench_widget(picture: Picture) -> Any:
    """The sliders, the button and the board as one ipywidgets box."""
    names = ("demonstrations", "noise", "actions before a look", f"success in {EPISODES} episodes", "95 % interval")
    controls = [
        slider("Demonstrations", DEMOS, 25, 150), slider("Noise in them", NOISES, 0.0, 150),
        slider("Actions before a look", EXECUTED, 4, 150),
    ]  # fmt: skip
    box = bench(controls, run, lambda tries: board(names, tries, EMPTY), below=image(picture))
    return box.add_class("ftlib-arm-bench")
