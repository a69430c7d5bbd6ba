"""Claims with a test fixed beforehand: measured in a lesson, judged here, compared with the record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ftlessons.classroom import source
from ftlessons.classroom.display import as_table, emit, rich
from ftlessons.classroom.session import lesson_id
from ftlessons.classroom.source import CourseDataError
from ftlib import runtime

CLAIM_MIME = "application/vnd.ftlib.claim+json"
CLAIMS_FILE = "claims.toml"
VERDICTS = ("supported", "conditional", "refuted", "undecided")

Verdict = Literal["supported", "conditional", "refuted", "undecided"]


class ClaimChanged(AssertionError):
    """A claim's verdict differs from the recorded one."""


class Interval(Protocol):
    """An estimate with its interval, in the unit of the claim's quantity."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClaimTest:
    """The test of a claim in one lesson, written down before it was measured.

    The claim holds where the interval of `quantity` lies wholly above `threshold`. `verdict` is the one
    on record.
    """

    id: str
    statement: str
    lesson: str
    quantity: str
    threshold: float
    verdict: Verdict


def load_claims() -> dict[tuple[str, str], ClaimTest]:
    """All tests in ``data/claims.toml``, by claim and lesson.

    Raises:
        CourseDataError: an entry is incomplete or stands twice; the sentence names it.
    """
    tests: dict[tuple[str, str], ClaimTest] = {}
    for id, table in source.load_toml(CLAIMS_FILE).items():
        where = f"data/{CLAIMS_FILE}, {id}"
        source.only_keys(table, {"statement", "test"}, where)
        for row in table.get("test", ()):
            test = source.record(ClaimTest, row, where, id=id, statement=source.text_field(table, "statement", where))
            if not math.isfinite(test.threshold):
                raise CourseDataError(f"{where}, lesson {test.lesson}: `threshold` must be a number.")
            if test.verdict not in VERDICTS:
                known = ", ".join(VERDICTS)
                raise CourseDataError(f"{where}, lesson {test.lesson}: verdict {test.verdict!r} is not one of {known}.")
            if (id, test.lesson) in tests:
                raise CourseDataError(f"{where}: lesson {test.lesson} has two tests; keep one.")
            tests[id, test.lesson] = test
    return tests


def judge(interval: Interval, threshold: float) -> Verdict:
    """One condition: supported above the threshold, refuted below it, undecided where they overlap."""
    if interval.low > threshold:
        return "supported"
    return "refuted" if interval.high < threshold else "undecided"


def overall(verdicts: list[Verdict]) -> Verdict:
    """The verdict over all conditions.

    Conditional if only some support the claim; refuted if some speak against it and none for it.

    >>> overall(["supported", "refuted"]), overall(["supported", "undecided"]), overall(["refuted", "undecided"])
    ('conditional', 'conditional', 'refuted')
    """
    kinds = set(verdicts)
    if len(kinds) == 1:
        return kinds.pop()
    return "conditional" if "supported" in kinds else "refuted"


def claim(id: str, conditions: Interval | Mapping[str, Interval], text: str | None = None) -> None:
    """Judge a claim by what this lesson measured and show the verdict in one line.

    The output also carries ``application/vnd.ftlib.claim+json``, from which ``python -m authoring claims``
    makes its table.

    Args:
        id: such as "C1", with a test for this lesson in ``data/claims.toml``.
        conditions: one interval, or one for each condition by name: ``{"1 per class": interval}``.
        text: the claim in this lesson's words; the statement on record by default.

    Raises:
        CourseDataError: no such test, or an interval that is none.
        ClaimChanged: in strict mode, when the verdict is not the recorded one.
    """
    lesson = lesson_id(None, "claim()")
    test = load_claims().get((id, lesson))
    if test is None:
        raise CourseDataError(
            f"data/{CLAIMS_FILE} has no test of {id} for lesson {lesson}: write one down first."
        )
    intervals = dict(conditions) if isinstance(conditions, Mapping) else {"": conditions}
    record = _record(test, intervals, text or test.statement)
    line, shown = _line(record), _html(record)
    if record["verdict"] != test.verdict:
        changed = f"Not in this run: recorded was {test.verdict}. Why might that be?"
        line, shown = f"{line}\n{changed}", f"{shown}<p>{changed}</p>"
    emit(line, **{"text/html": shown, CLAIM_MIME: record})
    if record["verdict"] != test.verdict and runtime.strict():
        raise ClaimChanged(
            f"{id} in lesson {lesson} is recorded as {test.verdict}; this run says: {_line(record)}"
        )


def _record(test: ClaimTest, intervals: dict[str, Interval], text: str) -> dict[str, Any]:
    """The claim's JSON; `value` and `interval` are those of the condition that supports it least."""
    if not intervals:
        raise CourseDataError(
            f"claim({test.id!r}): there is no condition to judge; give at least one interval."
        )
    rows = [_condition(test, name, interval) for name, interval in intervals.items()]
    weakest = min(rows, key=lambda row: row["interval"][0])
    return {
        "id": test.id,
        "lesson": test.lesson,
        "text": text,
        "quantity": test.quantity,
        "threshold": test.threshold,
        "value": weakest["value"],
        "interval": weakest["interval"],
        "conditions": rows,
        "verdict": overall([row["verdict"] for row in rows]),
    }


def _condition(test: ClaimTest, name: str, interval: Interval) -> dict[str, Any]:
    where = f"claim({test.id!r}){', condition ' + repr(name) if name else ''}"
    try:
        value, low, high = float(interval.value), float(interval.low), float(interval.high)
    except (AttributeError, TypeError, ValueError):
        raise CourseDataError(
            f"{where}: expected an interval with value, low and high, got {interval!r}."
        ) from None
    if not all(map(math.isfinite, (value, low, high))) or low > high:
        raise CourseDataError(
            f"{where}: value {value}, low {low}, high {high} is no interval; was a run NaN?"
        )
    return {
        "condition": name,
        "value": round(value, 6),
        "interval": [round(low, 6), round(high, 6)],
        "verdict": judge(interval, test.threshold),
    }


def _line(record: dict[str, Any]) -> str:
    parts = [f"{record['id']} {record['verdict']}: {record['text']}"]
    for row in record["conditions"]:
        low, high = row["interval"]
        name = f"{row['condition']}: " if row["condition"] else ""
        parts.append(f"{name}{row['value']:+.3g} [{low:.3g}, {high:.3g}]")
    return " | ".join(parts)


def _html(record: dict[str, Any]) -> str:
    """The claim with one line a condition, each with its own verdict in words."""
    rows = [
        (rich(row["condition"]) or "all", f"{row['value']:+.3f}",
         f"{row['interval'][0]:+.3f} to {row['interval'][1]:+.3f}", row["verdict"])
        for row in record["conditions"]
    ]  # fmt: skip
    head = f"<p><strong>{record['id']} {record['verdict']}.</strong> {rich(record['text'])}</p>"
    measured = f"<p>Measured: {rich(record['quantity'])}. It holds where the whole interval lies "
    measured += f"above {record['threshold']:g}.</p>"
    return head + measured + as_table(("condition", "mean", "95 % interval", "this one alone"), rows, left=(0, 3))
