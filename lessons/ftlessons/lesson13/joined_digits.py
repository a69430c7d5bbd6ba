"""Two clips joined into one sound: where the second begins is known to the sample, so an alignment can be checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ftlib.models.wavenet import WaveNet
from ftlib.speech import audio, clips, ctc
from ftlib.speech.clips import Clips
from ftlib.speech.tasks import WORDS

SAMPLES_A_FRAME_OUT = WaveNet.stride * audio.HOP


@dataclass(frozen=True)
class Joined:
    """A clip, and right behind it another one of the same voice.

    Args:
        wave: (samples,) at 8 kHz.
        text: both texts with a space between.
        space: where in ``text`` that space is.
        cut: the sample at which the second clip begins.
    """

    wave: Tensor
    text: str
    space: int
    cut: int


def joined(data: Clips, n: int, seed: int = 0) -> list[Joined]:
    """``n`` pairs that say different things in one voice, drawn at random.

    Args:
        data: clips with ``voice``, and ``text`` or ``label`` (a digit).
    """
    said = [row["text"] if "text" in row else WORDS[row["label"]] for row in data.about]
    texts, voices = np.array(said), np.array(data.column("voice"))
    rng, pairs = np.random.default_rng(seed), []
    for a in rng.permutation(len(data))[:n].tolist():
        b = int(rng.choice(np.flatnonzero((voices == voices[a]) & (texts != texts[a]))))
        wave = torch.cat([data.waves[a], data.waves[b]])
        pairs.append(Joined(wave, f"{said[a]} {said[b]}", len(said[a]), len(data.waves[a])))
    return pairs


def alignment(model: WaveNet, pair: Joined) -> list[tuple[str, int, int, float]]:
    """Which frames of a pair say which letter, as ``decoding.align`` returns it."""
    with clips.spelling(model):
        return ctc.align(clips.scores_of(model, Clips([pair.wave], [{"text": pair.text}]))[0], pair.text)


def evenly(pair: Joined) -> list[tuple[str, int, int, float]]:
    """An alignment that has not listened: all characters equally long."""
    frames = len(pair.wave) / SAMPLES_A_FRAME_OUT
    edges = np.linspace(0, frames, len(pair.text) + 1)
    return [(letter, a, b, 0.0) for letter, a, b in zip(pair.text, edges, edges[1:], strict=False)]


def missed_by(pair: Joined, spans: list[tuple[str, int, int, float]]) -> float:
    """Milliseconds from the cut to the middle between the first text's last letter and the second one's first."""
    over, begun = spans[pair.space - 1][2] * SAMPLES_A_FRAME_OUT, spans[pair.space + 1][1] * SAMPLES_A_FRAME_OUT
    return abs((over + begun) / 2 - pair.cut) * 1000 / audio.RATE
