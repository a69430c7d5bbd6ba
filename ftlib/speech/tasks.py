"""Speech tasks: spoken digits told apart by a new head, and dictation of two fields, spelled with CTC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from ftlib import catalog, metrics
from ftlib.metrics import Score
from ftlib.speech import audio, clips, ctc, lexicon
from ftlib.speech.clips import Clips
from ftlib.speech.transcription import DICTATION, GeneralSpeech, SpeechTask, Transcription
from ftlib.tasks.base import Split, draw_per_class

DIGITS = "spoken-digits"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SVM_GRID = [{"C": c, "gamma": gamma} for c in (1.0, 10.0) for gamma in (0.0003, 0.001, 0.003, 0.01)]
WORD_WEIGHTS = [{"weight": w, "bonus": b} for w in (0.0, 0.5, 1.2) for b in (0.0, 2.0)]
PRICE = 4.0  # of a word off the list, set once on the tuning voices


class Dictation(Transcription):
    """Sentences of one field, in voices and by a writer's pass that the training does not hold.

    ``train`` and ``test`` are the field's own. Rates and step counts are chosen on ``tune`` and ``tune_valid``, which
    are the training part of the *other* field, three voices each: no sentence of this field is spent on it.
    """

    budget_unit = "minutes of audio"
    budgets = (2, 5, 10)
    tune_budgets, tune_seeds = (5,), (0,)
    tune_options = {"precision": "bf16"}
    trace_every = 20
    batch_size, micro_batch, min_passes = 8, None, 1
    has_zero_shot = keeps_head = True
    grid = ("scratch", "full", "lexicon", "closed_lexicon")
    traced = ("scratch", "full")
    field: str
    other: str

    @cached_property
    def source(self) -> GeneralSpeech:
        """General speech: what is forgotten shows there."""
        return GeneralSpeech()

    def rates(self, recipe: str) -> Sequence[float]:
        """From gentle to bold, three for every recipe."""
        return (1e-3, 3e-3, 1e-2) if recipe == "scratch" else (3e-4, 1e-3, 3e-3)

    def steps(self, recipe: str) -> Sequence[int]:
        """Training from scratch is offered six times as many steps as fine-tuning: CTC first writes blanks only."""
        return (250, 600) if recipe == "scratch" else (40, 100)

    def _read(self, name: Split) -> Clips:
        if name in ("train", "test"):
            return clips.shipped(DICTATION, part=f"{self.field}-{name}")
        pool = clips.shipped(DICTATION, part=f"{self.other}-train")
        voices = sorted(set(pool.column("voice")))
        half = voices[::2] if name == "tune" else voices[1::2]
        return pool.take([i for i, voice in enumerate(pool.column("voice")) if voice in half])

    def sample(self, budget: int, seed: int, split: Split = "train") -> Clips:
        """Clips drawn at random until they last ``budget`` minutes; the last one may overrun."""
        pool = self.split(split)
        if not 0 < budget <= pool.minutes:
            raise ValueError(f"budget is {budget}: {split} has {pool.minutes:.1f} minutes of {self.name}")
        order = np.random.default_rng(seed).permutation(len(pool))
        lasting = np.cumsum([len(pool.waves[i]) for i in order]) / audio.RATE / 60
        return pool.take(order[: int(np.searchsorted(lasting, budget)) + 1].tolist())

    def lexicon(self, texts: Sequence[str] = (), field: bool = False) -> lexicon.Lexicon:
        """General words, and those of ``texts``; with ``field`` also of all training sentences of this field."""
        own = self.split("train").column("text") if field else []
        return lexicon.Lexicon([*texts, *own], words=general_words())

    def dictionary(self) -> frozenset[str]:
        """Words that a spell checker would accept: general ones, and all of this field's and the general sentences."""
        parts = [task.split(part) for task in (self, self.source) for part in ("train", "test")]
        said = (text for part in parts for text in part.column("text"))
        return frozenset(general_words()).union(*(text.split() for text in said))

    def rivals(self) -> dict[str, Callable[[Clips, Split, dict], Score]]:
        """The pre-trained network as it is, with a word list: the training sentences' words and general ones.

        ``lexicon`` spells a word that is not on the list (open vocabulary); ``closed_lexicon`` never writes one.
        """
        return dict.fromkeys(("lexicon", "closed_lexicon"), self._with_lexicon)

    def rival_grid(self) -> dict[str, list[dict]]:
        """How much the words weigh and what a word is worth: the same six settings for both, as many as a recipe's."""
        prices = {"lexicon": PRICE, "closed_lexicon": None}
        return {name: [each | {"unknown": price} for each in WORD_WEIGHTS] for name, price in prices.items()}

    def _with_lexicon(self, train: Clips, split: Split, settings: dict) -> Score:
        words = self.lexicon(train.column("text"))
        return self.score(self.transcripts(self.pretrained(), split, words, **settings))


