"""Exercises that say what is wrong: `exercise` registers a check, `check` runs it in a lesson.

The checks of lesson 03 live in ``lessons/ftlessons/lesson03/checks.py`` and look like this::

    @exercise(
        "03-first-stage",
        hints=("Which stage holds the most task-specific features?", "It is the one next to the head."),
    )
    def first_stage(answer):
        expect(isinstance(answer, str), "the answer should be the name of a stage, such as 'layer1'")
        expect(answer == "layer4", f"{answer} holds features that suit every picture")
        return "layer4 is the most specific to the source task, so it has the most to gain."

The value that the function returns is the sentence on *why* the answer is right. Answers that a check must refuse
stand where only tests read them, in ``tests/lessons/wrong03.py``.
"""

from __future__ import annotations

import importlib
import importlib.util
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ftlessons.classroom import records
from ftlessons.classroom.source import CourseDataError
from ftlib import runtime

EXERCISES_PACKAGE = "ftlessons"

Status = Literal["not_started", "not_yet", "failed", "correct"]


class NotYet(Exception):
    """Raised inside a check: the answer is not right yet; the message says what is wrong."""


@dataclass(frozen=True)
class Exercise:
    """A registered check.

    Attributes:
        id: the lesson's two digits, a dash and a name: ``"03-first-stage"``.
        function: takes the answer (and the context given to `check`), returns why it is right.
        hints: two hints, the first shown from the first failure on, the second from the second on.
    """

    id: str
    function: Callable[..., str]
    hints: tuple[str, str]


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    ``status`` is "not_started" (an untouched stub), "not_yet" (`NotYet` was raised), "failed" (the
    check itself stopped on another exception) or "correct".
    """

    status: Status
    message: str


_registry: dict[str, Exercise] = {}
_failures: dict[str, int] = {}


def expect(condition: Any, what_is_wrong: str) -> None:
    """Go on only if `condition` holds.

    Raises:
        NotYet: with `what_is_wrong`, a clause about the learner's answer.

    >>> expect(1 + 1 == 2, "the sum is off")
    """
    if not condition:
        raise NotYet(what_is_wrong)


def exercise(id: str, *, hints: tuple[str, str]) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Register the decorated function as the check of exercise `id`; it stays callable as it is."""

    def register(function: Callable[..., str]) -> Callable[..., str]:
        _registry[id] = Exercise(id, function, hints)
        return function

    return register


def get_exercise(id: str) -> Exercise:
    """The exercise called `id`; its lesson's module is imported on first use.

    Raises:
        CourseDataError: no such exercise; the sentence lists those of the lesson.
    """
    if id not in _registry and id[:2].isdigit():
        module = f"{EXERCISES_PACKAGE}.lesson{id[:2]}.checks"
        if importlib.util.find_spec(module.rpartition(".")[0]) and importlib.util.find_spec(module):
            importlib.import_module(module)
    if id not in _registry:
        known = ", ".join(sorted(k for k in _registry if k[:2] == id[:2])) or "none"
        raise CourseDataError(f"There is no exercise {id!r}. Exercises of lesson {id[:2]}: {known}.")
    return _registry[id]


def grade(id: str, answer: Any, **context: Any) -> Verdict:
    """Judge an answer without printing or counting; never raises because of the answer.

    Raises:
        CourseDataError: there is no exercise `id`.
    """
    function = get_exercise(id).function
    if is_stub(answer):
        return Verdict(
            "not_started", "Not started yet: put your answer in place of ... and run this cell again."
        )
    try:
        if holds_stub(answer):
            raise NotYet("a part of your answer is still ...")
        why = function(answer, **context)
    except NotYet as problem:
        return Verdict("not_yet", f"Not yet: {_sentence(str(problem))}")
    except (Exception, SystemExit) as problem:
        what = f"{type(problem).__name__}: {problem}".rstrip(": ")
        return Verdict("failed", f"Not yet: your answer could not be checked: {_sentence(what)}")
    return Verdict("correct", f"Correct. {why or ''}".rstrip())


def check(id: str, answer: Any, **context: Any) -> None:
    """Check an answer and print what is right or wrong with it, in plain text.

    An untouched stub (``...``, None, or a function whose body is ``...``) gets a friendly note. The
    first failure shows one hint, later ones both. A wrong answer never raises; an unknown exercise
    raises only in strict mode, where the course is tested. A solved exercise is kept for `progress`.
    """
    try:
        verdict = grade(id, answer, **context)
    except CourseDataError as problem:
        if runtime.strict():
            raise
        print(problem)
        return
    print(verdict.message)
    if verdict.status == "correct":
        _failures.pop(id, None)
        if trouble := records.keep_solved(id):
            print(trouble)
    elif verdict.status != "not_started":
        _failures[id] = _failures.get(id, 0) + 1
        for number, hint in enumerate(get_exercise(id).hints[: _failures[id]], start=1):
            print(f"Hint {number}: {hint}")


def is_stub(answer: Any) -> bool:
    """Whether nothing has been filled in: ``...``, None, an empty function body, or only these inside.

    >>> is_stub(...), is_stub({"stage": ..., "why": ...}), is_stub(0)
    (True, True, False)
    """
    if answer is None or answer is ...:
        return True
    if isinstance(answer, types.FunctionType):
        return _has_empty_body(answer)
    parts = _parts(answer)
    return bool(parts) and all(map(_is_empty, parts))


def holds_stub(answer: Any) -> bool:
    """Whether a list, tuple or mapping still holds a ``...``."""
    return any(map(_is_empty, _parts(answer)))


def _is_empty(part: Any) -> bool:
    return part is ... or isinstance(part, types.FunctionType) and _has_empty_body(part)


def _parts(answer: Any) -> list[Any]:
    if isinstance(answer, Mapping):
        return list(answer.values())
    return list(answer) if isinstance(answer, list | tuple) else []


def _empty() -> None: ...


def _empty_with_docstring() -> None:
    """A stub that explains itself."""


def _has_empty_body(function: types.FunctionType) -> bool:
    code = function.__code__
    constants = set(code.co_consts) - {function.__doc__, None}
    empty = {_empty.__code__.co_code, _empty_with_docstring.__code__.co_code}
    return code.co_code in empty and not constants


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!", ":")) else f"{text}."
