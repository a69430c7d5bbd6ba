"""The learning-rate finder: raise the rate a little at each step and watch where the loss stops falling."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ftlib import adapt, plots, runtime
from ftlib.batches import EpochBatches
from ftlib.plots import palette
from ftlib.train import Loss, default_loss

TOO_HIGH = 4.0  # times the lowest loss so far: the run has blown up


@dataclass(frozen=True)
class Sweep:
    """What the finder saw: the rate of each step, the loss of its batch, and that loss smoothed."""

    rates: list[float]
    losses: list[float]
    smooth: list[float]

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss was lowest: already too high to train with."""
        return self.rates[int(np.argmin(self.smooth))]

    @property
    def tenth(self) -> float:
        """A tenth of ``lowest``: one rule of thumb."""
        return self.lowest / 10

    @property
    def steepest(self) -> float:
        """The rate at which the smoothed loss fell fastest: another."""
        fall = np.gradient(np.asarray(self.smooth), np.log(self.rates))
        return self.rates[int(np.argmin(fall))]

    def plot(self, title: str = "Learning-rate finder") -> plots.Picture:
        """Draw the loss over the rate, with what two rules of thumb make of it."""
        fig, ax = plots.figure(title, "learning rate of the step", "training loss")
        ax.plot(self.rates, self.losses, ".", color=palette.FAINT, markersize=4, label="each step")
        ax.plot(self.rates, self.smooth, color=plots.COLOURS[0], label="smoothed")
        rules = (("steepest", self.steepest, "--"), ("a tenth of the lowest", self.tenth, ":"))
        for name, rate, style in rules:
            ax.axvline(rate, linestyle=style, color=plots.COLOURS[1], label=f"{name}: {rate:.1g}")
        ax.set_xscale("log")
        ax.set_ylim(0, 1.3 * max(self.smooth[:5]))
        ax.legend()
        said = "; ".join(f"{name}: a rate of {rate:.1g}" for name, rate, _ in rules)
        return plots.Picture(fig, f"{title}. The smoothed loss over the rate. {said}.")


def find_lr(
    model: nn.Module,
    train: Dataset,
    *,
    low: float = 1e-6,
    high: float = 1.0,
    steps: int = 80,
    batch_size: int = 16,
    batchnorm: adapt.BatchNormMode = "eval",
    loss: Loss = default_loss,
    seed: int = 0,
) -> Sweep:
    """Train a copy of ``model`` once while the rate rises from ``low`` to ``high`` by a factor a step.

    The model itself stays as it is. The run ends early when the loss blows up. No label beyond the training
    set is used, and so the result speaks of the training loss alone (Smith 2017,
    https://arxiv.org/abs/1506.01186).

    Raises:
        ValueError: not 0 < ``low`` < ``high``, fewer than ten steps, an empty training set, or nothing trainable.
    """
    if not 0 < low < high or steps < 10:
        raise ValueError(f"find_lr needs 0 < low < high and at least 10 steps, got low={low}, high={high}, {steps=}")
    if not len(train):
        raise ValueError("the training set is empty: give at least one example")
    runtime.seed_everything(seed)
    model = deepcopy(model)
    adapt.train_mode(model, batchnorm)
    optimizer = torch.optim.AdamW(adapt.parameter_groups(model, low))
    device = next(model.parameters()).device
    growth, smooth, sweep = (high / low) ** (1 / (steps - 1)), 0.0, Sweep([], [], [])
    for step, batch in enumerate(DataLoader(train, batch_sampler=EpochBatches(len(train), batch_size, steps, seed))):
        rate = low * growth**step
        for group in optimizer.param_groups:
            group["lr"] = rate
        value = loss(model, [part.to(device) for part in batch])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        smooth = 0.8 * smooth + 0.2 * value.item()
        settled = smooth / (1 - 0.8 ** (step + 1))
        if not math.isfinite(settled) or settled > TOO_HIGH * min(sweep.smooth, default=math.inf):
            break
        sweep.rates.append(rate)
        sweep.losses.append(value.item())
        sweep.smooth.append(settled)
    return sweep
