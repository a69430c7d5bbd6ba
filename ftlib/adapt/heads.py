"""The last linear layer: find it, replace it, or take it away to see the features that it reads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import torch
from torch import nn

from ftlib.adapt.anatomy import auxiliary_head_paths, count, head_path, is_a, unwrap
from ftlib.adapt.freezing import Change

Kind = Literal["classification", "regression"]


def get_head(model: nn.Module) -> nn.Linear:
    """Return the last linear layer, the one that turns features into predictions.

    In a peft model it is the copy that is trained.

    Raises:
        ValueError: the model has no linear head (it was taken away, or is not linear).

    >>> from ftlib.models.resnet import resnet10
    >>> get_head(resnet10(num_classes=10))
    Linear(in_features=512, out_features=10, bias=True)
    """
    return unwrap(model).get_submodule(_path(model))


def replace_head(
    model: nn.Module, n_outputs: int | None = None, *, kind: Kind = "classification", seed: int | None = None
) -> Change:
    """Replace the last linear layer by an untrained one with ``n_outputs`` outputs, in place.

    Hidden layers before it, its device, its dtype and whether it has a bias stay. Auxiliary heads (Inception,
    GoogLeNet) get new last layers as well. A transformers model is told the task too, so that its own loss is
    cross-entropy for classification and mean squared error for regression.

    Args:
        model: A classifier with a linear head.
        n_outputs: Number of classes (at least 2) or of regressed values (at least 1, the default there).
        kind: ``"classification"`` or ``"regression"``.
        seed: Draws the new weights from a generator of their own, the same as those of ``nn.Linear`` right
            after ``torch.manual_seed(seed)``, and leaves the global generator alone. None: the global one.

    Raises:
        ValueError: wrong ``kind`` or ``n_outputs``, no linear head, adapters are on, or the head predicts
            tokens or spans rather than a label.
    """
    n_outputs = _checked(n_outputs, kind)
    if unwrap(model) is not model:
        raise ValueError("replace_head: this model already carries adapters; replace the head before lora().")
    path = _path(model)
    if path in ("lm_head", "qa_outputs"):
        raise ValueError(
            f"replace_head: {type(model).__name__} predicts tokens or spans; "
            "load the checkpoint as a ...ForSequenceClassification model."
        )
    before, _ = count(model)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    for each in [path, *auxiliary_head_paths(model)]:
        model.set_submodule(each, _new_linear(model.get_submodule(each), n_outputs, generator))
    if is_a(model, "PreTrainedModel", "transformers."):
        model.config.num_labels = n_outputs
        model.config.problem_type = "regression" if kind == "regression" else "single_label_classification"
        model.num_labels = n_outputs
    outputs = "output" if n_outputs == 1 else "outputs"
    return Change(before, *count(model), f"replaced {path} ({n_outputs} {outputs}, {kind})")


def set_head(model: nn.Module, head: nn.Module) -> nn.Module:
    """Put another module where the head is, for instance the one it was pre-trained with; return the old.

    Raises:
        ValueError: the model has no linear head.
    """
    base, path = unwrap(model), _path(model)
    old = base.get_submodule(path)
    base.set_submodule(path, head)
    return old


@contextmanager
def features(model: nn.Module) -> Iterator[nn.Module]:
    """Lend a backbone that returns what the head reads, shape ``(batch, get_head(model).in_features)``.

    A frozen backbone gives the same features in every epoch: compute them once, train the head on them::

        with torch.no_grad(), features(model) as backbone:
            z = backbone(x)  # a transformers model: z = backbone(**batch), labels are ignored

    Inside the block the model runs in evaluation mode and without its head; afterwards, after an exception
    too, head and modes are as before. The backbone always returns a tensor, never an output object.

    Raises:
        ValueError: the model has no linear head.
    """
    base, path = unwrap(model), _path(model)
    head = base.get_submodule(path)
    modes = {module: module.training for module in model.modules()}
    base.set_submodule(path, nn.Identity())
    try:
        yield _Backbone(model).eval()
    finally:
        base.set_submodule(path, head)
        for module, mode in modes.items():
            module.training = mode


class _Backbone(nn.Module):
    """A model without its head; returns a tensor whatever the model's outputs are wrapped in."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        kwargs.pop("labels", None)
        out = self.model(*args, **kwargs)
        return getattr(out, "logits", out)


def _path(model: nn.Module) -> str:
    base = unwrap(model)
    path = head_path(base)
    if path is None:
        raise ValueError(
            f"{type(base).__name__} has no linear head: its last layer was removed or is of another kind; "
            "load the model with its classification head."
        )
    return path


def _checked(n_outputs: int | None, kind: str) -> int:
    if kind not in get_args(Kind):
        raise ValueError(f"replace_head: kind must be 'classification' or 'regression', not {kind!r}.")
    if n_outputs is None and kind == "regression":
        return 1
    least = 1 if kind == "regression" else 2
    if not isinstance(n_outputs, int) or isinstance(n_outputs, bool) or n_outputs < least:
        hint = "" if kind == "regression" else "; to predict one number, pass kind='regression'"
        raise ValueError(f"replace_head: {kind} needs a whole n_outputs >= {least}, got {n_outputs!r}{hint}.")
    return n_outputs


def _new_linear(old: nn.Linear, n_outputs: int, generator: torch.Generator | None) -> nn.Linear:
    has_bias = old.bias is not None
    new = nn.utils.skip_init(nn.Linear, old.in_features, n_outputs, bias=has_bias, device="cpu")
    # torch's own initialisation of nn.Linear, which takes no generator
    nn.init.kaiming_uniform_(new.weight, a=math.sqrt(5), generator=generator)
    if has_bias:
        bound = 1 / math.sqrt(old.in_features)
        nn.init.uniform_(new.bias, -bound, bound, generator=generator)
    return new.to(old.weight.device, old.weight.dtype).train(old.training)