class MedicalDictation(Dictation):
    """Notes as a clinician would dictate them."""

    name = "medical_dictation"
    field, other = "medical", "legal"


class LegalDictation(Dictation):
    """Notes as a lawyer would dictate them."""

    name = "legal_dictation"
    field, other = "legal", "medical"
    budgets, traced = (10,), ()  # a second field, to see whether the first was luck


def general_words() -> list[str]:
    """General English words, the most frequent first."""
    return catalog.path(DICTATION, "words.txt").read_text(encoding="utf-8").split()


class SpokenDigits(SpeechTask):
    """The words zero to nine in synthetic voices that the network has never heard; split by voice."""

    name = "spoken_digits"
    budget_unit = "clips per word"
    metric = "accuracy"
    n_outputs = 10
    classes: Sequence[str] = WORDS
    budgets = (1, 2, 5, 10, 20)
    tune_budgets, tune_seeds, tune_steps = (5,), (0,), (30, 80)
    tune_options = {"precision": "bf16"}
    batch_size, min_passes = 16, 5
    traced = ()
    grid = ("scratch", "head", "top", "head_then_all", "full", "svm", "spelling")
    pooled = True

    def steps(self, recipe: str) -> Sequence[int]:
        """Training from scratch is offered three times as many; the head's steps cost next to nothing."""
        return {"scratch": (80, 240), "head": (100, 300)}.get(recipe, self.tune_steps)

    @cached_property
    def source(self) -> GeneralSpeech:
        """General speech, spelled with the head of the pre-training."""
        return GeneralSpeech()

    def _read(self, name: Split) -> Clips:
        return clips.shipped(DIGITS, split=name)

    def sample(self, budget: int, seed: int, split: Split = "train") -> Clips:
        """``budget`` clips a word, drawn without replacement over the split's voices."""
        pool = self.split(split)
        return pool.take(draw_per_class(pool.column("label"), WORDS, budget, seed, split).tolist())

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy."""
        return nn.functional.cross_entropy(model(batch["x"], batch["lengths"]), batch["labels"])

    def chances(self, model: nn.Module, split: Split = "test") -> Tensor:
        """Probabilities (N, outputs) of a split's clips."""
        with clips.spelling(model, on=False):
            return torch.stack(clips.scores_of(model, self.split(split))).softmax(1)

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """Share of clips whose word is right."""
        return self._score(self.split(split), self.chances(model, split).argmax(1).tolist())

    def _score(self, data: Clips, read: list[int]) -> Score:
        value = metrics.accuracy(data.column("label"), read)
        return Score(value, self.metric, higher_is_better=True, n=len(data))

    def rivals(self) -> dict[str, Callable[[Clips, Split, dict], Score]]:
        """A support vector machine on coarse spectrograms; and the pre-trained network as it is, by spelling."""
        return {"svm": self._svm, "spelling": self._spelling}

    def rival_grid(self) -> dict[str, list[dict]]:
        """C and kernel width: eight settings. Spelling has none."""
        return {"svm": SVM_GRID, "spelling": [{}]}

    def _svm(self, train: Clips, split: Split, settings: dict) -> Score:
        from sklearn.svm import SVC

        test = self.split(split)
        read = SVC(**settings).fit(coarse(train), train.column("label")).predict(coarse(test))
        return self._score(test, read.tolist())

    def _spelling(self, train: Clips, split: Split, settings: dict) -> Score:
        return self.by_spelling(self.pretrained(), split)

    def by_spelling(self, model: nn.Module, split: Split = "test") -> Score:
        """Accuracy of a network that spells: the word whose spelling fits best, by CTC. No clip is needed for it."""
        data = self.split(split)
        with clips.spelling(model):
            fits = [ctc.spelled(scores, WORDS) for scores in clips.scores_of(model, data)]
        return self._score(data, torch.stack(fits).argmax(1).tolist())


def coarse(found: Clips, bands: int = 16, moments: int = 10) -> np.ndarray:
    """Log-mel pictures squeezed to one size, whatever the length: (N, bands x moments), in units of 20 dB."""
    squeeze = nn.AdaptiveAvgPool2d((bands, moments))
    return np.stack([squeeze(found.picture(i)[None])[0].flatten().numpy() for i in range(len(found))])
