"""The boundary bench: a network of the learner's width, depth and rate divides a plane of two-coloured points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from ftlessons.classroom.bench import bench, board, image, slider, still
from ftlessons.classroom.display import emit
from ftlessons.lesson01.mlp import mlp
from ftlessons.lesson01.spirals import spirals
from ftlib import plots
from ftlib.plots import Picture

STEPS, POINTS, GRID, REACH = 1000, 200, 120, 1.15
WIDTHS, DEPTHS, RATES = (2, 4, 8, 16, 32), (0, 1, 2, 3, 4, 6, 8), (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1)
STILLS = ((16, 0, 0.01), (4, 1, 0.01), (32, 1, 0.01), (16, 2, 0.01), (16, 4, 0.01), (16, 4, 0.1))  # the fallback


@dataclass(frozen=True)
class Bent:
    """One trained toy network: its settings, its losses, its share of points right, and where it says 1."""

    width: int
    depth: int
    lr: float
    seed: int
    losses: tuple[float, ...]
    accuracy: float
    surface: Tensor

    @property
    def name(self) -> str:
        """The settings in words."""
        layers = f"{self.depth} layer{'s' * (self.depth > 1)} of {self.width}" if self.depth else "one neuron"
        return f"{layers}, rate {self.lr:g}"


@cache
def bend(width: int, depth: int, lr: float, seed: int = 0, steps: int = STEPS) -> Bent:
    """Train a network on the spirals with Adam, all points at once, and ask it about every place in the plane.

    Args:
        depth: hidden layers; 0 is a single neuron.
        seed: of the first weights; the points stay the same.
    """
    (x, y), model = spirals(POINTS), mlp(2, width, depth, 1, seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    losses = []
    for _ in range(steps):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    axis = torch.linspace(-REACH, REACH, GRID)
    with torch.no_grad():
        surface = model(torch.cartesian_prod(axis, axis)).sigmoid().view(GRID, GRID).T
        accuracy = ((model(x)[:, 0] > 0) == (y > 0.5)).float().mean().item()
    return Bent(width, depth, lr, seed, tuple(losses), accuracy, surface)


def draw(runs: list[Bent], title: str) -> Picture:
    """The points and, behind them, the side that each network gives to every place."""
    columns = min(3, len(runs))
    rows = math.ceil(len(runs) / columns)
    fig, _ = plots.figure(title, "", "", size=(2.75 * columns, 0.4 + 2.9 * rows))
    fig.clear()
    fig.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    x, y = spirals(POINTS)
    for ax, run in zip(fig.subplots(rows, columns, squeeze=False).flat, runs, strict=False):
        surface, extent = run.surface.numpy(), [-REACH, REACH] * 2
        ax.imshow(surface, origin="lower", extent=extent, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.55)
        ax.contour(surface, levels=[0.5], extent=extent, colors="black", linewidths=1)
        for arm in (0, 1):
            ax.plot(*x[y == arm].T.numpy(), plots.MARKERS[arm], color=("#08306b", "#67000d")[arm], markersize=2.5)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_title(f"{run.name}\n{run.accuracy:.0%} of the points right", fontsize=9, fontweight="normal")
    said = "; ".join(f"{run.name}: {run.accuracy:.0%} right" for run in runs)
    return plots.Picture(fig, f"{title}. Two spirals of {POINTS} points. {said}.")


def boundary_bench() -> None:
    """Show sliders for width, depth and rate, and a button that trains and draws the boundary.

    Where widgets do not run, six trained networks stand instead.
    """
    picture = draw([bend(*settings) for settings in STILLS], "Six networks on the same points")
    emit(**still(picture), widget=partial(bench_widget, picture))


def bench_widget(picture: Picture) -> Any:
    """Sliders, button, the board of all runs, and the boundaries just trained, as one ipywidgets box."""
    controls = [
        slider("Hidden layers", DEPTHS, 0), slider("Neurons a layer", WIDTHS, 16), slider("Learning rate", RATES, 0.01)
    ]  # fmt: skip
    return bench(
        controls, lambda depth, width, rate, seed: bend(width, depth, rate, seed=seed), _board, below=image(picture),
        redrawn=lambda runs: image(draw(runs[-3:], "Your last runs")),
    )  # fmt: skip


def _board(runs: list[Bent]) -> str:
    head = ("network", "points right", "loss at the start", "loss at the end")
    rows = [(run.name, f"{run.accuracy:.0%}", f"{run.losses[0]:.3f}", f"{run.losses[-1]:.3f}") for run in runs]
    empty = "Choose, press <b>Train</b>, and your network appears here. Each run starts with other weights."
    return board(head, rows, empty)
