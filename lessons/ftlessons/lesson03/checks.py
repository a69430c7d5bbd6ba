"""Exercises of lesson 03, the fine-tuning recipe."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from ftlessons.classroom.checks import exercise, expect
from ftlib import adapt, metrics, models, results, tasks
from ftlib.tasks.glyphs import slanted

REASONS = {
    "a": "it holds the most parameters, so it can learn the most",
    "b": "its features are the most specific to the source task",
    "c": "it sees the pixels first",
    "d": "it is the only stage without BatchNorm",
}


@exercise(
    "03-first-stage",
    hints=(
        "Ask which stage already suits digits as it is, and which one was shaped for telling letters apart.",
        "Size says nothing about what has to change. Work backwards from the output.",
    ),
)
def first_stage(answer: Any) -> str:
    """The stage to unfreeze first after the head, and the letter of the reason."""
    expect(isinstance(answer, tuple) and len(answer) == 2, "give a pair: a stage and a letter, such as ('layer1', 'c')")
    stage, reason = answer
    expect(reason in REASONS, f"{reason!r} is not one of the reasons a, b, c or d")
    expect(stage != "head", "the head is new and is trained already; name the first stage to unfreeze after it")
    expect(stage == "layer4", f"{stage} is far from the output: what it finds serves digits as well as letters")
    expect(reason == "b", f"the stage is right, but the reason is not that {REASONS[reason]}")
    return "layer4 turns strokes into letters. Strokes serve digits too, so the stages before it can wait their turn."


@exercise(
    "03-five-steps",
    hints=(
        "One line a thing: no weight trainable; a new `model.fc`; evaluation mode; train the head. Then all trainable, "
        "and train all at a hundredth of the rate.",
        "`model.requires_grad_(False)` freezes all. `model.eval()` keeps BatchNorm still, with gradients or without.",
    ),
)
def five_steps(answer: Any) -> str:
    """A pair of functions (model, x, y): steps 2 to 4, and step 5, on the letters network and negatives of digits."""
    expect(isinstance(answer, tuple) and len(answer) == 2 and all(map(callable, answer)), "give both functions")
    task, model = tasks.get("negatives"), models.load("glyph-resnet10").train()
    x, y = task.sample(5, 0).tensors
    start = _state(model)
    answer[0](model, x, y)
    outputs = tuple(model(x[:2]).shape) if not model.training else (2, model.fc.out_features)
    expect(outputs == (2, 10), f"step 3: two pictures should give scores of shape (2, 10), not {outputs}")
    expect(not _moved(start, _state(model), weights=True), "step 2: the backbone moved when the head was trained")
    still = "BatchNorm has moved: put the model into evaluation mode before you train"
    expect(not _moved(start, _state(model), weights=False), f"step 4: {still}")
    head = task.evaluate(model).value
    expect(head >= 0.6, f"step 4: the head reads {head:.2f} of the strangers' digits; train it, at a rate of 0.01")
    middle = _state(model)
    answer[1](model, x, y)
    stages = [stage for stage in ("conv1", "layer1", "layer4") if _moved(middle, _state(model), True, stage)]
    expect(len(stages) == 3, "step 5: a part of the backbone has not moved: make every weight trainable, then train")
    expect(not _moved(middle, _state(model), weights=False), f"step 5: {still}")
    far = adapt.distance(model, start)["backbone"]
    expect(far < 0.15, f"step 5: the backbone went {far:.0%} of its length away; take a rate of 0.0001")
    full = task.evaluate(model).value
    return (f"Frozen after step 4: {head:.3f} of the strangers' negatives. Moved after step 5, by {far:.1%} of its "
            f"length: {full:.3f}. BatchNorm stood still.")  # fmt: skip


def _state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], weights: bool, stage: str = "") -> bool:
    """Whether a tensor of the backbone, one of its weights or of BatchNorm's running numbers, has changed."""
    names = (n for n in before if n.startswith(stage) and not n.startswith("fc."))
    return any(not torch.equal(before[n], after[n]) for n in names if ("running" in n or "num_batches" in n) != weights)


