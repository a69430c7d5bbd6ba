"""The course's tasks, by name: ``ftlib.tasks.get("digits")``.

A task is found by its ``name``: any class that has one as a plain string and can be made without arguments, in
``ftlib`` or in a package that offers its tasks under the entry point ``ftlib.tasks``. The course's lessons do, so that
a task of one lesson stands beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from ftlib.tasks.base import Split, Task, predict

__all__ = ["Split", "Task", "get", "names", "predict"]

ROOMS = ("ftlib.tasks", "ftlib.speech", "ftlib.robot")


def names(domain: str | None = None) -> list[str]:
    """All task names, or those of one domain such as ``"vision"``, in alphabetical order."""
    return sorted(name for name in _where() if domain in (None, get(name).domain))


@cache
def get(name: str) -> Task:
    """The task of that name; the data is read when first asked for.

    Raises:
        ValueError: there is none; the sentence lists those there are.
    """
    if name not in _where():
        raise ValueError(f"there is no task {name!r}: choose from {', '.join(sorted(_where()))}")
    module, cls = _where()[name]
    return getattr(import_module(module), cls)()


@cache
def _where() -> dict[str, tuple[str, str]]:
    """Module and class of each task, read from the text of the files: importing all of them would take seconds."""
    found: dict[str, tuple[str, str]] = {}
    for package in (*ROOMS, *(point.value for point in entry_points(group="ftlib.tasks"))):
        for module, file in _files(package):
            text = file.read_text(encoding="utf-8")
            if "\n    name = " not in text:
                continue
            for node in ast.parse(text).body:
                name = _name_of(node) if isinstance(node, ast.ClassDef) and node.bases else None
                if name and found.setdefault(name, (module, node.name)) != (module, node.name):
                    raise ValueError(f"two tasks are called {name!r}, in {found[name][0]} and in {module}: rename one")
    return found


def _files(package: str) -> Iterator[tuple[str, Path]]:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            yield ".".join([package, *(part for part in parts if part != "__init__")]), file


def _name_of(node: ast.ClassDef) -> str | None:
    """The string that a class gives its ``name``; None where there is none, or where making one takes arguments."""
    name = None
    for line in node.body:
        if isinstance(line, ast.FunctionDef) and line.name == "__init__":
            if len(line.args.args) - 1 > len(line.args.defaults):
                return None
        elif isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
            if any(isinstance(target, ast.Name) and target.id == "name" for target in line.targets):
                name = line.value.value
    return name
