"""Write a collection of spoken clips: one Opus file for each voice, and ``clips.json``, which says where each lies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from authoring.notebooks.book import write
from ftlib.speech import audio

GAP = int(0.1 * audio.RATE)  # silence between clips, so that the codec does not carry one into the next
PEAK = 0.7


@dataclass(frozen=True)
class Spoken:
    """One clip: which file it goes into (no ending), its samples at 8 kHz, and what ``clips.json`` says of it."""

    file: str
    wave: np.ndarray
    about: Mapping[str, Any]


def kbit_for(seconds: float, megabytes: float, most: float = 16.0) -> float:
    """The bit rate (kbit/s) at which so much sound fits, with a tenth to spare, but no more than ``most``."""
    return min(most, 0.9 * megabytes * 8000 / seconds)


def write_collection(folder: Path, clips: Iterable[Spoken], megabytes: float) -> list[dict[str, Any]]:
    """Write ``<file>.opus`` and ``clips.json`` and return the latter's rows: file, start and end (samples), and more.

    Raises:
        ValueError: there are no clips.
    """
    clips = list(clips)
    if not clips:
        raise ValueError("there is no clip to write")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.opus"):
        old.unlink()
    kbit = kbit_for(sum(len(clip.wave) + GAP for clip in clips) / audio.RATE, megabytes)
    rows, at = [], {}
    sounds: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        wave = PEAK * clip.wave / max(1e-9, float(np.abs(clip.wave).max()))
        start = at.get(clip.file, 0)
        sounds.setdefault(clip.file, []).extend([wave, np.zeros(GAP, np.float32)])
        at[clip.file] = start + len(wave) + GAP
        rows.append({"file": f"{clip.file}.opus", "start": start, "end": start + len(wave), **clip.about})
    for file, parts in sounds.items():
        audio.write(folder / f"{file}.opus", np.concatenate(parts), opus_kbit=kbit)
    write(folder / "clips.json", "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    return rows
