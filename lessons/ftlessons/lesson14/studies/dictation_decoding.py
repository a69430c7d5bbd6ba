"""Lesson 14: four networks with and without a list of words, on medical dictation; every measure, voice by voice."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ftlessons.lesson14 import transcripts
from ftlib import metrics, recipes, results, tasks

MINUTES, SEEDS = 10, 5
PATIENCE = 600  # steps that both get once more, at their tuned rates, whatever the grid chose
MODELS = {
    "zero_shot": "as it is", "scratch": f"from scratch, {PATIENCE} steps", "full": "fine-tuned",
    "patient": f"fine-tuned, {PATIENCE} steps",
}  # fmt: skip
LISTS = {"none": "no list", "general": "general words", "closed": "closed list", "field": "open list"}  # see ``one``


def jobs() -> list[tuple]:
    """Recipe and seed; what the zero-shot network reads with the field's list depends on the draw, too."""
    return [(model, seed) for seed in range(SEEDS) for model in MODELS]


def one(model: str, seed: int) -> dict[str, Any]:
    """Train once and decode four times: ``<list>_<measure>``, and lists' word error rates by voice.

    ``general`` is an open list of 4,000 general words. ``closed`` and ``field`` hold those of the training sentences,
    too; ``closed`` never writes another word.

    ``general_speech`` and ``general_speech_list`` are word error rates on general speech in the same voices, without
    a list and with the general one.
    """
    task = tasks.get("medical_dictation")
    settings, recipe = recipes.tuned(task), {"patient": "full"}.get(model, model)
    if model in ("scratch", "patient"):
        settings = settings | {recipe: settings[recipe] | {"steps": PATIENCE}}
    network = recipes.run(recipe, task, MINUTES, seed, settings=settings, score_source=False).model
    own = task.sample(MINUTES, seed).column("text")
    general, both = task.lexicon(), task.lexicon(own)
    open_, closed = settings["lexicon"], settings["closed_lexicon"]
    lists = {"none": (None, {}), "general": (general, open_), "closed": (both, closed), "field": (both, open_)}
    known = task.dictionary()
    row: dict[str, Any] = {"model": model, "seed": seed, "voices": {}}
    for name, (words, options) in lists.items():
        table = task.transcripts(network, "test", words, **options)
        row |= {f"{name}_{measure}": round(value, 4) for measure, value in transcripts.report(table, known).items()}
        row["voices"][name] = {voice: round(value, 4) for voice, value in transcripts.by_voice(table).items()}
    for column, name in (("general_speech", "none"), ("general_speech_list", "general")):
        words, options = lists[name]
        table = task.source.transcripts(network, "test", words, **options)
        row[column] = round(1 - task.source.score(table).value, 4)
    return row


def intervals(table: pd.DataFrame, measure: str) -> dict[str, dict[str, metrics.Interval]]:
    """One measure over the seeds: model to list to mean with interval."""
    return {
        called: {said: metrics.mean_interval(values(table, model, f"{name}_{measure}")) for name, said in LISTS.items()}
        for model, called in MODELS.items()
    }


def values(table: pd.DataFrame, model: str, column: str) -> pd.Series:
    """One column of one model, by seed."""
    return results.by_seed(table, model=model)[column]


def share_closed(table: pd.DataFrame, list_of_words: bool) -> metrics.Interval:
    """Of the zero-shot gap in words read right between general speech and the field, the share that adapting closes.

    Args:
        list_of_words: compare with lists: the general one before, the field's and fine-tuning after.
    """
    before, after = ("general", "field") if list_of_words else ("none", "none")
    general = "general_speech_list" if list_of_words else "general_speech"
    start = values(table, "zero_shot", f"{before}_wer")
    gap = start - values(table, "zero_shot", general)
    return metrics.mean_interval((start - values(table, "full", f"{after}_wer")) / gap)


def voice_gaps(table: pd.DataFrame, list_name: str = "none") -> dict[str, metrics.Interval]:
    """The word error rate of the voice that was worst zero-shot minus that of the best then.

    Returns:
        The gap after fine-tuning, and how much wider it is than before.
    """
    before, after = (
        pd.DataFrame({seed: row[list_name] for seed, row in values(table, model, "voices").items()}).T
        for model in ("zero_shot", "full")
    )
    order = before.mean().sort_values()
    best, worst = order.index[0], order.index[-1]
    gaps = [each[worst] - each[best] for each in (before, after)]
    return {
        f"{worst} minus {best}, fine-tuned": metrics.mean_interval(gaps[1]),
        "this gap, after minus before": metrics.difference(gaps[1], gaps[0]),
    }
