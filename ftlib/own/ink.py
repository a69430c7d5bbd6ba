"""Turn any picture of one sign into ink: bright strokes on black, centred, 32 x 32.

This file needs only numpy, Pillow and torch: ``ftlib.export`` puts a copy of it beside every saved model,
so that a picture is read in the same way wherever the model runs.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

MAX_SIDE, MAX_PIXELS, MAX_BYTES = 20_000, 70_000_000, 100_000_000
WORKING = 256  # longest side on which ink is looked for, in pixels
SIZE, FILL = 32, 0.75  # side of the result, and how much of it the sign's longer side takes
FAINTEST = 0.04  # contrast below which a picture counts as blank
ORIENTATION = 0x0112  # the EXIF note on how the camera was held
STARTS_PROGRAMS = {"EPS", "WMF"}  # formats that Pillow hands to another program


class UnreadablePicture(ValueError):
    """A file that is no usable picture; the message continues a sentence that begins with the file's name."""


def read_ink(path: str | Path) -> tuple[Tensor, bool]:
    """Read a picture of any size, mode and format as ink.

    Light strokes on a dark ground stay as they are. If the ground, seen at the border, is light, the picture is
    turned round.

    Returns:
        Ink (1, 32, 32) in [0, 1], and whether the picture was dark on light.

    Raises:
        UnreadablePicture: empty, damaged, blank, too large, or no picture.
    """
    return to_ink(read_grey(path))


def read_grey(path: str | Path) -> np.ndarray:
    """Read a picture, turned as its camera says, as (H, W) grey in [0, 1], longest side at most 256."""
    return read_picture(path)[0]


def read_picture(path: str | Path) -> tuple[np.ndarray, float]:
    """What ``read_grey`` reads, and how coloured it is: the mean difference of largest and smallest channel, 0 to 1."""
    return opened(path, lambda image: (_grey(image), _colour(image)))


