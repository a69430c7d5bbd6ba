"""The quiz at the end of a lesson: every choice explains itself, with widgets or without.

No letter and no place gives the answer away. Each learner meets the choices in an order of their own, which stays;
saved notebooks, slides and the teacher's pages share another one.
"""

from __future__ import annotations

import hashlib
import html
import string
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ftlessons.classroom import records, source
from ftlessons.classroom.display import details, emit, rich
from ftlessons.classroom.session import lesson_id
from ftlessons.classroom.sketches import Sketch, read_sketch
from ftlessons.classroom.source import CourseDataError

RIGHT, NOT_QUITE = "Right.", "Not quite."


@dataclass(frozen=True)
class Choice:
    """One answer to pick, with the explanation that follows it."""

    text: str
    correct: bool
    why: str
    misconception: str | None = None

    @property
    def response(self) -> str:
        """The words shown after picking it: "Right." or "Not quite.", then why."""
        return f"{RIGHT if self.correct else NOT_QUITE} {self.why}"


@dataclass(frozen=True)
class Question:
    """A question with exactly one correct choice; `recalls` names the earlier lesson it is from.

    It may show a few lines of code, or a small figure of invented points, and ask what follows.
    """

    text: str
    choices: tuple[Choice, ...]
    recalls: str | None = None
    code: str | None = None
    figure: Sketch | None = None

    def ordered(self, learner: str = "") -> Question:
        """The question with its choices in the order that belongs to a learner; "" is that of saved notebooks."""

        def place(choice: Choice) -> str:
            return hashlib.sha256("\n".join((learner, self.text, choice.text)).encode()).hexdigest()

        return replace(self, choices=tuple(sorted(self.choices, key=place)))

    def exhibit(self) -> str:
        """What the question shows, as HTML, which Markdown takes as well; "" where it is text alone."""
        code = f"<pre><code>{html.escape(self.code, quote=False)}</code></pre>" if self.code else ""
        return code + (f"<p>{self.figure.as_html()}</p>" if self.figure else "")

    def heading(self, number: int) -> str:
        """The question with its number and, where it recalls one, the earlier lesson."""
        origin = f" (from lesson {self.recalls})" if self.recalls else ""
        return f"Question {number}{origin}. {self.text}"

    def labelled(self) -> list[tuple[str, Choice]]:
        """The choices with the letters A, B, C, ..., in their order."""
        return list(zip(string.ascii_uppercase, self.choices, strict=False))


def quiz(id: str | None = None) -> None:
    """Show the quiz of a lesson (by default the current one) from ``data/quizzes/<id>.toml``.

    The first try at each question is kept in ``.ftlib/ledger.json`` for `progress`, and so is what the learner's
    order of the choices comes from.

    Raises:
        CourseDataError: the file is missing or broken.
    """
    lesson = lesson_id(id, "quiz()")
    learner = records.learner()
    questions = tuple(question.ordered(learner) for question in load_quiz(lesson))

    def widget() -> Any:
        from ftlessons.classroom.widgets import quiz_widget

        return quiz_widget(questions, partial(records.keep_answer, lesson))

    emit(as_plain_text(questions), widget=widget, **{"text/html": as_html(questions)})


def load_quiz(id: str) -> tuple[Question, ...]:
    """Read a quiz; the choices come in the order of saved notebooks.

    Raises:
        CourseDataError: a text is missing, not exactly one choice is correct, or a misconception is not in
            ``data/misconceptions.toml``; the sentence names the file and the question.
    """
    where = f"data/quizzes/{id}.toml"
    content = source.load_toml(f"quizzes/{id}.toml")
    source.only_keys(content, {"question", "reflect"}, where)
    asked = enumerate(content.get("question", ()), start=1)
    return tuple(_question(table, f"{where}, question {n}") for n, table in asked)


def _question(table: dict[str, Any], where: str) -> Question:
    row, rows = dict(table), table.get("choice", ())
    for key in ("choice", "from", "figure"):
        row.pop(key, None)
    choices = tuple(source.record(Choice, each, f"{where}, choice {n}") for n, each in enumerate(rows, start=1))
    correct = sum(choice.correct for choice in choices)
    if correct != 1:
        raise CourseDataError(f"{where}: {correct} choices are marked correct; mark exactly one.")
    named = {choice.misconception for choice in choices} - {None}
    if named and (strange := named - set(source.load_toml("misconceptions.toml"))):
        raise CourseDataError(f"{where}: misconception {min(strange)!r} is not in data/misconceptions.toml.")
    figure = read_sketch(table["figure"], f"{where}, figure") if "figure" in table else None
    recalls = table.get("from")
    return source.record(Question, row, where, choices=choices, recalls=recalls, figure=figure).ordered()


def as_html(questions: tuple[Question, ...]) -> str:
    """The quiz without widgets: each choice is a fold with its explanation inside; no script, no colours."""
    blocks = []
    for number, question in enumerate(questions, start=1):
        folds = "".join(
            details(f"{letter}. {rich(choice.text)}", f"<p>{rich(choice.response)}</p>")
            for letter, choice in question.labelled()
        )
        asked = f"<p><strong>{rich(question.heading(number))}</strong></p>{question.exhibit()}"
        blocks.append(f"<section>{asked}{folds}</section>")
    return "<p>Decide first, then open the answer you chose.</p>" + "".join(blocks)


def as_plain_text(questions: tuple[Question, ...]) -> str:
    """The quiz for readers of plain text: the questions first, all explanations after them."""
    asked, answered = [], ["Answers"]
    for number, question in enumerate(questions, start=1):
        asked.append(question.heading(number))
        asked += [f"    {line}" for line in (question.code or "").splitlines()]
        asked += [f"    [figure] {question.figure.alt}"] if question.figure else []
        asked += [f"  {letter}. {choice.text}" for letter, choice in question.labelled()]
        answered += [f"  {number}{letter}: {choice.response}" for letter, choice in question.labelled()]
    return "\n".join([*asked, "", *answered])
