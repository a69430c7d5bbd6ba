"""Answers that the exercises of lesson 03 refuse."""

from __future__ import annotations

from typing import Any

import torch
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


def _train(model: Any, x: Any, y: Any, lr: float, epochs: int = 3) -> None:
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for _ in range(epochs):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


def _head(model: Any, x: Any, y: Any, freeze: bool = True, still: bool = True, lr: float = 0.03) -> None:
    model.requires_grad_(not freeze)
    model.fc = nn.Linear(512, 10)
    model.train(not still)
    _train(model, x, y, lr, epochs=12)


def _nothing_frozen(model: Any, x: Any, y: Any) -> None:
    _head(model, x, y, freeze=False, lr=0.001)


def _batchnorm_moves(model: Any, x: Any, y: Any) -> None:
    _head(model, x, y, still=False)


def _head_untrained(model: Any, x: Any, y: Any) -> None:
    _head(model, x, y, lr=0.0)


def _stays_frozen(model: Any, x: Any, y: Any) -> None:
    _train(model, x, y, 0.0001)


def _too_fast(model: Any, x: Any, y: Any) -> None:
    _train(model.requires_grad_(True), x, y, 0.03)


def _batchnorm_moves_late(model: Any, x: Any, y: Any) -> None:
    _train(model.requires_grad_(True).train(), x, y, 0.0001)


WRONG = {
    "03-five-steps": [
        lambda: (_nothing_frozen, _too_fast),
        lambda: (_batchnorm_moves, _stays_frozen),
        lambda: (_head_untrained, _stays_frozen),
        lambda: (_head, _stays_frozen),
        lambda: (_head, _too_fast),
        lambda: (_head, _batchnorm_moves_late),
        lambda: _head,
    ],
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
