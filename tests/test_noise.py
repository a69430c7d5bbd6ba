"""Noise, rooms and telephone lines."""

from __future__ import annotations

import numpy as np
import pytest

from ftlessons.lesson14 import noise


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def voice(n: int = 8000) -> np.ndarray:
    t = np.arange(n) / 8000
    return (0.3 * np.sin(2 * np.pi * 200 * t) * (1 + np.sin(2 * np.pi * 3 * t))).astype(np.float32)


def band(wave: np.ndarray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(wave)) ** 2
    hertz = np.fft.rfftfreq(len(wave), 1 / 8000)
    return float(power[(hertz >= low) & (hertz < high)].sum() / power.sum())


def test_noise_is_added_at_its_ratio():
    wave, hiss = voice(), rng().standard_normal(5000).astype(np.float32)
    for snr in (0, 20):
        added = noise.add_noise(wave, hiss, snr) - wave
        ratio = 20 * np.log10(noise.level(wave) / np.sqrt(np.mean(added**2)))
        assert abs(ratio - snr) < 0.1


def test_silence_stays_silence():
    silence = np.zeros(4000, np.float32)
    assert noise.level(silence) == 0 and not noise.add_noise(silence, np.ones(10, np.float32), 5).any()


@pytest.mark.parametrize("tilt", [0.0, 2.0])
def test_noise_has_its_colour(tilt):
    low = band(noise.coloured_noise(16000, tilt, rng()), 0, 1000)
    assert (low > 0.7) if tilt else (0.2 < low < 0.3)


def test_an_echo_lasts():
    click = np.zeros(8000, np.float32)
    click[0] = 1
    heard = noise.reverberate(click, 0.5, 0.5, rng())
    assert np.abs(heard[800:2000]).max() > 1e-3 and heard[0] >= 1 and len(heard) == 8000 + 2000


def test_a_telephone_line_is_narrow():
    hiss = rng().standard_normal(16000).astype(np.float32) * 0.1
    assert band(noise.telephone(hiss), 0, 200) < 0.01 < band(hiss, 0, 200)


def test_resampling_changes_length_and_pitch():
    wave = np.sin(2 * np.pi * 500 * np.arange(16000) / 16000).astype(np.float32)
    assert abs(len(noise.to_rate(wave, 16000)) - 8000) < 20
    slow = noise.to_rate(wave, 16000, stretch=1.25)
    assert abs(len(slow) - 10000) < 40
    assert abs(np.abs(np.fft.rfft(slow)).argmax() * 8000 / len(slow) - 400) < 3


def test_opus_resembles_what_went_in():
    coded = noise.opus(voice(), 24)
    assert len(coded) == 8000 and np.corrcoef(coded, voice())[0, 1] > 0.9


def test_distortion_depends_on_its_seed_alone_and_leaves_a_third_clean():
    others = [voice(3000)]
    first = [noise.distort(voice(), rng(i), others) for i in range(30)]
    again = [noise.distort(voice(), rng(i), others) for i in range(30)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(np.isfinite(wave).all() for wave in first)
    clean = sum(np.isin(wave[wave != 0], voice()).all() for wave in first)
    assert 4 <= clean <= 18
