"""What a reader marks: in the text, as scores over its words, and in a document of your own."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from ftlessons.classroom.display import as_table, emit, rich
from ftlessons.lesson07.spans import Window, answer_all, best_span, collate, windows
from ftlessons.lesson07.task import Question
from ftlib import plots
from ftlib.batches import to_device
from ftlib.metrics import Interval, difference
from ftlib.plots import palette
from ftlib.tasks.tokens import tokenizer

MOST = 20_000  # characters of a document in the box: some 25 windows
AROUND = 25  # tokens that the figure shows


def mark(model: nn.Module, question: Question) -> None:
    """Show a question, and its text with what the model marks in it."""
    text, (said, _) = question.text, next(answer_all(model, tokenizer(), [(question.question, question.text)]))
    marked(text, question.question, said)


def marked(text: str, question: str, said: str) -> None:
    """Show a text with the marked stretch in it, below the question."""
    at = text.find(said) if said else -1
    before, inside, after = (text, "", "") if at < 0 else (text[:at], said, text[at + len(said) :])
    body = html.escape(before) + (f"<mark><b>{html.escape(inside)}</b></mark>" if inside else "") + html.escape(after)
    shown = f"<p><strong>{html.escape(question)}</strong></p><blockquote>{body.replace(chr(10), '<br>')}</blockquote>"
    emit(f"{question}\n\n{before}[[{inside}]]{after}", **{"text/html": shown})


def side_by_side(questions: Sequence[Question], readers: Mapping[str, Sequence[str]]) -> None:
    """A table: each question, what each reader marks, and what the house wants marked."""
    head = ["question", *readers, "the house's mark"]
    rows = [
        [question.question, *(said[i] for said in readers.values()), question.answer or "(not in here)"]
        for i, question in enumerate(questions)
    ]
    plain = "\n".join(" | ".join(row) for row in [head, *rows])
    shown = as_table(head, [[html.escape(cell) for cell in row] for row in rows], left=range(len(head)))
    emit(plain, **{"text/html": shown})


@torch.no_grad()
def scores(model: nn.Module, question: str, text: str) -> tuple[Window, torch.Tensor, torch.Tensor]:
    """The window with the best answer, and for each of its tokens the two scores: first token and last."""
    model.eval()
    found = []
    for window in windows(tokenizer(), question, text):
        inputs = to_device(collate([window]), next(model.parameters()).device)
        start, end = model(**inputs).float()[0].T.cpu()
        found.append((best_span(start, end, window), window, start, end))
    _, window, start, end = max(found, key=lambda one: one[0])
    return window, start, end


def score_figure(model: nn.Module, question: str, text: str, title: str) -> plots.Picture:
    """The two scores of the words around the best answer, which is shaded."""
    window, start, end = scores(model, question, text)
    _, a, b = best_span(start, end, window)
    first = next(i for i, spot in enumerate(window.spots) if spot and spot[0] == a)
    last = next(i for i, spot in enumerate(window.spots) if spot and spot[1] == b)
    low = max(0, (first + last - AROUND) // 2)
    near = [i for i in range(low, low + AROUND) if i < len(window.spots) and window.spots[i]]
    words = [text[slice(*window.spots[i])] for i in near]
    fig, ax = plots.figure(title, "words and parts of words, as the network reads them", "score", size=(9.6, 3.6))
    ax.axvspan(first - 0.5 - near[0], last + 0.5 - near[0], color=palette.FAINT, alpha=0.35)
    for i, (name, values) in enumerate({"to be the first": start, "to be the last": end}.items()):
        ax.plot(range(len(near)), values[near], label=name, markersize=5, **plots.look(i))
    ax.set_xticks(range(len(near)), words, rotation=60, ha="right", fontsize=8)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    peaks = [words[int(values[near].argmax())] for values in (start, end)]
    said = f"The highest score to be the first has {peaks[0]!r}, to be the last {peaks[1]!r}"
    stop = "" if title.endswith("?") else "."
    return plots.Picture(fig, f"{title}{stop} {said}. Shaded: the best stretch, {text[a:b]!r}.")


class SwitchedOff(nn.Module):
    """A model without its LoRA adapters, which stay where they are: the old model, not a copy of it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        """What the model would say had it never been taught."""
        with self.model.disable_adapter():
            return self.model(*inputs, **named)


