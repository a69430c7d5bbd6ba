"""What a table of transcripts says: error rates, terms and doses, errors that nobody would notice, voices."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Sequence
from itertools import groupby
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from ftlib import plots
from ftlib.metrics import Interval
from ftlib.models.wavenet import WaveNet
from ftlib.speech import clips, ctc, lexicon

NUMBERS = frozenset(
    "nought one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million".split()
)
MEASURES = {
    "wer": "words wrong", "cer": "letters wrong", "terms": "terms right", "doses": "numbers right",
    "swapped": "another real word instead", "silent": "sentences wrong, every word real",
}  # fmt: skip


def doses(terms: Sequence[Sequence[str]]) -> list[list[str]]:
    """Of the terms of each sentence those that hold a number, such as a dose or a date.

    >>> doses([["aspirin", "ten milligrams"], ["left"]])
    [['ten milligrams'], []]
    """
    return [[term for term in each if NUMBERS.intersection(term.split())] for each in terms]


def term_recall(terms: Sequence[Sequence[str]], read: Sequence[str]) -> float:
    """Share of the important words and phrases that were transcribed without any error.

    Args:
        terms: for each sentence those that were said in it.

    >>> term_recall([["ten milligrams", "aspirin"]], ["give ten milligrams of aspirine"])
    0.5
    """
    found = [f" {term} " in f" {text} " for each, text in zip(terms, read, strict=True) for term in each]
    if not found:
        raise ValueError("no sentence names a term: there is nothing to recall")
    return sum(found) / len(found)


def silent_errors(said: Sequence[str], read: Sequence[str], known: Container[str]) -> float:
    """Share of the sentences that are wrong although every word of them is a real one: no spell checker finds them.

    A sentence of which nothing was written does not count: that is noticed.

    Args:
        known: the words that count as real.

    >>> silent_errors(["give ten", "give two"], ["give tin", "giv two"], {"give", "ten", "tin", "two"})
    0.5
    """
    ctc.check_said(said, read)
    pairs = zip(said, read, strict=True)
    wrong = [text.split() for true, text in pairs if text != true]
    return sum(bool(words) and all(word in known for word in words) for words in wrong) / len(said)


def silent_words(said: Sequence[str], read: Sequence[str], known: Container[str]) -> float:
    """Share of the words said in whose place real words were written: a spell checker marks none of these.

    Words next to each other that are wrong, or that nobody said, are looked at together: if one of them is no real
    word, the reader is warned of them all.

    Args:
        known: the words that count as real.

    >>> silent_words(["give ten", "give two"], ["give tin", "giv two"], {"give", "ten", "tin", "two"})
    0.25
    """
    import jiwer

    ctc.check_said(said, read)
    aligned = jiwer.process_words(list(said), list(read))
    swapped = 0
    for words, chunks in zip(aligned.hypotheses, aligned.alignments, strict=True):
        for right, run in groupby(chunks, lambda chunk: chunk.type == "equal"):
            run = list(run)
            if not right and all(word in known for word in words[run[0].hyp_start_idx : run[-1].hyp_end_idx]):
                swapped += sum(chunk.ref_end_idx - chunk.ref_start_idx for chunk in run if chunk.type == "substitute")
    return swapped / sum(len(words) for words in aligned.references)


def report(table: pd.DataFrame, known: Container[str]) -> dict[str, float]:
    """Everything that a table of ``Transcription.transcripts`` says, each as a share.

    Args:
        known: the words that count as real, see ``silent_errors``.

    Returns:
        ``wer`` and ``cer``; where sentences name terms, ``terms`` and ``doses``, the shares that were read without any
        error; ``swapped``, see ``silent_words``; and of the sentences ``sentences``, the share with an
        error, and ``silent``, see ``silent_errors``.
    """
    said, read, terms = table.said.tolist(), table.read.tolist(), table.terms.tolist()
    found = {"wer": ctc.word_error_rate(said, read), "cer": ctc.character_error_rate(said, read)}
    for name, wanted in (("terms", terms), ("doses", doses(terms))):
        if any(wanted):
            found[name] = term_recall(wanted, read)
    wrong = sum(a != b for a, b in zip(said, read, strict=True)) / len(said)
    found |= {"sentences": wrong, "silent": silent_errors(said, read, known)}
    return found | {"swapped": silent_words(said, read, known)}


def reports(tables: dict[str, pd.DataFrame], known: Container[str]) -> pd.DataFrame:
    """``report`` of several tables, one row each, with columns in plain words."""
    rows = pd.DataFrame({name: report(table, known) for name, table in tables.items()}).T
    return rows.reindex(columns=[key for key in MEASURES if key in rows]).rename(columns=MEASURES)


def by_voice(table: pd.DataFrame) -> dict[str, float]:
    """Word error rate of each voice."""
    groups = table.groupby("voice", sort=True)
    return {voice: ctc.word_error_rate(rows.said.tolist(), rows.read.tolist()) for voice, rows in groups}


def spell(model: WaveNet, wave: Tensor, words: lexicon.Lexicon | None = None, **options: float | None) -> str:
    """What a network reads in one recording.

    Args:
        wave: (samples,) at 8 kHz, as ``audio.read`` gives it.
        words: decode by beam search over these words, with ``beam_search``'s options; None: greedily.
    """
    with clips.spelling(model):
        (scores,) = clips.scores_of(model, clips.Clips([wave], [{"label": 0}]))
    if words is None:
        return ctc.greedy(scores[None], torch.tensor([len(scores)]))[0]
    return lexicon.beam_search(scores, words, **options)


def grouped(values: dict[str, dict[str, Interval]], title: str, ylabel: str) -> plots.Picture:
    """A point with its interval for each group and method: which decoder, for which network.

    Args:
        values: group (along the axis) to method (a colour) to interval; every group has the same methods.
    """
    fig, ax = plots.figure(title, "", ylabel, size=(7.4, 3.6))
    groups, said = list(values), []
    methods = list(next(iter(values.values())))
    for i, method in enumerate(methods):
        spans = [values[group][method] for group in groups]
        means = [span.value for span in spans]
        reach = [[span.value - span.low for span in spans], [span.high - span.value for span in spans]]
        at = [place + (i - (len(methods) - 1) / 2) * 0.12 for place in range(len(groups))]
        style: dict[str, Any] = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "linestyle": "none"}
        ax.errorbar(at, means, reach, markersize=6, capsize=3, label=method, **style)
        parts = (f"{group} {mean:.2f}" for group, mean in zip(groups, means, strict=True))
        said.append(f"{method}: {', '.join(parts)}")
    width = max(6, 50 // len(groups))
    ax.set_xticks(range(len(groups)), [textwrap.fill(group, width, break_long_words=False) for group in groups])
    ax.set_xlim(-0.5, len(groups) - 0.5)
    ax.set_ylim(bottom=0)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return plots.Picture(fig, f"{title} ({ylabel}). {'; '.join(said)}. Bars are 95 % intervals.")