@exercise(
    "03-repair",
    hints=(
        "Print the model's last lines: under which name does it keep its output layer?",
        "Assigning to a name that the model does not have only adds a module that nothing calls.",
    ),
)
def repair(answer: Any) -> str:
    """A function that gives torchvision's MobileNetV3 a head for four classes."""
    from torchvision.models import mobilenet_v3_small

    expect(callable(answer), "give a function that takes the model")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = mobilenet_v3_small(weights=None)
        hidden, before = model.classifier[0].weight.clone(), [type(layer) for layer in model.classifier[:-1]]
        answer(model)
        outputs = tuple(model.eval()(torch.zeros(2, 3, 64, 64)).shape)
    expect(outputs == (2, 4), f"two pictures should give outputs of shape (2, 4), but they have shape {outputs}")
    kept = any(p.shape == hidden.shape and torch.equal(p, hidden) for p in model.parameters())
    expect(kept, "the pre-trained hidden layer before the head is gone; replace only the last linear layer")
    of_old = [layer.out_features for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    expect(1000 not in of_old, "the old last layer with its 1,000 classes is still there: replace it")
    between = [type(layer) for layer in model.classifier[:-1]]
    expect(between == before, "the layers before the last one have changed; replace only the last linear layer")
    return "Only the last linear layer is new, and the model calls it."


MYSTERY = {"A": "top", "B": "head", "C": "scratch"}
MYSTERY_KEYS = ("frozen", "from_nothing", "tied_at_1")


def mystery_runs() -> pd.DataFrame:
    """Recorded runs of three methods on the digits, under the names A, B and C."""
    table = results.load("vision", "digits")
    table = table[table.recipe.isin(MYSTERY.values())].copy()
    names = {recipe: letter for letter, recipe in MYSTERY.items()}
    table["recipe"] = table["recipe"].map(names)
    table["source_score"] = table["source_score"].fillna(0.0)
    return table.sort_values(["recipe", "budget", "seed"], ignore_index=True)


@exercise(
    "03-curves",
    hints=(
        "Something that never moves cannot forget. And what was never learnt cannot be forgotten either.",
        "Two methods are tied where each one's bar covers the other's mean. Look at the left end of the first figure.",
    ),
)  # fmt: skip
def curves(answer: Any) -> str:
    """Which of A, B, C kept its backbone frozen, which had no pre-training, and which two tie with one label."""
    keys = ", ".join(MYSTERY_KEYS)
    expect(isinstance(answer, dict) and set(answer) == set(MYSTERY_KEYS), f"fill in the three entries {keys}")
    for key in ("frozen", "from_nothing"):
        expect(answer[key] in MYSTERY, f"{key} is {answer[key]!r}: answer with 'A', 'B' or 'C'")
    expect(MYSTERY[answer["frozen"]] == "head", f"{answer['frozen']} is not the frozen one: look at the letters")
    expect(MYSTERY[answer["from_nothing"]] == "scratch", f"{answer['from_nothing']} has read letters before")
    pair = sorted(str(answer["tied_at_1"]))
    expect(len(set(pair)) == len(pair) == 2 and set(pair) <= set(MYSTERY), "tied_at_1 takes two letters, such as 'AC'")
    gap = _gap(*pair)
    apart = f"with one label {pair[0]} and {pair[1]} are {abs(gap.value):.2f} apart, seed by seed"
    expect(gap.low <= 0 <= gap.high, apart)
    return "B never moved, so it still reads all letters. A trained half the network; with one label it ties with B."


def _gap(first: str, second: str) -> metrics.Interval:
    return results.gain(mystery_runs(), first, second, budget=1)


@exercise(
    "03-slant",
    hints=(
        "Use `adapt.replace_head(model, 1, kind='regression')`. With decimal targets `fit` uses squared error.",
        "Degrees up to 30 make large losses. Divide the targets by 10 for training and multiply the outputs back.",
    ),
)
def slant(answer: Any) -> str:
    """A function from images (N, 3, 32, 32) to slants in degrees."""
    expect(callable(answer), "give a function that takes images (N, 3, 32, 32) and returns degrees")
    x, degrees = slanted(300, seed=99)
    with torch.no_grad():
        guesses = torch.as_tensor(answer(x)).float()
    expect(guesses.numel() == 300, f"300 images should give 300 angles, not shape {tuple(guesses.shape)}")
    true, guesses = degrees.flatten().tolist(), guesses.flatten().tolist()
    error, explained = metrics.mae(true, guesses), metrics.r2(true, guesses)
    said = f"mean absolute error {error:.1f} degrees, R² {explained:.2f}"
    expect(explained >= 0.5, f"on 300 new drawings: {said}; R² should be at least 0.5 (always answering 0 gives 0)")
    return f"On 300 new drawings of the same letters: {said}. The backbone was never asked for an angle before."
