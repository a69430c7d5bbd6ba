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

# the network that reads ink (torchvision's ResNet with one basic block a stage), and the one that reads photographs
INK, PHOTO = "resnet10", "efficientnet-lite0"
SIDES = {INK: (SIZE, SIZE), PHOTO: (32, 512)}  # of the square it reads: from, to


def build(config: dict[str, Any]) -> nn.Module:
    """The untrained network that ``config.json`` describes."""
    if not isinstance(config["architecture"], str) or config["architecture"] not in SIDES:
        known = ", ".join(SIDES)
        raise ValueError(f"config.json names the architecture {config['architecture']!r}: known are {known}")
    if config["architecture"] == PHOTO:
        from ftlib.models.lite0 import lite0

        return lite0(len(config["classes"]))
    from torchvision.models.resnet import BasicBlock, ResNet

    return ResNet(BasicBlock, [1, 1, 1, 1], num_classes=len(config["classes"]))


def read_config(folder: Path) -> dict[str, Any]:
    """The checked content of ``config.json``."""
    if kind(folder) != "picture":
        raise ValueError(f"{folder} holds a {kind(folder)} model, and this is for pictures")
    config = saved.read_config(folder, ("architecture", "classes", "image_size", "mean", "std"))
    saved.check_classes(config["classes"], folder)
    if saved.check_number(config, "image_size", folder, *SIDES.get(str(config["architecture"]), (1, 512))) % 1:
        raise ValueError(f"{folder / 'config.json'} says image_size is {config['image_size']}: save the model again")
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
        mean, std, side = (self.config[name] for name in ("mean", "std", "image_size"))
        if self.config["architecture"] == PHOTO:
            from ftlib.own.photos import read_photo

            return (torch.stack([read_photo(path, int(side)) for path in paths]).float() / 255 - mean) / std
        ink = torch.stack([read_ink(path)[0] for path in paths])
        return ((ink - mean) / std).expand(-1, 3, -1, -1)

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
