"""Spoken clips: collections that ship with the course, folders of recordings, and batches of both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from ftlib import catalog
from ftlib.models.wavenet import WaveNet
from ftlib.speech import audio, ctc


class Clips(Dataset):
    """Recordings with their targets; the log-mel pictures are made when first needed.

    Args:
        waves: (samples,) each, at 8 kHz.
        about: one row a clip, with ``label`` (a class number) or ``text``, and whatever else is known.
    """

    def __init__(self, waves: Sequence[Tensor], about: Sequence[dict[str, Any]]) -> None:
        self.waves, self.about = list(waves), list(about)
        self._pictures: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.waves)

    def __getitem__(self, i: int) -> tuple[Tensor, int | str]:
        row = self.about[i]
        return self.picture(i), row["text"] if "text" in row else row["label"]

    def picture(self, i: int) -> Tensor:
        """Log-mel of one clip, (64, frames)."""
        if i not in self._pictures:
            self._pictures[i] = audio.log_mel(self.waves[i])
        return self._pictures[i]

    @property
    def frames(self) -> list[int]:
        """Log-mel frames of each clip."""
        return [1 + len(wave) // audio.HOP for wave in self.waves]

    @property
    def minutes(self) -> float:
        """How long all clips last."""
        return sum(map(len, self.waves)) / audio.RATE / 60

    def column(self, name: str) -> list[Any]:
        """What is known of each clip under one name: ``text``, ``label``, ``voice``, ..."""
        return [row[name] for row in self.about]

    def take(self, index: Sequence[int]) -> Clips:
        """Some of the clips, in the order of ``index``."""
        taken = Clips([self.waves[i] for i in index], [self.about[i] for i in index])
        taken._pictures = {new: self._pictures[old] for new, old in enumerate(index) if old in self._pictures}
        return taken


@cache
def _index(name: str) -> list[dict[str, Any]]:
    return json.loads(catalog.path(name, "clips.json").read_text(encoding="utf-8"))


@cache
def _sound(name: str, file: str) -> Tensor:
    return audio.read(catalog.path(name, file), longest=float("inf")).wave


def shipped(name: str, **wanted: str | Sequence[str]) -> Clips:
    """Clips of a collection in the catalog, decoded from its Opus files.

    Args:
        wanted: what must be said of a clip in ``clips.json``, for instance ``split="train"``.
    """
    allowed = {key: {value} if isinstance(value, str) else set(value) for key, value in wanted.items()}
    rows = [row for row in _index(name) if all(row[key] in values for key, values in allowed.items())]
    return Clips([_sound(name, row["file"])[row["start"] : row["end"]] for row in rows], rows)


def collate(examples: list[tuple[Tensor, int | str]]) -> dict[str, Tensor]:
    """A batch: ``x`` (B, 64, frames) padded with silence, ``lengths`` (B,) and the targets.

    Class numbers become ``labels`` (B,). Texts become ``targets`` (B, characters) and ``target_lengths`` (B,).

    Raises:
        ValueError: a text is outside the alphabet, or has more characters than its recording has frames.
    """
    pictures, wanted = zip(*examples, strict=True)
    lengths = torch.tensor([picture.shape[1] for picture in pictures])
    x = pad_sequence([picture.T for picture in pictures], batch_first=True).transpose(1, 2)
    batch = {"x": x, "lengths": lengths}
    if not isinstance(wanted[0], str):
        return batch | {"labels": torch.tensor(wanted)}
    if problems := ctc.infeasible(wanted, WaveNet.out_lengths(lengths).tolist()):
        raise ValueError(f"{problems[0]}: leave the clip out, or check that its text is what is said")
    texts = [torch.tensor(ctc.encode(text)) for text in wanted]
    targets = pad_sequence(texts, batch_first=True, padding_value=ctc.BLANK)
    return batch | {"targets": targets, "target_lengths": torch.tensor([len(text) for text in texts])}


def ctc_loss(model: WaveNet, batch: dict[str, Tensor]) -> Tensor:
    """Mean CTC loss a character (Graves et al. 2006) of a batch made by ``collate``."""
    scores = model(batch["x"], batch["lengths"])
    log_probs = scores.float().log_softmax(-1).transpose(0, 1)
    frames = model.out_lengths(batch["lengths"])
    return torch.nn.functional.ctc_loss(log_probs, batch["targets"], frames, batch["target_lengths"])


@contextmanager
def spelling(model: WaveNet, on: bool = True) -> Iterator[WaveNet]:
    """Inside the block the network spells (``on``) or tells classes apart; afterwards it does what it did."""
    before, model.pooled = model.pooled, not on
    try:
        yield model
    finally:
        model.pooled = before


@torch.no_grad()
def scores_of(model: WaveNet, clips: Clips, batch: int = 16) -> list[Tensor]:
    """The network's scores of each clip, without padding: (frames out, outputs), or (outputs,) if pooled."""
    device, found = next(model.parameters()).device, {}
    model.eval()
    order = sorted(range(len(clips)), key=lambda i: len(clips.waves[i]))
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        made = collate([(clips.picture(i), 0) for i in part])
        scores = model(made["x"].to(device), made["lengths"].to(device)).float().cpu()
        ends = model.out_lengths(made["lengths"]).tolist()
        found |= {i: row if model.pooled else row[:n] for i, row, n in zip(part, scores, ends, strict=True)}
    return [found[i] for i in range(len(clips))]
