"""A folder of recordings, one sub-folder a word or kind of sound, as a task for the WaveNet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from ftlib import adapt
from ftlib.own.account import Account, listed
from ftlib.own.base import OwnData
from ftlib.own.folders import Files
from ftlib.speech import audio
from ftlib.speech.clips import Clips, scores_of
from ftlib.speech.tasks import SpokenDigits, coarse

LONGEST = 10.0  # seconds of one recording; the network hears its mean over time


def reading_notes(read: Files) -> list[str]:
    """What was changed while reading, one sentence a kind of change."""
    said: dict[str, list[str]] = {}
    for file, recording in zip(read.files, read.found, strict=True):
        for note in recording.notes:
            said.setdefault(note, []).append(file)
    common = sorted(said.items(), key=lambda pair: -len(pair[1]))
    return [f"{listed(files, 1)}: {note}" for note, files in common[:4]]


class SoundFolder(OwnData, SpokenDigits):
    """A folder of recordings as a task for the WaveNet; see ``from_folder``."""

    settings_like = SpokenDigits.name
    source = None
    same = 0.995

    def __init__(
        self, name: str, items: pd.DataFrame, notes: list[str], account: Account, settings, read: Files, longest: float
    ) -> None:
        super().__init__(name, items.drop(columns="position"), notes + reading_notes(read), account, settings)
        self.longest = longest
        self.clips = Clips(
            [read.found[i].wave for i in items.position],
            [{"label": number, "file": id} for number, id in zip(self.numbers.tolist(), items.id, strict=True)],
        )
        self.items["seconds"] = [round(len(wave) / audio.RATE, 2) for wave in self.clips.waves]

    def take(self, rows: np.ndarray) -> Clips:
        """Clips with their class numbers."""
        return self.clips.take(np.asarray(rows).tolist())

    def features(self) -> np.ndarray:
        """What the frozen network makes of each recording, its mean over time: (N, channels)."""
        model = self.pretrained()
        with adapt.features(model):
            return torch.stack(scores_of(model, self.clips)).numpy()

    def fingerprints(self) -> np.ndarray:
        """Coarse spectrograms less their mean, (N, 160)."""
        rows = coarse(self.clips)
        rows = rows - rows.mean(1, keepdims=True)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)

    def preview(self, each: int = 3) -> pd.DataFrame:
        """The first recordings of each class."""
        rows = self.items.groupby("label").head(each).sort_values("label", kind="stable")
        return rows[["id", "label", "split", "seconds"]].reset_index(drop=True)
