"""A small policy: what the arm sees goes in, a chunk of actions comes out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Policy(nn.Module):
    """A multilayer perceptron that predicts the next ``chunk`` actions at once (Zhao et al. 2023).

    https://arxiv.org/abs/2304.13705. Inputs are normalised inside, with a mean and a deviation that are
    stored among the weights, so that nobody can forget them.

    Args:
        observation: numbers in one observation.
        action: numbers in one action.
        chunk: actions predicted at once.
        width: neurons in each of the three hidden layers.
    """

    def __init__(self, observation: int = 28, action: int = 4, chunk: int = 8, width: int = 256) -> None:
        super().__init__()
        self.chunk, self.action = chunk, action
        self.layer1 = nn.Sequential(_Normalise(observation), nn.Linear(observation, width), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.layer3 = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.head = nn.Linear(width, chunk * action)

    @property
    def observation(self) -> int:
        """Numbers in one observation."""
        return self.layer1[1].in_features

    def forward(self, seen: Tensor) -> Tensor:
        """Observations (N, observation) to flat chunks of actions (N, chunk * action)."""
        return self.head(self.layer3(self.layer2(self.layer1(seen))))

    def chunks(self, seen: Tensor) -> Tensor:
        """Observations (N, observation) to chunks of actions (N, chunk, action)."""
        return self(seen).unflatten(-1, (self.chunk, self.action))

    def normalise_with(self, mean: Tensor, std: Tensor) -> None:
        """Set the stored mean and deviation, both (observation,)."""
        self.layer1[0].mean.copy_(mean)
        self.layer1[0].std.copy_(std)


class _Normalise(nn.Module):
    """Subtract a stored mean, divide by a stored deviation, and keep the result within 5 deviations."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def forward(self, seen: Tensor) -> Tensor:
        return ((seen - self.mean) / self.std).clamp(-5, 5)
