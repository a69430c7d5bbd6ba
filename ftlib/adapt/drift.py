"""How far training has moved a network away from where it started."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ftlib.adapt.anatomy import HEAD, stages


@torch.no_grad()
def distance(model: nn.Module, start: Mapping[str, Tensor]) -> dict[str, float]:
    """Measure how far each stage's weights lie from ``start``, as a share of their length there.

    The length is the Euclidean one over all parameters of a stage: 0 says that nothing moved, 1 that the way
    is as long as the weights were. The distance from the start is what fine-tuning with few labels is often
    told to keep small (Li et al. 2018, https://arxiv.org/abs/1802.01483). Running statistics of BatchNorm
    are no parameters and do not count.

    Args:
        model: the network after training.
        start: its ``state_dict()`` before, as a copy (``{name: tensor.clone() ...}``) or of a fresh model.

    Returns:
        Stage name to distance, input first, and ``"backbone"`` for all of them together. The head is left
        out, because a new one has no start.

    Raises:
        ValueError: ``start`` lacks a parameter of the backbone, or has it in another shape.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    squares: dict[str, tuple[float, float]] = {}
    for stage, parts in stages(model).items():
        pairs = [(p, _of(start, names[id(p)], p)) for p in nn.ModuleList(parts).parameters() if stage != HEAD]
        if pairs:
            moved = sum(float((p.cpu() - old.cpu()).float().square().sum()) for p, old in pairs)
            squares[stage] = moved, sum(float(old.float().square().sum()) for _, old in pairs)
    squares["backbone"] = tuple(map(sum, zip(*squares.values(), strict=True)))
    return {stage: (moved / length) ** 0.5 if length else 0.0 for stage, (moved, length) in squares.items()}


def _of(start: Mapping[str, Tensor], name: str, parameter: Tensor) -> Tensor:
    if name not in start or start[name].shape != parameter.shape:
        found = tuple(start[name].shape) if name in start else "none"
        raise ValueError(
            f"distance: {name} has shape {tuple(parameter.shape)}, and the start has {found}; "
            "give the state_dict() of the same network, copied before training."
        )
    return start[name]
