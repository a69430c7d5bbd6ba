"""Figures of what a network learns: weights as pictures, losses over epochs, means over depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from ftlib import plots
from ftlib.metrics import mean_interval


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
    if len(captions) not in (0, len(patches)):
        raise ValueError(f"{len(captions)} captions for {len(patches)} patches: give one a patch, or none at all")
    columns = min(columns, len(patches))
    rows = -(-len(patches) // columns)
    side = min(2.2, 6.4 / columns)
    fig, _ = plots.figure(title, "", "", size=(side * columns, 0.4 + rows * (side + 0.25 * bool(len(captions)))))
    fig.delaxes(fig.axes[0])
    for i, ax in enumerate(fig.subplots(rows, columns, squeeze=False).flat):
        ax.axis("off")
        if i < len(patches):
            top = np.abs(patches[i]).max() or 1.0
            ax.imshow(patches[i], cmap="RdBu_r", vmin=-top, vmax=top)
            if len(captions):
                ax.set_title(captions[i], fontsize=9, fontweight="normal", loc="center")
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
        groups = {places.index(place): values for place, values in rows.groupby(x, sort=False)[column]}
        spans = [mean_interval(values) for values in groups.values()]
        centres = [span.value for span in spans]
        reach = [[span.value - span.low for span in spans], [span.high - span.value for span in spans]]
        style = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "linestyle": "-" if join else "none"}
        at = np.array(list(groups)) + 0.06 * (i - 0.5)
        for place, values in zip(at, groups.values(), strict=True):
            ax.plot([place] * len(values), values, ".", color=style["color"], alpha=0.3, markersize=4)
        ax.errorbar(at, centres, reach, markersize=5, capsize=3, label=name, **style)
        said.append(f"{name}: " + ", ".join(f"{c:.2f} at {places[g]}" for c, g in zip(centres, groups, strict=True)))
    ax.set_xticks(range(len(places)), [str(place) for place in places])
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return plots.Picture(fig, f"{title}. Means: {'; '.join(said)}.")
