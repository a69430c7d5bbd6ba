"""Muon for the hidden layers of a convolutional network, AdamW for the rest, as one optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


class MuonAdamW:
    """Steps of one size and of all directions at once for matrices (Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon/), AdamW for everything else.

    A convolution's weight (out, in, width) counts as a matrix (out, in * width). With the step size matched to AdamW's
    (Liu et al. 2025, https://arxiv.org/abs/2502.16982) both share one schedule.

    Args:
        model: the network, already on its device.
        lr, matrix_lr: step sizes of AdamW and of Muon.
        apart: the first and last layers, by name: AdamW trains them too.
    """

    def __init__(
        self, model: nn.Module, lr: float, matrix_lr: float, apart: Sequence[str] = (), weight_decay: float = 0.01
    ) -> None:
        named = [(name, p, p.ndim > 1 and name.split(".")[0] not in apart) for name, p in model.named_parameters()]
        self.matrices = [p for _, p, matrix in named if matrix]
        self.views = [nn.Parameter(p.detach().view(len(p), -1)) for p in self.matrices]  # the same memory
        self.muon = torch.optim.Muon(
            self.views, matrix_lr, weight_decay=weight_decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        )
        rest = [p for _, p, matrix in named if not matrix]
        self.adamw = torch.optim.AdamW(rest, lr, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True)
        self.full = (matrix_lr, lr)

    def step(self, factor: float = 1.0) -> None:
        """Change the weights by the gradients that they hold, then forget these.

        Args:
            factor: share of the full step sizes.
        """
        for p, view in zip(self.matrices, self.views, strict=True):
            view.grad = None if p.grad is None else p.grad.view_as(view)
        for optimizer, lr in zip((self.muon, self.adamw), self.full, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = lr * factor
            optimizer.step()
            optimizer.zero_grad()
        for p in self.matrices:
            p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Both states."""
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.muon.load_state_dict(state["muon"])
        self.adamw.load_state_dict(state["adamw"])
