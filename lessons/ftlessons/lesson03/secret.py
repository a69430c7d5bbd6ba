"""A secret alphabet: signs that somebody invented and drew, the file to swap with a neighbour, and the task.

A drawing is kept as its strokes, so that a file of 25 drawings is a few kilobytes of readable JSON.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.utils.data import TensorDataset

from ftlib.own.base import OwnData
from ftlib.own.ink import to_ink
from ftlib.tasks.glyphs import to_input
from ftlib.tasks.vision import SVM_SETTINGS, ImageTask

FORMAT, VERSION = "ftlib secret alphabet", 1
SIDE, PEN = 200, 12  # of the canvas and of the pen, in pixels
FEWEST_SIGNS, MOST_SIGNS, MOST_DRAWINGS, MOST_POINTS, MAX_BYTES = 2, 20, 50, 5_000, 5_000_000
LONGEST_NAME = 40
FOREIGN = "is no secret alphabet: ask for the file that `save` wrote"
CUT_SHORT = "is cut short or damaged: ask for it again"

Stroke = list[tuple[float, float]]  # points (x, y) from 0 to SIDE, y downwards
Drawing = list[Stroke]


class UnreadableAlphabet(ValueError):
    """A file that is no usable alphabet; the message says why, and what to do."""


@dataclass(frozen=True)
class Alphabet:
    """Signs by one hand.

    Attributes:
        hand: who drew them, a name for the file.
        drawings: for each sign its drawings.
    """

    hand: str
    drawings: Mapping[str, Sequence[Drawing]]

    @property
    def signs(self) -> list[str]:
        """The signs' names, sorted: class 0 is the first."""
        return sorted(self.drawings)

    @property
    def labels(self) -> list[str]:
        """The sign of each drawing, in the order of ``ink``."""
        return [sign for sign in self.signs for _ in self.drawings[sign]]

    def ink(self) -> Tensor:
        """All drawings as the network sees them, sign by sign: (N, 1, 32, 32) in [0, 1]."""
        return torch.stack([to_ink(render(drawing))[0] for sign in self.signs for drawing in self.drawings[sign]])

    def __repr__(self) -> str:
        counts = ", ".join(f"{sign} {len(self.drawings[sign])}" for sign in self.signs)
        return f"{len(self.labels)} drawings by {self.hand} ({counts})"


def render(drawing: Drawing) -> np.ndarray:
    """A drawing with a round pen, bright on black: (SIDE, SIDE) in [0, 1].

    >>> render([[(100, 20), (100, 180)]]).max().item()
    1.0
    """
    image = Image.new("L", (SIDE, SIDE))
    pen, half = ImageDraw.Draw(image), PEN / 2
    for stroke in drawing:
        pen.line(stroke, fill=255, width=PEN, joint="curve")
        for x, y in (stroke[0], stroke[-1]):
            pen.ellipse((x - half, y - half, x + half, y + half), fill=255)
    return np.asarray(image, np.float32) / 255


class SecretAlphabet(OwnData, ImageTask):
    """Learn one person's drawings and be tested on another's, or on drawings of the same person that were kept back.

    Args:
        mine: to train on.
        theirs: to be tested on; the same signs.

    Raises:
        ValueError: the two do not have the same signs.
    """

    settings_like = "digits"

    def __init__(self, mine: Alphabet, theirs: Alphabet):
        if mine.signs != theirs.signs:
            raise ValueError(
                f"{theirs.hand} drew other signs ({', '.join(theirs.signs)}) than {mine.hand} "
                f"({', '.join(mine.signs)}): agree on the signs and their names, and draw them again"
            )
        parts = (("train", mine), ("test", theirs))
        rows = [(label, drawn.hand, split) for split, drawn in parts for label in drawn.labels]
        items = pd.DataFrame(rows, columns=["label", "group", "split"])
        super().__init__(f"signs of {mine.hand}, read by {theirs.hand}", items, [], None, None)
        self.ink = torch.cat([mine.ink(), theirs.ink()])

    def take(self, rows: np.ndarray) -> TensorDataset:
        """Inputs (N, 3, 32, 32) and class numbers (N,)."""
        return TensorDataset(to_input(self.ink[rows]).contiguous(), self.numbers[rows])

    def rivals(self) -> dict[str, Any]:
        """A support vector machine on the pixels, as for the digits."""
        return {"svm": self.svm}

    def rival_grid(self) -> dict[str, list[dict]]:
        """The settings that were tried for the digits."""
        return {"svm": SVM_SETTINGS}