def opened(path: str | Path, use: Callable[[Image.Image], Any], side: int = WORKING) -> Any:
    """What ``use`` makes of a picture whose size was checked before anything was decoded.

    So a picture that unpacks to gigabytes is refused.

    Args:
        side: of what a JPEG may be reduced to while it is decoded, in pixels.

    Raises:
        UnreadablePicture: see ``read_ink``.
    """
    if not isinstance(path, str | os.PathLike):
        raise UnreadablePicture(f"is a {type(path).__name__} and no path: give the path of a picture")
    try:
        _check_bytes(os.stat(path).st_size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large and odd files are judged below
            with Image.open(path, formats=_formats()) as image:
                _check_size(*image.size)
                image.draft(None, (side, side))  # a JPEG is decoded at reduced size
                image.load()
                return use(image)
    except UnreadablePicture:
        raise
    except Image.DecompressionBombError as problem:
        raise UnreadablePicture(f"has more than {MAX_PIXELS:,} pixels: scale it down") from problem
    except UnidentifiedImageError as problem:
        raise UnreadablePicture(
            "is not a picture that Pillow can open: if it is one, as .heic or .svg, convert it to PNG or JPEG"
        ) from problem
    except PermissionError as problem:
        raise UnreadablePicture("may not be read: the system denies permission") from problem
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as problem:
        raise UnreadablePicture("is not there, or a folder: check its name") from problem
    except Exception as problem:  # decoders meet broken bytes with exceptions of every kind
        raise UnreadablePicture(f"is damaged ({problem or type(problem).__name__})") from problem


@cache
def _formats() -> list[str]:
    Image.init()
    return [name for name in Image.ID if name not in STARTS_PROGRAMS]


def _check_bytes(size: int) -> None:
    if size == 0:
        raise UnreadablePicture("is empty: it has zero bytes")
    if size > MAX_BYTES:
        raise UnreadablePicture(f"has {size / 1e6:,.0f} MB, and at most {MAX_BYTES / 1e6:,.0f} MB are read")


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        allowed = f"at most {MAX_SIDE:,} a side and {MAX_PIXELS:,} in all are read: scale it down"
        raise UnreadablePicture(f"has {width:,} x {height:,} pixels, and {allowed}")


def _grey(image: Image.Image) -> np.ndarray:
    mode, turn = image.mode, image.getexif().get(ORIENTATION, 1)
    if mode == "F" or mode.startswith("I"):
        full = _full_scale(image)
        return np.asarray(_shrunk(image, lambda part: _scaled(part, full), turn)) / 255
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return _on_paper(_shrunk(image, lambda part: part.convert("RGBA").convert("RGBa"), turn).convert("RGBA"))
    wanted = "L" if mode in ("1", "L") else "RGB"
    return np.asarray(_shrunk(image, lambda part: part.convert(wanted), turn).convert("L"), np.float32) / 255


def _colour(image: Image.Image) -> float:
    if image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I"):
        return 0.0
    image.thumbnail((64, 64))
    small = np.asarray(image.convert("RGB"), np.float32) / 255
    return float(np.ptp(small, axis=2).mean())


def rgb(image: Image.Image) -> Image.Image:
    """A picture of any mode in colour, turned as its camera says, transparent parts on white, as small as grey ones."""
    mode, turn = image.mode, image.getexif().get(ORIENTATION, 1)
    if mode == "F" or mode.startswith("I"):
        full = _full_scale(image)
        return _shrunk(image, lambda part: _scaled(part, full), turn).convert("RGB")
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        seen = _shrunk(image, lambda part: part.convert("RGBA").convert("RGBa"), turn).convert("RGBA")
        if not seen.getchannel("A").getbbox():
            raise UnreadablePicture("is blank: it is transparent all over")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return _shrunk(image, lambda part: part.convert("RGB"), turn)


def _shrunk(image: Image.Image, convert: Callable[[Image.Image], Image.Image], turn: int) -> Image.Image:
    """Convert and scale down strip by strip, so that a large picture is in memory once and no more; then turn it."""
    width, height = image.size
    factor = max(1, max(width, height) // (2 * WORKING))
    rows = 16 * factor if factor > 1 else height
    small = Image.new(convert(image.crop((0, 0, 1, 1))).mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        part = convert(image.crop((0, top, width, min(height, top + rows))))
        small.paste(part.reduce(factor), (0, top // factor))
    small.thumbnail((WORKING, WORKING))
    small.getexif()[ORIENTATION] = turn
    return ImageOps.exif_transpose(small)


def _full_scale(image: Image.Image) -> float:
    """What counts as white in a picture of integers, of which 16 bit is the usual kind, or of decimals."""
    top = float(np.nan_to_num(image.getextrema()[1]))
    if image.mode.startswith("I;16"):  # a camera of 12 bits writes its values unchanged
        return 4_095.0 if 255 < top <= 4_095 else 65_535.0
    return next((scale for scale in (1.0, 255.0, 65_535.0) if top <= scale), top)


def _scaled(part: Image.Image, full: float) -> Image.Image:
    values = np.nan_to_num(np.asarray(part, np.float32), posinf=0, neginf=0)
    return Image.fromarray(values.clip(0) / full * 255)


def _on_paper(image: Image.Image) -> np.ndarray:
    """Lay a small transparent picture on white, or on black if what is visible is light."""
    alpha = np.asarray(image.getchannel("A"), np.float32) / 255
    grey = np.asarray(image.convert("RGB").convert("L"), np.float32) / 255
    if not alpha.any():
        raise UnreadablePicture("is blank: it is transparent all over")
    paper = 0.0 if (grey * alpha).sum() > 0.5 * alpha.sum() else 1.0
    return grey * alpha + paper * (1 - alpha)


def to_ink(grey: np.ndarray) -> tuple[Tensor, bool]:
    """Separate ink from paper, cut to the ink and centre it.

    Args:
        grey: (H, W) in [0, 1].

    Returns:
        Ink (1, 32, 32) in [0, 1], and whether it was dark on light: the border is nearer to the lightest
        than to the darkest value.

    >>> page = np.ones((50, 40)); page[20:30, 5:9] = 0.2
    >>> ink, dark_on_light = to_ink(page)
    >>> ink.shape, dark_on_light, round(ink.max().item(), 2)
    (torch.Size([1, 32, 32]), True, 1.0)
    """
    edge = border(grey)
    dark_on_light = bool(np.median(edge) > np.quantile(grey, (0.001, 0.999)).mean())
    ink, edge = (1 - grey, 1 - edge) if dark_on_light else (grey, edge)
    paper = np.median(edge)
    grain = min(0.25, 3 * np.median(np.abs(edge - paper)))  # unevenness of the paper
    top = max(np.quantile(ink, 0.999), ink.max() * 0.5)
    if top - paper - grain < FAINTEST:
        raise UnreadablePicture("is blank: nothing stands out from its border")
    ink = ((ink - paper - grain) / (top - paper - grain)).clip(0, 1).astype(np.float32)
    small = np.asarray(_cut(ink))
    small = (small / max(np.quantile(small, 0.99), 1e-6)).clip(0, 1)  # thin strokes fade when scaled down
    return torch.from_numpy(small.astype(np.float32))[None], dark_on_light


def border(grey: np.ndarray) -> np.ndarray:
    """The values of (H, W) within a sixteenth of the shorter side from the edge, as a flat array."""
    edge = max(1, min(grey.shape) // 16)
    inner = np.zeros(grey.shape, bool)
    inner[edge:-edge, edge:-edge] = True
    return grey[~inner]


def _cut(ink: np.ndarray) -> Image.Image:
    rows, columns = (np.flatnonzero((ink > 0.3).any(axis)) for axis in (1, 0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    side = max(height, width) / FILL
    left, top = columns[0] + (width - side) / 2, rows[0] + (height - side) / 2
    box = [round(float(edge)) for edge in (left, top, left + side, top + side)]
    return Image.fromarray(ink).crop(box).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
