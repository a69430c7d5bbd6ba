"""Load a saved model and say what is in a recording: ``python predict.py RECORDING [RECORDING ...]``.

A copy of this file lies beside every saved model for recordings. It needs torch, torchaudio, soundfile and
safetensors, and nothing else of the course.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ftlib.models.wavenet import WaveNet
from ftlib.speech import audio


class SoundClassifier:
    """A saved model with its classes; hears recordings as they were heard in training."""

    def __init__(self, folder: str | Path | None = None):
        """Load from ``folder``, by default the one that holds this file.

        Raises:
            ValueError: the folder holds no saved model for recordings, or a damaged one.
        """
        folder = Path(__file__).parent if folder is None else Path(folder)
        try:
            self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self.classes: list[str] = self.config["classes"]
            self.longest: float = self.config["longest_seconds"]
            self.model = WaveNet(**self.config["network"])
            self.model.load_state_dict(load_file(folder / "model.safetensors"))
        except Exception as problem:  # missing, cut short, or of another kind
            raise ValueError(f"{folder} holds no model for recordings that can be loaded: {problem}") from problem
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


def main(paths: Sequence[str]) -> int:
    """Print a line for each recording; the exit code is 1 if one could not be read."""
    if not paths:
        print("Usage: python predict.py RECORDING [RECORDING ...]", file=sys.stderr)
        return 2
    classifier, failed = SoundClassifier(), False
    for path in paths:
        try:
            label, chance = next(iter(classifier.predict(path).items()))
            print(f"{path}: {label} ({chance:.0%})")
        except (OSError, ValueError) as problem:
            failed = True
            print(problem, file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
