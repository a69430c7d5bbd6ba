"""Read the course's hand-written TOML files and say clearly what is wrong in them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ftlib import catalog


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


def tables(parent: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """The array of tables ``[[key]]`` (empty where there is none).

    Raises:
        CourseDataError: `key` holds something else.
    """
    found = parent.get(key, [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise CourseDataError(f"{where}: write `{key}` as [[...{key}]] tables.")
    return found
