"""A toy for looking at: points in a plane, two colours, wound into two spirals."""

from __future__ import annotations

import math

import torch
from torch import Tensor

TURNS = 1.75


def spirals(n: int = 200, seed: int = 0, turns: float = TURNS, noise: float = 0.03) -> tuple[Tensor, Tensor]:
    """Draw points on two arms that wind around each other (after Lang & Witbrock 1988).

    Args:
        n: points in all, half of them on each arm.
        turns: how often each arm goes around the middle.
        noise: standard deviation of each coordinate; the arms end at distance 1.

    Returns:
        Points (n, 2) and the arm of each, 0.0 or 1.0, of shape (n,).

    Raises:
        ValueError: fewer than two points, or an odd number.
    """
    if n < 2 or n % 2:
        raise ValueError(f"n is {n}: ask for an even number of points, two or more")
    generator = torch.Generator().manual_seed(seed)
    arm = torch.arange(n) % 2
    along = torch.rand(n, generator=generator).sqrt()  # from the middle, 0, to the end, 1
    radius, angle = 0.1 + 0.9 * along, 2 * math.pi * turns * along + math.pi * arm
    points = radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return points + noise * torch.randn(n, 2, generator=generator), arm.float()
