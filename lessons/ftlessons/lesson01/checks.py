"""Exercises of lesson 01, neural networks."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn

from ftlessons.classroom.checks import exercise, expect
from ftlessons.lesson01.mlp import mlp
from ftlib import tasks

STEP = (0.7807, -2.0731)  # weights after the step: 1 - 0.1 * 3 * sigmoid(1), -2 - 0.1 * 1 * sigmoid(1)


@exercise(
    "01-step",
    hints=(
        "The weighted sum is 3 · 1 + 1 · (−2) = 1, and the sigmoid of 1 is 0.731. What is the error, with label 0?",
        "The gradient of each weight is the error times its input. Move against it: weight minus rate times gradient.",
    ),
)
def step(answer: Any) -> str:
    """The two weights after one step of gradient descent."""
    try:
        first, second = (float(value) for value in answer)
    except (TypeError, ValueError):
        first = second = None
    expect(first is not None, "give a pair of numbers, such as (0.5, -1.5)")
    expect((first, second) != (1.0, -2.0), "these are the weights before the step")
    expect(first < 1, "the label is 0 and the answer 0.731: with this first weight the neuron would be surer of 1")
    right = [abs(value - true) < 0.0006 for value, true in zip((first, second), STEP, strict=True)]
    expect(right[0], "the first weight moves the right way, but not this far: its input is 3, and the rate is 0.1")
    expect(right[1], "the first weight is right, the second is not: its input is 1, so it moves a third as far")
    return "The error is 0.731. The first input is three times the second, so its weight moves three times as far."


MYSTERY = {"A": "rate_too_low", "B": "over_fits", "C": "rate_too_high"}
_EPOCHS = 60


@cache
def mystery_curves() -> dict[str, dict[str, list[float]]]:
    """Losses over the epochs of three networks, under the names A, B and C: training and validation of each."""
    digits = tasks.get("digits")
    (pool, labels), (valid_x, valid_y) = digits.ink("train"), digits.ink("tune")
    few = torch.cat([torch.nonzero(labels == digit)[:8, 0] for digit in range(10)])
    x, y, valid_x = pool[few].flatten(1), labels[few], valid_x.flatten(1)
    runs: dict[str, dict[str, list[float]]] = {}
    for name, rate in (("A", 1e-5), ("B", 0.005), ("C", 0.6)):
        model = mlp(64, 64, 1, 10, seed=1)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        curves = runs[name] = {"training": [], "validation": []}
        for _ in range(_EPOCHS):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for kind, inputs, true in (("training", x, y), ("validation", valid_x, valid_y)):
                    value = nn.functional.cross_entropy(model(inputs), true).item()
                    curves[kind].append(value)
    return runs


@exercise(
    "01-curves",
    hints=(
        "A rate that is too low hardly moves the loss. One that is too high makes it jump about or stay large.",
        "Over-fitting is a gap: the training loss goes to zero, and the validation loss does not follow.",
    ),
)
def curves(answer: Any) -> str:
    """Which of A, B, C had too high a rate, too low a rate, and over-fits."""
    keys = sorted(MYSTERY.values())
    expect(isinstance(answer, dict) and sorted(answer) == keys, f"fill in the three entries {', '.join(keys)}")
    for key in keys:
        expect(answer[key] in MYSTERY, f"{key} is {answer[key]!r}: answer with 'A', 'B' or 'C'")
    expect(len(set(answer.values())) == 3, "each of A, B and C is one of the three")
    expect(MYSTERY[answer["over_fits"]] == "over_fits", f"{answer['over_fits']} does not fit even its training digits")
    expect(MYSTERY[answer["rate_too_low"]] == "rate_too_low", "the rates are swapped: which one moves at all?")
    return "B learns 80 digits by heart, and strangers' digits no longer profit. A has hardly moved, C has overshot."


@exercise(
    "01-loop",
    hints=(
        "Call the step twice, and print one weight's gradient after each call. Does the second start from nothing?",
        "`backward` adds to the gradient that is there. Something has to clear it before.",
    ),
)
def loop(answer: Any) -> str:
    """A function ``train_step(model, optimizer, x, y)`` that takes one correct step."""
    expect(callable(answer), "give a function that takes model, optimizer, x and y")
    mine, reference = _two_models()
    rates = [torch.optim.SGD(model.parameters(), lr=0.1) for model in (mine, reference)]
    generator = torch.Generator().manual_seed(0)
    for number in range(1, 4):
        x, y = torch.randn(16, 4, generator=generator), torch.randint(3, (16,), generator=generator)
        before = mine.weight.detach().clone()
        answer(mine, rates[0], x, y)
        _right(reference, rates[1], x, y)
        expect(not torch.equal(before, mine.weight), f"step {number} moved no weight")
        said = "the first step is off already" if number == 1 else f"step 1 is right, but step {number} goes elsewhere"
        expect(torch.allclose(mine.weight, reference.weight, atol=1e-6), f"{said}: what does the gradient hold?")
    return "Each step follows the gradient of its own batch, and of nothing before."


def _two_models() -> tuple[Any, Any]:
    return mlp(4, 1, 0, 3, seed=0)[0], mlp(4, 1, 0, 3, seed=0)[0]


def _loss(model: Any, x: Any, y: Any) -> Any:
    return nn.functional.cross_entropy(model(x), y)


def _right(model: Any, optimizer: Any, x: Any, y: Any) -> None:
    optimizer.zero_grad()
    _loss(model, x, y).backward()
    optimizer.step()
