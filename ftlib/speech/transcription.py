"""What speech tasks share: the network, spelling what is said, and general speech as the source task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ftlib import models
from ftlib.metrics import Score
from ftlib.speech import clips, ctc, lexicon
from ftlib.speech.clips import Clips
from ftlib.tasks.base import Split, Task

CHECKPOINT, DICTATION = "speech-wavenet", "dictation"
SPLITS = ("train", "tune", "tune_valid", "test")


class SpeechTask(Task):
    """A task whose model is the course's WaveNet; its clips are decoded once."""

    domain = "speech"
    top_stages = ("blocks3", "mixer", "head")
    collate = staticmethod(clips.collate)
    pooled = False  # whether the model gives one score a recording

    @staticmethod
    def lengths(data: Clips) -> Sequence[int]:
        """Frames of each clip, to batch like with like."""
        return data.frames

    def split(self, name: Split) -> Clips:
        """All clips of one split."""
        if name not in SPLITS:
            raise ValueError(f"there is no split {name!r}: choose from {', '.join(SPLITS)}")
        kept = self.__dict__.setdefault("_parts", {})
        if name not in kept:
            kept[name] = self._read(name)
        return kept[name]

    def _read(self, name: Split) -> Clips:
        raise NotImplementedError(f"{type(self).__name__} must say where the clips of {name} are")

    def pretrained(self) -> nn.Module:
        """The WaveNet that has heard general sentences in synthetic voices."""
        model = models.load(CHECKPOINT)
        model.pooled = self.pooled
        return model

    def untrained(self, seed: int) -> nn.Module:
        """The same network with random weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = models.WaveNet(**models.config(CHECKPOINT)["network"] | {"outputs": self.n_outputs})
        model.pooled = self.pooled
        return model

    def inputs(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Pictures and their lengths."""
        return {name: batch[name] for name in ("x", "lengths")}

    def labels(self, batch: dict[str, Tensor]) -> Tensor:
        """Class numbers."""
        return batch["labels"]


class Transcription(SpeechTask):
    """Spelling what is said; scored by word accuracy, one minus the word error rate."""

    metric = "word accuracy"
    n_outputs = ctc.OUTPUTS

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """CTC loss a character."""
        return clips.ctc_loss(model, batch)

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """Word accuracy of greedy decoding: 1 - WER, which falls below zero if more words are wrong than were said."""
        return self.score(self.transcripts(model, split))

    def score(self, table: pd.DataFrame) -> Score:
        """Word accuracy of a table of transcripts."""
        value = 1 - ctc.word_error_rate(table.said.tolist(), table.read.tolist())
        return Score(value, self.metric, higher_is_better=True, n=len(table))

    def transcripts(
        self,
        model: nn.Module,
        split: Split | Clips = "test",
        words: lexicon.Lexicon | None = None,
        **options: float | None,
    ) -> pd.DataFrame:
        """What was said and what the model reads, one row a clip.

        Args:
            split: a split's name, or clips of your own with ``text``, ``voice`` and ``terms``.
            words: decode by beam search over these words, with ``beam_search``'s options; None: greedily.

        Returns:
            Columns ``said, read, voice, terms``.
        """
        data = split if isinstance(split, Clips) else self.split(split)
        with clips.spelling(model):
            scores = clips.scores_of(model, data)
        if words is None:
            read = [ctc.greedy(s[None], torch.tensor([len(s)]))[0] for s in scores]
        else:
            read = [lexicon.beam_search(s, words, **options) for s in scores]
        columns = {"said": data.column("text"), "read": read, "voice": data.column("voice")}
        return pd.DataFrame(columns | {"terms": data.column("terms")})


class GeneralSpeech(Transcription):
    """The source task: general sentences that the network never read, in voices that it never heard."""

    name = "general_speech"
    budget_unit = "sentences"
    budgets = (10,)
    has_zero_shot = keeps_head = True

    def split(self, name: Split) -> Clips:
        """``test``: in the voices of the dictation test. ``train``: to mix in against forgetting, in the training's.

        Raises:
            ValueError: another split was asked for; nothing is tuned here.
        """
        if name not in ("train", "test"):
            raise ValueError(f"general speech has no split {name!r}: choose train or test")
        return clips.shipped(DICTATION, part=f"general-{name}")

    def sample(self, budget: int, seed: int, split: Split = "train") -> Clips:
        """``budget`` sentences, drawn without replacement."""
        pool = self.split(split)
        if not 1 <= budget <= len(pool):
            raise ValueError(f"budget is {budget}: {split} has {len(pool)} general sentences")
        return pool.take(np.random.default_rng(seed).permutation(len(pool))[:budget].tolist())
