"""Synthetic voices for the speech lessons, and which of them may be heard where.

Two synthesisers: espeak-ng through the library in the ``espeakng-loader`` package (``pip install ftlib[voices]``),
and, where it is installed, the program ``flite``.
"""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

ACCENTS = (
    "en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc",
)  # fmt: skip
# who is heard where: no voice, and no close relative of a voice (steph2 of steph), stands in two groups
GROUPS: dict[str, tuple[str, ...]] = {
    "valid": ("Annie", "f4", "iven", "iven3", "linda", "m3", "michel", "norbert"),
    "dictation_train": ("aunty", "belinda", "david", "john", "Michael", "pedro"),
    "dictation_test": ("Andrea", "paul", "quincy", "steph", "victor", "flite:awb"),
    "digits": (
        "adam", "Alicia", "anika", "boris", "Denis", "ed", "f2", "Gene", "grandma", "grandpa", "m8", "marcelo",
        "miguel", "sandro", "zac", "travis",
    ),
    "pretrain": (
        "Alex", "Andy", "antonio", "AnxiousAndy", "benjamin", "caleb", "croak", "Diogo", "edward", "edward2", "f1",
        "f3", "f5", "gustave", "Henrique", "Hugo", "ian", "Jacky", "klatt", "klatt2", "klatt3", "klatt4", "klatt5",
        "klatt6", "Lee", "m1", "m2", "m4", "m5", "m6", "m7", "Marco", "Mario", "max", "Mike", "mike2", "Mr serious",
        "Nguyen", "pablo", "Reed", "RicishayMax", "RicishayMax2", "RicishayMax3", "rob", "robert", "robosoft",
        "robosoft2", "robosoft3", "robosoft4", "robosoft5", "shelby", "Storm", "whisper", "whisperf", "kaukovalta",
        "flite:kal", "flite:rms", "flite:slt",
    ),
}  # fmt: skip
FLITE_PITCH = {"kal": 105, "rms": 95, "slt": 170, "awb": 120}  # hertz

_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_SYNCHRONOUS, _UTF8 = 2, 1  # espeak_AUDIO_OUTPUT, espeakCHARS


@dataclass(frozen=True)
class Manner:
    """How a sentence is read.

    Args:
        voice: a name in ``GROUPS``; ``flite:slt`` is a voice of flite.
        accent: one of ``ACCENTS``; flite's voices have their own.
        speed: factor on the usual speed of speech.
        pitch: factor on the voice's usual pitch.
        melody: factor on how far the pitch moves.
    """

    voice: str
    accent: str = "en"
    speed: float = 1.0
    pitch: float = 1.0
    melody: float = 1.0


def say(text: str, manner: Manner) -> tuple[np.ndarray, int]:
    """Read ``text`` aloud.

    Returns:
        Samples (float32, -1 to 1) and the sample rate in hertz.

    Raises:
        ValueError: the voice is unknown, or the synthesiser gave no sound.
        RuntimeError: the synthesiser is not installed.
    """
    engine, _, name = manner.voice.rpartition(":")
    samples, rate = (_flite if engine == "flite" else _espeak)(text, manner, name)
    if len(samples) < rate // 20:
        raise ValueError(f"the voice {manner.voice!r} gave no sound for {text!r}: give a sentence in words")
    return samples, rate


def vary(rng: random.Random, *octaves: tuple[float, float]) -> Iterator[float]:
    """Factors on speed, pitch and melody, each drawn between two powers of two."""
    return (round(2 ** rng.uniform(*span), 3) for span in octaves)


def available(group: str) -> tuple[str, ...]:
    """The voices of a group that can be synthesised on this machine."""
    if group not in GROUPS:
        raise ValueError(f"there is no group of voices {group!r}: choose from {', '.join(GROUPS)}")
    return tuple(v for v in GROUPS[group] if not v.startswith("flite:") or shutil.which("flite"))


@cache
def _library() -> tuple[ctypes.CDLL, int, list, object]:
    try:
        import espeakng_loader
    except ImportError as error:
        raise RuntimeError('synthesis needs espeak-ng: run pip install "ftlib[voices]"') from error
    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, str(espeakng_loader.get_data_path()).encode(), 0)
    if rate <= 0:
        raise RuntimeError("espeak-ng did not start: reinstall the package espeakng-loader")
    pieces: list[np.ndarray] = []

    def collect(wave, n, _events) -> int:
        if n > 0 and wave:
            pieces.append(np.ctypeslib.as_array(wave, (n,)).copy())
        return 0

    shape = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    callback = shape(collect)
    library.espeak_SetSynthCallback(callback)
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    return library, rate, pieces, callback  # the callback must outlive the calls


def _espeak(text: str, manner: Manner, name: str) -> tuple[np.ndarray, int]:
    library, rate, pieces, _ = _library()
    if not any(name in group for group in GROUPS.values()):  # espeak-ng itself would take its usual voice
        raise ValueError(f"there is no voice {name!r}: choose one of speech_voices.GROUPS")
    if library.espeak_SetVoiceByName(f"{manner.accent}+{name}".encode()):
        raise ValueError(f"espeak-ng has no accent {manner.accent!r}: choose from {', '.join(ACCENTS)}")
    library.espeak_SetParameter(_RATE, round(min(400, max(80, 165 * manner.speed))), 0)
    library.espeak_SetParameter(_PITCH, round(min(99, max(0, 50 * manner.pitch))), 0)
    library.espeak_SetParameter(_RANGE, round(min(99, max(0, 50 * manner.melody))), 0)
    pieces.clear()
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
    wave = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    return wave.astype(np.float32) / 32768, rate


def _flite(text: str, manner: Manner, name: str) -> tuple[np.ndarray, int]:
    import soundfile

    if name not in FLITE_PITCH:
        raise ValueError(f"flite has no voice {name!r}: choose from {', '.join(FLITE_PITCH)}")
    if not shutil.which("flite"):
        raise RuntimeError("the voice needs the program flite, which is not installed")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.wav"
        settings = {
            "duration_stretch": f"{1 / manner.speed:.3f}",
            "int_f0_target_mean": f"{FLITE_PITCH[name] * manner.pitch:.1f}",
            "int_f0_target_stddev": f"{14 * manner.melody:.1f}",
        }
        options = [part for key, value in settings.items() for part in ("--setf", f"{key}={value}")]
        command = ["flite", "-voice", name, *options, "-t", text, "-o", str(out)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return soundfile.read(out, dtype="float32")
