"""The labelling desk: label texts by a guideline before you see anybody else's labels."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ftlessons.classroom import records
from ftlessons.classroom.display import emit, in_ipython, rich
from ftlessons.classroom.session import lesson_id, show
from ftlessons.classroom.storage import Ledger
from ftlib import runtime

SECTION = "labels"
LARGE = "font-size: 1.25em; line-height: 1.5; min-height: 3em; white-space: normal"


def label_desk(texts: Mapping[str, str], classes: Sequence[str], id: str | None = None) -> Desk:
    """Show texts one after the other, each with a button a class, and return what collects the labels.

    Labels are kept in ``.ftlib/ledger.json`` beside the notebook and come back when the cell runs again; the first
    label of a text stays. Where widgets do not run, the texts stand there as a list.

    Args:
        texts: what to label, by the id of each text.
        classes: 2 to 6 names.
        id: of the lesson; the current one by default.

    Raises:
        ValueError: there is nothing to label, or a wrong number of classes.
    """
    desk = Desk(texts, classes, lesson_id(id, "label_desk()"))
    live = desk.widget if in_ipython() and not runtime.strict() else None
    emit(desk.as_plain_text(), widget=live, **{"text/html": desk.as_html()})
    return desk


class Desk:
    """Labels by one person, the first for each text.

    Attributes:
        answers: label by the id of the text, in the order in which they were given.
    """

    def __init__(self, texts: Mapping[str, str], classes: Sequence[str], lesson: str, ledger: Ledger | None = None):
        if not texts or not 2 <= len(classes) <= 6:
            raise ValueError(f"{len(texts)} texts and {len(classes)} classes: give a text at least, and 2 to 6 classes")
        self.texts, self.classes, self.lesson = dict(texts), list(classes), lesson
        self._ledger, self.trouble = ledger or Ledger(), ""
        kept = [entry for entry in self._ledger.entries(SECTION) if entry.get("id") == lesson]
        self.answers: dict[str, str] = {}
        for entry in kept:
            if entry.get("text") in self.texts and entry.get("label") in self.classes:
                self.answers.setdefault(entry["text"], entry["label"])

    @property
    def next_id(self) -> str | None:
        """The text to label now, None when all are done."""
        return next((id for id in self.texts if id not in self.answers), None)

    def answer(self, label: str) -> None:
        """Label the next text and keep it.

        Raises:
            ValueError: there is no such class.
        """
        if label not in self.classes:
            raise ValueError(f"there is no class {label!r}: choose from {', '.join(self.classes)}")
        id = self.next_id
        if id is None:
            return
        self.answers[id] = label
        entry = {"id": self.lesson, "text": id, "label": label}
        self.trouble = records.keep_first(SECTION, entry, ("id", "text"), self._ledger)

    def labels(self, stand_in: Mapping[str, str], who: str) -> dict[str, str]:
        """Your labels by text id; somebody else's, with a note that says so, as long as you have given none."""
        if self.answers:
            if left := len(self.texts) - len(self.answers):
                show(f"You have labelled {len(self.answers)} of {len(self.texts)}; {left} are left.")
            return dict(self.answers)
        show(f"You have labelled nothing yet, so the labels of **{who}** stand in for yours.")
        return {id: stand_in[id] for id in self.texts}

    def status(self) -> str:
        """One sentence: how many are done."""
        if self.next_id is None:
            return f"Done: all {len(self.texts)} are labelled. Run the next cell."
        return f"{len(self.answers)} of {len(self.texts)} labelled. What is this one for an investor in the company?"

    def as_plain_text(self) -> str:
        """All texts, numbered."""
        return "\n".join(f"{number}. {text}" for number, text in enumerate(self.texts.values(), start=1))

    def as_html(self) -> str:
        """All texts as a numbered list."""
        items = "".join(f"<li>{html.escape(text)}</li>" for text in self.texts.values())
        return f"<p>Label each of these {' / '.join(self.classes)}:</p><ol>{items}</ol>"

    def widget(self) -> Any:
        """The next text, a button a class, and how many are done, as one ipywidgets box."""
        import ipywidgets as widgets

        from ftlessons.classroom.widgets import paragraph, say

        text, status = paragraph(""), paragraph("")
        buttons = [widgets.Button(description=name, tooltip=f"Label it {name}") for name in self.classes]

        def settle() -> None:
            shown = "" if self.next_id is None else html.escape(self.texts[self.next_id])
            text.value = f'<p style="{LARGE}">{shown}</p>'
            say(status, rich(f"{self.status()} {self.trouble}".rstrip()))
            for button in buttons:
                button.disabled = self.next_id is None

        def choose(button: Any) -> None:
            self.answer(button.description)
            settle()

        for button in buttons:
            button.on_click(choose)
        settle()
        return widgets.VBox([text, widgets.HBox(buttons), status]).add_class("ftlib-desk")
