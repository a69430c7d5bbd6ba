"""What the guide needs to know about a lesson, read from its cells, their outputs and its files."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from nbformat import NotebookNode

from authoring.notebooks.book import Lesson
from authoring.notebooks.rules import calls, quiz_ids
from authoring.teach.sections import Section, load_quiz, pictures
from ftlessons.classroom import source
from ftlessons.classroom.checks import Exercise
from ftlessons.classroom.quizzes import Question
from ftlessons.classroom.reflection import Reflection, load_reflection

ASKED = "Guess before you run the next cell: "
SURPRISE = re.compile(r"\bsurprise of (?:this|the) lesson\b", re.IGNORECASE)
LANDMARK_WORDS = 40


@dataclass(frozen=True)
class Guess:
    """A prediction that the lesson asks for.

    Attributes:
        question: as the learner reads it.
        span: the range of the slider in brackets, or "".
        heading: of its section.
        core: whether it belongs to the core.
        asked: number of the code cell that asks.
        answered: number of the cell that uses the guess, or None.
        told: what that cell shows: its sentence, or else its figure's alt text.
    """

    question: str
    span: str
    heading: str
    core: bool
    asked: int
    answered: int | None
    told: str


def surprise(lesson: Lesson, parts: Sequence[Section]) -> tuple[str, str] | None:
    """The heading and the paragraph of the lesson's surprise.

    ``surprise`` in the metadata says it; otherwise it is the paragraph with "the surprise of this lesson".
    """
    paragraphs = [(s.heading, p) for s in parts for text in s.texts for p in text.split("\n\n")]
    found = next((pair for pair in paragraphs if SURPRISE.search(pair[1])), None)
    written = lesson.about.get("surprise")
    if written:
        return (found[0] if found else parts[-1].heading), str(written)
    return found


def numbers(lesson: Lesson, section: Section) -> str:
    """Which code cells a section holds, such as "[4]" or "[4] to [6]"; "" for none."""
    own = [*section.cells, *section.solutions]
    found = [n for n, cell in enumerate(lesson.code_cells, start=1) if any(cell is other for other in own)]
    if not found:
        return ""
    return f"[{found[0]}]" if len(found) == 1 else f"[{found[0]}] to [{found[-1]}]"


def does(section: Section) -> str:
    """What happens in a section, in a few words."""
    claims = [id for cell in section.cells for id in calls(cell, "claim")]
    said = [_several(section.count("predict"), "prediction"), _several(len(section.figures), "figure")]
    said += [f"claim {', '.join(claims)}" * bool(claims), *(f"`{name}`" for name in section.widgets)]
    said += [_several(section.questions, "question"), *(f"check `{id}`" for id in section.exercises)]
    return ", ".join(text for text in said if text)


def _several(count: int, name: str) -> str:
    return f"{count} {name}{'s' * (count > 1)}" if count else ""


def predictions(lesson: Lesson, parts: Sequence[Section]) -> list[Guess]:
    """The predictions of a lesson in order."""
    cells, found = lesson.code_cells, []
    place = {cell["id"]: section for section in parts for cell in section.cells}
    for position, cell in enumerate(cells):
        asked = next((text for text in shown(cell) if text.startswith(ASKED)), None)
        if asked is None:
            continue
        question, _, span = asked.removeprefix(ASKED).partition(" (from ")
        answered = _first_use(cells, position)
        told = landmark_of(cells[answered - 1]) if answered else ""
        section, span = place[cell["id"]], f"(From {span}" * bool(span)
        found.append(Guess(question, span, section.heading, section.core, position + 1, answered, told))
    return found


def _first_use(cells: Sequence[NotebookNode], position: int) -> int | None:
    """The number of the first later cell that reads the variable to which a guess was given."""
    given = re.search(r"^(\w+) = predict\(", cells[position].source, re.MULTILINE)
    later = enumerate(cells[position + 1 :], start=position + 2)
    return next((number for number, cell in later if given and re.search(rf"\b{given[1]}\b", cell.source)), None)


def shown(cell: NotebookNode, mime: str = "text/plain") -> list[str]:
    """The outputs of a cell in one form."""
    return ["".join(output["data"][mime]) for output in cell.outputs if mime in output.get("data", {})]


def landmark(section: Section) -> str:
    """What a learner who has run a section sees at its end: a sentence with numbers, or a figure."""
    return next((text for cell in reversed(section.cells) if (text := landmark_of(cell))), "")


def landmark_of(cell: NotebookNode) -> str:
    """The last sentence that a cell shows, or else the alt text of its figure; "" for neither."""
    told = shown(cell, "text/markdown") or [f"The figure: {alt}" for alt in pictures(cell)[-1:]]
    words = " ".join(told[-1:]).split()
    return " ".join(words[:LANDMARK_WORDS]) + " …" * (len(words) > LANDMARK_WORDS)


def quiz_of(lesson: Lesson) -> list[Question]:
    """The questions that a lesson's quiz asks; none if it has no quiz."""
    return [question for id in quiz_ids(lesson) for question in load_quiz(id)]


def reflection_of(lesson: Lesson) -> Reflection | None:
    """The "in your own words" box of a lesson, or None."""
    ids = [id or lesson.id for cell in lesson.code_cells for id in calls(cell, "reflect")]
    return load_reflection(ids[0]) if ids else None


def remedy(misconception: str | None) -> str:
    """What stands behind a wrong choice and what a teacher can say to it; "" where nothing is known."""
    if misconception is None:
        return ""
    known = _misconceptions()[misconception]
    return f"\n  - Believes: {known['belief']}\n  - In truth: {known['truth']}\n  - **Say or do:** {known['say']}"


@cache
def _misconceptions() -> dict[str, dict[str, str]]:
    return source.load_toml("misconceptions.toml")


def solution(section: Section, id: str) -> str:
    """The code of the solution of an exercise, without the line that asks to try first."""
    for cell in section.solutions:
        if id in calls(cell, "check"):
            return cell.source.removeprefix("# A solution: open it when you have tried.\n")
    return "# this exercise has no solution cell"


def complaints(exercise: Exercise) -> list[str]:
    """What the check of an exercise says to wrong answers, without running it; blanks stand for values."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(exercise.function)))
    checks = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "expect")
    told = (part for call in checks for part in call.args[1:2] if isinstance(part, ast.Constant | ast.JoinedStr))
    parts = (message.values if isinstance(message, ast.JoinedStr) else [message] for message in told)
    said = ("".join(str(x.value) if isinstance(x, ast.Constant) else "___" for x in message) for message in parts)
    return list(dict.fromkeys(said))
