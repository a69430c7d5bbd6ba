"""The imitation bench: choose demonstrations, noise and how far the policy acts blindly, and train it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.display import as_table, emit

if TYPE_CHECKING:
    from ftlib.metrics import Interval
    from ftlib.plots import Picture

DEMOS, NOISES, EXECUTED = (5, 10, 25, 50), (0.0, 0.1, 0.2, 0.4), (1, 4, 8)
EPISODES = 20


@dataclass(frozen=True)
class Trial:
    """One run on the board."""

    demos: int
    noise: float
    execute: int
    success: Interval


def imitation_bench() -> None:
    """Three sliders and a button that really trains a policy to push, with a board that keeps every run.

    Where widgets do not run, the recorded figure of noise and chunks stands instead.
    """
    picture = recorded()
    shown = picture._repr_mimebundle_()
    emit(shown["text/plain"], widget=partial(bench_widget, picture), **{"text/html": shown["text/html"]})


def recorded() -> Picture:
    """The recorded success of pushing, with and without noise, over how many actions are executed."""
    from ftlib import plots, results

    table = results.study("arm_cloning")
    shaken = [f"noise {noise:g}" if noise else "no noise" for noise in table.noise]
    lines = [f"{noise}, chunk of {chunk}" for noise, chunk in zip(shaken, table.chunk, strict=True)]
    table = table.rename(columns={"execute": "budget", "success": "score"})
    table = table.assign(recipe=lines, budget_unit="actions done before the next look", metric="success")
    return plots.curves(table, "Pushing, learnt from 50 demonstrations", ylabel="success rate")


def run(demos: int, noise: float, execute: int, seed: int) -> Trial:
    """Train a policy from nothing and let it push twenty times."""
    from ftlessons.lesson15.studies import arm_cloning
    from ftlib.metrics import wilson_interval

    success = arm_cloning.trial(noise, 8, execute, seed, demos=demos, episodes=EPISODES)
    return Trial(demos, noise, execute, wilson_interval(round(success * EPISODES), EPISODES))


def bench_widget(picture: Picture) -> Any:
    """The sliders, the button and the board as one ipywidgets box."""
    import ipywidgets as widgets

    def slider(options: tuple, value: Any, description: str) -> Any:
        layout = widgets.Layout(width="min(480px, 98%)")
        return widgets.SelectionSlider(
            options=options, value=value, description=description, style={"description_width": "150px"}, layout=layout
        )

    demos, noise = slider(DEMOS, 25, "Demonstrations"), slider(NOISES, 0.0, "Noise in them")
    execute = slider(EXECUTED, 4, "Actions before a look")
    button = widgets.Button(description="Train", button_style="primary", tooltip="Train this choice once")
    board = widgets.HTML(board_html([]))
    trials: list[Trial] = []

    def train(_: Any) -> None:
        button.disabled, button.description = True, "Training ..."
        try:
            trials.append(run(demos.value, noise.value, execute.value, seed=len(trials)))
            board.value = board_html(trials)
        finally:
            button.disabled, button.description = False, "Train"

    button.on_click(train)
    figure = widgets.HTML(picture._repr_mimebundle_()["text/html"])
    return widgets.VBox([demos, noise, execute, button, board, figure]).add_class("ftlib-arm-bench")


def board_html(trials: list[Trial]) -> str:
    """The runs so far as an HTML table."""
    if not trials:
        return "<p>Choose, press <b>Train</b>, and the run appears here. Each run records other demonstrations.</p>"
    head = ("demonstrations", "noise", "actions before a look", f"success in {EPISODES} episodes", "95 % interval")
    rows = [
        (one.demos, f"{one.noise:g}", one.execute, f"{one.success.value:.2f}",
         f"{one.success.low:.2f} to {one.success.high:.2f}")
        for one in trials
    ]  # fmt: skip
    return f'<div role="status">{as_table(head, rows)}</div>'
