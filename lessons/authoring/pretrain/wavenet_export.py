"""From the state of a pre-training run to the checkpoint that ships: weights, configuration, record and card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from authoring.pretrain import shipping
from authoring.pretrain.speech_voices import ACCENTS, GROUPS
from ftlib.models.wavenet import DILATIONS, WaveNet
from ftlib.speech import audio, ctc


def export(out: Path, model: WaveNet, network: Mapping[str, int], record: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` (half precision), ``config.json``, ``training.json`` and ``README.md`` into ``out``.

    Args:
        network: the arguments of ``WaveNet``.
        record: how it was trained and what it scores; see ``wavenet.record_of``.
    """
    config = {
        "architecture": "wavenet", "network": dict(network), "rate": audio.RATE, "hop": audio.HOP, "mels": audio.MELS,
        "alphabet": ctc.ALPHABET,
    }  # fmt: skip
    shipping.ship(out, shipping.halved(model.state_dict()), config, record)
    shipping.write_card(
        out, "wavenet", parameters=sum(p.numel() for p in model.parameters()) / 1e6, channels=network["channels"],
        blocks=len(model.stack_names) * len(DILATIONS), reach=model.receptive_field() / audio.FRAMES_PER_SECOND,
        voices=len(GROUPS["pretrain"]), accents=len(ACCENTS), valid_voices=len(GROUPS["valid"]),
        **{**record, "log": milestones(record["log"])},
    )  # fmt: skip


def milestones(log: Sequence[Mapping[str, Any]], most: int = 6) -> str:
    """A few lines of the log as a sentence: the error rate against the hours heard."""
    chosen = log[:: max(1, len(log) // most)]
    if log and chosen[-1] is not log[-1]:
        chosen = [*chosen, log[-1]]
    return ", ".join(f"{entry['audio_hours']:.0f} h: {entry['cer']:.1%}" for entry in chosen)
