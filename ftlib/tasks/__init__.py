"""The course's tasks, by name: ``ftlib.tasks.get("digits")``."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ftlib.tasks.base import Split, Task, predict

__all__ = ["Split", "Task", "get", "names", "predict"]

_WHERE = {
    "digits": ("vision", "Digits"), "letters": ("vision", "PrintedLetters"), "negatives": ("negatives", "Negatives"),
    "pick_and_place": ("robotics", "PickAndPlace"), "push": ("robotics", "Push"),
    "reviews": ("text", "Reviews"), "finance_news": ("text", "FinanceNews"),
    "spoken_digits": ("speech", "SpokenDigits"), "medical_dictation": ("speech", "MedicalDictation"),
    "legal_dictation": ("speech", "LegalDictation"),
}  # fmt: skip


def names(domain: str | None = None) -> list[str]:
    """All task names, or those of one domain such as ``"vision"``."""
    return [name for name, (module, _) in _WHERE.items() if domain in (None, module)]


@cache
def get(name: str) -> Task:
    """The task of that name; the data is read when first asked for."""
    if name not in _WHERE:
        raise ValueError(f"there is no task {name!r}: choose from {', '.join(_WHERE)}")
    module, cls = _WHERE[name]
    return getattr(import_module(f"ftlib.tasks.{module}"), cls)()
