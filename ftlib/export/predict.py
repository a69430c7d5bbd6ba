"""Load a saved model and say what is in a picture: ``python predict.py PICTURE [PICTURE ...]``.

A copy of this file lies beside every saved model. It needs torch, torchvision, safetensors and Pillow, and
nothing else of the course.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ftlib.export import saved
from ftlib.own.ink import SIZE, read_ink

ARCHITECTURES = {"resnet10": [1, 1, 1, 1]}  # torchvision's ResNet of basic blocks: how many a stage


def build(config: dict[str, Any]) -> nn.Module:
    """The untrained network that ``config.json`` describes."""
    from torchvision.models.resnet import BasicBlock, ResNet

    if not isinstance(config["architecture"], str) or config["architecture"] not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"config.json names the architecture {config['architecture']!r}: known are {known}")
    return ResNet(BasicBlock, ARCHITECTURES[config["architecture"]], num_classes=len(config["classes"]))


def read_config(folder: Path) -> dict[str, Any]:
    """The checked content of ``config.json``."""
    if kind(folder) != "picture":
        raise ValueError(f"{folder} holds a {kind(folder)} model, and this is for pictures")
    config = saved.read_config(folder, ("architecture", "classes", "image_size", "mean", "std"))
    saved.check_classes(config["classes"], folder)
    saved.check_number(config, "image_size", folder, SIZE, SIZE)
    saved.check_number(config, "mean", folder, -1e6, 1e6)
    saved.check_number(config, "std", folder, 1e-6, 1e6)
    return config


def kind(folder: Path) -> str:
    """What the saved model of a folder reads: ``text``, ``sound`` or ``picture``."""
    marks = {"text": "tokenizer.json", "sound": "wavenet.py"}
    return next((name for name, file in marks.items() if (folder / file).is_file()), "picture")


class Classifier:
    """A saved model with its classes; reads pictures as they were read in training."""

    def __init__(self, folder: str | Path | None = None):
        """Load from ``folder``, by default the one that holds this file.

        Raises:
            ValueError: the folder holds no saved model, or a damaged one.
        """
        folder = saved.folder_of(folder, __file__)
        self.config = read_config(folder)
        self.classes: list[str] = self.config["classes"]
        self.model = build(self.config)
        try:
            self.model.load_state_dict(saved.load_weights(folder))
        except RuntimeError as problem:
            said = f"{folder / 'model.safetensors'} does not fit config.json"
            raise ValueError(f"{said}: save the model again") from problem
        self.model.eval()

    def inputs(self, paths: Sequence[str | Path]) -> Tensor:
        """Pictures as the network reads them: (N, 3, size, size)."""
        ink = torch.stack([read_ink(path)[0] for path in paths])
        return ((ink - self.config["mean"]) / self.config["std"]).expand(-1, 3, -1, -1)

    @torch.no_grad()
    def predict(self, path: str | Path) -> dict[str, float]:
        """Each class with its probability, the likeliest first."""
        chances = self.model(self.inputs([path])).softmax(1)[0]
        order = chances.argsort(descending=True).tolist()
        return {self.classes[i]: chances[i].item() for i in order}


def main(paths: Sequence[str]) -> int:
    """Print a line for each picture; the exit code is 1 if one could not be read."""
    return saved.answer(paths, Classifier, "PICTURE")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
