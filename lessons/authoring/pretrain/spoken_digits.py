"""Make the data set ``spoken-digits``, ten words in sixteen voices: ``python -m authoring.pretrain.spoken_digits``.

Needs ``pip install "ftlib[voices]"``. The voices stand in no other group of ``speech_voices.GROUPS``.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from authoring.pretrain import shipping, speech_voices
from authoring.pretrain.speech_clips import Spoken, write_collection
from authoring.pretrain.speech_voices import ACCENTS, Manner
from ftlessons.lesson14 import noise
from ftlib import catalog

NAME, MEGABYTES = "spoken-digits", 1.2
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TAKES = {"tune": 6, "tune_valid": 6, "train": 8, "test": 5}  # of each word in each voice
# split by voice; female and male, British and American timbres in each
VOICES = {
    "tune": ("adam", "Alicia", "boris"),
    "tune_valid": ("anika", "Denis", "grandpa"),
    "train": ("ed", "f2", "Gene", "marcelo", "sandro"),
    "test": ("grandma", "m8", "miguel", "travis", "zac"),
}


def clips(seed: int = 0) -> Iterator[Spoken]:
    """All clips: each take has its own speed, pitch, accent and way to the microphone."""
    rng, chance = random.Random(f"digits {seed}"), np.random.default_rng(seed)
    for split, voices in VOICES.items():
        for voice in voices:
            for take in range(TAKES[split]):
                for label, word in enumerate(WORDS):
                    accent = rng.choice(ACCENTS)
                    manner = Manner(voice, accent, *speech_voices.vary(rng, (-0.4, 0.4), (-0.5, 0.5), (-0.8, 0.8)))
                    wave = noise.distort(noise.to_rate(*speech_voices.say(word, manner)), chance)
                    about = {"split": split, "voice": voice, "label": label, "take": take, "accent": manner.accent}
                    yield Spoken(voice, wave, about)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=catalog.data_dir() / "datasets" / NAME)
    args = parser.parse_args()
    rows = write_collection(args.out, clips(), MEGABYTES)
    voices = {split: ", ".join(names) for split, names in VOICES.items()}
    shipping.write_card(args.out, "digits", n=len(rows), **voices)
    print(f"{len(rows)} clips in {args.out}; now: python -m authoring stamp {NAME}")


if __name__ == "__main__":
    main()
