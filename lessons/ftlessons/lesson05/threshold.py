"""The threshold bench: how rare is the class, which model, and from when on do you call it?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from ftlessons.classroom.bench import choice_bench, slider, still
from ftlessons.classroom.display import as_table, emit
from ftlessons.lesson05 import figures, imbalance
from ftlessons.lesson05.studies import rare
from ftlessons.lesson05.studies.rare import METHODS, SHARES
from ftlib.plots import Picture

SEED = 8  # the eights are rare
SHARE, METHOD = "1 in 30", "svm"  # where moving the threshold trades recall for false alarms
COSTS = (1, 2, 5, 10, 20, 50)
CUTS = [f"{n / 50:.2f}" for n in range(1, 50)]


def threshold_bench() -> None:
    """Show sliders for rarity, model, threshold and the cost of a miss; each change is scored at once.

    Everything is scored on the validation people until the test is opened. Where widgets do not run, a
    figure of the scores over the threshold stands instead.
    """
    emit(**still(picture(SHARE, METHOD, 0.5)), widget=bench_widget)


@lru_cache(maxsize=9)
def scored(share: str, method: str) -> dict[str, tuple[list[float], list[int]]]:
    """Train a model for rare eights, and say how sure it is of each validation and test example, with the truth."""
    sure, true = rare.scored(share, method, SEED)
    return {name: (sure[name], true[name]) for name in ("validation", "test")}


def tally(sure: Sequence[float], true: Sequence[int], threshold: float) -> dict[str, int]:
    """How many of (N,) examples, 1 for the rare class, were found, missed, false alarms and rightly left alone."""
    said = [value > threshold for value in sure]
    pairs = list(zip(said, true, strict=True))
    return {
        "found": pairs.count((True, 1)), "missed": pairs.count((False, 1)),
        "false alarms": pairs.count((True, 0)), "left alone": pairs.count((False, 0)),
    }  # fmt: skip


def picture(share: str, method: str, threshold: float) -> Picture:
    """Accuracy, precision and recall over the threshold, on the validation people."""
    sure, true = scored(share, method)["validation"]
    title = f"Eights, {share}, {method}: scores over the threshold"
    return figures.thresholds(sure, true, title, at=threshold)


def report(share: str, method: str, threshold: float | str, cost: int, split: str = "validation") -> str:
    """The counts, the scores and the price as an HTML table."""
    who = {"validation": "four validation people", "test": "five test people"}[split]
    return board(*scored(share, method)[split], float(threshold), cost, who)


def board(sure: Sequence[float], true: Sequence[int], threshold: float, cost: int, who: str) -> str:
    """``report`` of any scores (N,) with their truth (N,); ``who`` says on what."""
    found = tally(sure, true, threshold)
    scores = imbalance.at_threshold(sure, true, threshold)
    price = cost * found["missed"] + found["false alarms"]
    never = cost * (found["missed"] + found["found"])
    cells = [*found.items(), *((name, f"{value:.3f}") for name, value in scores.items())]
    always = found["false alarms"] + found["left alone"]
    cells += [("price", price), ("price of never calling it", never), ("of always calling it", always)]
    counted = as_table([name for name, _ in cells], [[value for _, value in cells]])
    return f'<div role="status"><p>On the {who}:</p>{counted}</div>'


def bench_widget() -> Any:
    """The sliders, the button, the report and the figure as one ipywidgets box."""
    settings = (("How rare", list(SHARES), SHARE), ("Model", METHODS, METHOD), ("Threshold", CUTS, "0.50"),
                ("A miss costs", COSTS, 1))  # fmt: skip
    controls = [slider(name, options, value, 150, continuous_update=False) for name, options, value in settings]

    def drawn(share: str, method: str, cut: str, cost: int) -> Picture:
        return picture(share, method, float(cut))

    return choice_bench(controls, report, drawn, partial(report, split="test"))
