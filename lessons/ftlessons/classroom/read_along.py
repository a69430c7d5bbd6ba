"""Hear what was said and see what was read: a recording beside its transcripts, error by error."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ftlessons.classroom.display import emit
from ftlessons.classroom.listen import player

if TYPE_CHECKING:
    from ftlib.speech.clips import Clips

KEY = "Bold: terms that must not be wrong. Underlined: not what was said. Struck through: said, and not written."
LEFT = "text-align: left; vertical-align: top; padding: 2px 12px 2px 0"


def read_along(data: Clips, readings: Mapping[str, Sequence[str]], shown: Sequence[int] = (0, 1)) -> None:
    """Choose a sentence, hear it, and compare what was said with what each network wrote.

    Where widgets do not run, the sentences ``shown`` stand there with their play buttons.

    Args:
        data: clips with ``text``, ``voice`` and ``terms``.
        readings: name of a reader to its transcripts, one a clip in the order of ``data``.

    Raises:
        ValueError: a reader has another number of transcripts than there are clips.
    """
    for name, texts in readings.items():
        if len(texts) != len(data):
            raise ValueError(f"{name} has {len(texts)} transcripts for {len(data)} clips: give one for each, in order")
    static = "".join(entry(data, readings, i) for i in shown) + f"<p>{KEY}</p>"
    plain = "\n".join(in_words(data, readings, i) for i in shown)
    emit(plain, widget=partial(chooser, data, readings, shown[0] if shown else 0), **{"text/html": static})


def in_words(data: Clips, readings: Mapping[str, Sequence[str]], i: int) -> str:
    """One sentence and its transcripts as plain text."""
    return "\n".join([f"said: {data.about[i]['text']}", *(f"{name}: {texts[i]}" for name, texts in readings.items())])


def entry(data: Clips, readings: Mapping[str, Sequence[str]], i: int) -> str:
    """One sentence as HTML: the play button, what was said, and a row a reader with its count of errors."""
    row = data.about[i]
    said, terms = row["text"], row["terms"]
    rows = [_row("said", with_terms(said, terms), f"voice {row['voice']}")]
    for name, texts in readings.items():
        wrong, right = errors(said, texts[i]), sum(f" {term} " in f" {texts[i]} " for term in terms)
        count = f"{wrong} errors in {len(said.split())} words"
        rows.append(_row(name, marked(said, texts[i]), count + (f", {right} of {len(terms)} terms" if terms else "")))
    return f"<p>{player(data.waves[i], said)}</p><table>{''.join(rows)}</table>"


def _row(name: str, text: str, note: str) -> str:
    cells = "".join(f'<td style="{LEFT}">{cell}</td>' for cell in (text, note))
    return f'<tr><th scope="row" style="{LEFT}">{html.escape(name)}</th>{cells}</tr>'


def with_terms(text: str, terms: Sequence[str]) -> str:
    """A sentence as HTML with its terms in bold.

    >>> with_terms("give ten milligrams now", ["ten milligrams"])
    'give <b>ten milligrams</b> now'
    """
    shown = f" {html.escape(text, quote=False)} "
    for term in sorted(terms, key=len, reverse=True):
        plain = html.escape(term, quote=False)
        shown = shown.replace(f" {plain} ", f" <b>{plain}</b> ")
    return shown.strip()


def errors(said: str, read: str) -> int:
    """Words to change, to leave out and to add, at least, to get from ``read`` to ``said``.

    >>> errors("give ten milligrams", "give tin milligrams please")
    2
    """
    import jiwer

    counted = jiwer.process_words([said], [read])
    return counted.substitutions + counted.deletions + counted.insertions


def marked(said: str, read: str) -> str:
    """A transcript as HTML: what was not said is underlined, what is missing is struck through.

    >>> marked("give ten milligrams now", "give tin milligrams")
    'give <u title="said: ten">tin</u> milligrams <del>now</del>'
    """
    import jiwer

    words, true = read.split(), said.split()
    parts = []
    for chunk in jiwer.process_words([said], [read]).alignments[0]:
        ours = " ".join(words[chunk.hyp_start_idx : chunk.hyp_end_idx])
        theirs = " ".join(true[chunk.ref_start_idx : chunk.ref_end_idx])
        ours, theirs = html.escape(ours), html.escape(theirs)
        parts.append({
            "equal": ours, "delete": f"<del>{theirs}</del>", "insert": f'<u title="not said">{ours}</u>',
            "substitute": f'<u title="said: {theirs}">{ours}</u>',
        }[chunk.type])  # fmt: skip
    return " ".join(parts)


def chooser(data: Clips, readings: Mapping[str, Sequence[str]], first: int = 0) -> Any:
    """The list of sentences and the chosen one as an ipywidgets box."""
    import ipywidgets as widgets

    options = [(f"{i + 1}, {row['voice']}: {row['text'][:50]}...", i) for i, row in enumerate(data.about)]
    choice = widgets.Dropdown(options=options, value=first, description="Sentence", layout={"width": "min(560px, 98%)"})
    shown = widgets.HTML(entry(data, readings, first))

    def turn_to(change: Any) -> None:
        shown.value = entry(data, readings, change["new"])

    choice.observe(turn_to, names="value")
    return widgets.VBox([choice, shown, widgets.HTML(f"<p>{KEY}</p>")]).add_class("ftlib-read-along")
