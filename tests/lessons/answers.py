"""The wrong answers of each exercise, as values: ``WRONG`` of ``wrong03.py`` for lesson 03.

An entry is a value, or a function without arguments that makes one; a function that is itself the answer is wrapped:
``lambda: my_wrong_function``.
"""

from __future__ import annotations

import importlib
import types
from typing import Any


def wrong_answers(id: str) -> list[Any]:
    """The answers that the exercise must refuse; empty where none are written down."""
    try:
        listed = importlib.import_module(f"wrong{id[:2]}").WRONG.get(id, [])
    except ModuleNotFoundError as problem:
        if problem.name != f"wrong{id[:2]}":
            raise
        listed = []
    return [answer() if isinstance(answer, types.FunctionType) else answer for answer in listed]
