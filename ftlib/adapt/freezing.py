"""What may move: freeze and unfreeze by stage, normalisation in training, rates for each stage."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ftlib.adapt.anatomy import count, stages

BatchNormMode = Literal["frozen_eval", "eval", "train"]


@dataclass(frozen=True, repr=False)
class Change:
    """What an operation changed: parameters trainable before and after it, of ``total`` afterwards.

    >>> Change(4_910_922, 5_130, 4_910_922, "froze stem, layer1..layer4")
    froze stem, layer1..layer4: 4,910,922 -> 5,130 trainable parameters
    """

    trainable_before: int
    trainable_after: int
    total: int
    what: str

    def __str__(self) -> str:
        """One line: what was done, and the trainable parameters before and after."""
        return f"{self.what}: {self.trainable_before:,} -> {self.trainable_after:,} trainable parameters"

    __repr__ = __str__


def freeze(model: nn.Module, *names: str) -> Change:
    """Stop the named stages (all, when none is named) from being trained, in place.

    Frozen weights still compute; they only get no gradient, and a gradient left over from before is dropped,
    so that no optimizer moves them. ``requires_grad=False`` does not stop BatchNorm from updating its running
    statistics: see ``train_mode``.

    Raises:
        ValueError: a name is not one of ``stages(model)``.

    >>> from ftlib.models.resnet import resnet10
    >>> freeze(resnet10(num_classes=10), "stem", "layer1", "layer2", "layer3", "layer4")
    froze stem, layer1..layer4: 4,910,922 -> 5,130 trainable parameters
    """
    return _set_trainable(model, names, False)


def unfreeze(model: nn.Module, *names: str) -> Change:
    """Let the named stages (all, when none is named) be trained, in place.

    Raises:
        ValueError: a name is not one of ``stages(model)``.
    """
    return _set_trainable(model, names, True)


def train_from(model: nn.Module, part: str) -> Change:
    """Let ``part`` and all after it be trained and freeze what stands before it, in place.

    Args:
        part: a stage such as ``"layer3"`` or ``"head"``, or ``"all"``.

    Raises:
        ValueError: there is no such stage.

    >>> from ftlib.models.resnet import resnet10
    >>> train_from(resnet10(num_classes=10), "layer4")
    froze stem, layer1..layer3: 4,910,922 -> 3,678,218 trainable parameters
    """
    table = list(stages(model))
    if part not in (*table, "all"):
        raise ValueError(f"no stage {part!r} to train from: choose all or one of {', '.join(table)}")
    before, change = count(model)[0], unfreeze(model)
    frozen = [] if part == "all" else table[: table.index(part)]
    return replace(freeze(model, *frozen) if frozen else change, trainable_before=before)


def train_mode(model: nn.Module, batchnorm: BatchNormMode = "frozen_eval") -> None:
    """Put ``model`` in training mode and choose what normalisation and dropout do in frozen parts.

    Call it after every change of what is frozen, and again after each ``model.eval()``.

    Args:
        model: The network.
        batchnorm: ``"frozen_eval"``: a module whose parameters are all frozen runs in evaluation mode: its
            BatchNorm keeps the stored statistics, its dropout is off. (Modules without parameters do what the
            module around them does.) ``"eval"``: besides, *every* BatchNorm keeps its stored statistics,
            which suits small batches. ``"train"``: plain ``model.train()``: BatchNorm in frozen stages goes
            on updating its statistics, so that the "frozen" backbone drifts.

    Raises:
        ValueError: ``batchnorm`` is none of the three.
    """
    choices = get_args(BatchNormMode)
    if batchnorm not in choices:
        raise ValueError(f"train_mode: batchnorm must be {', '.join(map(repr, choices))}, not {batchnorm!r}.")
    model.train()
    if batchnorm != "train":
        _eval_where_frozen(model)
    if batchnorm == "eval":
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def parameter_groups(
    model: nn.Module, lr: float, *, decay: float = 1.0, weight_decay: float = 0.01
) -> list[dict[str, Any]]:
    """Group the trainable parameters for an optimizer, with a lower rate for each earlier stage.

    The head learns at ``lr``, the stage before it at ``lr * decay``, the one before that at
    ``lr * decay ** 2`` and so on, frozen stages counted (discriminative fine-tuning, Howard & Ruder 2018,
    https://arxiv.org/abs/1801.06146, where ``decay`` is 1 / 2.6). Biases and normalisation parameters get no
    weight decay.

    Args:
        model: The network; frozen parameters are left out.
        lr: Learning rate of the head, above 0.
        decay: Factor from one stage to the one before it, above 0 and at most 1.
        weight_decay: Weight decay of the other parameters, at least 0.

    Returns:
        Groups with ``name``, ``params``, ``lr`` and ``weight_decay``, input first; those without weight
        decay are named like ``"layer4 (no decay)"``.

    Raises:
        ValueError: a number is out of range, or nothing is trainable.
    """
    if not lr > 0 or not 0 < decay <= 1 or not weight_decay >= 0:
        raise ValueError(
            "parameter_groups: needs lr > 0, 0 < decay <= 1 and weight_decay >= 0, "
            f"got lr={lr}, decay={decay}, weight_decay={weight_decay}."
        )
    undecayed = _undecayed(model)
    table = stages(model)
    groups = []
    for depth, (stage, parts) in enumerate(reversed(table.items())):
        trainable = [p for p in nn.ModuleList(parts).parameters() if p.requires_grad]
        rate = lr * decay**depth
        for name, amount, wanted in ((f"{stage} (no decay)", 0.0, True), (stage, weight_decay, False)):
            params = [p for p in trainable if (id(p) in undecayed) is wanted]
            if params:
                groups.append({"name": name, "params": params, "lr": rate, "weight_decay": amount})
    if not groups:
        raise ValueError(f"parameter_groups: nothing is trainable; unfreeze a stage ({', '.join(table)}).")
    return groups[::-1]


def _set_trainable(model: nn.Module, names: tuple[str, ...], trainable: bool) -> Change:
    table = stages(model)
    for name in names:
        if not isinstance(name, str) or name not in table:
            raise ValueError(f"No stage {name!r}: the stages of this network are {', '.join(table)}.")
    before, total = count(model)
    chosen = [name for name in table if not names or name in names]
    for parameter in (p for name in chosen for part in table[name] for p in part.parameters()):
        parameter.requires_grad_(trainable)
        if not trainable:
            parameter.grad = None
    verb = "unfroze" if trainable else "froze"
    return Change(before, count(model)[0], total, f"{verb} {_listed(chosen, list(table))}")


def _listed(chosen: list[str], order: list[str]) -> str:
    """Name stages in order, neighbours of one kind as a range: ``stem, layer1..layer4``."""
    runs: list[list[str]] = []
    for name in chosen:
        kind, before = re.sub(r"\d+$", "", name), order.index(name) - 1
        same = runs and order[before] == runs[-1][-1] and re.sub(r"\d+$", "", order[before]) == kind
        if same and kind != name:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(f"{run[0]}..{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _eval_where_frozen(module: nn.Module) -> None:
    movable = [p.requires_grad for p in module.parameters()]
    if movable and not any(movable):
        module.eval()
        return
    for child in module.children():
        _eval_where_frozen(child)


def _undecayed(model: nn.Module) -> set[int]:
    return {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if name.endswith("bias") or "Norm" in type(module).__name__
    }
