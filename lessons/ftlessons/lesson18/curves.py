"""The loss curves alone: without the name of the run, its score, or what was wrong."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from ftlessons.lesson18.cases import CAUSES
from ftlib import catalog, plots, results
from ftlib.metrics import Interval, mean_interval
from ftlib.plots import palette

ORDER_SEED = 18
SIX = (("brilliant", True), ("sluggish", True), ("hoarse", False), ("shuffled", True), ("two_heads", True),
       ("hoarse", True))  # fmt: skip


@cache
def anonymous() -> pd.DataFrame:
    """All recorded runs under numbers that say nothing, in an order drawn once; the index is the number."""
    table = results.study("broken_runs")
    table = table.iloc[np.random.default_rng(ORDER_SEED).permutation(len(table))].reset_index(drop=True)
    table.index = [f"run{n:02d}" for n in range(1, len(table) + 1)]
    return table


def draw(loss: list[float], outputs: int, classes: bool, title: str) -> plots.Picture:
    """One training-loss curve, with the loss of guessing where the answers are classes."""
    fig, ax = plots.figure(title, "optimizer step", "training loss", size=(5.4, 3.2))
    window = max(1, len(loss) // 20)
    ax.plot(range(1, len(loss) + 1), loss, color=palette.FAINT, linewidth=0.8)
    smooth = pd.Series(loss).rolling(window, min_periods=1).mean()
    ax.plot(range(1, len(loss) + 1), smooth, color=plots.COLOURS[0], linestyle="--", label=f"mean of {window}")
    if classes:
        ax.axhline(math.log(outputs), color=palette.GUIDE, linestyle=":", linewidth=1.2, label="guessing")
    ax.set_ylim(0, None)
    ax.legend()
    said = f"{title}. Training loss from {loss[0]:.2f} to {smooth.iloc[-1]:.2f} in {len(loss)} steps."
    return plots.Picture(fig, said)


def six(named: bool = False) -> plots.Picture:
    """The curves of the five cases of the core and of one sound run; with ``named`` each says whether it was sound."""
    table = results.study("broken_runs").set_index(["name", "broken"])
    fig, axes = plots.tiles(6, [], "Six training losses", 3, (7.6, 4.6))
    said = []
    for letter, key, ax in zip("ABCDEF", SIX, axes, strict=True):
        run = table.loc[key]
        name = f"{letter}: {'broken' if key[1] else 'sound'}" if named else letter
        ax.axis("on")
        ax.plot(range(1, len(run.loss) + 1), run.loss, color=plots.COLOURS[0], linewidth=1.2)
        ax.axhline(math.log(run.outputs), color=palette.GUIDE, linestyle=":", linewidth=1)
        ax.set_ylim(0, None)
        ax.set_xlabel("optimizer step", fontsize=8)
        ax.set_ylabel("training loss", fontsize=8)
        score = f", score {run.score:.2f}" if named else ""
        ax.set_title(f"{name}{score}", fontsize=9, fontweight="normal", loc="left")
        said.append(f"{name} from {run.loss[0]:.2f} to {np.mean(run.loss[-5:]):.2f}{score}")
    return plots.Picture(fig, f"Six training losses, dotted where guessing is: {'; '.join(said)}.")


def curves_only(folder: str | Path) -> Path:
    """Write every curve as a picture and all of them as a table, for readers who are told nothing else.

    ``loss.csv`` has the columns ``id, step, loss, guessing``; the last is the loss of guessing, empty for the robot.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for id, run in anonymous().iterrows():
        classes = run.domain != "robotics"
        draw(run.loss, run.outputs, classes, id).figure.savefig(folder / f"{id}.png", bbox_inches="tight")
        guess = round(math.log(run.outputs), 3) if classes else None
        rows += [(id, step, loss, guess) for step, loss in enumerate(run.loss, 1)]
    pd.DataFrame(rows, columns=["id", "step", "loss", "guessing"]).to_csv(folder / "loss.csv", index=False)
    return folder


def judged() -> pd.DataFrame:
    """What readers said who were given only the curves, beside the truth: one row a reader and run.

    Columns ``reader, id, said_broken, said_cause`` and the run's own ``name, cause, broken, variant, kind``.
    """
    path = catalog.data_dir() / "results" / "curve_readers.json"
    if not path.exists():
        return pd.DataFrame(columns=["reader", "id", "said_broken", "said_cause", "right"])
    said = json.loads(path.read_text(encoding="utf-8"))
    rows = [{"reader": reader, "id": id, "said_broken": row["broken"], "said_cause": row["cause"]}
            for reader, answers in said["readers"].items() for id, row in answers.items()]  # fmt: skip
    truth = anonymous()[["name", "cause", "broken", "variant"]]
    table = pd.DataFrame(rows).merge(truth, left_on="id", right_index=True)
    kind = table.cause.map({cause: where for cause, (_, where) in CAUSES.items()})
    return table.assign(kind=kind, right=table.said_broken == table.broken)


def told(table: pd.DataFrame) -> Interval:
    """Share of runs that were called rightly, with the interval over pairs of a broken run and its sound twin."""
    return mean_interval(table.groupby("name").right.mean().tolist())
