"""The plainest network: linear layers with a bend between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Shortcut(nn.Module):
    """A hidden layer that adds its result to its own input, the idea of ResNet (He et al. 2016).

    https://arxiv.org/abs/1512.03385
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(width, width), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """(N, width) to (N, width)."""
        return x + self.layer(x)


def mlp(
    inputs: int, width: int, depth: int, outputs: int, *, shortcuts: bool = False, seed: int | None = None
) -> nn.Sequential:
    """Build a multilayer perceptron: ``depth`` hidden layers of ``width`` neurons each, ReLU after each.

    Args:
        depth: 0 leaves one linear layer, whose boundary is straight.
        shortcuts: from the second hidden layer on, each layer adds its result to its own input.
        seed: of the random weights; None goes on with torch's generator.

    Raises:
        ValueError: a size is too small.

    >>> [tuple(p.shape) for p in mlp(2, 8, 1, 1).parameters()]
    [(8, 2), (8,), (1, 8), (1,)]
    """
    if min(inputs, outputs) < 1 or depth < 0 or (depth and width < 1):
        raise ValueError(f"{inputs} inputs, {depth} layers of {width}, {outputs} outputs: that is no network")
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for number in range(depth):
            if shortcuts and number:
                layers.append(Shortcut(width))
            else:
                layers += [nn.Linear(width if number else inputs, width), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(width if depth else inputs, outputs))
