"""Guess before you look: a learner's locked guess, drawn over the measured result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ftlessons.classroom import records
from ftlessons.classroom.display import emit, rich
from ftlessons.classroom.session import current_lesson
from ftlessons.classroom.source import CourseDataError
from ftlessons.classroom.storage import Ledger

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONFIDENCE = (50, 100)


class Prediction:
    """A guess, empty until the learner locks it.

    Attributes:
        value: the guess in the question's unit, or None.
        confidence: how sure the learner is, 50 to 100 per cent, or None.
        span: lower and upper end of the slider, or None where there is none.
    """

    def __init__(
        self,
        id: str,
        question: str,
        unit: str = "",
        ledger: Ledger | None = None,
        span: tuple[float, float] | None = None,
    ) -> None:
        self.id, self.question, self.unit, self.span = id, question, unit, span
        self.value: float | None = None
        self.confidence: int | None = None
        self._ledger = ledger or Ledger()
        self._trouble = ""

    def lock(self, value: float, confidence: int) -> None:
        """Fix the guess and keep it in the ledger; a locked guess stays as it is.

        Raises:
            ValueError: `value` is not finite or `confidence` is not between 50 and 100.
        """
        if self.value is not None:
            return
        if not math.isfinite(value):
            raise ValueError(f"Prediction {self.id!r}: the guess must be a finite number, not {value}.")
        if not CONFIDENCE[0] <= confidence <= CONFIDENCE[1]:
            raise ValueError(
                f"Prediction {self.id!r}: confidence runs from 50 to 100 per cent, not {confidence}."
            )
        self.value, self.confidence = float(value), int(confidence)
        entry = {
            "id": self.id, "lesson": current_lesson(), "question": self.question,
            "value": self.value, "unit": self.unit, "confidence": self.confidence,
        }  # fmt: skip
        try:
            self._ledger.append("predictions", entry)
        except OSError as problem:
            self._trouble = (
                f" It could not be saved ({problem.strerror or problem}) and lasts until you restart."
            )

    def recall(self, low: float, high: float) -> None:
        """Take the newest guess from the ledger, if it lies between `low` and `high`."""
        entry = self._ledger.latest("predictions", self.id) or {}
        value, confidence = entry.get("value"), entry.get("confidence")
        if _is_number(value) and _is_number(confidence) and low <= value <= high:
            self.value, self.confidence = (
                float(value),
                int(min(max(confidence, CONFIDENCE[0]), CONFIDENCE[1])),
            )

    def asked(self) -> str:
        """The question with its unit."""
        return f"{self.question} ({self.unit})" if self.unit else self.question

    def status(self) -> str:
        """One sentence: what is locked, or what to do."""
        if self.value is None:
            return "Set both sliders and lock your guess before you run the next cell."
        return f"Locked: {self._amount(self.value)}, {self.confidence} % sure.{self._trouble}"

    def draw(self, ax: Axes, y: float | None = None) -> None:
        """Draw the guess as a dashed horizontal line with its label; nothing where there is no guess.

        Args:
            ax: the axes on which the result is plotted, its y axis in the question's unit.
            y: the measured value; if given, the label says how far off the guess is, and the ledger keeps
                both for the learner's `calibration`.
        """
        if self.value is None:
            return
        line = ax.axhline(self.value, linestyle="--", linewidth=1.2, color="0.45", zorder=1)
        line.set_gid(f"guess-{self.id}")
        text = f"your guess: {self._amount(self.value)}"
        if y is not None:
            text += f", {abs(y - self.value):.3g} off"
            self._keep_measured(float(y))
        across = ax.get_yaxis_transform()
        style = {"va": "bottom", "ha": "right", "fontsize": "small", "color": "0.35"}
        ax.text(0.99, self.value, text, transform=across, **style)

    def reveal(self, ax: Axes, x: float, y: float) -> None:
        """Draw the guess over one measured point; nothing where there is no guess.

        Args:
            ax: the axes on which the result is plotted.
            x: where on the x axis the guess belongs.
            y: the measured value there; a dotted line joins it to the guess.
        """
        if self.value is None:
            return
        self.draw(ax, y=y)
        ax.plot([x, x], [self.value, y], linestyle=":", linewidth=1.2, color="0.45", zorder=1)
        ax.plot([x], [self.value], marker="D", markersize=6, markerfacecolor="none", color="0.45", zorder=3)

    def against(self, y: float) -> str:
        """One sentence that sets the guess beside the measured value `y`; "" where there is no guess.

        The ledger keeps both, as after `draw`. It is for results that are told and not plotted.
        """
        if self.value is None:
            return ""
        self._keep_measured(float(y))
        return f"You guessed {self._amount(self.value)}, {abs(y - self.value):.3g} off."

    def _keep_measured(self, y: float) -> None:
        if self.span is None or self.value is None or not math.isfinite(y):
            return
        entry = {
            "id": self.id, "lesson": current_lesson(), "guess": self.value, "confidence": self.confidence,
            "measured": y, "low": self.span[0], "high": self.span[1],
        }  # fmt: skip
        trouble = records.keep_first("measured", entry, ("id",), self._ledger)
        if trouble:
            print(f"Your guess counts in this run, but not in your calibration. {trouble}")

    def _amount(self, value: float) -> str:
        return f"{value:.4g} {self.unit}".rstrip()

    def __repr__(self) -> str:
        return f"Prediction({self.id!r}, value={self.value}, confidence={self.confidence})"

    def _ipython_display_(self) -> None:
        """Show nothing: `predict` has already shown the sliders."""


def predict(
    id: str,
    question: str,
    low: float,
    high: float,
    unit: str = "",
    *,
    step: float | None = None,
    again: bool = False,
) -> Prediction:
    """Ask for a guess and a confidence before a result is shown.

    The guess is kept in ``.ftlib/ledger.json`` beside the notebook and comes back when the cell runs
    again. Ask for it with ``again=True`` to guess anew; the old guess stays in the ledger.

    Args:
        id: names the guess, unique in the course: ``"03-head-at-one-label"``.
        question: one sentence, shown above the sliders.
        low: lower end of the slider, in `unit`.
        high: upper end of the slider, in `unit`.
        unit: such as "accuracy" or "s".
        step: of the slider; a hundredth of the range by default.
        again: forget the guess of an earlier run.

    Returns:
        The prediction: `draw` or `reveal` it over the result.

    Raises:
        CourseDataError: the id or the question is empty, or the range or the step makes no sense.
    """
    if not id or not question:
        raise CourseDataError("predict() needs an id and a question.")
    step = (high - low) / 100 if step is None else step
    if not (math.isfinite(low) and math.isfinite(high) and low < high and 0 < step <= high - low):
        raise CourseDataError(
            f"predict({id!r}): low={low}, high={high}, step={step} is no range; low < high is needed."
        )
    prediction = Prediction(id, question, unit, span=(float(low), float(high)))
    if not again:
        prediction.recall(low, high)

    def widget() -> Any:
        from ftlessons.classroom.widgets import prediction_widget

        return prediction_widget(prediction, low, high, step)

    span = f"from {low:g} to {high:g} {unit}".rstrip()
    plain = f"Guess before you run the next cell: {question} ({span})"
    html = f"<p><strong>Guess before you run the next cell:</strong> {rich(question)} ({rich(span)})</p>"
    emit(plain, widget=widget, **{"text/html": html})
    return prediction


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
