"""Load a saved model and say what is in a recording: ``python predict.py RECORDING [RECORDING ...]``.

A copy of this file lies beside every saved model for recordings. It needs torch, torchaudio, soundfile and
safetensors, and nothing else of the course.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ftlib.export import saved
from ftlib.models.wavenet import WaveNet
from ftlib.speech import audio


class SoundClassifier:
    """A saved model with its classes; hears recordings as they were heard in training."""

    def __init__(self, folder: str | Path | None = None):
        """Load from ``folder``, by default the one that holds this file.

        Raises:
            ValueError: the folder holds no saved model for recordings, or a damaged one.
        """
        folder = saved.folder_of(folder, __file__)
        try:
            self.config = saved.read_config(folder, ("classes", "longest_seconds", "network"))
            self.classes: list[str] = saved.check_classes(self.config["classes"], folder)
            self.longest: float = saved.check_number(self.config, "longest_seconds", folder, 0.1, 3600)
            self.model = WaveNet(**_network(self.config["network"], len(self.classes)))
            self.model.load_state_dict(saved.load_weights(folder))
        except Exception as problem:  # missing, cut short, or of another kind
            said = str(problem).splitlines()[0]
            raise ValueError(f"{folder} holds no model for recordings that can be loaded: {said}") from problem
        self.model.pooled = True
        self.model.eval()

    def inputs(self, path: str | Path) -> Tensor:
        """A recording as the network hears it: its log-mel picture, (1, 64, frames).

        Raises:
            FileNotFoundError, ValueError: see ``audio.read``.
        """
        return audio.log_mel(audio.read(path, self.longest).wave)[None]

    @torch.no_grad()
    def predict(self, path: str | Path) -> dict[str, float]:
        """Each class with its probability, the likeliest first."""
        chances = self.model(self.inputs(path)).softmax(1)[0]
        order = chances.argsort(descending=True).tolist()
        return {self.classes[i]: chances[i].item() for i in order}


def _network(measures: object, outputs: int) -> dict[str, int]:
    """The measures of a network, if they can be."""
    names = {"outputs", "mels", "channels", "stacks"}
    fits = isinstance(measures, dict) and set(measures) == names and all(
        type(value) is int and 0 < value < 10_000 for value in measures.values()
    )
    if not fits or measures["outputs"] != outputs:
        raise ValueError("config.json does not describe a network with one output a class: save the model again")
    return measures


def main(paths: Sequence[str]) -> int:
    """Print a line for each recording; the exit code is 1 if one could not be read."""
    return saved.answer(paths, SoundClassifier, "RECORDING")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
