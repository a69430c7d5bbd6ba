"""From the state of a pre-training run to the checkpoint that ships: weights, configuration, record and card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from authoring.pretrain import speech_cards
from authoring.pretrain.speech_voices import ACCENTS, GROUPS
from ftlib.models.wavenet import DILATIONS, WaveNet
from ftlib.resume import replacing
from ftlib.speech import audio, ctc


def export(out: Path, model: WaveNet, network: Mapping[str, int], record: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` (half precision), ``config.json``, ``training.json`` and ``README.md`` into ``out``.

    Args:
        network: the arguments of ``WaveNet``.
        record: how it was trained and what it scores; see ``wavenet.record_of``.
    """
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().half().contiguous() for name, value in model.state_dict().items()}
    with replacing(out / "model.safetensors") as part:
        save_file(weights, part, metadata={"format": "pt"})
    config = {
        "architecture": "wavenet", "network": dict(network), "rate": audio.RATE, "hop": audio.HOP, "mels": audio.MELS,
        "alphabet": ctc.ALPHABET,
    }  # fmt: skip
    _write(out / "config.json", json.dumps(config, indent=1) + "\n")
    _write(out / "training.json", json.dumps(record, indent=1) + "\n")
    _write(out / "README.md", card(model, network, record))


def _write(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def card(model: WaveNet, network: Mapping[str, int], record: Mapping[str, Any]) -> str:
    """The model card, filled from the record."""
    return speech_cards.WAVENET.format(
        parameters=count(model) / 1e6, channels=network["channels"], blocks=len(model.stack_names) * len(DILATIONS),
        reach=model.receptive_field() / audio.FRAMES_PER_SECOND, voices=len(GROUPS["pretrain"]), accents=len(ACCENTS),
        valid_voices=len(GROUPS["valid"]), log=milestones(record["log"]),
        **{name: value for name, value in record.items() if name != "log"},
    )  # fmt: skip


def count(model: nn.Module) -> int:
    """Parameters in all."""
    return sum(p.numel() for p in model.parameters())


def milestones(log: Sequence[Mapping[str, Any]], most: int = 6) -> str:
    """A few lines of the log as a sentence: the error rate against the hours heard."""
    chosen = log[:: max(1, len(log) // most)]
    if log and chosen[-1] is not log[-1]:
        chosen = [*chosen, log[-1]]
    return ", ".join(f"{entry['audio_hours']:.0f} h: {entry['cer']:.1%}" for entry in chosen)