def ask_desk(models: Mapping[str, nn.Module], text: str, question: str) -> None:
    """Boxes for a document and a question of one's own, and what each model marks; the example stands below.

    Args:
        models: name to a reader.
    """
    shown = _answers(models, text, question)
    plain = "\n".join(f"{name}: {said} ({margin:+.1f})" for name, (said, margin) in shown.items())
    widget = partial(_desk, models, text, question)
    emit(f"{question}\n{plain}", widget=widget, **{"text/html": f"<p>{rich(question)}</p>{_table(shown)}"})


def _answers(models: Mapping[str, nn.Module], text: str, question: str) -> dict[str, tuple[str, float]]:
    if not text.strip() or not question.strip():
        raise ValueError("a document and a question are needed: write both")
    if len(text) > MOST:
        raise ValueError(f"the document has {len(text):,} characters: at most {MOST:,} are read here")
    return {name: next(answer_all(model, tokenizer(), [(question, text)])) for name, model in models.items()}


def _table(shown: Mapping[str, tuple[str, float]]) -> str:
    rows = [[html.escape(name), html.escape(said), f"{margin:+.1f}"] for name, (said, margin) in shown.items()]
    return as_table(["reader", "marks", "score over 'not in here'"], rows, left=[0, 1])


def _desk(models: Mapping[str, nn.Module], text: str, question: str) -> Any:
    import ipywidgets as widgets

    from ftlessons.classroom.widgets import paragraph, say

    wide = {"width": "auto"}
    document = widgets.Textarea(value=text, description="Document", layout=widgets.Layout(height="11em", **wide))
    asked = widgets.Text(value=question, description="Question", layout=widgets.Layout(**wide), continuous_update=False)
    button = widgets.Button(description="Mark it", button_style="primary", tooltip="Let each reader mark the answer")
    answer = paragraph(_table(_answers(models, text, question)))

    def read(_: Any) -> None:
        try:
            say(answer, _table(_answers(models, document.value, asked.value)))
        except ValueError as problem:
            say(answer, rich(f"{str(problem)[:1].upper()}{str(problem)[1:]}."))

    button.on_click(read)
    asked.observe(read, names="value")
    return widgets.VBox([document, asked, button, answer])


# --- intervals over documents


def by_document(table: pd.DataFrame, recipe: str, budget: int, column: str = "documents") -> pd.Series:
    """F1 of each document, mean over the draws of labels.

    Raises:
        ValueError: there is no such run on record.
    """
    rows = table[(table.recipe == recipe) & (table.budget == budget)]
    if rows.empty:
        raise ValueError(f"the table has no {recipe} at {budget} questions: choose one that was recorded")
    return pd.DataFrame(list(rows[column])).mean().sort_index()


def gain(first: pd.Series, second: pd.Series) -> Interval:
    """Mean of ``first - second`` over the documents that both have, with its interval."""
    both = first.index.intersection(second.index)
    return difference(first[both].to_numpy(), second[both].to_numpy())


# --- "not in here"


def with_silence(table: pd.DataFrame, threshold: float) -> float:
    """Mean F1 if only margins from the threshold on are marked (SQuAD 2.0, https://arxiv.org/abs/1806.03822).

    Silence counts 1 where the text does not say the answer, and 0 where it does.

    Args:
        table: as ``HouseQuestions.answers`` returns it.
    """
    speaks, there = table.margin >= threshold, table.answer != ""
    return float(np.where(there, table.f1 * speaks, ~speaks).mean())


def best_threshold(table: pd.DataFrame) -> float:
    """The margin that gives the best ``with_silence``; -inf, where silence never pays."""
    return max([float("-inf"), *sorted(table.margin)], key=lambda edge: with_silence(table, edge))


def mean_words(texts: Iterable[str]) -> float:
    """How many words the texts have on average."""
    return float(np.mean([len(text.split()) for text in texts]))


def holds_answer(questions: Sequence[Question], said: Sequence[str]) -> float:
    """The share of questions whose answer stands, whole, in what was said."""
    return float(np.mean([question.answer in text for question, text in zip(questions, said, strict=True)]))