def keep_back(alphabet: Alphabet, n: int = 2) -> tuple[Alphabet, Alphabet]:
    """Split one hand's drawings: all but the last ``n`` of each sign, and these.

    Raises:
        ValueError: a sign has too few drawings for that.
    """
    for sign, drawings in alphabet.drawings.items():
        if not 1 <= n < len(drawings):
            raise ValueError(f"{n} of {len(drawings)} drawings of {sign!r} cannot be kept back: draw more of it")
    first = {sign: drawings[:-n] for sign, drawings in alphabet.drawings.items()}
    last = {sign: drawings[-n:] for sign, drawings in alphabet.drawings.items()}
    return Alphabet(alphabet.hand, first), Alphabet(alphabet.hand, last)


def save(alphabet: Alphabet, folder: str | Path = ".") -> Path:
    """Write one small JSON file to swap, ``signs-of-ada.json``, and return its path.

    Nothing is overwritten: where that name is taken by other drawings, the file is called ``signs-of-ada-2.json``.

    Raises:
        OSError: the folder is missing or cannot be written.
    """
    folder = Path(folder)
    text = _text(alphabet)
    stem = f"signs-of-{re.sub(r'[^a-z0-9]+', '-', alphabet.hand.lower()).strip('-') or 'me'}"
    number, path = 1, folder / f"{stem}.json"
    while os.path.lexists(path):
        if path.is_file() and path.read_bytes() == text.encode():
            return path
        number, path = number + 1, folder / f"{stem}-{number + 1}.json"
    part = folder / f".{path.name}.{os.getpid()}.part"
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _text(alphabet: Alphabet) -> str:
    signs = {
        sign: [[[[round(x, 1), round(y, 1)] for x, y in stroke] for stroke in drawing] for drawing in drawings]
        for sign, drawings in alphabet.drawings.items()
    }
    content = {"format": FORMAT, "version": VERSION, "hand": alphabet.hand, "side": SIDE, "signs": signs}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def read(path: str | Path) -> Alphabet:
    """Open a file that ``save`` wrote, perhaps somebody else's.

    Raises:
        UnreadableAlphabet: one sentence on what is wrong with it.
    """
    path = Path(path)
    content = _content(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UnreadableAlphabet(f"{path.name} {FOREIGN}")
    if content.get("version") != VERSION:
        raise UnreadableAlphabet(
            f"{path.name} is of version {content.get('version')}, and this course reads version {VERSION}: "
            "both of you need the same version of the course"
        )
    if content.get("side") != SIDE:
        raise UnreadableAlphabet(
            f"{path.name} was drawn on a canvas of size {content.get('side')}, and this course draws on {SIDE} pixels: "
            "draw the signs again on this one"
        )
    hand, signs = content.get("hand"), content.get("signs")
    if not isinstance(signs, dict) or not FEWEST_SIGNS <= len(signs) <= MOST_SIGNS:
        n = len(signs) if isinstance(signs, dict) else "no"
        raise UnreadableAlphabet(f"{path.name} has {n} signs, and {FEWEST_SIGNS} to {MOST_SIGNS} are needed")
    if not all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in (hand, *signs)):
        raise UnreadableAlphabet(f"{path.name} {CUT_SHORT}")
    return Alphabet(hand, {sign: _drawings(path, sign, drawings) for sign, drawings in signs.items()})


def _content(path: Path) -> Any:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UnreadableAlphabet(f"{path} {what}: give the path of a neighbour's file")
    if path.stat().st_size > MAX_BYTES:
        size = f"{path.stat().st_size / 1e6:,.0f} MB"
        raise UnreadableAlphabet(f"{path.name} has {size}, and no alphabet needs more than {MAX_BYTES / 1e6:.0f} MB")
    data = path.read_bytes()
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as problem:
        begun = data.startswith(f'{{"format":"{FORMAT}"'.encode())
        raise UnreadableAlphabet(f"{path.name} {CUT_SHORT if begun else FOREIGN}") from problem


def _drawings(path: Path, sign: str, drawings: Any) -> list[Drawing]:
    if not isinstance(drawings, list) or not 1 <= len(drawings) <= MOST_DRAWINGS:
        n = len(drawings) if isinstance(drawings, list) else "no list of"
        raise UnreadableAlphabet(f"{path.name} has {n} drawings of {sign!r}, and 1 to {MOST_DRAWINGS} are needed")
    for number, drawing in enumerate(drawings, start=1):
        if not _is_drawing(drawing):
            raise UnreadableAlphabet(f"{path.name} is damaged: drawing {number} of {sign!r} has no usable strokes")
    return [[[(float(x), float(y)) for x, y in stroke] for stroke in drawing] for drawing in drawings]


def _is_drawing(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(stroke, list) and stroke for stroke in value):
        return False
    points = [point for stroke in value for point in stroke]
    return 0 < len(points) <= MOST_POINTS and all(map(_is_point, points))


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 2
        and all(type(n) in (int, float) and 0 <= n <= SIDE for n in value)
    )  # fmt: skip
