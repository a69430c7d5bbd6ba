"""The "explain in your own words" box: the model answer comes after the learner's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ftlessons.classroom import source
from ftlessons.classroom.display import details, emit, rich
from ftlessons.classroom.session import lesson_id
from ftlessons.classroom.source import CourseDataError
from ftlessons.classroom.storage import Ledger

MINIMUM_WORDS = 25
RUBRIC_POINTS = 3


@dataclass(frozen=True)
class Reflection:
    """A question with its model answer and a rubric of three points to compare one's own text with."""

    question: str
    answer: str
    rubric: tuple[str, ...]

    def words_missing(self, text: str) -> int:
        """How many words `text` still lacks before the answer may be shown."""
        return max(0, MINIMUM_WORDS - len(text.split()))

    def answer_html(self) -> str:
        """Model answer and rubric as HTML."""
        points = "".join(f"<li>{rich(point)}</li>" for point in self.rubric)
        return f"<p>{rich(self.answer)}</p><p>Does your text say this?</p><ul>{points}</ul>"

    def as_html(self) -> str:
        """The box without widgets: the answer waits in a fold."""
        return f"<p><strong>In your own words.</strong> {rich(self.question)}</p>" + details(
            f"Write at least {MINIMUM_WORDS} words of your own, then open this", self.answer_html()
        )

    def as_plain_text(self) -> str:
        """Question, answer and rubric for readers of plain text."""
        points = [f"  - {point}" for point in self.rubric]
        asked = f"In your own words (at least {MINIMUM_WORDS}). {self.question}"
        return "\n".join([asked, "", f"Model answer: {self.answer}", "Does your text say this?", *points])


def reflect(id: str | None = None) -> None:
    """Show the "explain in your own words" box of a lesson (by default the current one).

    What the learner writes is kept in ``.ftlib/ledger.json`` beside the notebook.

    Raises:
        CourseDataError: the lesson's quiz file is missing or its ``[reflect]`` is incomplete.
    """
    lesson = lesson_id(id, "reflect()")
    reflection = load_reflection(lesson)

    def widget() -> Any:
        from ftlessons.classroom.widgets import reflection_widget

        ledger = Ledger()
        earlier = ledger.latest("reflections", lesson) or {}
        return reflection_widget(
            reflection, str(earlier.get("text", "")), lambda text: _save(ledger, lesson, text)
        )

    emit(reflection.as_plain_text(), widget=widget, **{"text/html": reflection.as_html()})


def load_reflection(id: str) -> Reflection:
    """Read ``[reflect]`` (question, answer, rubric) from ``data/quizzes/<id>.toml``.

    Raises:
        CourseDataError: it is missing, or the rubric has not exactly three points.
    """
    where = f"data/quizzes/{id}.toml, [reflect]"
    found = source.record(Reflection, source.load_toml(f"quizzes/{id}.toml").get("reflect"), where)
    if len(found.rubric) != RUBRIC_POINTS:
        raise CourseDataError(f"{where}: `rubric` must be a list of exactly {RUBRIC_POINTS} sentences.")
    return found


def _save(ledger: Ledger, id: str, text: str) -> str:
    try:
        ledger.append("reflections", {"id": id, "text": text})
    except OSError as problem:
        return f"Your text could not be saved ({problem.strerror or problem}); copy it to keep it."
    return ""
