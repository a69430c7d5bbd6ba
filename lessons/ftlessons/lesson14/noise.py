"""What happens to a voice on its way to the recogniser: another throat, a room, noise, a telephone line."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from ftlib.speech import audio
from ftlib.speech.audio import RATE


def to_rate(wave: np.ndarray, rate: int, stretch: float = 1.0) -> np.ndarray:
    """Resample to 8 kHz; ``stretch`` above 1 makes the voice slower and deeper, as a slower tape would."""
    up, down = RATE // 50, round(rate / 50 / stretch)
    return resample_poly(wave, up, down).astype(np.float32)


def level(wave: np.ndarray) -> float:
    """Root mean square of the samples that are not silent."""
    loud = wave[np.abs(wave) > 1e-3 * max(1e-9, float(np.abs(wave).max()))]
    return float(np.sqrt(np.mean(loud**2))) if len(loud) else 0.0


def coloured_noise(n: int, tilt: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with frequency to the power ``tilt``: 0 white, 1 pink, 2 brown; rms 1."""
    m = next_fast_len(n, real=True)
    spectrum = rfft(rng.standard_normal(m))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1 + m * 50 // RATE) ** (tilt / 2)
    noise = irfft(spectrum, m)[:n]
    return (noise / noise.std()).astype(np.float32)


def add_noise(wave: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Mix in noise (repeated or cut to length) at a signal-to-noise ratio in decibels."""
    noise = np.resize(noise, len(wave))
    rms = float(np.sqrt(np.mean(noise**2)))
    return wave + noise * (level(wave) / max(rms, 1e-9) * 10 ** (-snr_db / 20))


def reverberate(wave: np.ndarray, seconds: float, wet: float, rng: np.random.Generator) -> np.ndarray:
    """Put the voice into a room whose echo falls by 60 dB in ``seconds`` (decaying noise as impulse response)."""
    n = int(seconds * RATE)
    echo = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    echo *= wet / np.sqrt(np.sum(echo**2))
    echo[0] += 1.0
    return fftconvolve(wave, echo)[: len(wave) + n // 2].astype(np.float32)


def telephone(wave: np.ndarray, low: float = 300.0, high: float = 3400.0) -> np.ndarray:
    """Band-pass like a telephone line (hertz), with the 8 bits a sample of mu-law coding."""
    wave = sosfilt(butter(4, (low, high), "band", fs=RATE, output="sos"), wave)
    peak = max(1e-9, float(np.abs(wave).max()))
    coded = np.sign(wave) * np.log1p(255 * np.abs(wave) / peak) / np.log(256)
    coded = np.round(coded * 127) / 127
    return (np.sign(wave) * np.expm1(np.abs(coded) * np.log(256)) / 255 * peak).astype(np.float32)


def opus(wave: np.ndarray, kbit: float) -> np.ndarray:
    """Code and decode with Opus at so many kilobits a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coded.opus"
        audio.write(path, 0.9 * wave / max(1e-9, float(np.abs(wave).max())), opus_kbit=kbit)
        return soundfile.read(path, dtype="float32")[0]


def distort(wave: np.ndarray, rng: np.random.Generator, others: Sequence[np.ndarray] = ()) -> np.ndarray:
    """One random trip to the recogniser: about a third arrive as they were spoken.

    Args:
        wave: samples at 8 kHz.
        others: earlier sentences, which make the babble of a busy room.
    """
    silence = [np.zeros(int(RATE * rng.uniform(0, 0.4)), np.float32) for _ in range(2)]
    wave = np.concatenate([silence[0], wave, silence[1]])
    if rng.random() < 0.35:
        return wave
    if rng.random() < 0.35:
        wave = reverberate(wave, rng.uniform(0.1, 0.6), rng.uniform(0.2, 1.0), rng)
    if rng.random() < 0.7:
        wave = add_noise(wave, coloured_noise(len(wave), rng.uniform(0, 2), rng), rng.uniform(5, 35))
    if others and rng.random() < 0.15:
        babble = sum(np.resize(others[i], len(wave)) for i in rng.integers(len(others), size=3))
        wave = add_noise(wave, babble, rng.uniform(8, 25))
    if rng.random() < 0.15:
        wave = telephone(wave, rng.uniform(150, 400), rng.uniform(2800, 3700))
    if rng.random() < 0.05:
        wave = np.clip(wave, *np.quantile(wave, (0.01, 0.99)))
    return wave
