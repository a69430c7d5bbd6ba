"""Answers that the exercises of lesson 03 refuse."""

from __future__ import annotations

from typing import Any

from torch import nn


def _adds_an_unused_layer(model: Any) -> None:
    model.fc = nn.Linear(1024, 4)


def _throws_a_hidden_layer_away(model: Any) -> None:
    model.classifier = nn.Linear(576, 4)


def _adds_one_on_top(model: Any) -> None:
    model.classifier.append(nn.Linear(1000, 4))


def _drops_the_activation(model: Any) -> None:
    model.classifier = nn.Sequential(model.classifier[0], nn.Linear(1024, 4))


def _wrong_count(model: Any) -> None:
    model.classifier[-1] = nn.Linear(1024, 5)


def _always_zero(x: Any) -> Any:
    return x.new_zeros(len(x))


def _wrong_shape(x: Any) -> Any:
    return x.flatten(1)


WRONG = {
    "03-first-stage": [("layer1", "b"), ("layer4", "a"), ("stem", "c"), "layer4", ("head", "b")],
    "03-repair": [
        lambda: _adds_an_unused_layer,
        lambda: _throws_a_hidden_layer_away,
        lambda: _adds_one_on_top,
        lambda: _drops_the_activation,
        lambda: _wrong_count,
        4,
    ],
    "03-curves": [
        {"frozen": "A", "from_nothing": "C", "tied_at_1": "AB"},
        {"frozen": "B", "from_nothing": "A", "tied_at_1": "AB"},
        {"frozen": "B", "from_nothing": "C", "tied_at_1": "BC"},
        {"frozen": "B", "from_nothing": "C", "tied_at_1": "B"},
        {"frozen": "B", "from_nothing": "C", "tied_at_1": "BB"},
        "B",
    ],
    "03-slant": [lambda: _always_zero, lambda: _wrong_shape, 7.0],
}
