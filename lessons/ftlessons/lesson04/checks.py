"""Exercises of lesson 04, hyperparameters."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ftlessons.classroom.checks import exercise, expect
from ftlessons.lesson04 import hyperparameters
from ftlib import results

CAUSES = ("rate too low", "rate too high", "BatchNorm moved", "nothing")
PATIENTS = {"A": "BatchNorm moved", "B": "rate too low", "C": "nothing", "D": "rate too high"}
SHOWN_SEED = 3


def runs_without_names() -> pd.DataFrame:
    """Four recorded runs with one draw of labels: what was measured, without the knobs."""
    rates, others = results.study("rates"), results.study("other_hyperparameters")
    arms = {
        "rate too low": hyperparameters.runs(rates, lr=3e-5),
        "rate too high": hyperparameters.runs(rates, lr=1e-2),
        "BatchNorm moved": hyperparameters.runs(others, depth="head", batchnorm="train"),
        "nothing": hyperparameters.runs(rates, lr=3e-4),
    }
    columns = {
        "loss": "training loss at the end", "distance": "distance from the start", "source": "accuracy on letters",
        "valid": "accuracy on validation digits",
    }  # fmt: skip
    rows = {name: arms[cause].set_index("seed").loc[SHOWN_SEED, list(columns)] for name, cause in PATIENTS.items()}
    return pd.DataFrame.from_dict(rows, orient="index").astype(float).rename(columns=columns).round(3)


@exercise(
    "04-diagnose",
    hints=(
        "Start with the distance: which run has weights that did not move at all?",
        "Of the other three, one never got its training loss down because it hardly moved, and one because it left.",
    ),
)
def diagnose(answer: Any) -> str:
    """What is wrong with each of the runs A to D, one cause for each."""
    expect(isinstance(answer, dict), "give a dictionary with one cause for each of A, B, C and D")
    for name in PATIENTS:
        expect(name in answer, f"there is no cause for {name} yet")
        expect(answer[name] in CAUSES, f"{answer[name]!r} is none of the causes {', '.join(CAUSES)}")
    expect(len(set(answer.values())) == len(PATIENTS), "each cause fits exactly one run")
    moved = answer["A"] == "BatchNorm moved"
    expect(moved, "look at A again: no weight moved, and still it reads fewer letters than the network it came from")
    expect(answer["D"] == "rate too high", "look at D again: it went far away and lost the letters and the digits")
    expect(answer["B"] == "rate too low", "B and C: whose training loss is still on its way down?")
    return "Loss, distance and the old task together tell more than the score that you are after."


@exercise(
    "04-choose",
    hints=(
        "Put the rows with the same depth and rate together first, whatever their seed.",
        "Average `valid` over the seeds of each pair, and take the pair with the best mean. Leave `test` alone.",
    ),
)
def choose(answer: Any) -> str:
    """A function from a table of runs to the pair (depth, rate) that validation chooses."""
    expect(callable(answer), "give a function that takes the table")
    for table, wanted, trap in _tables():
        found = answer(table.copy())
        expect(isinstance(found, tuple) and len(found) == 2, f"return a pair (depth, rate), not {found!r}")
        expect((str(found[0]), float(found[1])) == wanted, trap)
    return "The mean over seeds on the validation examples, for each depth at each rate. The test set was not asked."


def _tables() -> list[tuple[pd.DataFrame, tuple[str, float], str]]:
    lucky = _table({("head", 0.01): (0.90, 0.91, 0.92), ("full", 0.001): (0.97, 0.80, 0.81)})
    test = {("head", 0.01): 0.80, ("full", 0.001): 0.99}
    rates = _table({("head", 0.001): (0.5, 0.5), ("head", 0.01): (0.95, 0.95), ("full", 0.001): (0.9, 0.9),
                    ("full", 0.01): (0.1, 0.1)})  # fmt: skip
    return [
        (lucky, ("head", 0.01), "one lucky run must not decide: average over the seeds first"),
        (lucky.assign(test=[test[key] for key in zip(lucky.depth, lucky.lr, strict=True)]), ("head", 0.01),
         "that choice looked at the column `test`: choose on `valid` alone"),
        (rates, ("head", 0.01), "a rate that is poor for one depth may suit another: average each pair alone"),
    ]  # fmt: skip


def _table(scores: dict[tuple[str, float], tuple[float, ...]]) -> pd.DataFrame:
    rows = [
        {"depth": depth, "lr": lr, "seed": seed, "valid": value, "test": 0.5}
        for (depth, lr), values in scores.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


@exercise(
    "04-schedule",
    hints=(
        "There are two straight lines. Which step ends the first one?",
        "Going up: peak * (step + 1) / warmup. Going down: from the peak at step `warmup` to 0 at step `steps`.",
    ),
)
def schedule(answer: Any) -> str:
    """A function (step, steps, warmup, peak) to the rate of that step: up in a line, then down to 0."""
    expect(callable(answer), "give a function of step, steps, warmup and peak")
    got = [float(answer(step, 100, 10, 0.5)) for step in (0, 9, 10, 55, 99)]
    expect(abs(got[0] - 0.05) < 1e-6, f"the first of 10 warm-up steps to 0.5 should be at 0.05, not {got[0]:.3g}")
    expect(abs(got[1] - 0.5) < 1e-6, f"the last warm-up step should be at the peak of 0.5, not {got[1]:.3g}")
    expect(abs(got[2] - 0.5) < 1e-6, f"the way down starts at the peak, not at {got[2]:.3g}")
    expect(abs(got[3] - 0.25) < 1e-6, f"half-way down the rate should be half the peak, 0.25, not {got[3]:.3g}")
    expect(abs(got[4] - 0.5 / 90) < 1e-6, f"the last step should be one step above 0, not at {got[4]:.3g}")
    return "That is the linear schedule with warm-up, common in fine-tuning scripts."
