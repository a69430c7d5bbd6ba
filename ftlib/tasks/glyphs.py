"""Printed letters, drawn from the fonts that matplotlib ships.

The source task of the vision lessons: several hundred letters, no digits, rendered and then
bent, thickened and blurred until they look a little like handwriting on a coarse grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import ascii_uppercase

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CANVAS = 64  # pixels of a rendered glyph, before distortion
SIZE = 32  # pixels of a network input
MEAN, STD = 0.25, 0.33  # of ink, measured on distorted letters
FONTS = (
    "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-BoldOblique.ttf",
    "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSansMono-Oblique.ttf",
    "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSerif-BoldItalic.ttf", "DejaVuSerif-Italic.ttf",
    "STIXGeneral.ttf", "STIXGeneralBolIta.ttf", "STIXGeneralItalic.ttf",
    "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf", "cmti10.ttf", "cmb10.ttf",
)  # fmt: skip
HELD_OUT_FONTS = ("DejaVuSans-Oblique.ttf", "STIXGeneralBol.ttf")


def font_path(name: str) -> Path:
    """Where matplotlib keeps a font file, e.g. ``font_path("DejaVuSans.ttf")``."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


@cache
def letters_of(font: str) -> frozenset[str]:
    """The signs that a font has."""
    from matplotlib.ft2font import FT2Font

    return frozenset(map(chr, FT2Font(str(font_path(font))).get_charmap()))


def render(char: str, font: str) -> np.ndarray:
    """Draw one letter, scaled to fill the canvas.

    Returns:
        ``(64, 64)`` uint8, ink is 255, longest side 48 pixels, centred. All zero if the font has no ink for it.
    """
    from PIL import Image, ImageDraw

    face = _face(font)
    left, top, right, bottom = face.getbbox(char)
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    if right <= left or bottom <= top:
        return canvas
    image = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), char, fill=255, font=face)
    scale = 48 / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    y, x = (CANVAS - height) // 2, (CANVAS - width) // 2
    canvas[y : y + height, x : x + width] = np.asarray(image)
    return canvas


@cache
def _face(font: str):
    from PIL import ImageFont

    return ImageFont.truetype(str(font_path(font)), 72)


