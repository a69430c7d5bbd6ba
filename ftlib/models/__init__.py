"""Build a network from its architecture's name, and load the course's own checkpoints."""

from __future__ import annotations

import json
from typing import Any

from torch import nn

from ftlib import catalog
from ftlib.models.policy import Policy
from ftlib.models.wavenet import WaveNet

__all__ = ["Policy", "WaveNet", "config", "load", "resnet10", "training"]

PHOTOS, LITE0_FILE = "efficientnet-lite0", "efficientnet-lite0-57934424.pth"
_ARCHITECTURES = {
    "resnet10": lambda config: __getattr__("resnet10")(len(config["classes"])),
    "policy": lambda config: Policy(config["observation"], config["action"], config["chunk"], config["width"]),
    "wavenet": lambda config: WaveNet(**config["network"]),
}


def __getattr__(name: str) -> Any:
    """``resnet10`` at first use: torchvision takes 17 MB and a second, and only pictures need it."""
    if name != "resnet10":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ftlib.models.resnet import resnet10

    return resnet10


def config(name: str) -> dict:
    """The ``config.json`` of a checkpoint in the catalog: architecture, input size, classes."""
    return json.loads(catalog.path(name, "config.json").read_text(encoding="utf-8"))


def load(name: str) -> nn.Module:
    """A checkpoint of the catalog as a module in float32 and evaluation mode, with its pre-trained head.

    >>> load("glyph-resnet10").fc.in_features
    512
    """
    from safetensors.torch import load_file

    if name == PHOTOS:
        from ftlib.models import lite0

        return lite0.load(catalog.path(PHOTOS, LITE0_FILE))
    settings = config(name)
    model = _ARCHITECTURES[settings["architecture"]](settings)
    model.load_state_dict(load_file(catalog.path(name, "model.safetensors")))  # half precision in, float32 out
    return model.eval()


def training(name: str) -> dict:
    """How a checkpoint of the course was trained: ``seconds``, ``steps``, scores and the log."""
    return json.loads(catalog.path(name, "training.json").read_text(encoding="utf-8"))
