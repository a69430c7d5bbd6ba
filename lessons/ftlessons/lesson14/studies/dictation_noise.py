"""Lesson 14: medical dictation in noise and beside a second voice, for networks tuned on clean and on noisy copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ftlessons.lesson14 import noise
from ftlib import adapt, recipes, tasks
from ftlib.batches import steps_per_epoch
from ftlib.models.wavenet import WaveNet
from ftlib.speech.clips import Clips
from ftlib.train import fit

MINUTES, SEEDS = 10, 5
ARMS = ("as it is", "fine-tuned", "fine-tuned on noisy copies")
NOISES, SECOND_VOICES = (20, 10, 5, 0), (10, 5)  # decibels: how far the voice is above the rest
CONDITIONS = ("clean", *(f"noise {snr} dB" for snr in NOISES), *(f"second voice {snr} dB" for snr in SECOND_VOICES))


def jobs() -> list[tuple]:
    """Arm and seed; the seed chooses the noise, too."""
    return [(arm, seed) for seed in range(SEEDS) for arm in ARMS]


def one(arm: str, seed: int) -> dict[str, Any]:
    """Word error rate in each condition, greedy."""
    task = tasks.get("medical_dictation")
    train = task.sample(MINUTES, seed)
    if arm == "fine-tuned on noisy copies":
        train = noisy_copies(train, seed)
    network = task.pretrained() if arm == "as it is" else fine_tuned(train, seed)
    test = task.split("test")
    rates = {}
    for condition in CONDITIONS:
        table = task.transcripts(network, disturbed(test, condition, seed))
        rates[condition] = round(1 - task.score(table).value, 4)
    return {"arm": arm, "seed": seed} | rates


def fine_tuned(train: Clips, seed: int, factor: float = 1.0, frozen: Sequence[str] = ()) -> WaveNet:
    """The recipe ``full`` on clips of any kind, with ``factor`` times its tuned rate and some stages frozen."""
    task = tasks.get("medical_dictation")
    settings = recipes.tuned(task)["full"]
    network = task.pretrained()
    if frozen:
        adapt.freeze(network, *frozen)
    steps = max(settings["steps"], task.min_passes * steps_per_epoch(len(train), task.batch_size))
    fit(
        network, train, loss=task.loss, collate=task.collate, lengths=train.frames, batch_size=task.batch_size,
        lr=factor * settings["lr"], steps=steps, seed=seed, progress=False,
    )  # fmt: skip
    return network


def disturbed(data: Clips, condition: str, seed: int) -> Clips:
    """Copies with pink noise, or with another clip in another voice, so many decibels below the speaker.

    Args:
        condition: one of ``CONDITIONS``.
    """
    if condition == "clean":
        return data
    if condition not in CONDITIONS:
        raise ValueError(f"there is no condition {condition!r}: choose from {', '.join(CONDITIONS)}")
    kind, snr = condition.removesuffix(" dB").rsplit(" ", 1)
    rng = np.random.default_rng(seed)
    voices, waves = np.array(data.column("voice")), []
    for wave, voice in zip(data.waves, voices, strict=True):
        if kind == "noise":
            rest = noise.coloured_noise(len(wave), 1.0, rng)
        else:
            rest = data.waves[int(rng.choice(np.flatnonzero(voices != voice)))].numpy()
        waves.append(_mixed(wave, rest, float(snr)))
    return Clips(waves, data.about)


def noisy_copies(data: Clips, seed: int) -> Clips:
    """Each clip once: a third as it is, a third with noise, a third with a second voice, at 0 to 20 dB."""
    rng = np.random.default_rng(1000 + seed)
    waves = []
    for i, wave in enumerate(data.waves):
        other = data.waves[int(rng.integers(len(data)))].numpy()
        rest = noise.coloured_noise(len(wave), rng.uniform(0, 2), rng) if i % 3 == 1 else other
        waves.append(_mixed(wave, rest, rng.uniform(0, 20)) if i % 3 else wave)
    return Clips(waves, data.about)


def _mixed(wave: torch.Tensor, rest: np.ndarray, snr: float) -> torch.Tensor:
    return torch.from_numpy(noise.add_noise(wave.numpy(), rest, snr).astype(np.float32))
