"""Which words a text model leans on, and a box to try sentences on several models at once."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.display import emit, rich

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

SHOWN_FROM = 0.15  # in log-odds: weaker words stay uncoloured


def word_effects(model: Any, text: str, target: int = 1) -> pd.DataFrame:
    """How much each word moves the model towards class ``target``: leave it out and look at the difference.

    Leaving out one word at a time is the simplest attribution (occlusion, Zeiler & Fergus 2014,
    https://arxiv.org/abs/1311.2901). It misses words that work only together.

    Returns:
        Columns ``word`` and ``effect``, the change of the target's log-odds that is due to the word.
    """
    import pandas as pd
    import torch

    words = text.split()
    if not words:
        raise ValueError("the text is empty: write a sentence")
    without = [" ".join(words[:i] + words[i + 1 :]) or "." for i in range(len(words))]
    odds = torch.logit(_probabilities(model, [text, *without])[:, target], eps=1e-6)
    return pd.DataFrame({"word": words, "effect": (odds[0] - odds[1:]).tolist()})


def _probabilities(model: Any, texts: Sequence[str]) -> Tensor:
    """Class probabilities (N, classes) of a network on texts, or of what has scikit-learn's ``predict_proba``."""
    import torch

    from ftlib.tasks.text import predict_texts

    if isinstance(model, torch.nn.Module):
        return predict_texts(model, texts)
    return torch.as_tensor(model.predict_proba(list(texts)))


def coloured_words(models: Mapping[str, Any], text: str, classes: Sequence[str], target: int = 1) -> None:
    """Show a text once for each model, its words shaded by their effect and marked + or − with the size.

    ``models`` are networks on texts, or fitted classifiers with scikit-learn's ``predict_proba``.
    Blue and + push towards ``classes[target]``, orange and − away from it, so that no meaning hangs on colour.
    """
    lines, rows = [], []
    for name, model in models.items():
        share = _probabilities(model, [text])[0, target].item()
        effects = word_effects(model, text, target)
        lines.append(f"{name}, {classes[target]} {share:.2f}: " + " ".join(map(_marked, effects.word, effects.effect)))
        spans = " ".join(map(_span, effects.word, effects.effect))
        rows.append(f"<p><strong>{rich(name)}</strong>, {rich(classes[target])} {share:.2f}<br>{spans}</p>")
    note = f"Number: log-odds that the word adds to {classes[target]!r} (+) or takes away (−). Small effects unmarked."
    emit("\n".join([*lines, note]), **{"text/html": "".join(rows) + f"<p><small>{rich(note)}</small></p>"})


def _marked(word: str, effect: float) -> str:
    return word if abs(effect) < SHOWN_FROM else f"{word}[{effect:+.1f}]".replace("-", "−")


def _span(word: str, effect: float) -> str:
    if abs(effect) < SHOWN_FROM:
        return html.escape(word)
    hue, strength = ("0, 114, 178" if effect > 0 else "213, 94, 0"), min(0.55, 0.12 + abs(effect) / 5)
    number = f"{effect:+.1f}".replace("-", "−")
    style = f"background: rgba({hue}, {strength:.2f}); border-radius: 3px; padding: 1px 2px"
    return f'<span style="{style}">{html.escape(word)}<sup>{number}</sup></span>'


def try_sentence(models: Mapping[str, Any], classes: Sequence[str], examples: Sequence[str]) -> None:
    """Show a box for a sentence of one's own and what each model makes of it; the examples stand below.

    Args:
        models: name to a network on texts, or to a fitted classifier with scikit-learn's ``predict_proba``.
        examples: sentences that are scored at once, also where widgets can't run.
    """
    table = _scores(models, classes, examples)
    widget = partial(_sentence_widget, models, classes, examples)
    emit(table.to_string(index=False), widget=widget, **{"text/html": _html(table)})


def _scores(models: Mapping[str, Any], classes: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, list] = {"sentence": list(texts)}
    for name, model in models.items():
        found = _probabilities(model, texts)
        best = found.argmax(1).tolist()
        columns[name] = [f"{classes[i]} {row[i]:.2f}" for i, row in zip(best, found, strict=True)]
    return pd.DataFrame(columns)


def _html(table: pd.DataFrame) -> str:
    return table.to_html(index=False, border=0, justify="left")


def _sentence_widget(models: Mapping[str, Any], classes: Sequence[str], examples: Sequence[str]) -> Any:
    import ipywidgets as widgets

    from ftlessons.classroom.widgets import paragraph, say
    from ftlib.tasks.tokens import checked

    wide = widgets.Layout(width="auto", height="4em")
    box = widgets.Textarea(value=examples[0], placeholder="Write a sentence here.", layout=wide)
    button = widgets.Button(description="Read it", button_style="primary", tooltip="Let each model read the sentence")
    answer, board = paragraph(""), paragraph(_html(_scores(models, classes, examples)))

    def read(_: Any) -> None:
        try:
            notes = checked(box.value)
        except ValueError as problem:
            say(answer, rich(f"{problem}."))
            return
        say(answer, _html(_scores(models, classes, [box.value.strip()])) + "".join(f"<p>{rich(n)}</p>" for n in notes))

    button.on_click(read)
    heading = paragraph("<strong>Your own sentence.</strong> Write one that you think will fool the model.")
    return widgets.VBox([heading, box, button, answer, board])
