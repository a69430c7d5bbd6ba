"""Batches of log-mel pictures from shards, distorted anew each time they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from authoring.pretrain.speech_data import LEVELS, Shard
from ftlib.speech import audio, ctc

CHUNK = 50  # batches that are drawn and sorted by length together
TOP = audio.FLOOR_DB / audio.UNIT_DB
TEMPO, THROAT = 0.18, 0.1  # most that a sentence is stretched, and its frequencies are shifted


@dataclass
class Pool:
    """Sentences of several shards in memory: one byte a value, 18 MB an hour."""

    frames: list[np.ndarray]  # of each shard, (frames, 64)
    where: np.ndarray  # (N, 3): shard, first frame, number of frames
    texts: list[str]

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Pool:
        """Load shards.

        Raises:
            FileNotFoundError: there is none.
        """
        if not paths:
            raise FileNotFoundError("there are no shards: run the stage `shards` first")
        frames, where, texts = [], [], []
        for i, path in enumerate(paths):
            shard = Shard.load(path)
            frames.append(shard.features)
            texts += shard.texts
            n = np.diff(shard.starts)
            where.append(np.stack([np.full_like(n, i), shard.starts[:-1], n], 1))
        return cls(frames, np.concatenate(where), texts)

    def first(self, n: int) -> Pool:
        """The first ``n`` sentences."""
        return Pool(self.frames, self.where[:n], self.texts[:n])

    @property
    def lengths(self) -> Tensor:
        """(N,) frames of each sentence."""
        return torch.from_numpy(self.where[:, 2])

    @property
    def hours(self) -> float:
        """How much sound there is."""
        return float(self.where[:, 2].sum()) * audio.HOP / audio.RATE / 3600

    def features(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (B, 64, frames) from 0 to 4, padded with zeros, and their lengths (B,)."""
        rows = [self.where[i] for i in index.tolist()]
        parts = [torch.from_numpy(self.frames[shard][start : start + n]) for shard, start, n in rows]
        x = pad_sequence(parts, batch_first=True).transpose(1, 2).float() / LEVELS
        return x, torch.tensor([n for *_, n in rows])


class Recordings:
    """Training batches; the number of the step decides which, so that a run can go on anywhere."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.lengths = pool, pool.lengths
        self.targets = [torch.tensor(ctc.encode(text)) for text in pool.texts]
        self.needed = torch.tensor([2 * ctc.frames_needed(text) for text in pool.texts])

    def indices(self, step: int, size: int, seed: int) -> Tensor:
        """Which sentences make up the batch of a step: of like length."""
        chunk, place = divmod(step, CHUNK)
        generator = torch.Generator().manual_seed(seed * 1_000_003 + chunk)
        drawn = torch.randperm(len(self.lengths), generator=generator)[: size * CHUNK]
        batches = drawn[self.lengths[drawn].argsort()].split(size)
        order = torch.randperm(len(batches), generator=generator)
        return batches[order[place % len(batches)]]

    def batch(self, step: int, size: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Pictures (B, 64, frames), targets one after the other, frames (B,) and characters (B,)."""
        index = self.indices(step, size, seed)
        x, lengths = self.pool.features(index)
        targets = [self.targets[i] for i in index.tolist()]
        generator = torch.Generator().manual_seed(seed * 7_000_003 + step)
        x, lengths = another_tempo(x, lengths, self.needed[index], generator)
        x = distort(another_throat(x, generator), lengths, generator)
        return x, torch.cat(targets), lengths, torch.tensor([len(t) for t in targets])


def another_tempo(x: Tensor, lengths: Tensor, least: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Stretch or press a batch (B, mels, frames) in time, never to fewer than ``least`` (B,) frames."""
    factor = 1 + TEMPO * (2 * torch.rand(1, generator=generator).item() - 1)
    factor = max(factor, ((least + 1) / lengths).max().item())
    x = F.interpolate(x, scale_factor=factor, mode="linear", recompute_scale_factor=False)
    return x, (lengths * factor).floor().long().clamp_max(x.shape[-1])


def another_throat(x: Tensor, generator: torch.Generator) -> Tensor:
    """Move the bands of each example up or down, as a shorter or longer vocal tract would.

    Vocal tract length perturbation (Jaitly & Hinton 2013), here by a factor on the mel scale.
    """
    batch, mels, _ = x.shape
    factor = 1 + THROAT * (2 * torch.rand(batch, 1, generator=generator) - 1)
    place = ((torch.arange(mels) + 0.5) * factor - 0.5).clamp(0, mels - 1)
    weights = (1 - (place[:, :, None] - torch.arange(mels)).abs()).clamp_min(0)  # (B, new band, band)
    return weights @ x


def distort(x: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """Another microphone and another loss of bands and moments each time (SpecAugment, Park et al. 2019).

    Args:
        x: (B, mels, frames) from 0 to 4.
    """
    batch, mels, frames = x.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    curve = torch.cos(torch.pi * torch.arange(1, 4)[:, None] * (torch.arange(mels) + 0.5) / mels)  # (3, mels)
    colour = torch.randn(batch, 3, generator=generator) * 0.12 * (uniform(batch, 1) < 0.6) @ curve
    x = torch.where(x > 0, x + colour[:, :, None], 0.0).clamp_min(0)
    x = torch.where(x > 0, x + TOP - x.amax((1, 2), keepdim=True), 0.0).clamp_min(0)
    band, moment = torch.arange(mels), torch.arange(frames)
    for _ in range(2):
        width, start = uniform(batch, 1) * 7, uniform(batch, 1) * mels
        x = x * ~((band >= start) & (band < start + width))[:, :, None]
    for _ in range(2):
        width, start = uniform(batch, 1) * 6, uniform(batch, 1) * lengths[:, None]
        x = x * ~((moment >= start) & (moment < start + width))[:, None]
    return x
