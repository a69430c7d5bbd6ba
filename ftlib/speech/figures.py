"""Figures of sound: the log-mel picture with its units, and which frame says which letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ftlib import plots
from ftlib.speech import audio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Span = tuple[str, int, int, float]  # as ``decoding.align`` returns them: letter, first frame, frame after its last, ...
SECONDS_A_FRAME_OUT = 2 * audio.HOP / audio.RATE  # the WaveNet puts out one frame for two of the picture
TICKS_HZ = (200, 500, 1000, 2000, 3500)
SPACE = "␣"


def spectrogram(wave: Tensor, title: str, spans: Sequence[Span] = (), wide: float = 7.4) -> plots.Picture:
    """The log-mel picture of a recording: seconds to the right, pitch upwards, loudness as colour.

    Args:
        wave: (samples,) at 8 kHz.
        spans: letters to write over the frames that say them, from ``decoding.align``.
        wide: inches.
    """
    picture = audio.log_mel(wave).numpy()
    seconds = len(wave) / audio.RATE
    fig, ax = plots.figure(title, "time in seconds", "pitch in Hz", size=(wide, 2.9))
    shown = ax.imshow(
        (picture - 4) * audio.UNIT_DB, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        extent=(0, seconds, -0.5, audio.MELS - 0.5), vmin=-audio.FLOOR_DB, vmax=0,
    )  # fmt: skip
    ax.grid(False)
    places = np.interp(TICKS_HZ, audio.mel_centres(), np.arange(audio.MELS))
    ax.set_yticks(places, [f"{hz:,}" for hz in TICKS_HZ])
    fig.colorbar(shown, ax=ax, label="loudness in dB", pad=0.01)
    said = f"{title}. A log-mel picture of {seconds:.1f} seconds, from 50 to 4,000 Hz, bright where it is loud."
    if spans:
        said += f" Written over it, from second to second: {_letters(ax, spans)}."
    return plots.Picture(fig, said)


def _letters(ax: Axes, spans: Sequence[Span]) -> str:
    """Write each letter at the frames that say it, and tell in words."""
    said = []
    for letter, first, after, *_ in spans:
        start, end = first * SECONDS_A_FRAME_OUT, after * SECONDS_A_FRAME_OUT
        ax.axvspan(start, end, color="white", alpha=0.35, linewidth=0)
        ax.text((start + end) / 2, audio.MELS - 6, SPACE if letter == " " else letter, color="white", ha="center",
                va="center", fontsize=12, fontweight="bold", path_effects=_outline())  # fmt: skip
        said.append(f"{'space' if letter == ' ' else letter} at {start:.2f}")
    return ", ".join(said)


def _outline() -> list:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground="black")]
