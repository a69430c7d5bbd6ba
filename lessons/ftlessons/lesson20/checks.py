"""Exercises of lesson 20, your own data."""

from __future__ import annotations

from functools import cache
from typing import Any

from ftlessons.classroom.checks import exercise, expect

GROUP = r"(hand\d+)"
WRONG_FOLDER, TWO_FOLDERS = "camp/hand07_d", "camp/hand02_d"
ODD_BUT_RIGHT = ("camp/hand07_b", "fort/hand08_c", "peak/hand01_a", "peak/hand02_c")
MOST_DROPPED = 14


@cache
def _raw() -> Any:
    return _signs(())


def _signs(drop: tuple[str, ...]) -> Any:
    from ftlib import catalog
    from ftlib.own.task import from_folder

    return from_folder(catalog.path("signs", verbose=False) / "pictures", group=GROUP, drop=drop)


def _duplicates_alone() -> list[str]:
    from ftlib.own import checks

    return checks.duplicates(_raw()).drop


def reference_drop() -> list[str]:
    """Every copy, the picture in two folders, and the one in the wrong folder."""
    wrong = next(id for id in _raw().items.id if id.startswith(WRONG_FOLDER))
    return [*_duplicates_alone(), wrong]


@exercise(
    "20-clean",
    hints=(
        "`checks.duplicates(raw).drop` is a list of ids. The surest suspect is not in it.",
        "Open the pictures that `suspects` names. One of them lies in the wrong folder.",
    ),
)
def clean(answer: Any) -> str:
    """Ids of the pictures of the map signs that should be left out."""
    from ftlib.own import checks

    expect(isinstance(answer, list | tuple | set), "give a list of ids, as they stand in raw.items.id")
    ids = [str(id) for id in answer]
    unknown = set(ids) - set(_raw().items.id)
    expect(not unknown, f"{min(unknown, default='')!r} is not among the ids in raw.items.id")
    for start, why in ((WRONG_FOLDER, "shows a church"), (TWO_FOLDERS, "is a copy of a peak")):
        expect(any(id.startswith(start) for id in ids), f"{start} {why}, and it still counts as a camp")
    odd = next((start for start in ODD_BUT_RIGHT if any(id.startswith(start) for id in ids)), "")
    expect(not odd, f"{odd} surprises the simple model, and yet its label is right: leave it in")
    expect(len(ids) <= MOST_DROPPED, f"you leave out {len(ids)} pictures: so many are not wrong, and labels cost money")
    left = checks.duplicates(_signs(tuple(ids)))
    expect(left.table.empty, f"copies are still there, such as {left.table.id.iloc[0] if len(left.table) else ''}")
    return "No copy and no wrong folder is left. Whatever you find later, write it into the guideline."


@exercise(
    "20-train",
    hints=(
        "The five steps of lesson 03: load, freeze, new head, train the head, and perhaps unfreeze.",
        "After `adapt.replace_head(model, task.n_outputs)`: "
        "`fit_head(model, task.split('train'), task, lr=0.01, steps=100)`.",
    ),
)
def train(answer: Any) -> str:
    """A model, and the task that it was trained for: the map signs, or data of your own."""
    from torch import nn

    from ftlib import adapt, metrics
    from ftlib.own.base import OwnData

    pair = isinstance(answer, tuple | list) and len(answer) == 2
    expect(pair and isinstance(answer[0], nn.Module), "give your model and your task: trained = (model, task)")
    model, task = answer
    expect(isinstance(task, OwnData), "the second of the two is no task: give what from_folder or from_csv returned")
    outputs = adapt.get_head(model).out_features
    expect(outputs == task.n_outputs, f"the model has {outputs} outputs, but there are {task.n_outputs} classes")
    score, tested = task.evaluate(model), task.items[task.items.split == "test"]
    reach = metrics.wilson_interval(round(score.value * score.n), score.n)
    said = f"accuracy {score.value:.2f} on {score.n} test examples (95 % interval {reach.low:.2f} to {reach.high:.2f}"
    whose = tested.group[tested.group != ""].nunique()
    said += f", as if each were independent; they come from {whose} groups)" if whose else ")"
    common = tested.label.value_counts(normalize=True).iloc[0]
    least = common + 0.5 * (1 - common)  # half of what separates the commonest class from all
    expect(score.value >= least, f"{said}; the commonest class alone gets {common:.2f}, a trained head {least:.2f}")
    return f"{said[0].upper()}{said[1:]}."


@exercise(
    "20-budget",
    hints=(
        "By what did the number of labels grow, and by what did the error shrink? The same again does the same again.",
        "Four times the labels halve the error. From 0.12 down to 0.03 the error has to be halved twice.",
    ),
)
def budget(answer: Any) -> str:
    """Labels a class for an error of 0.03, when 5 gave 0.24 and 20 gave 0.12."""
    expect(isinstance(answer, int | float) and not isinstance(answer, bool), "give a number of labels a class")
    expect(answer >= 1, f"{answer} is a share; the question is how many labels a class")
    expect(answer > 90, f"with {answer:g} labels a class the trend still gives an error of 0.06 or more")
    expect(280 <= answer <= 360, f"{answer:g} is off: apply the same factor as before, twice")
    return "Four times the labels halve the error, so 20, 80, 320. The last step costs more than all before it."
