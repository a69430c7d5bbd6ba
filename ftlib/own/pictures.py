"""One picture of a folder: its ink, and what stays the same when it is saved again."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ftlib.own.ink import UnreadablePicture, border, read_picture, to_ink

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


def fingerprint(grey: np.ndarray) -> Tensor:
    """What stays the same when a picture is saved again in another size, format or quality.

    Args:
        grey: the whole picture, (H, W) in [0, 1].

    Returns:
        (256,) of length 1: 16 x 16 differences from the border, less their mean. The cosine of two tells how
        alike the pictures are.
    """
    from PIL import Image

    away = np.abs(grey - np.median(border(grey))).astype(np.float32)
    small = torch.from_numpy(np.array(Image.fromarray(away).resize((16, 16), Image.Resampling.BILINEAR))).flatten()
    return torch.nn.functional.normalize(small - small.mean(), dim=0)
