"""Scripted experts: a few rules that look at one observation and say what to do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ftlib.robot.arm import BLOCK, BLOCK_FROM_GRIPPER, FINGERS, GOAL, GRIPPER

OPEN, CLOSED, STILL = 1.0, -1.0, 0.0
GAIN = 8.0  # action for each metre that is left: 1 is reached at 12 cm

Expert = Callable[[np.ndarray], np.ndarray]


def _towards(offset: np.ndarray, fingers: float, gain: float = GAIN) -> np.ndarray:
    return np.clip(np.r_[gain * offset, fingers], -1, 1)


def reach(seen: np.ndarray) -> np.ndarray:
    """Go straight to the goal."""
    return _towards(seen[GOAL] - seen[GRIPPER], STILL)


def push(seen: np.ndarray) -> np.ndarray:
    """Go behind the block, as seen from the goal, then push it along that line."""
    way, block = (seen[GOAL] - seen[BLOCK])[:2], seen[BLOCK_FROM_GRIPPER]
    left = np.linalg.norm(way)
    if left < 0.012:
        return _towards(np.zeros(3), CLOSED)
    along = way / left
    ahead = -along @ block[:2]  # how far the gripper is beyond the block's middle, along the way
    aside = np.linalg.norm(block[:2] + ahead * along)
    start = block - np.r_[0.065 * along, 0]
    low = block[2] > -0.03
    if low and ahead < -0.02 and aside < 0.02:
        return _towards(np.r_[start[:2] + along * (0.035 + min(left, 0.09)), block[2]], CLOSED)
    if np.linalg.norm(start[:2]) < 0.02:
        return _towards(start, CLOSED)
    if block[2] > -0.05 and np.linalg.norm(block[:2]) < 0.11:  # too close to go round: first up
        return _towards(np.r_[-0.3 * block[:2], 0.12], CLOSED, gain=12)
    return _towards(start + [0, 0, 0.07], CLOSED, gain=12)


def pick_and_place(seen: np.ndarray) -> np.ndarray:
    """Go above the block, go down, close, carry it to the goal, and hold it there."""
    block, fingers = seen[BLOCK_FROM_GRIPPER], seen[FINGERS]
    aside = np.linalg.norm(block[:2])
    between = aside < 0.03 and abs(block[2]) < 0.02
    if between and fingers.mean() < 0.03:
        return _towards(seen[GOAL] - seen[BLOCK], CLOSED)
    if between and aside < 0.02:
        return _towards(block, CLOSED)
    if aside > 0.025 + 0.2 * max(0, -block[2] - 0.04):
        return _towards(block + [0, 0, 0.06], OPEN)
    return _towards(block, OPEN)


EXPERTS: dict[str, Expert] = {
    "reach": reach, "push": push, "hold": pick_and_place, "lift_10cm": pick_and_place,
    "lift": pick_and_place, "pick_and_place": pick_and_place,
}  # fmt: skip
