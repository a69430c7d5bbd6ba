"""Sound in and out: any file as one channel at 8 kHz, and its log-mel picture."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

RATE = 8000  # hertz; every recording is brought to it
HOP, WINDOW, FFT, MELS = 100, 200, 512, 64  # a frame every 12.5 ms, 25 ms wide
FRAMES_PER_SECOND = RATE // HOP
LOWEST_HZ, FLOOR_DB = 50.0, 80.0
UNIT_DB = 20.0  # one unit of a log-mel value
SHORTEST, LONGEST = 0.1, 60.0  # seconds that a recording may last
MARGIN = 0.2  # seconds of silence on each side of the pre-training's sentences, on average
_FAINTEST = 1e-7  # power below which a recording counts as silent
_SILENT, _FULL = 1e-4, 0.999  # peaks
_CLIPPED_SHARE = 0.002


@dataclass(frozen=True)
class Recording:
    """Sound at 8 kHz.

    Args:
        wave: (samples,) from -1 to 1.
        notes: what was changed or is odd, one sentence each; empty if the file was as it should be.
    """

    wave: Tensor
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.wave) / RATE


def read(path: str | Path, longest: float = LONGEST) -> Recording:
    """Read a sound file (WAV, FLAC, Ogg, Opus, MP3) as one channel at 8 kHz, as soundfile understands it.

    Stereo is mixed down and other rates are resampled; ``notes`` tells.

    Args:
        longest: seconds; a longer file is refused.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty, no sound, damaged, silent, too short or too long.
    """
    import soundfile

    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise ValueError(f"the path is a {type(path).__name__} that names no file: give the path of a recording")
    path = Path(path)
    if not os.path.isfile(path):  # a name that is too long is no file either
        raise FileNotFoundError(f"there is no sound file {path}: check the name and the folder")
    if not path.stat().st_size:
        raise ValueError(f"{path.name} is empty: record or export it again")
    _check_whole(path)
    try:
        with soundfile.SoundFile(path) as file:
            rate, frames = file.samplerate, file.frames
            _check_length(path.name, frames / rate, longest)
            samples = file.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"{path.name} is damaged or no sound file that can be read ({str(error).split(': ')[-1].rstrip('.')}): "
            "export it as WAV, FLAC, MP3 or Ogg"
        ) from error
    if len(samples) < frames:
        raise ValueError(f"{path.name} breaks off after {len(samples) / rate:.1f} s: copy or export it again")
    return prepare(samples, rate, path.name, longest)


def _check_whole(path: Path) -> None:
    """A WAV or AIFF file says how long it is, and libsndfile takes what is there. Nearly 2**32 bytes: a stream."""
    with path.open("rb") as file:
        start = file.read(8)
    order = {b"RIFF": "little", b"FORM": "big"}.get(start[:4])
    stated, there = int.from_bytes(start[4:], order or "big") + 8, path.stat().st_size
    if order and len(start) == 8 and there + 2 < stated < 0xF0000000:
        raise ValueError(
            f"{path.name} is damaged: it breaks off after {there / stated:.0%} of its length, copy or export it again"
        )


def prepare(samples: np.ndarray, rate: int, name: str = "the recording", longest: float = LONGEST) -> Recording:
    """Bring samples to one channel at 8 kHz.

    Args:
        samples: (n,) or (n, channels) from -1 to 1, or 16-bit whole numbers.
        rate: of the samples, in hertz.
        name: what to call it in an error.

    Raises:
        ValueError: see ``read``; also for values that are not finite.
    """
    samples = np.asarray(samples)
    if samples.dtype == np.int16:
        samples = samples / 32768
    if rate < 1 or samples.ndim not in (1, 2):
        raise ValueError(f"{name} has the shape {samples.shape} at {rate} Hz: give (samples,) or (samples, channels)")
    _check_length(name, len(samples) / rate, longest)
    samples = np.asarray(samples, np.float32).reshape(len(samples), -1)
    if not np.isfinite(samples).all():
        raise ValueError(f"{name} holds values that are no numbers (NaN or infinite): record or export it again")
    wave, notes = torch.from_numpy(samples.mean(1)), []
    if samples.shape[1] > 1:
        notes.append(f"{samples.shape[1]} channels were mixed down to one.")
    peak = float(np.abs(samples).max())
    if peak < _SILENT:
        raise ValueError(f"{name} is silent: check the microphone and its level")
    if float(wave.abs().max()) < _SILENT:
        raise ValueError(f"{name} is silent once its channels are mixed, since they cancel out: export one of them")
    clipped = float((np.abs(samples) >= _FULL * max(1.0, peak)).mean())
    if clipped > _CLIPPED_SHARE:
        notes.append(f"{clipped:.1%} of the samples are clipped: lower the microphone's level.")
    if rate != RATE:
        from torchaudio.functional import resample

        wave = resample(wave, rate, RATE)
        notes.append(f"It was resampled from {rate:,} to {RATE:,} Hz.")
    if rate < RATE:
        notes.append(f"Above {rate // 2:,} Hz there is nothing to hear.")
    return Recording(wave.contiguous(), tuple(notes))


def _check_length(name: str, seconds: float, longest: float) -> None:
    if seconds < SHORTEST:
        raise ValueError(f"{name} lasts {seconds:.2f} s: a recording needs at least {SHORTEST} s")
    if seconds > longest:
        raise ValueError(
            f"{name} lasts {seconds:.0f} s: cut it into pieces of at most {longest:.0f} s, "
            "or pass longest= if you have the memory"
        )


def write(path: str | Path, wave: Tensor | np.ndarray, rate: int = RATE, opus_kbit: float = 16.0) -> None:
    """Write one channel of sound; the ending of the name decides on the format.

    ``.opus`` and ``.ogg`` become Opus in Ogg (lossy: what is trained on must be read back from the file), ``.wav``
    16-bit WAV, ``.flac`` FLAC.

    Args:
        wave: (samples,) from -1 to 1.
        opus_kbit: kilobits a second, on average.
    """
    import soundfile

    path = Path(path)
    options: dict = {}
    if path.suffix in (".opus", ".ogg"):
        # libsndfile's scale from 1 (6 kbit/s a channel) down to 0 (256 kbit/s)
        quality = min(1.0, max(0.0, 1 - (opus_kbit - 6) / 250))
        options = {"format": "OGG", "subtype": "OPUS", "compression_level": quality}
    soundfile.write(path, np.asarray(wave, np.float32), rate, **options)


@cache
def _mel() -> torch.nn.Module:
    from torchaudio.transforms import MelSpectrogram

    return MelSpectrogram(
        RATE, n_fft=FFT, win_length=WINDOW, hop_length=HOP, f_min=LOWEST_HZ, n_mels=MELS, pad_mode="constant"
    )


def log_mel(wave: Tensor) -> Tensor:
    """Turn samples at 8 kHz into a log-mel picture.

    Loudness is told in decibels below the recording's loudest spot, down to 80, so the gain of the
    microphone drops out. The unit is 20 dB: 4 is the loudest spot, 0 is silence, and so is padding with zeros.

    Args:
        wave: (samples,) from -1 to 1.

    Returns:
        (64, 1 + samples // 100), from 0 to 4.

    >>> log_mel(torch.sin(torch.arange(8000) * 0.5)).shape
    torch.Size([64, 81])
    """
    power = _mel()(wave)
    top = power.max().clamp_min(_FAINTEST)
    decibels = 10 * torch.log10((power / top).clamp_min(10 ** (-FLOOR_DB / 10)))
    return (decibels + FLOOR_DB) / UNIT_DB


def mel_centres() -> np.ndarray:
    """The middle frequency of each of the 64 bands, in hertz, to label a picture's axis."""
    lowest, highest = (2595 * np.log10(1 + f / 700) for f in (LOWEST_HZ, RATE / 2))
    mels = np.linspace(lowest, highest, MELS + 2)[1:-1]
    return 700 * (10 ** (mels / 2595) - 1)
