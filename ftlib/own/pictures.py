"""One picture of a folder: its ink or its colours, what stays the same when it is saved again, and which it is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ftlib.own.ink import UnreadablePicture, border, opened, read_picture, rgb, to_ink
from ftlib.own.photos import to_square

# of 200 pictures of CIFAR-10 8 % pass for strokes on paper, of 105 drawn signs 98 %
PLAIN, ONE_LINE = 0.12, 0.25  # a difference of colours that is still paper; spread across the line, as a share
COLOURED = 0.15  # mean difference of a picture's largest and smallest channel from which colour may matter


class Drawing(NamedTuple):
    """``ink`` (1, 32, 32), ``fingerprint`` (256,), whether it was dark on light, and whether it is coloured."""

    ink: Tensor
    fingerprint: Tensor
    dark_on_light: bool
    coloured: bool


def read_drawing(path: Path) -> Drawing:
    """Read one picture.

    Raises:
        UnreadablePicture: see ``ink.read_ink``; a surface without strokes is told from a blank page by its colour.
    """
    grey, colour = read_picture(path)
    try:
        ink, dark_on_light = to_ink(grey)
    except UnreadablePicture as problem:
        if colour < COLOURED:
            raise
        raise UnreadablePicture(
            "shows a coloured surface without strokes: the network reads only what stands out in grey from its border"
        ) from problem
    return Drawing(ink, fingerprint(grey), dark_on_light, colour >= COLOURED)


class Photo(NamedTuple):
    """``pixels`` (3, size, size) uint8 and ``fingerprint`` (256,)."""

    pixels: Tensor
    fingerprint: Tensor


def read_pixels(path: Path, size: int) -> Photo:
    """Read one picture in colour.

    Raises:
        UnreadablePicture: see ``photos.read_photo``.
    """
    picture = opened(path, rgb, 2 * size)
    return Photo(to_square(picture, size), coarse(np.asarray(picture.convert("L"), np.float32) / 255))


def one_ink(path: Path) -> bool | None:
    """Whether a picture shows strokes of one colour on paper; None where it cannot be read.

    Paper is the colour in the middle of the border's. Most of the border and at least half of the picture are like it,
    and what is not lies on one line from it in the space of colours: one ink, thick or thin.
    """
    try:
        picture = opened(path, rgb, 128)
    except (UnreadablePicture, OSError):
        return None
    picture.thumbnail((64, 64))
    colours = np.asarray(picture, np.float32) / 255
    edge = np.stack([border(colours[..., i]) for i in range(3)], axis=1)
    paper = np.median(edge, axis=0)
    away = (colours - paper).reshape(-1, 3)
    strokes = away[np.abs(away).max(1) > PLAIN]
    if not 4 <= len(strokes) <= len(away) / 2 or np.quantile(np.abs(edge - paper).max(1), 0.8) > PLAIN:
        return False
    along, across, _ = np.linalg.svd(strokes, compute_uv=False)
    return bool(across < ONE_LINE * along)


def coarse(grey: np.ndarray) -> Tensor:
    """The whole picture (H, W) as 16 x 16 greys less their mean, (256,) of length 1."""
    from PIL import Image

    small = Image.fromarray(grey).resize((16, 16), Image.Resampling.BILINEAR)
    small = torch.from_numpy(np.array(small)).flatten()
    return torch.nn.functional.normalize(small - small.mean(), dim=0)


def fingerprint(grey: np.ndarray) -> Tensor:
    """What stays the same when a picture is saved again in another size, format or quality.

    Args:
        grey: the whole picture, (H, W) in [0, 1].

    Returns:
        (256,) of length 1: 16 x 16 differences from the border, less their mean. The cosine of two tells how
        alike the pictures are.
    """
    return coarse(np.abs(grey - np.median(border(grey))).astype(np.float32))
