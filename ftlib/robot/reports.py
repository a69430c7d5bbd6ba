"""Tables about what the arm sees and how its episodes ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ftlib import metrics, plots
from ftlib.metrics import Interval
from ftlib.robot.arm import BLOCK, BLOCK_FROM_GRIPPER, FINGERS, GOAL, GRIPPER, STEPS
from ftlib.robot.experts import Expert
from ftlib.robot.rollouts import Controller, Episode, successes

IN_THE_AIR = 0.45  # metres: goals above this height cannot be reached by pushing
_PARTS = (
    ("where the gripper is", GRIPPER, "m"),
    ("where the block is", BLOCK, "m"),
    ("the block, seen from the gripper", BLOCK_FROM_GRIPPER, "m"),
    ("how far each finger is open", FINGERS, "m"),
    ("how the block is turned", slice(11, 14), "rad"),
    ("how the block moves, seen from the gripper", slice(14, 17), "m a step"),
    ("how the block spins", slice(17, 20), "rad a step"),
    ("how the gripper moves", slice(20, 23), "m a step"),
    ("how the fingers move", slice(23, 25), "m a step"),
    ("where the goal is", GOAL, "m"),
)


def explain(seen: np.ndarray) -> pd.DataFrame:
    """An observation (28,) in words: one row a part, with its numbers and their unit."""
    rows = [(name, ", ".join(f"{value + 0:.2f}" for value in np.round(seen[part], 2)), unit)
            for name, part, unit in _PARTS]  # fmt: skip
    return pd.DataFrame(rows, columns=["what", "numbers", "unit"]).set_index("what")


def success_rate(episodes: Sequence[Episode]) -> Interval:
    """The share of episodes that ended at the goal, with Wilson's 95 % interval."""
    return metrics.wilson_interval(successes(episodes), len(episodes))


def outcomes(episodes: Sequence[Episode]) -> pd.DataFrame:
    """How many episodes ended in which way, apart for goals on the table and in the air."""
    rows = pd.DataFrame({
        "how it ended": [episode.outcome for episode in episodes],
        "goal": ["in the air" if episode.goal[2] > IN_THE_AIR else "on the table" for episode in episodes],
    })  # fmt: skip
    table = pd.crosstab(rows["how it ended"], rows["goal"])
    table["all"] = table.sum(axis=1)
    order = sorted(table.index, key=lambda name: (name != "success", -table.loc[name, "all"]))
    return table.loc[order]


def by_goal(episodes: Sequence[Episode]) -> dict[str, float]:
    """The share of successes apart for goals on the table and in the air; NaN where there is no such goal."""
    groups: dict[str, list[bool]] = {"goals on the table": [], "goals in the air": []}
    for episode in episodes:
        groups["goals in the air" if episode.goal[2] > IN_THE_AIR else "goals on the table"].append(episode.success)
    return {name: float(np.mean(ended)) if ended else float("nan") for name, ended in groups.items()}


def imitation_errors(control: Controller, expert: Expert, seen: np.ndarray) -> np.ndarray:
    """How far a policy's next action is from the expert's, at each of (episodes, steps, 28) observations.

    Returns:
        (episodes, steps), the mean absolute difference over the four numbers of an action.
    """
    return np.array([[np.abs(control(now)[0] - expert(now)).mean() for now in episode] for episode in seen])


def drift(groups: dict[str, np.ndarray], title: str) -> plots.Picture:
    """Imitation errors over time, a line for each group.

    Args:
        groups: (episodes, steps) as ``imitation_errors`` gives them, by name.
    """
    fig, ax = plots.figure(title, "seconds into the episode", "difference from the expert's action")
    said = []
    for i, (name, errors) in enumerate(groups.items()):
        mean = errors.mean(0)
        error = 1.96 * errors.std(0, ddof=1) / np.sqrt(len(errors))
        time = np.arange(len(mean)) / 25
        style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "markevery": 10, "markersize": 5}
        ax.plot(time, mean, label=name, **style)
        ax.fill_between(time, mean - error, mean + error, color=plots.COLOURS[i], alpha=0.2, linewidth=0)
        said.append(f"{name}: {mean[:10].mean():.2f} at the start, {mean[-10:].mean():.2f} at the end")
    ax.set_xlim(0, STEPS / 25)
    ax.set_ylim(bottom=0)
    ax.legend(loc="center right")
    return plots.Picture(fig, f"{title}. {'; '.join(said)}. Bands are 95 % intervals over episodes.")
