"""A lesson cut into sections, each with its minutes of teaching and of exercise."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from nbformat import NotebookNode

import ftlessons
from authoring.notebooks import rules
from authoring.notebooks.book import Lesson, LessonError, tags
from authoring.notebooks.rules import alt_texts, calls
from ftlessons.classroom import quizzes

OPENING, QUIZ, REFLECTION = "Opening", "Quiz", "In your own words"
CLOSING = ("With your data", "When I would not", "Summary", "Go bigger")
# what a lesson shows for the learner to play with; what every lesson shows (a quiz, a guess) is no widget here
WIDGETS = tuple(sorted(rules.widget_makers() - set(ftlessons.__all__)))

# what people take for a thing: the one formula that makes the minutes of headers, guides and plans; what rounding up
# to a whole step leaves is time to think
WORDS_PER_MINUTE, LINES_PER_MINUTE, STEP = 160, 8, 5
MINUTES = {
    "figure": 0.75, "claim": 0.75, "prediction": 1.0, "widget": 4.0, "quiz question": 0.75, "exercise": 5.0,
    "reflection": 3.0,
}  # fmt: skip


@dataclass
class Section:
    """A part of a lesson under one heading.

    Attributes:
        heading: the text of the heading; "Opening", "Quiz" and "In your own words" where there is none.
        core: whether it belongs to the core.
        order: its Markdown, without the heading, and its code cells, without solutions, as they follow each other.
        solutions: the reference solutions, if it is an exercise.
        questions: how many its quiz has.
        teaching: minutes in which the teacher speaks or shows.
        exercise: minutes in which the learners guess, try or answer.
    """

    heading: str
    core: bool
    order: list[str | NotebookNode] = field(default_factory=list)
    solutions: list[NotebookNode] = field(default_factory=list)
    questions: int = 0
    teaching: int = 0
    exercise: int = 0

    @property
    def texts(self) -> list[str]:
        """Its Markdown."""
        return [part for part in self.order if isinstance(part, str)]

    @property
    def cells(self) -> list[NotebookNode]:
        """Its code cells, solutions left out."""
        return [part for part in self.order if not isinstance(part, str)]

    @property
    def minutes(self) -> int:
        """Teaching and exercise together."""
        return self.teaching + self.exercise

    @property
    def kind(self) -> str:
        """``opening``, ``quiz``, ``reflection``, ``exercise``, ``closing`` or ``teach``."""
        fixed = {OPENING: "opening", QUIZ: "quiz", REFLECTION: "reflection"}
        if self.heading in fixed:
            return fixed[self.heading]
        return "exercise" if self.exercises else "closing" if self.heading.startswith(CLOSING) else "teach"

    @property
    def exercises(self) -> list[str]:
        """Ids of its exercises."""
        found = (id for cell in [*self.cells, *self.solutions] for id in calls(cell, "check"))
        return list(dict.fromkeys(found))

    def count(self, function: str) -> int:
        """How often its code calls ``function``."""
        return sum(len(calls(cell, function)) for cell in self.cells)

    @property
    def figures(self) -> list[str]:
        """The alt texts of its figures."""
        return [alt for cell in self.cells for alt in pictures(cell)]

    @property
    def widgets(self) -> list[str]:
        """Names of the widgets that it shows."""
        return [name for name in WIDGETS if self.count(name)]


def pictures(cell: NotebookNode) -> list[str]:
    """The alt texts of the figures that a code cell shows.

    >>> from nbformat.v4 import new_code_cell
    >>> pictures(new_code_cell("1 + 1"))
    []
    """
    return [alt for output in cell.outputs for alt in alt_texts("".join(output.get("data", {}).get("text/html", "")))]


load_quiz = cache(quizzes.load_quiz)  # a kit asks for the same one many times


def headed(text: str) -> Iterator[tuple[str | None, str]]:
    """Cut Markdown at its headings of the first two levels; code fences are left alone.

    Yields:
        The heading, or None for what stands before the first one, and the text below it.

    >>> list(headed("a\\n## B\\nc"))
    [(None, 'a'), ('B', 'c')]
    """
    heading, lines, fenced = None, [], False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        found = None if fenced else re.match(r"##? +(.+)", line)
        if found:
            yield heading, "\n".join(lines)
            heading, lines = found[1].strip(), []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def sections(lesson: Lesson) -> list[Section]:
    """The sections of a lesson in order, with their minutes.

    Raises:
        LessonError: ``section_minutes`` of the metadata names a heading that is not there, or asks too much.
    """
    found = parts(lesson)
    _share_out(lesson, found)
    return found


def parts(lesson: Lesson) -> list[Section]:
    """The sections of a lesson in order, before its minutes are shared out among them."""
    found = [Section(OPENING, core=True)]
    for cell in lesson.notebook.cells:
        if {"header", "colab"} & set(tags(cell)):
            continue
        core = found[-1].core and "extra" not in tags(cell)
        if cell.cell_type == "code":
            own = QUIZ if calls(cell, "quiz") else REFLECTION if calls(cell, "reflect") else None
            if own and found[-1].heading != own:
                found.append(Section(own, core))
            found[-1].questions += sum(len(load_quiz(id or lesson.id)) for id in calls(cell, "quiz"))
            (found[-1].solutions if "solution" in tags(cell) else found[-1].order).append(cell)
            continue
        for heading, text in headed(cell.source):
            if heading is not None and "title" not in tags(cell):
                found.append(Section(heading, core))
            found[-1].order += [text.strip()] if text.strip() else []
    return [section for section in found if section.order]


def raw_minutes(section: Section) -> tuple[float, float]:
    """Minutes of teaching and of exercise at the rates of this module, without time to think."""
    words = sum(len(text.split()) for text in section.texts)
    lines = sum(len(cell.source.splitlines()) for cell in section.cells)
    reading = words / WORDS_PER_MINUTE + lines / LINES_PER_MINUTE
    tries = MINUTES["prediction"] * section.count("predict") + MINUTES["widget"] * len(section.widgets)
    if section.kind == "exercise":
        return 0.0, reading + tries + MINUTES["exercise"] * len(section.exercises)
    if section.kind == "quiz":
        return 0.0, MINUTES["quiz question"] * section.questions
    if section.kind == "reflection":
        return 0.0, MINUTES["reflection"]
    shown = MINUTES["figure"] * len(section.figures) + MINUTES["claim"] * section.count("claim")
    return reading + shown, tries


def core_minutes(lesson: Lesson) -> float:
    """What the core takes at the rates of this module, or as its author says in ``section_minutes``, and to compute."""
    fixed = lesson.about.get("section_minutes", {})
    computing = lesson.about.get("seconds", 0) / 60
    return computing + sum(sum(fixed.get(part.heading) or raw_minutes(part)) for part in parts(lesson) if part.core)


def planned_minutes(lesson: Lesson) -> int:
    """The minutes that header and plans give a core: what it takes, rounded up to a whole step of five."""
    return STEP * math.ceil(core_minutes(lesson) / STEP)


def _share_out(lesson: Lesson, found: list[Section]) -> None:
    """Give each section its minutes and its share of the time to think: the core's sum is the lesson's ``minutes``.

    Extras go at the same pace.
    """
    fixed = lesson.about.get("section_minutes", {})
    unknown = sorted(set(fixed) - {section.heading for section in found})
    if unknown:
        raise LessonError(f"Lesson {lesson.id}, metadata.ftlib.section_minutes: there is no heading {unknown[0]!r}.")
    free = [section for section in found if section.core and section.heading not in fixed]
    left = lesson.about["minutes"] - sum(sum(fixed[s.heading]) for s in found if s.core and s.heading in fixed)
    if left < len(free):
        where = f"Lesson {lesson.id}, metadata.ftlib.section_minutes"
        raise LessonError(f"{where}: they leave {left} minutes for {len(free)} other sections.")
    pace = left / (sum(sum(raw_minutes(section)) for section in free) or 1)
    wanted = [pace * sum(raw_minutes(section)) for section in free]
    for section, minutes in zip(free, whole_shares(wanted, left), strict=True):
        _split(section, minutes)
    for section in found:
        if section.heading in fixed:
            section.teaching, section.exercise = fixed[section.heading]
        elif not section.core:
            _split(section, max(1, round(pace * sum(raw_minutes(section)))))


def _split(section: Section, minutes: int) -> None:
    teaching, exercise = raw_minutes(section)
    section.exercise = round(minutes * exercise / ((teaching + exercise) or 1))
    section.teaching = minutes - section.exercise


def whole_shares(wanted: list[float], total: int) -> list[int]:
    """Whole minutes of at least 1 whose sum is ``total``, as close to what is wanted as that allows.

    >>> whole_shares([0.2, 3.4, 6.4], 10)
    [1, 3, 6]
    """
    shares = [max(1, int(share)) for share in wanted]
    while sum(shares) != total and shares:
        step = 1 if sum(shares) < total else -1
        able = [i for i in range(len(shares)) if step > 0 or shares[i] > 1]
        if not able:
            break
        chosen = max(able, key=lambda i: step * (wanted[i] - shares[i]))
        shares[chosen] += step
    return shares
