"""Sound files of all kinds, and the log-mel picture."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from ftlib.speech import audio


def tone(seconds: float = 1.0, rate: int = 8000, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def loudest(wave: torch.Tensor) -> float:
    """The frequency of a recording's strongest part, in hertz."""
    return float(torch.fft.rfft(wave).abs().argmax()) * audio.RATE / len(wave)


# good files


def test_a_plain_file_comes_as_it_is(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), 8000)
    recording = audio.read(tmp_path / "a.wav")
    assert recording.notes == () and recording.seconds == 1.0
    assert torch.allclose(recording.wave, torch.from_numpy(tone()), atol=1e-4)


def test_stereo_is_mixed_down_with_a_note(tmp_path):
    left, right = tone(peak=0.4), tone(hertz=1000, peak=0.2)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), 8000)
    recording = audio.read(str(tmp_path / "a.wav"))
    assert recording.notes == ("2 channels were mixed down to one.",)
    assert torch.allclose(recording.wave, torch.from_numpy((left + right) / 2), atol=1e-3)


@pytest.mark.parametrize(
    ("rate", "subtype"), [(44100, "PCM_16"), (48000, "PCM_24"), (16000, "FLOAT"), (6000, "PCM_16")]
)
def test_other_rates_and_depths_are_resampled_with_a_note(tmp_path, rate, subtype):
    soundfile.write(tmp_path / "a.wav", tone(rate=rate), rate, subtype=subtype)
    recording = audio.read(tmp_path / "a.wav")
    assert f"It was resampled from {rate:,} to 8,000 Hz." in recording.notes
    assert ("Above 3,000 Hz there is nothing to hear." in recording.notes) == (rate == 6000)
    assert abs(recording.seconds - 1) < 0.01 and abs(loudest(recording.wave) - 440) < 5


def test_clipping_is_noted(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.clip(3 * tone(), -1, 1), 8000)
    (note,) = audio.read(tmp_path / "a.wav").notes
    assert "clipped" in note and "lower the microphone" in note


def test_whole_numbers_are_scaled():
    recording = audio.prepare((tone() * 32767).astype(np.int16), 8000)
    assert 0.49 < recording.wave.max() < 0.51


@pytest.mark.parametrize("name", ["a.opus", "a.flac", "a.wav", "a.ogg"])
def test_what_is_written_can_be_read(tmp_path, name):
    audio.write(tmp_path / name, tone(2.0))
    recording = audio.read(tmp_path / name)
    assert recording.seconds == 2.0 and abs(loudest(recording.wave) - 440) < 5


def test_opus_keeps_to_its_bit_rate(tmp_path):
    noise = np.random.default_rng(0).standard_normal(16000 * 4).astype(np.float32) * 0.1
    sizes = {}
    for kbit in (12, 32):
        audio.write(tmp_path / "a.opus", noise, opus_kbit=kbit)
        sizes[kbit] = (tmp_path / "a.opus").stat().st_size * 8 / 8 / 1000
    assert 8 < sizes[12] < 18 and 26 < sizes[32] < 40


# bad files


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (tone(0.05), "lasts 0.05 s"),
        (np.zeros(0, np.float32), "lasts 0.00 s"),
        (np.zeros(8000, np.float32), "is silent"),
        (tone(61), "lasts 61 s: cut it"),
    ],
)
def test_what_cannot_be_used_gets_one_sentence(tmp_path, samples, message):
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    with pytest.raises(ValueError, match=message) as caught:
        audio.read(tmp_path / "a.wav")
    assert "\n" not in str(caught.value) and "a.wav" in str(caught.value)


def test_ten_minutes_are_refused_before_they_are_read_unless_wanted(tmp_path):
    soundfile.write(tmp_path / "long.flac", np.tile(tone(), 600), 8000)
    with pytest.raises(ValueError, match="lasts 600 s.*at most 60 s"):
        audio.read(tmp_path / "long.flac")
    assert audio.read(tmp_path / "long.flac", longest=700).seconds == 600


@pytest.mark.parametrize("content", [b"hello, I am a text", b"RIFF\x00\x00\x00\x00WAVEjunk", bytes(100)])
def test_no_sound_gets_one_sentence(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(ValueError, match="a.wav is damaged or no sound file"):
        audio.read(tmp_path / "a.wav")


def test_missing_empty_and_cut_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no sound file"):
        audio.read(tmp_path / "a.wav")
    (tmp_path / "b.wav").write_bytes(b"")
    with pytest.raises(ValueError, match="b.wav is empty"):
        audio.read(tmp_path / "b.wav")
    soundfile.write(tmp_path / "c.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 32000), 8000)
    whole = (tmp_path / "c.flac").read_bytes()
    (tmp_path / "c.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="c.flac"):
        audio.read(tmp_path / "c.flac")


def test_arrays_that_cannot_be_used():
    for samples, message in (
        (np.full(8000, np.nan, np.float32), "NaN or infinite"),
        (np.zeros((2, 2, 2), np.float32), "give .samples,. or .samples, channels."),
        (np.stack([tone(), -tone()], 1), "silent once its channels are mixed"),
        (np.zeros(0, np.float32), "lasts 0.00 s: a recording needs at least 0.1 s"),
        (np.zeros((0, 2), np.int16), "lasts 0.00 s: a recording needs at least 0.1 s"),
    ):
        with pytest.raises(ValueError, match=message):
            audio.prepare(samples, 8000)


# log-mel


def test_log_mel_shape_and_units():
    mel = audio.log_mel(torch.from_numpy(tone(1.0, hertz=1000)))
    assert mel.shape == (64, 81) and mel.max() == 4 and mel.min() >= 0
    band = int(mel[:, 40].argmax())
    assert abs(audio.mel_centres()[band] - 1000) < 60
    assert len(audio.mel_centres()) == 64 and (np.diff(audio.mel_centres()) > 0).all()


def test_loudness_drops_out_and_silence_is_zero():
    wave = torch.from_numpy(tone())
    assert torch.allclose(audio.log_mel(wave), audio.log_mel(wave * 0.1), atol=1e-3)
    assert audio.log_mel(torch.zeros(8000)).max() < 4
    padded = audio.log_mel(torch.cat([wave, torch.zeros(8000)]))
    assert padded[:, -20:].max() == 0
