"""The exercises of lesson 15: how many episodes a comparison needs, and a log in another frame."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.checks import exercise, expect

if TYPE_CHECKING:
    from ftlib.robot.demonstrations import Demonstrations

CHOICES = (50, 100, 200, 300, 500)
EXPECTED, WIDEST = 0.8, 0.10
LOG_SEEDS, OTHER_SEEDS = range(62_000, 62_020), range(62_100, 62_106)


@exercise(
    "15-episodes",
    hints=(
        "Compute `metrics.wilson_interval(round(0.8 * n), n)` for each n and look at `high - low`.",
        "Half the width means four times the episodes. At 100 the interval is still about 0.16 wide.",
    ),
)
def episodes(answer: Any) -> str:
    """The smallest listed number of episodes whose Wilson interval at 0.8 is at most 0.10 wide."""
    from ftlib import metrics

    expect(answer in CHOICES and not isinstance(answer, float), f"choose one of {', '.join(map(str, CHOICES))}")
    widths = {n: _width(metrics.wilson_interval(round(EXPECTED * n), n)) for n in CHOICES}
    least = min(n for n, width in widths.items() if width <= WIDEST)
    said = f"with {answer} episodes the interval is {widths[answer]:.3f} wide"
    expect(answer >= least, f"{said}: too wide")
    expect(answer == least, f"{said}, but fewer would do")
    return f"{said}. The width falls with the square root of the number: half of it costs four times the episodes."


def _width(interval: Any) -> float:
    return interval.high - interval.low


@cache
def _logs(which: range) -> tuple[Demonstrations, Demonstrations]:
    """The log as its faulty program wrote it, and as it should be."""
    from ftlib.robot import demonstrations

    true = demonstrations.record("reach", which, noise=0)
    done = true.done.copy()
    done[..., 0], done[..., 1] = true.done[..., 1], -true.done[..., 0]  # the program's frame is turned by 90 degrees
    return demonstrations.Demonstrations(true.seen, done, true.seeds), true


def _copy(log: Demonstrations) -> Demonstrations:
    """A log that may be changed in place."""
    from ftlib.robot.demonstrations import Demonstrations

    return Demonstrations(log.seen.copy(), log.done.copy(), log.seeds.copy())


def broken_log() -> Demonstrations:
    """Twenty demonstrations of reaching with a fault in their actions."""
    return _copy(_logs(LOG_SEEDS)[0])


@exercise(
    "15-log",
    hints=(
        "Which number of `moved` follows which number of `log.done`? Look at x, y and z one by one, with their signs.",
        "z is right. The gripper moves along x when the log says y, and the other way round; one of them has its "
        "sign changed too.",
    ),
)
def log(answer: Any) -> str:
    """A function from faulty Demonstrations to repaired ones, tried on another log."""
    import numpy as np

    from ftlib.robot.demonstrations import Demonstrations

    expect(callable(answer), "give a function that takes Demonstrations and returns Demonstrations")
    broken, true = _logs(OTHER_SEEDS)
    found = answer(_copy(broken))
    expect(isinstance(found, Demonstrations), f"the function returned {type(found).__name__}, not Demonstrations")
    expect(found.done.shape == true.done.shape, f"done has shape {found.done.shape}, it should stay {true.done.shape}")
    expect(np.array_equal(found.seen, true.seen), "what was seen is right in the log: change only what was done")
    for axis, name in enumerate(("x", "y", "z", "the fingers")):
        right = np.allclose(found.done[..., axis], true.done[..., axis], atol=1e-6)
        expect(right, f"the actions in {name} still do not fit how the gripper moved")
    return "The program's frame was turned by 90 degrees. The loss could not show it: the log was consistent."
