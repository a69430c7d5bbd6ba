"""Low-rank adapters through peft: train small matrices beside frozen layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from ftlib.adapt.anatomy import HEAD, auxiliary_head_paths, head_path, is_a, stages, unwrap

if TYPE_CHECKING:
    from peft import PeftModel

# names of the query and value projections (or of a fused projection), by library convention
_ATTENTION = (
    ("query", "value"),
    ("query_proj", "value_proj"),
    ("q_proj", "v_proj"),
    ("q_lin", "v_lin"),
    ("q", "v"),
    ("c_attn",),
    ("Wqkv",),
    ("query_key_value",),
    ("in_proj",),
)


def lora(
    model: nn.Module,
    rank: int = 8,
    alpha: float = 16,
    dropout: float = 0.0,
    target: Sequence[str] | None = None,
    seed: int | None = None,
) -> PeftModel:
    """Freeze ``model`` and put trainable low-rank matrices beside some of its layers, in place.

    A layer ``W x`` becomes ``W x + (alpha / rank) B A x`` with ``A`` of ``rank`` rows and ``B`` zero at the
    start, so that the model computes what it computed before (Hu et al. 2021,
    https://arxiv.org/abs/2106.09685). The head is trained in full; a language model's head stays frozen.
    ``describe`` shows what is trained.

    Args:
        model: A transformers model, or a network with 3x3 convolutions such as torchvision's ResNet or VGG.
        rank: Rank of the update, at least 1.
        alpha: Scale of the update, above 0.
        dropout: Dropout on the adapters' input, from 0 to below 1.
        target: Names (or ends of names) of the layers to adapt. None: query and value projections in a
            transformer, 3x3 convolutions after the stem elsewhere.
        seed: Draws the adapters' first weights and leaves the global generator alone. None: the global one.

    Raises:
        ValueError: a number is out of range, adapters are on already, or no layer fits.
    """
    from peft import LoraConfig, get_peft_model

    if rank < 1 or not alpha > 0 or not 0 <= dropout < 1:
        raise ValueError(
            "lora: needs rank >= 1, alpha > 0 and 0 <= dropout < 1, "
            f"got rank={rank}, alpha={alpha}, dropout={dropout}."
        )
    if unwrap(model) is not model:
        raise ValueError("lora: this model already carries adapters; start from the plain model.")
    if isinstance(target, str):
        target = [target]
    names = _targets(model) if target is None else _matching(model, target)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=names,
        modules_to_save=_trained_in_full(model),
        task_type=_task_type(model),
        fan_in_fan_out=is_a(model.get_submodule(names[0]), "Conv1D", "transformers."),
    )
    with torch.random.fork_rng(devices=[], enabled=seed is not None):  # peft draws from the global generator
        if seed is not None:
            torch.manual_seed(seed)
        return get_peft_model(model, config)


def _targets(model: nn.Module) -> list[str]:
    if is_a(model, "PreTrainedModel", "transformers."):
        ends = {name.rsplit(".", 1)[-1] for name, part in model.named_modules() if hasattr(part, "weight")}
        for names in _ATTENTION:
            if ends.issuperset(names):
                return _matching(model, names)
    else:
        inside = [m for name, parts in stages(model).items() if name not in ("stem", HEAD) for m in parts]
        body = {id(m) for part in inside for m in part.modules()}
        names = [name for name, m in model.named_modules() if id(m) in body and _is_plain_3x3(m)]
        if names:
            return names
    raise ValueError(
        "lora: found neither query/value projections nor ungrouped 3x3 convolutions in "
        f"{type(model).__name__}; name the layers in target=[...], or train some stages instead."
    )


def _is_plain_3x3(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and module.groups == 1


def _matching(model: nn.Module, target: Sequence[str]) -> list[str]:
    """Full names of the layers outside the head that are called, or end in, one of ``target``."""
    head = head_path(model)
    names = [name for name, _ in model.named_modules() if name != head]
    for wanted in target:
        if not any(name == wanted or name.endswith(f".{wanted}") for name in names):
            raise ValueError(f"lora: {type(model).__name__} has no layer called {wanted!r} outside its head.")
    return [n for n in names if any(n == wanted or n.endswith(f".{wanted}") for wanted in target)]


def _trained_in_full(model: nn.Module) -> list[str] | None:
    path = head_path(model)
    if path is None or _task_type(model) == "CAUSAL_LM":
        return None
    if is_a(model, "PreTrainedModel", "transformers."):
        top = path.split(".")[0]
        # peft adds these two itself
        return None if _task_type(model) == "SEQ_CLS" and top in ("classifier", "score") else [top]
    return [path, *auxiliary_head_paths(model)]


def _task_type(model: nn.Module) -> str | None:
    name = type(model).__name__
    if name.endswith("ForSequenceClassification"):
        return "SEQ_CLS"
    return "CAUSAL_LM" if name.endswith(("ForCausalLM", "LMHeadModel")) else None
