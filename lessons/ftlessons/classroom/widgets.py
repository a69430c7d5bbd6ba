"""The live forms of quiz, reflection and prediction, for ipywidgets 7.7 and 8 alike.

Buttons carry one short word and the long text stands in an HTML widget beside them, because a button's
own text neither wraps nor shows code. State is told in words, never by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from ftlessons.classroom.display import rich
from ftlessons.classroom.quizzes import Choice, Question

if TYPE_CHECKING:
    from ftlessons.classroom.predictions import Prediction
    from ftlessons.classroom.reflection import Reflection


def paragraph(content: str, **layout: str) -> ipywidgets.HTML:
    """An HTML widget whose text wraps; `content` is HTML, `layout` goes to `ipywidgets.Layout`."""
    return ipywidgets.HTML(_wrapped(content), layout=ipywidgets.Layout(**{"width": "auto", **layout}))


def say(target: ipywidgets.HTML, content: str) -> None:
    """Replace the text of a `paragraph`; screen readers are told of it."""
    target.value = f'<div role="status">{_wrapped(content)}</div>'


def quiz_widget(
    questions: tuple[Question, ...], keep: Callable[[str, bool], str] | None = None
) -> ipywidgets.VBox:
    """All questions, each answered by a click (or Tab and Space), and the score at the end.

    A learner may try every choice; the score counts the first.

    Args:
        questions: the quiz.
        keep: gets a question's text and whether its first try was right; returns what to tell the
            learner if that could not be saved.
    """
    first_tries: dict[int, bool] = {}
    score = paragraph("")

    def count(number: int, correct: bool) -> None:
        trouble = ""
        if number not in first_tries:
            first_tries[number] = correct
            trouble = keep(questions[number - 1].text, correct) if keep else ""
        right = sum(first_tries.values())
        result = f"{right} of {len(questions)} right at the first try, {len(first_tries)} answered."
        say(score, rich(f"{result} {trouble}".rstrip()))

    blocks = [_question_box(number, question, count) for number, question in enumerate(questions, start=1)]
    say(score, f"0 of {len(questions)} answered. Press the letter of your choice.")
    return ipywidgets.VBox([*blocks, score]).add_class("ftlib-quiz")


def _question_box(number: int, question: Question, count: Callable[[int, bool], None]) -> ipywidgets.VBox:
    feedback = paragraph("")

    def row(letter: str, choice: Choice) -> ipywidgets.HBox:
        def answer(button: ipywidgets.Button) -> None:
            button.description = f"{letter} {'✓' if choice.correct else '✗'}"
            say(feedback, f"<strong>{letter}.</strong> {rich(choice.response)}")
            count(number, choice.correct)

        narrow = ipywidgets.Layout(width="3.5em", flex="0 0 auto")
        button = ipywidgets.Button(description=letter, tooltip=choice.text, layout=narrow)
        button.on_click(answer)
        text = paragraph(rich(choice.text), flex="1 1 0%", min_width="0")
        return ipywidgets.HBox([button, text], layout=ipywidgets.Layout(align_items="flex-start"))

    heading = paragraph(f"<strong>{rich(question.heading(number))}</strong>{question.exhibit()}")
    rows = [row(letter, choice) for letter, choice in question.labelled()]
    return ipywidgets.VBox([heading, *rows, feedback], layout=ipywidgets.Layout(margin="0 0 1em 0"))


def reflection_widget(reflection: Reflection, written: str, save: Callable[[str], str]) -> ipywidgets.VBox:
    """A text box whose model answer appears only once the learner has written enough.

    Args:
        reflection: the question with its model answer and rubric.
        written: what the learner wrote earlier, put back into the box.
        save: keeps a text that is long enough; returns what to tell the learner if it could not.
    """
    box = ipywidgets.Textarea(
        value=written,
        placeholder="Write here, in your own words.",
        layout=ipywidgets.Layout(width="auto", height="8em"),
    )
    button = ipywidgets.Button(description="Compare", tooltip="Show the model answer and the rubric")
    feedback = paragraph("")

    def compare(_: Any) -> None:
        missing = reflection.words_missing(box.value)
        if missing:
            say(
                feedback,
                f"{missing} more word{'s' * (missing > 1)} first: writing it down is what makes it stick.",
            )
            return
        trouble = save(box.value)
        say(feedback, reflection.answer_html() + (f"<p>{rich(trouble)}</p>" if trouble else ""))

    button.on_click(compare)
    heading = paragraph(f"<strong>In your own words.</strong> {rich(reflection.question)}")
    return ipywidgets.VBox([heading, box, button, feedback]).add_class("ftlib-reflect")


def prediction_widget(prediction: Prediction, low: float, high: float, step: float) -> ipywidgets.VBox:
    """Sliders for a guess and how sure the learner is, and the button that locks both."""
    style = {"description_width": "7em"}
    wide = ipywidgets.Layout(width="min(36em, 95%)")
    guess = ipywidgets.FloatSlider(
        description="My guess",
        value=(low + high) / 2,
        min=low,
        max=high,
        step=step,
        readout_format=f".{max(0, math.ceil(-math.log10(step)))}f",
        continuous_update=False,
        style=style,
        layout=wide,
    )
    sure = ipywidgets.IntSlider(
        description="How sure (%)", value=70, min=50, max=100, step=5, style=style, layout=wide
    )
    button = ipywidgets.Button(description="Lock my guess", tooltip="A locked guess can't be changed")
    status = paragraph("")

    def settle() -> None:
        if prediction.value is not None:
            guess.value, sure.value = prediction.value, prediction.confidence
            guess.disabled = sure.disabled = button.disabled = True
        say(status, rich(prediction.status()))

    def lock(_: Any) -> None:
        prediction.lock(guess.value, sure.value)
        settle()

    button.on_click(lock)
    settle()
    heading = paragraph(f"<strong>Guess first.</strong> {rich(prediction.asked())}")
    return ipywidgets.VBox([heading, guess, sure, button, status]).add_class("ftlib-predict")


def _wrapped(content: str) -> str:
    return f'<div style="line-height:1.5; white-space:normal; overflow-wrap:anywhere">{content}</div>'
