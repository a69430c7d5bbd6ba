"""Sentences read by synthetic voices, kept as log-mel shards for pre-training the speech recogniser."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from authoring.pretrain import speech_phrases, speech_text, speech_voices
from authoring.pretrain.speech_voices import ACCENTS, Manner
from ftlessons.lesson14 import noise
from ftlib.resume import replacing
from ftlib.speech import audio, ctc

SHARD = 2000  # sentences
READING = 24  # shards that it takes to read the prose once
LISTS = 0.5  # word lists for every sentence
HELD_OUT = 30  # one sentence in so many is kept for validation
LONGEST = 9.0  # seconds
CODED = 0.05  # share of the sentences that have been through Opus
LEVELS = 255 / (audio.FLOOR_DB / audio.UNIT_DB)  # log-mel values 0 to 4 as whole numbers 0 to 255


def held_out(sentence: str) -> bool:
    """Whether a sentence belongs to the validation set, told from its letters alone."""
    return zlib.crc32(sentence.encode()) % HELD_OUT == 0


@cache
def _prose(folder: Path) -> tuple[str, ...]:
    return tuple(c for name in ("valid.txt", "test.txt") for c in speech_text.clauses(folder / name))


def sentences(texts: Path, seed: int, valid: bool = False) -> Iterator[str]:
    """An endless stream of sentences: a bit over half clauses of WikiText-2, the rest everyday phrases.

    Args:
        texts: folder with WikiText-2's ``valid.txt`` and ``test.txt``.
        valid: give held-out sentences, which are never drawn otherwise.
    """
    rng = random.Random(f"sentences {seed} {valid}")
    prose = [c for c in _prose(texts) if held_out(c) == valid]
    if not prose:
        raise ValueError(f"the texts in {texts} hold no clause for this: give WikiText-2's valid.txt and test.txt")
    rng.shuffle(prose)
    while True:
        for clause in prose:
            yield clause
            while rng.random() < 0.45:
                sentence = speech_phrases.phrase(rng)
                if held_out(sentence) == valid:
                    yield sentence


def with_word_lists(texts: Path, seed: int) -> Iterator[str]:
    """Training sentences, and between them words of the prose in any order, rare ones more often than in prose.

    Weights are the square roots of the counts: half of all errors are words that prose seldom says.
    """
    rng = random.Random(f"word lists {seed}")
    counts = Counter(word for clause in _prose(texts) if not held_out(clause) for word in clause.split())
    words, weights = [*counts], [n**0.5 for n in counts.values()]
    for sentence in sentences(texts, seed):
        yield sentence
        if rng.random() < LISTS:
            listed = " ".join(rng.choices(words, weights, k=rng.randint(3, 9)))
            if not held_out(listed):
                yield listed


def manner(voices: Sequence[str], rng: random.Random, spread: float = 1.0) -> Manner:
    """Draw who reads and how; ``spread`` 0 is everybody's usual way."""
    voice = rng.choice(voices)
    if any(v.startswith("flite:") for v in voices) and rng.random() < 0.05:
        voice = rng.choice([v for v in voices if v.startswith("flite:")])  # few, but the most natural
    speed = 2 ** (rng.uniform(-0.4, 0.45) * spread)
    pitch, melody = 2 ** (rng.uniform(-0.6, 0.6) * spread), 2 ** (rng.uniform(-0.8, 0.8) * spread)
    return Manner(voice, rng.choice(ACCENTS), round(speed, 3), round(pitch, 3), round(melody, 3))


@dataclass
class Shard:
    """Sentences as pictures: ``features`` (frames in all, 64) in 0 to 255, ``starts`` where each sentence begins."""

    features: np.ndarray
    starts: np.ndarray
    texts: list[str]
    voices: list[str]

    def save(self, path: Path) -> None:
        """Write the shard in one step."""
        with replacing(path) as part, part.open("wb") as file:
            np.savez(file, features=self.features, starts=self.starts, texts=self.texts, voices=self.voices)

    @classmethod
    def load(cls, path: Path) -> Shard:
        """Read a shard."""
        with np.load(path) as found:
            return cls(found["features"], found["starts"], found["texts"].tolist(), found["voices"].tolist())


def quantised(wave: np.ndarray) -> np.ndarray:
    """Log-mel of samples at 8 kHz as (frames, 64) whole numbers from 0 to 255."""
    mel = audio.log_mel(torch.from_numpy(np.ascontiguousarray(wave, np.float32)))
    return (mel * LEVELS).round().to(torch.uint8).T.numpy()


def make_shard(texts: Path, index: int, size: int = SHARD) -> Shard:
    """Synthesise and distort one training shard; ``index`` seeds everything."""
    rng, chance = random.Random(f"shard {index}"), np.random.default_rng(index)
    voices, stream = speech_voices.available("pretrain"), with_word_lists(texts, seed=index // READING)
    for _ in range(index % READING * size):  # these shards share one shuffled reading of the prose
        next(stream)
    parts, said, heard, others = [], [], [], []
    while len(parts) < size:
        sentence, how = next(stream), manner(voices, rng)
        wave = noise.to_rate(*speech_voices.say(sentence, how), stretch=2 ** rng.uniform(-0.22, 0.22))
        if len(wave) > LONGEST * audio.RATE:
            continue
        heard_wave = noise.distort(wave, chance, others)
        if rng.random() < CODED:
            heard_wave = noise.opus(heard_wave, rng.uniform(10, 32))
        features, others = quantised(heard_wave), [*others[-7:], wave]
        if len(features) // 2 < ctc.frames_needed(sentence):
            continue  # too fast for CTC
        parts.append(features)
        said.append(sentence)
        heard.append(how.voice)
    return Shard(np.concatenate(parts), np.cumsum([0, *map(len, parts)]), said, heard)


def make_valid(texts: Path, size: int = 400, noisy: bool = False) -> Shard:
    """The fixed validation set: voices and sentences that no training shard holds."""
    rng, chance = random.Random("valid"), np.random.default_rng(10_000)
    voices, stream = speech_voices.available("valid"), sentences(texts, seed=0, valid=True)
    parts, said, heard, others = [], [], [], []
    while len(parts) < size:
        sentence, how = next(stream), manner([voices[len(parts) % len(voices)]], rng, spread=0.4)
        wave = noise.to_rate(*speech_voices.say(sentence, how))
        if len(sentence) < 12 or len(wave) > LONGEST * audio.RATE:
            continue
        parts.append(quantised(noise.distort(wave, chance, others) if noisy else wave))
        others = [*others[-7:], wave]
        said.append(sentence)
        heard.append(how.voice)
    return Shard(np.concatenate(parts), np.cumsum([0, *map(len, parts)]), said, heard)

