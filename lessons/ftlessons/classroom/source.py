"""Read the course's hand-written TOML files and say clearly what is wrong in them."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from ftlib import catalog

T = TypeVar("T")


class CourseDataError(ValueError):
    """A file of the course, or a call in a lesson, does not say what it must; the message tells where."""


def load_toml(relative: str) -> dict[str, Any]:
    """The content of a TOML file under the data root.

    Raises:
        CourseDataError: the file is missing, is not UTF-8 or is not valid TOML.
    """
    path = Path(catalog.data_dir()) / relative
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseDataError(
            f"data/{relative} does not exist: create it, or check the lesson's id."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise CourseDataError(f"data/{relative} is not valid TOML: {problem}.") from None


def text_field(table: dict[str, Any], key: str, where: str) -> str:
    """The non-empty text under `key`, stripped.

    Raises:
        CourseDataError: it is missing, empty or not a text.
    """
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CourseDataError(f"{where}: `{key}` is missing or empty; give it a text.")
    return value.strip()


def only_keys(table: Any, allowed: set[str], where: str) -> None:
    """Refuse misspelt keys, which would otherwise be dropped silently.

    Raises:
        CourseDataError: `table` is not a table or has a key that is not in `allowed`.
    """
    if not isinstance(table, dict):
        raise CourseDataError(f"{where}: expected a table with the keys {', '.join(sorted(allowed))}.")
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise CourseDataError(
            f"{where}: unknown key `{unknown[0]}`; allowed are {', '.join(sorted(allowed))}."
        )


def record(kind: type[T], row: Any, where: str, **more: Any) -> T:
    """A table of a file as the dataclass that says which keys it may have; texts are stripped, lists become tuples.

    Args:
        more: fields that the table does not hold, or that were read already.

    Raises:
        CourseDataError: a key is unknown, or a required one is missing or empty.
    """
    own = [field for field in fields(kind) if field.name not in more]
    only_keys(row, {field.name for field in own}, where)
    read = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    for field in own:
        value = read.get(field.name, field.default)
        if value is MISSING or isinstance(value, str):
            read[field.name] = text_field(row, field.name, where)
    return kind(**read, **more)
