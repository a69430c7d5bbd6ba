"""The learner's own path: five questions, and the lessons that suit the answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftlessons.classroom.course import Entry, load_course
from ftlessons.classroom.display import emit

DOMAINS = {
    "language": "Language", "vision": "Images", "speech": "Speech", "robotics": "Robots", "retail": "Retail",
}  # fmt: skip
KNOWLEDGE = {
    "little": "little Python so far",
    "python": "Python, but no neural networks",
    "networks": "I have trained neural networks",
}
# minutes on offer in the form; None is as much as it takes
TIMES = {"30 minutes": 30, "90 minutes": 90, "half a day": 240, "two days": 720, "as much as it takes": None}
FIRST, RECIPE, OWN_DATA = "00", "03", "20"
FOUNDATIONS, DEPTH, SCALE = ("01", "02"), ("04", "05", "18"), "19"
TASTER_MINUTES, SHORTEST_RECIPE, SHORTEST_EXTRAS = 90, 30, 10
RULE = (
    "Everyone takes 00 and 03. Then come the lessons of your domains, the first of each before the others; "
    "20 if you have data of your own; 01 and 02 if neural networks are new to you; 04, 05 and 18 for depth, "
    "and 19 if you have trained networks before. Whatever a lesson requires comes before it. What does not fit "
    "into your time is left out, the end of this list first. A teacher with up to 90 minutes takes 00, "
    "the core of 03, and its extras for the time that is left."
)


@dataclass(frozen=True)
class Answers:
    """The answers to the five questions.

    Attributes:
        domains: keys of `DOMAINS`, the most wanted first.
        knows: a key of `KNOWLEDGE`.
        minutes: time in all, or None for as much as it takes.
        teacher: whether the path is for a class.
        own_data: whether there is data of one's own to fine-tune on.

    Raises:
        ValueError: a domain or the knowledge is unknown, or the minutes are not positive.
    """

    domains: tuple[str, ...] = ()
    knows: str = "python"
    minutes: int | None = None
    teacher: bool = False
    own_data: bool = False

    def __post_init__(self) -> None:
        unknown = [domain for domain in self.domains if domain not in DOMAINS]
        if unknown:
            raise ValueError(f"There is no domain {unknown[0]!r}: choose from {', '.join(DOMAINS)}.")
        if self.knows not in KNOWLEDGE:
            raise ValueError(f"knows={self.knows!r}: choose from {', '.join(KNOWLEDGE)}.")
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes={self.minutes}: give a positive number, or None for no limit.")


@dataclass(frozen=True)
class Step:
    """One lesson on a path; `file` is None for a lesson that is still to come, which takes no time yet."""

    id: str
    title: str
    why: str
    minutes: int
    file: str | None

    @property
    def is_built(self) -> bool:
        """Whether the lesson can be taken now."""
        return self.file is not None


@dataclass(frozen=True)
class Plan:
    """A path in the order of the course, and sentences on what was left out or matters beforehand."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    @property
    def minutes(self) -> int:
        """Time for the lessons that can be taken now."""
        return sum(step.minutes for step in self.steps if step.is_built)

    def as_markdown(self) -> str:
        """The path as a numbered list with links, then what is still to come, then the notes."""
        now = [step for step in self.steps if step.is_built]
        lines = [
            f"{n}. [{step.id} · {step.title}]({step.file}), {step.minutes} minutes: {step.why}."
            for n, step in enumerate(now, start=1)
        ]
        coming = " · ".join(f"{step.id} {step.title}" for step in self.steps if not step.is_built)
        parts = ["\n".join(lines), f"**{self.minutes} minutes in all.**" if now else ""]
        parts += [f"Still to come on your path: {coming}." if coming else "", *self.notes]
        return "\n\n".join(part for part in parts if part)


def plan(answers: Answers, course: Mapping[str, Entry] | None = None) -> Plan:
    """The lessons that suit the answers, with all that they require, within the time.

    Args:
        answers: to the five questions.
        course: the lessons by id; by default those of this course.
    """
    course = load_course() if course is None else course
    if answers.teacher and answers.minutes is not None and answers.minutes <= TASTER_MINUTES:
        return _taster(answers.minutes, course)
    chosen, dropped = _fitting(_wanted(answers, course), answers.minutes, course)
    steps = tuple(_step(course[id], chosen[id]) for id in sorted(chosen))
    return Plan(steps, tuple(_notes(answers, steps, dropped, course)))


