"""Your own data: read a folder or a table, check it, split it so that nothing leaks, and train on it.

``from ftlib.own import from_folder, from_csv`` is all that most people need.
"""

from __future__ import annotations

from typing import Any

__all__ = ["from_csv", "from_folder"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ftlib.own' has no attribute {name!r}")
    from ftlib.own import task  # on first use: it imports every kind of task

    return getattr(task, name)