@dataclass(frozen=True)
class GlyphBank:
    """Rendered letters: ``images`` is (N, 64, 64) uint8, ``labels`` is (N,) int64."""

    images: Tensor
    labels: Tensor

    @classmethod
    def draw(cls, letters: Sequence[str], fonts: Sequence[str] = FONTS) -> GlyphBank:
        """Render each letter in each font that has it."""
        pairs = [(i, char, font) for i, char in enumerate(letters) for font in fonts if char in letters_of(font)]
        if not pairs:
            raise ValueError(f"none of the fonts {', '.join(fonts)} has any of the {len(letters)} letters")
        images = np.stack([render(char, font) for _, char, font in pairs])
        return cls(torch.from_numpy(images), torch.tensor([i for i, _, _ in pairs]))

    def sample(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw ``n`` distorted letters, all classes equally likely: inputs (n, 3, 32, 32) and labels (n,)."""
        counts = torch.bincount(self.labels)
        index = torch.multinomial(1.0 / counts[self.labels].double(), n, replacement=True, generator=generator)
        return to_input(distort(self.images[index].float() / 255, generator)), self.labels[index]


def distort(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Bend (N, 64, 64) ink like a hand would; affine and elastic as in Simard et al. 2003.

    Returns:
        (N, 1, 32, 32) ink in [0, 1], after a random low resolution of 8 to 32 pixels.
    """
    n = len(ink)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * (high - low) + low

    ink = _change_stroke(ink[:, None], uniform(0, 1))
    angle, shear = uniform(-0.26, 0.26), uniform(-0.35, 0.35)
    sx, sy = uniform(0.75, 1.25), uniform(0.68, 0.95)
    cos, sin = torch.cos(angle), torch.sin(angle)
    x_row = [cos * sx, (shear * cos - sin) * sy, uniform(-0.1, 0.1)]
    y_row = [sin * sx, (shear * sin + cos) * sy, uniform(-0.1, 0.1)]
    theta = torch.stack([*x_row, *y_row], 1)
    grid = F.affine_grid(theta.view(n, 2, 3), [n, 1, SIZE, SIZE], align_corners=False)
    coarse = torch.randn(n, 2, 4, 4, generator=generator) * uniform(0.02, 0.13, 1, 1, 1)
    grid = grid + F.interpolate(coarse, (SIZE, SIZE), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    ink = F.grid_sample(ink, grid, align_corners=False)
    ink = _lower_resolution(ink, generator)
    contrast = uniform(0.8, 1.2, 1, 1, 1)
    noise = torch.randn(ink.shape, generator=generator) * uniform(0.0, 0.05, 1, 1, 1)
    return (ink * contrast + noise).clamp(0, 1)


def _change_stroke(ink: Tensor, choice: Tensor) -> Tensor:
    """Thin, keep or thicken the strokes of (N, 1, 64, 64)."""
    out = ink.clone()
    bold = ink.mean((1, 2, 3)) > 0.13
    for low, high, radius in ((0.0, 0.25, -1), (0.45, 0.75, 1), (0.75, 1.01, 2)):
        chosen = (choice >= low) & (choice < high) & (bold | (radius > 0))
        if not chosen.any():
            continue
        kernel = 2 * abs(radius) + 1
        sign = 1 if radius > 0 else -1
        out[chosen] = sign * F.max_pool2d(sign * ink[chosen], kernel, stride=1, padding=abs(radius))
    return out


def _lower_resolution(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Average half of (N, 1, 32, 32) down to 8 x 8 as a coarse scanner does, the rest less or not, and scale back."""
    choice = torch.rand(len(ink), generator=generator)
    out = ink.clone()
    for low, high, pixels in ((0.0, 0.5, 8), (0.5, 0.65, 12), (0.65, 0.85, 16)):
        chosen = (choice >= low) & (choice < high)
        if chosen.any():
            small = F.interpolate(ink[chosen], (pixels, pixels), mode="area")
            out[chosen] = F.interpolate(small, (SIZE, SIZE), mode="bilinear", align_corners=False)
    return out


def to_input(ink: Tensor) -> Tensor:
    """Turn ink (N, 1, H, W) in [0, 1] into what the network reads: (N, 3, 32, 32), standardised."""
    if ink.shape[-2:] != (SIZE, SIZE):
        ink = F.interpolate(ink, (SIZE, SIZE), mode="bilinear", align_corners=False, antialias=ink.shape[-1] > SIZE)
    return ((ink - MEAN) / STD).expand(-1, 3, -1, -1)


def slanted(
    n: int, seed: int, largest: float = 30.0, letters: Sequence[str] = ascii_uppercase
) -> tuple[Tensor, Tensor]:
    """Upright letters leaned over by a known angle, a target for regression.

    Args:
        largest: the largest slant, in degrees.
        letters: which ones to draw.

    Returns:
        Inputs (n, 3, 32, 32) and slants (n, 1) in degrees from -largest to largest; to the right is positive.
    """
    generator = torch.Generator().manual_seed(seed)
    bank = GlyphBank.draw(list(letters), ("DejaVuSans.ttf", "DejaVuSerif.ttf"))
    index = torch.randint(len(bank.labels), (n,), generator=generator)
    degrees = (torch.rand(n, 1, generator=generator) * 2 - 1) * largest
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1.0
    theta[:, 0, 1] = torch.tan(torch.deg2rad(degrees[:, 0]))
    grid = F.affine_grid(theta, [n, 1, SIZE, SIZE], align_corners=False)
    ink = F.grid_sample(bank.images[index].float()[:, None] / 255, grid, align_corners=False)
    return to_input(ink).contiguous(), degrees
