"""Answers that the exercises of lesson 18 refuse."""

from __future__ import annotations

from torch import nn, optim


def _names(model: nn.Module, optimizer: optim.Optimizer) -> list[str]:
    return [name for name, _ in model.named_parameters()]


def _by_value(model: nn.Module, optimizer: optim.Optimizer) -> list[str]:
    known = [p for group in optimizer.param_groups for p in group["params"]]
    return [name for name, p in model.named_parameters()
            if p.requires_grad and not any(p.shape == q.shape and bool((p == q).all()) for q in known)]  # fmt: skip


def _frozen_too(model: nn.Module, optimizer: optim.Optimizer) -> list[str]:
    known = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return [name for name, p in model.named_parameters() if id(p) not in known]


def _told(cause: str, line: int = 1, new: str = "pass") -> dict[str, object]:
    return {"cause": cause, "line": line, "new": new}


GROUPS = "optimizer = torch.optim.AdamW(adapt.parameter_groups(model, 3e-3, decay=0.03))"
FEWER = "train = take(train, [i for i, y in enumerate(labels(train)) if y < 8])"

WRONG = {
    "18-sluggish": [
        _told("group_rate"),
        _told("head", 5, "adapt.replace_head(model, 9"),
        _told("head", 4, GROUPS),
        _told("head", 99, GROUPS),
        {"cause": "head"},
        "head",
    ],
    "18-two-heads": [_told("head"), _told("the weather"), _told("statistics", 7, "model.train(True)")],
    "18-brilliant": [_told("unseen"), _told("copies", 3, "held_out = torch.rand(len(y)) < 0.3"),
                     _told("copies", 3, "held_out = torch.arange(len(y)) == 3")],
    "18-hoarse": [_told("cut"), _told("preprocessing", 3, "recorder = 4_000"), _told("preprocessing", True, "x")],
    "18-more": [
        _told("unseen") | {"case": "sluggish"},
        _told("mode") | {"case": "blind_spot"},
        _told("unseen", 3, FEWER) | {"case": "blind_spot"},
        {"case": "moody"},
    ],
    "18-unknown": [lambda: _names, lambda: _by_value, lambda: _frozen_too, lambda: lambda model, optimizer: []],
    "18-curves": [
        {"labels": True, "head": True, "copies": False, "group_rate": True, "mode": False, "lost_head": True},
        {"labels": False, "head": False, "copies": False, "group_rate": True, "mode": False, "lost_head": True},
        {"labels": False, "head": 1, "copies": False, "group_rate": True, "mode": False, "lost_head": True},
        {"labels": False},
    ],
}  # fmt: skip
