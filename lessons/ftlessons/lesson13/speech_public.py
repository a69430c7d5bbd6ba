"""For the full profile: spoken digits of many people, and wav2vec 2.0 in place of the course's small network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ftlessons.lesson13.recorded_digits import RecordedDigits
from ftlib import runtime
from ftlib.catalog import CatalogError
from ftlib.speech import audio
from ftlib.speech.clips import Clips
from ftlib.speech.tasks import WORDS, SpokenDigits
from ftlib.tasks.base import Split

FOLDER = "SpeechCommands"
SUBSETS = {"train": "training", "tune": "validation", "test": "testing"}


class SpeechCommands(SpokenDigits):
    """The ten digits of Speech Commands v0.02 (Warden 2018, https://arxiv.org/abs/1804.03209), read by torchaudio.

    2,618 people recorded them at home; the set's own lists keep the people of training, validation and test apart.
    CC BY 4.0. The archive has 2.3 GB. Rates and step counts are those tuned on the synthetic digits.

    Args:
        root: the folder in which the folder ``SpeechCommands`` lies.
        download: get the archive if it is not there; full profile only.
        per_word: clips of each word that are read from each subset, drawn with a fixed seed.

    Raises:
        CatalogError: a download was asked for in the small profile, or broke off.
        ValueError: the set is not in ``root``, or lacks a word.
    """

    name = "speech_commands"
    settings_like = SpokenDigits.name

    def __init__(self, root: str | Path, download: bool = False, per_word: int = 100) -> None:
        if download and runtime.profile() != "full":
            how = "set FTLIB_PROFILE=full and restart Python"
            raise CatalogError(f"Speech Commands is downloaded, and the small profile downloads nothing: {how}.")
        self.root, self.per_word = Path(root), per_word
        self._parts = {"train": self._read("train", download)}

    def split(self, name: Split) -> Clips:
        """The clips of the set's own training, validation (``tune``) or test people."""
        if name not in SUBSETS:
            raise ValueError(f"Speech Commands has no split {name!r}: choose from {', '.join(SUBSETS)}")
        if name not in self._parts:
            self._parts[name] = self._read(name)
        return self._parts[name]

    def _read(self, name: str, download: bool = False) -> Clips:
        from torchaudio.datasets import SPEECHCOMMANDS

        try:
            found = SPEECHCOMMANDS(self.root, download=download, subset=SUBSETS[name])
        except OSError as error:
            raise CatalogError(f"the download of Speech Commands broke off ({error}): try again.") from error
        except RuntimeError as error:
            where = self.root / FOLDER
            raise ValueError(f"{where} does not hold Speech Commands: pass download=True, or another root") from error
        about = [found.get_metadata(n) for n in range(len(found._walker))]
        rng, waves, rows = np.random.default_rng(0), [], []
        for label, word in enumerate(WORDS):
            of_word = [row for row in about if row[2] == word]
            if not of_word:
                raise ValueError(f"{self.root / FOLDER} has no {name} clip of {word!r}: unpack the archive again")
            for i in rng.permutation(len(of_word))[: self.per_word]:
                path, _, _, speaker, take = of_word[i]
                waves.append(audio.read(self.root / FOLDER / path).wave)
                rows.append({"file": path, "label": label, "voice": speaker, "take": take})
        return Clips(waves, rows)


class Waves(Clips):
    """Clips whose picture is the sound itself, as wav2vec 2.0 wants it: (1, samples) at 16 kHz, mean 0, variance 1."""

    def picture(self, i: int) -> Tensor:
        """One clip, (1, samples)."""
        if i not in self._pictures:
            from torchaudio.functional import resample

            from ftlessons.lesson13.wav2vec import RATE

            wave = resample(self.waves[i], audio.RATE, RATE)
            self._pictures[i] = ((wave - wave.mean()) / (wave.var(unbiased=False) + 1e-7).sqrt())[None]
        return self._pictures[i]

    @property
    def frames(self) -> list[int]:
        """Samples of each clip at 8 kHz, to batch like with like."""
        return [len(wave) for wave in self.waves]

    def take(self, index: Sequence[int]) -> Waves:
        """Some of the clips, in the order of ``index``."""
        return Waves([self.waves[i] for i in index], [self.about[i] for i in index])


class Wav2VecDigits(RecordedDigits):
    """``RecordedDigits`` read by wav2vec 2.0 base; needs a GPU to be pleasant.

    Its rates are customary ones and were not tuned, so ``compare`` says what it can do and not what each recipe is
    worth. What is forgotten is not measured.

    Args:
        folder, test: as in ``RecordedDigits``.
        source: a repository of the hub, or a folder with the same files.
    """

    name = "wav2vec_digits"
    settings_like = None
    settings = {
        "scratch": {"lr": 1e-4, "steps": 500}, "head": {"lr": 3e-3, "steps": 200},
        "head_then_all": {"lr": 3e-5, "steps": 200}, "top": {"lr": 1e-4, "steps": 200},
        "full": {"lr": 3e-5, "steps": 300}, "spelling": {},
    }  # fmt: skip
    top_stages = ("layer8", "layer9", "layer10", "layer11", "head")
    source = None

    def __init__(self, folder: str | Path, test: Sequence[str] | None = None, source: str | Path | None = None) -> None:
        super().__init__(folder, test, margin=0)
        self._parts = {name: Waves(found.waves, found.about) for name, found in self._parts.items()}
        self._source = {} if source is None else {"source": source}

    def pretrained(self) -> nn.Module:
        """wav2vec 2.0 with the head that spells."""
        return self._model(pretrained=True)

    def untrained(self, seed: int) -> nn.Module:
        """The same network with random weights."""
        from ftlib import adapt

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = self._model(pretrained=False)
        adapt.replace_head(model, self.n_outputs, seed=seed)
        return model

    def _model(self, **options: Any) -> nn.Module:
        from ftlessons.lesson13.wav2vec import wav2vec2

        model = wav2vec2(**self._source, **options)
        model.pooled = self.pooled
        return model
