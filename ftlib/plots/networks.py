"""Figures of what a network learns: weights as pictures, losses over epochs, means over depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from ftlib import plots


def weights(
    patches: Tensor | np.ndarray, captions: Sequence[str], title: str, alt: str, columns: int = 8
) -> plots.Picture:
    """Signed weights as squares: red speaks for, blue against, white is zero; each square has its own scale.

    Args:
        patches: (N, H, W).
        captions: one a patch, or an empty sequence.
    """
    patches = np.asarray(patches)
    if patches.ndim != 3 or not len(patches):
        raise ValueError(f"the weights have shape {patches.shape}: give at least one patch, as (N, H, W)")
    columns = min(columns, len(patches))
    side = min(2.2, 6.4 / columns)
    high = 0.4 + -(-len(patches) // columns) * (side + 0.25 * bool(len(captions)))
    fig, axes = plots.tiles(len(patches), captions, title, columns, (side * columns, high))
    for ax, patch in zip(axes, patches, strict=True):
        top = np.abs(patch).max() or 1.0
        ax.imshow(patch, cmap="RdBu_r", vmin=-top, vmax=top)
    return plots.Picture(fig, alt)


def losses(runs: Mapping[str, Mapping[str, Sequence[float]]], title: str, ylabel: str = "loss") -> plots.Picture:
    """One panel a run, in it one line a name over the epochs, the lowest point of each marked.

    Args:
        runs: curves by the name of the run; each curve is a value for each epoch, by its own name.
    """
    if not runs or not all(runs.values()):
        raise ValueError("there is no curve to draw: give at least one for each run")
    size = (6.4, 3.6) if len(runs) == 1 else (2.9 * len(runs), 3.2)
    fig, axes = plots.figure(title, "epoch", ylabel, columns=len(runs), size=size)
    said = []
    for ax, (run, curves) in zip(np.atleast_1d(axes), runs.items(), strict=True):
        for i, (name, values) in enumerate(curves.items()):
            low, style = int(np.argmin(values)), {"color": plots.COLOURS[i]}
            ax.plot(range(1, len(values) + 1), values, linestyle=("-", ":", "--", "-.")[i % 4], label=name, **style)
            ax.plot(low + 1, values[low], plots.MARKERS[i], markersize=6, **style)
            said.append(
                f"{run} {name} from {values[0]:.2f} to {values[-1]:.2f}, lowest {values[low]:.2f} in epoch {low + 1}"
            )
        ax.set_ylim(0, 1.1 * max(map(max, curves.values())))
        ax.set_title(run, fontsize=10, fontweight="normal", loc="left")
    np.atleast_1d(axes)[0].legend()
    return plots.Picture(fig, f"{title}. {'; '.join(said)}. A marker stands at the lowest point of each line.")


def means(
    table: pd.DataFrame, title: str, x: str, by: str, column: str, xlabel: str, ylabel: str, join: bool = True
) -> plots.Picture:
    """A dot for each row, a line through the means, a bar for the 95 % interval.

    Args:
        table: several rows for each pair of ``x`` (equally spaced, in the table's order) and ``by`` (one line each).
        join: whether lines join the means; not where the places have no order.
    """
    fig, ax = plots.figure(title, xlabel, ylabel, size=(6.8, 3.8))
    places, said = list(table[x].unique()), []
    for i, (name, rows) in enumerate(table.groupby(by, sort=False)):
        groups = dict(list(rows.groupby(x, sort=False)[column]))
        at = {places.index(place) + 0.06 * (i - 0.5): values for place, values in groups.items()}
        centres = plots.points(ax, at, name, i, "-" if join else "none")
        said.append(f"{name}: " + ", ".join(f"{c:.2f} at {place}" for c, place in zip(centres, groups, strict=True)))
    ax.set_xticks(range(len(places)), [str(place) for place in places])
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return plots.Picture(fig, f"{title}. Means: {'; '.join(said)}.")
