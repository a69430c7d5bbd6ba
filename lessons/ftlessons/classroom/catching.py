"""Go on without having solved an exercise: the student edition's way to the course's answer."""

from __future__ import annotations

import base64
import json
import sys
import zlib
from pathlib import Path
from typing import Any

from ftlessons.classroom.checks import holds_stub, is_stub
from ftlessons.classroom.source import CourseDataError

FILE = "catch_up.json"


def pack(code: str) -> str:
    """Code in a form that nobody reads by accident.

    >>> unpack(pack("drop = []"))
    'drop = []'
    """
    return base64.b64encode(zlib.compress(code.encode(), 9)).decode()


def unpack(packed: str) -> str:
    """The code that `pack` was given."""
    return zlib.decompress(base64.b64decode(packed)).decode()


def catch_up(id: str, **answers: Any) -> Any:
    """The learner's own answer, or the course's where the learner's is still a stub.

    Args:
        id: the exercise, such as "20-clean".
        **answers: one, under the name of the variable that the lesson goes on with: ``drop=drop``.

    Raises:
        CourseDataError: not exactly one answer was given, or the course's answer is not beside the notebook.
    """
    if len(answers) != 1:
        raise CourseDataError(f"catch_up({id!r}): give one variable by its name, as in catch_up({id!r}, drop=drop).")
    [(name, answer)] = answers.items()
    if not (is_stub(answer) or holds_stub(answer)):
        return answer
    try:
        code = unpack(json.loads(Path(FILE).read_text(encoding="utf-8"))[id])
    except (OSError, ValueError, KeyError):
        raise CourseDataError(
            f"The course's answer to exercise {id} is not beside this notebook ({FILE}): solve the exercise, "
            "or ask your teacher."
        ) from None
    print(f"Exercise {id} is still open: `{name}` now holds the course's answer.")
    namespace = dict(sys._getframe(1).f_globals)
    exec(compile(code, f"<the course's answer to {id}>", "exec"), namespace)
    return namespace[name]
