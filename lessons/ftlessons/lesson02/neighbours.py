"""The neighbour explorer: choose a network, a stage and a picture, and see which pictures it takes for alike."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from ftlessons.classroom.bench import image, still
from ftlessons.classroom.display import emit
from ftlessons.lesson02 import probing, transfer
from ftlessons.lesson02.studies import probes
from ftlib import plots
from ftlib.plots import Picture

TARGETS = {"letters": "printed letters", "digits": "handwritten digits", "sound": "spoken digits"}
WEIGHTS = {"letters": "trained on letters", "random": "random weights"}
SHOWN, ASKED = 5, (3, 8)  # neighbours in a row; classes whose first picture is asked about without a widget


def neighbour_explorer() -> None:
    """Show menus for pictures, network and stage, a slider for the picture, and its nearest neighbours.

    Where widgets do not run, two letters and their neighbours in the random and in the trained network stand instead.
    """
    rows = [("letters", weights, "layer4", place) for place in _asked("letters") for weights in ("random", "letters")]
    picture = draw(rows, "First a letter, then what the network takes for most alike")
    emit(**still(picture), widget=partial(explorer_widget, picture))


def _asked(target: str) -> list[int]:
    """Test pictures of different classes, the first of each."""
    _, (_, y) = pictures(target)
    return [(y == label).nonzero()[0, 0].item() for label in ASKED]


@cache
def pictures(target: str) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Pictures to search in and pictures to ask about, with their labels."""
    return transfer.draw(target, 20 if target != "digits" else 25, seed=0)


@cache
def _readings(target: str, weights: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    model = probes.network(weights, 0)
    return tuple(probing.readings(model, x) for x, _ in pictures(target))


def nearest(target: str, weights: str, stage: str, place: int) -> list[int]:
    """Where in the pool the pictures stand that lie nearest to a test picture in what a stage hands on."""
    pool, asked = _readings(target, weights)
    return probing.neighbours(asked[stage][place : place + 1], pool[stage], SHOWN)[0].tolist()


def draw(rows: list[tuple[str, str, str, int]], title: str) -> Picture:
    """One row for each (target, weights, stage, place): the picture itself, then its neighbours."""
    shown, captions, said = [], [], []
    for target, weights, stage, place in rows:
        (pool, labels), (x, y) = pictures(target)
        near = nearest(target, weights, stage, place)
        names = _names(target)
        shown.append(torch.cat([x[place : place + 1, :1], pool[near, :1]]))
        captions += [f"{names[y[place]]} · {weights}", *(names[labels[i]] for i in near)]
        same = sum(int(labels[i] == y[place]) for i in near)
        said.append(f"{weights}, {stage}: {same} of {SHOWN} neighbours are of the same class")
    return plots.images(torch.cat(shown), captions, title, f"{title}. {'; '.join(said)}.", columns=SHOWN + 1)


def _names(target: str) -> list[str]:
    return transfer.letters(0) if target == "letters" else [str(i) for i in range(transfer.CLASSES)]


def explorer_widget(picture: Picture) -> Any:
    """Menus, slider and the row of neighbours as one ipywidgets box."""
    import ipywidgets as widgets

    style = {"description_width": "90px"}
    target, weights = (
        widgets.Dropdown(options=[(text, name) for name, text in choices.items()], description=what, style=style)
        for what, choices in (("Pictures", TARGETS), ("Network", WEIGHTS))
    )
    stage = widgets.SelectionSlider(options=probes.STAGES, value="layer4", description="Stage", style=style)
    place = widgets.IntSlider(0, 0, 199, description="Picture", style=style, continuous_update=False)
    shown, note = widgets.HTML(image(picture)), widgets.HTML()

    def update(_: Any) -> None:
        chosen = (target.value, weights.value, stage.value, place.value)
        shown.value = image(draw([chosen], "The picture, then its nearest neighbours"))
        share = purity(*chosen[:3])
        note.value = f"<p>Over all these pictures, the nearest neighbour is of the same class in {share:.0%}.</p>"

    for control in (target, weights, stage, place):
        control.observe(update, "value")
    return widgets.VBox([target, weights, stage, place, shown, note])


def purity(target: str, weights: str, stage: str) -> float:
    """The share of test pictures whose nearest neighbour in the pool is of the same class."""
    (pool, asked), ((_, labels), (_, y)) = _readings(target, weights), pictures(target)
    near = probing.neighbours(asked[stage], pool[stage])[:, 0]
    return (labels[near] == y).float().mean().item()
