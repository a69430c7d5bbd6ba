"""Turn any picture into what a network for photographs reads: a square of RGB pixels.

Like ``ink.py``, this file needs only numpy, Pillow and torch: a copy lies beside every saved model for photographs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ftlib.own.ink import UnreadablePicture, opened, rgb


def read_photo(path: str | Path, size: int = 128) -> Tensor:
    """Read a picture of any size, mode and format in colour.

    Turned as its camera says; transparent parts on white; the largest square in its middle, scaled to ``size``.

    Returns:
        Pixels (3, size, size), uint8.

    Raises:
        UnreadablePicture: empty, damaged, of one colour, too large, or no picture.
    """
    return to_square(opened(path, rgb, 2 * size), size)


def to_square(picture: Image.Image, size: int) -> Tensor:
    """The largest square in the middle of an RGB picture, (3, size, size) uint8.

    >>> to_square(Image.linear_gradient("L").convert("RGB"), 8).shape
    torch.Size([3, 8, 8])
    """
    if all(low == high for low, high in picture.getextrema()):
        raise UnreadablePicture("is blank: it is one colour all over")
    square = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).contiguous()
