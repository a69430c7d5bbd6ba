"""A folder of recordings, one sub-folder a word or kind of sound, as a task for the WaveNet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ftlib import adapt
from ftlib.own.base import OwnData
from ftlib.own.pictures import QUIET, Listing, Skipped
from ftlib.speech import audio
from ftlib.speech.clips import Clips, scores_of
from ftlib.speech.tasks import SpokenDigits, coarse

LONGEST = 10.0  # seconds of one recording; the network hears its mean over time


@dataclass
class Recordings:
    """What was read: one entry a recording in each list."""

    waves: list[Tensor] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    skipped: Skipped = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)  # file, and what was changed or is odd


def read_recordings(root: Path, listing: Listing) -> Recordings:
    """Read all listed files at 8 kHz; what cannot be read is kept by name, with the reason."""
    from tqdm.auto import tqdm

    read = Recordings()
    pairs = [(label, file) for label, files in listing.files.items() for file in files]
    for label, file in tqdm(pairs, unit="recording", disable=len(pairs) < QUIET):
        path = root / file
        try:
            found = audio.read(path, LONGEST)
        except (ValueError, OSError) as problem:
            read.skipped.append((file, str(problem).removeprefix(f"{path.name} ")))
            continue
        read.waves.append(found.wave)
        read.files.append(file)
        read.labels.append(label)
        read.digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
        read.notes += [(file, note) for note in found.notes]
    return read


def reading_notes(read: Recordings) -> list[str]:
    """What was changed while reading, one sentence a kind of change."""
    counts = pd.Series([note for _, note in read.notes], dtype=object).value_counts()
    first = {note: file for file, note in reversed(read.notes)}
    more = {note: f" and {n - 1} more" if n > 1 else "" for note, n in counts.items()}
    return [f"{first[note]}{more[note]}: {note}" for note in counts.index[:4]]


class SoundFolder(OwnData, SpokenDigits):
    """A folder of recordings as a task for the WaveNet; see ``from_folder``."""

    settings_like = SpokenDigits.name
    source = None
    same = 0.995
    longest = LONGEST

    def __init__(self, name: str, items: pd.DataFrame, notes: list[str], settings, read: Recordings) -> None:
        super().__init__(name, items.drop(columns="position"), notes, read.skipped, settings)
        self.clips = Clips(
            [read.waves[i] for i in items.position],
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
