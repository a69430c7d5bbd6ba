"""Hear it and see it: a play button above the log-mel picture of a recording."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ftlessons.classroom.display import emit, rich

if TYPE_CHECKING:
    from torch import Tensor

    from ftlib.speech.figures import Span

MP3_LEVEL = 0.7  # libsndfile's scale from 0 (best) to 1; about 2.5 KB a second at 8 kHz


def listen(wave: Tensor, title: str, note: str = "", spans: Sequence[Span] = ()) -> None:
    """Show a play button, a sentence and the picture of a recording; all but the button also where nothing plays.

    Args:
        wave: (samples,) at 8 kHz, from -1 to 1.
        title: of the picture.
        note: one sentence under the button, such as what is said or what a network read.
        spans: letters to write over the picture, from ``decoding.align``.
    """
    from ftlib.speech import figures

    shown = figures.spectrogram(wave, title, spans)._repr_mimebundle_()
    words = f"<p>{rich(note)}</p>" if note else ""
    plain = "\n".join(part for part in (f"[sound] {title}", note, shown["text/plain"]) if part)
    emit(plain, **{"text/html": player(wave, title) + words + shown["text/html"]})


def player(wave: Tensor, label: str) -> str:
    """HTML of a play button that holds its sound and needs no widget.

    Args:
        wave: (samples,) at 8 kHz, from -1 to 1.
        label: what a screen reader says.
    """
    kind, data = _encoded(wave)
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    name = html.escape(label, quote=True)
    return f'<audio controls preload="metadata" aria-label="{name}" src="{source}">{name}</audio>'


def _encoded(wave: Tensor) -> tuple[str, bytes]:
    """The sound as MP3, which every browser plays, or as WAV where this libsndfile writes no MP3."""
    import soundfile

    from ftlib.speech import audio

    out, samples = io.BytesIO(), wave.clamp(-1, 1).numpy()
    if "MP3" in soundfile.available_formats():
        soundfile.write(out, samples, audio.RATE, format="MP3", compression_level=MP3_LEVEL, bitrate_mode="CONSTANT")
        return "audio/mpeg", out.getvalue()
    soundfile.write(out, samples, audio.RATE, format="WAV", subtype="PCM_16")
    return "audio/wav", out.getvalue()
