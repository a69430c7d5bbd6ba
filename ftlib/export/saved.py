"""What every saved model checks before it answers: a ``config.json`` edited by hand, and weights that are no numbers.

A copy of this file lies beside every saved model. It needs torch and safetensors, and nothing else of the course.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

MOST_BYTES = 10_000_000  # of a configuration


def folder_of(given: Any, program: str) -> Path:
    """The folder of a saved model, by default the one that holds ``program``.

    Raises:
        ValueError: it is no path.
    """
    if given is None:
        return Path(program).parent
    if not isinstance(given, str | os.PathLike) or "\0" in str(given):
        raise ValueError(f"folder is of type {type(given).__name__}, and no path: give the folder of a saved model")
    try:
        folder = Path(given).expanduser()
        folder.exists()
    except (RuntimeError, OSError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise ValueError(f"{str(given)[:60]!r} is no path here ({why}): give a shorter one or all of it") from problem
    return folder


def read_config(folder: Path, needed: Sequence[str]) -> dict[str, Any]:
    """What ``config.json`` says.

    Raises:
        ValueError: it cannot be read, is damaged, or lacks a name; the sentence says so.
    """
    path = folder / "config.json"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("too large")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeEncodeError) as problem:
        raise ValueError(f"{folder} holds no saved model: config.json cannot be read") from problem
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{path} is damaged: save the model again") from problem
    if not isinstance(config, dict):
        raise ValueError(f"{path} is damaged: it holds no names and values; save the model again")
    if missing := sorted(set(needed) - config.keys()):
        raise ValueError(f"{path} lacks {', '.join(missing)}: save the model again")
    return config


def check_classes(classes: Any, folder: Path) -> list[str]:
    """The names of the classes, in the order of the outputs.

    Raises:
        ValueError: they are no list of different names.
    """
    path = folder / "config.json"
    named = isinstance(classes, list) and all(isinstance(name, str) and name.strip() for name in classes)
    if not named or not classes:
        raise ValueError(f"{path} is damaged: classes is no list of names; save the model again")
    if twice := sorted({name for name in classes if classes.count(name) > 1}) if len(classes) < 10_000 else ["a name"]:
        raise ValueError(f"{path} names the class {twice[0]!r} more than once: save the model again")
    return classes


def check_number(config: dict[str, Any], name: str, folder: Path, least: float, most: float) -> float:
    """A number of the configuration between two others.

    Raises:
        ValueError: it is none.
    """
    value = config[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least <= value <= most:
        said = repr(value) if len(repr(value)) < 40 else f"a {type(value).__name__}"
        raise ValueError(f"{folder / 'config.json'} says {name} is {said}, which is out of range: save the model again")
    return value


def load_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of ``model.safetensors``.

    Raises:
        ValueError: they cannot be loaded, or some are no numbers.
    """
    path = folder / "model.safetensors"
    try:
        state = load_file(path)
    except Exception as problem:  # missing, cut short, or something else
        raise ValueError(f"{path} cannot be loaded: {problem}") from problem
    if bad := next((name for name, tensor in state.items() if not tensor.isfinite().all()), None):
        raise ValueError(f"{path} holds values that are no numbers (NaN or infinite), at {bad}: train and save again")
    return state


def answer(given: Sequence[str], classifier: Callable[[], Any], what: str) -> int:
    """Print the likeliest class of each text or file; the exit code is 1 if one could not be read."""
    if not given:
        print(f"Usage: python predict.py {what} [{what} ...]", file=sys.stderr)
        return 2
    reads, failed = classifier(), False
    for each in given:
        try:
            label, chance = next(iter(reads.predict(each).items()))
            print(f"{each}: {label} ({chance:.0%})")
        except (OSError, ValueError) as problem:
            failed = True
            print(f"{each} {problem}" if what == "PICTURE" else problem, file=sys.stderr)
    return int(failed)


def write(part: Path, state: dict[str, Tensor], config: dict[str, Any], texts: dict[str, str]) -> None:
    """Fill the folder of a saved model: the weights, ``config.json`` and the other files by their names."""
    part.mkdir(exist_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    save_file(state, part / "model.safetensors", metadata={"format": "pt"})
    texts = {"config.json": json.dumps(config, indent=1, ensure_ascii=False) + "\n", **texts}
    texts["saved.py"] = Path(__file__).read_text(encoding="utf-8")
    for file, text in texts.items():
        (part / file).write_text(text, encoding="utf-8")