def _wanted(answers: Answers, course: Mapping[str, Entry]) -> dict[str, str]:
    """Why each wanted lesson is on the path, the most important first; nothing about time."""
    wanted = {FIRST: "everyone starts here", RECIPE: "the recipe that all later lessons repeat"}
    of = {domain: [id for id, entry in course.items() if entry.domain == domain] for domain in answers.domains}
    wanted |= {ids[0]: f"your first lesson on {DOMAINS[domain].lower()}" for domain, ids in of.items() if ids}
    if answers.own_data:
        wanted[OWN_DATA] = "the same on data of your own"
    if answers.knows != "networks":
        wanted |= dict.fromkeys(FOUNDATIONS, "neural networks are new to you")
    for domain, ids in of.items():
        wanted |= dict.fromkeys(ids[1:], f"more on {DOMAINS[domain].lower()}")
    wanted |= dict.fromkeys(DEPTH, "for depth")
    if answers.knows == "networks":
        wanted[SCALE] = "for depth"
    return {id: why for id, why in wanted.items() if id in course}


def _fitting(
    wanted: Mapping[str, str], minutes: int | None, course: Mapping[str, Entry]
) -> tuple[dict[str, str], list[str]]:
    """Take what fits with all that it requires; return the reasons of what was taken, and what was not."""
    left = math.inf if minutes is None else minutes
    chosen: dict[str, str] = {}
    dropped = []
    for id, why in wanted.items():
        new = [needed for needed in closure(id, course) if needed not in chosen]
        cost = sum(course[needed].minutes for needed in new if course[needed].file)
        if cost > left:
            dropped.append(id)
            continue
        left -= cost
        chosen |= {needed: wanted.get(needed, f"lesson {id} builds on it") for needed in new} | {id: why}
    return chosen, [id for id in dropped if id not in chosen]


def closure(id: str, course: Mapping[str, Entry]) -> list[str]:
    """A lesson and everything that it requires, directly or through others, in the order of the course."""
    needed, waiting = set(), [id]
    while waiting:
        current = waiting.pop()
        if current not in needed:
            needed.add(current)
            waiting += course[current].requires
    return sorted(needed)


def _notes(
    answers: Answers, steps: tuple[Step, ...], dropped: list[str], course: Mapping[str, Entry]
) -> list[str]:
    notes = []
    if answers.knows == "little":
        notes.append("You need functions, loops and lists from Python. If these are new, take a first Python course.")
    if not answers.domains:
        notes.append("You chose no domain yet. Lesson 03 works on pictures, and what it teaches holds for all.")
    lost = [DOMAINS[d].lower() for d in answers.domains if not any(course[s.id].domain == d for s in steps)]
    if lost and answers.minutes is not None:
        notes.append(f"{answers.minutes} minutes leave no room for {' and '.join(lost)}: come back for that.")
    late = [f"{id} {course[id].title}" for id in dropped if course[id].file]
    if late:
        notes.append(f"Left out, because {answers.minutes} minutes are not enough: {' · '.join(late)}.")
    if answers.teacher:
        notes.append("Take each lesson yourself first. Let the class guess aloud before every result.")
    return notes


def _taster(minutes: int, course: Mapping[str, Entry]) -> Plan:
    """Up to 90 minutes with a class: 00, as much of 03 as fits, and its extras for the rest."""
    first, recipe = course[FIRST], course[RECIPE]
    steps = [_step(first, "run it together, and let everyone guess first")] if first.minutes <= minutes else []
    left = minutes - sum(step.minutes for step in steps)
    notes = ["Before the class: start each notebook once on the machines that you will use."]
    if left >= SHORTEST_RECIPE:
        core = min(recipe.minutes, left)
        cut = "" if core == recipe.minutes else ", up to the label-budget curve"
        steps.append(_step(recipe, f"the five steps{cut}", core))
        left -= core
        if left >= SHORTEST_EXTRAS:
            steps.append(_step(recipe, "its extras, each group takes another one and reports", left))
    else:
        notes.append(f"{minutes} minutes are too short for lesson 03: give it as homework, or take 30 minutes more.")
    return Plan(tuple(steps), tuple(notes))


def _step(entry: Entry, why: str, minutes: int | None = None) -> Step:
    return Step(entry.id, entry.title, why, minutes or entry.minutes, entry.file)


def my_path() -> None:
    """Ask five questions and show the path that suits the answers; without widgets, the rule and the lessons."""
    course = load_course()

    def widget() -> Any:
        from ftlessons.lesson00.path_form import path_widget

        return path_widget(course)

    text = as_markdown(course)
    emit(text, widget=widget, **{"text/markdown": text})


def as_markdown(course: Mapping[str, Entry]) -> str:
    """The rule by which a path is chosen, and the lessons of each domain."""
    lines = [f"How to choose your path. {RULE}", ""]
    for domain, name in DOMAINS.items():
        lessons = [
            f"[{entry.id} {entry.title}]({entry.file})" if entry.file else f"{entry.id} {entry.title} (to come)"
            for entry in course.values()
            if entry.domain == domain
        ]
        lines.append(f"- {name}: {' · '.join(lessons) or 'nothing yet'}")
    return "\n".join(lines)
