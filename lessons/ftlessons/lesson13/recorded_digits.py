"""Digits that people recorded, in a folder of your own: found by their file names, and split by speaker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ftlib.speech import audio
from ftlib.speech.clips import Clips
from ftlib.speech.tasks import SpokenDigits
from ftlib.tasks.base import Split


class RecordedDigits(SpokenDigits):
    """Real recordings in a folder, named ``digit_speaker_index.wav`` as in the Free Spoken Digit Dataset.

    Split by speaker. Rates and step counts are those tuned on the synthetic digits; there is nothing to tune on here.

    Args:
        folder: where the recordings lie.
        test: speakers to test on; None: the last third of the speakers by name, one at least.
        margin: seconds of silence to put on each side, since such recordings are often cut at the word, and the
            network has learnt from sentences with a pause around them.
    """

    name = "recorded_digits"
    settings_like = SpokenDigits.name

    def __init__(self, folder: str | Path, test: Sequence[str] | None = None, margin: float = audio.MARGIN) -> None:
        found, self.skipped = folder_of_digits(folder, margin)
        speakers = sorted(set(found.column("voice")))
        if len(speakers) < 2:
            raise ValueError(f"{folder} has one speaker, {speakers[0]}: to test on another voice, record two or more")
        chosen = set(speakers[-max(1, len(speakers) // 3) :] if test is None else test)
        if not chosen or not chosen < set(speakers):
            raise ValueError(f"test is {sorted(chosen)}: name some of the speakers {', '.join(speakers)}, not all")
        self.speakers = {"train": [s for s in speakers if s not in chosen], "test": sorted(chosen)}
        voices = found.column("voice")
        self._parts = {
            name: found.take([i for i, voice in enumerate(voices) if voice in who])
            for name, who in self.speakers.items()
        }

    def split(self, name: Split) -> Clips:
        """The clips of the speakers to train on, or of those to test on."""
        if name not in self._parts:
            raise ValueError(f"recordings of your own have no split {name!r}: choose train or test")
        return self._parts[name]


def folder_of_digits(folder: str | Path, margin: float = audio.MARGIN) -> tuple[Clips, list[str]]:
    """Recordings named ``digit_speaker_index.wav``, as in the Free Spoken Digit Dataset.

    Args:
        margin: seconds of silence to put on each side.

    Returns:
        The clips, with ``label``, ``voice`` and ``file``, in order of their names; and one sentence for each file that
        was left out.

    Raises:
        ValueError: there is no such folder, or nothing in it can be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: name the one that holds digit_speaker_index.wav")
    waves, rows, skipped = [], [], []
    for path in sorted(folder.glob("*.wav")):
        digit, _, rest = path.stem.partition("_")
        speaker, _, take = rest.rpartition("_")
        if not (digit.isdecimal() and len(digit) == 1 and speaker and take.isdecimal()):
            skipped.append(f"{path.name} is not named digit_speaker_index.wav.")
            continue
        try:
            wave = audio.read(path).wave
        except ValueError as problem:
            skipped.append(f"{problem}.")
            continue
        waves.append(with_margins(wave, margin))
        rows.append({"file": path.name, "label": int(digit), "voice": speaker, "take": int(take)})
    if not rows:
        raise ValueError(f"{folder} has no recording named digit_speaker_index.wav: rename yours, as 7_anna_0.wav")
    return Clips(waves, rows), skipped


def with_margins(wave: Tensor, seconds: float = audio.MARGIN) -> Tensor:
    """Silence on both sides, for a recording that was cut at the word.

    Raises:
        ValueError: ``seconds`` is negative.

    >>> with_margins(torch.ones(4), 2 / audio.RATE).tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    if seconds < 0:
        raise ValueError(f"the margin is {seconds} s: give 0 or more")
    return torch.nn.functional.pad(wave, [round(seconds * audio.RATE)] * 2)
