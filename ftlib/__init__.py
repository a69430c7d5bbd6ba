"""The small library under the course: load a pre-trained network, adapt it, train it, and prove what that gained.

Names are imported on first use, so that ``import ftlib`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ftlib import runtime as runtime  # sets the offline default before anything else is imported

__version__ = "0.1.0"

_WHERE = {"compare": "recipes", "run": "recipes", "RECIPES": "recipes", "fit": "train", "fit_head": "recipes"}
_MODULES = (
    "adapt", "catalog", "export", "metrics", "models", "own", "plots", "recipes", "results", "robot", "runtime",
    "speech", "stats", "tasks",
)  # fmt: skip

# a learner's own copy of a lesson may be older than the course, and is never overwritten: it asks for these
_MOVED = (
    "audio", "data_checks", "decoding", "imbalance", "knob_plots", "knobs", "monitor", "monitor_plots", "network_plots",
    "news_plots", "planning", "probing", "studies",
)  # fmt: skip
OLDER = (
    "This copy of the lesson is older than the course: what it imports has moved. Rename your copy, run `make lab`, "
    "which puts the new lesson beside it, and take your answers over."
)

__all__ = [*_WHERE, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"ftlib.{_WHERE[name]}"), name)
    if name in _MODULES:
        return import_module(f"ftlib.{name}")
    if name in _MOVED:
        raise ImportError(OLDER)
    raise AttributeError(f"module 'ftlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
