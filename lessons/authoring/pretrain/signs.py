"""Draw the messy folder of map signs that lesson 20 cleans: ``python -m authoring.pretrain.signs``.

Ten imagined hands draw four signs. Then things happen that happen to real folders: copies, copies of copies in
another size, a picture in the wrong folder, one in two folders, a file that was cut short, and an empty one.
"""

from __future__ import annotations

import io
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ftlib import catalog

HANDS, EACH, SEED = 10, 3, 20
FORMATS = ("png", "jpg", "gif", "bmp", "webp", "tif")
Stroke = list[tuple[float, float]]  # points in a unit square, y downwards


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    angles = np.linspace(math.radians(start), math.radians(end), 14)
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


def _camp(rng: np.random.Generator) -> list[Stroke]:
    """A tent: a triangle with an entrance."""
    top, door = rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.65)
    entrance = [(0.4, 0.9), (top, door), (0.6, 0.9)] if rng.random() < 0.6 else [(0.5, 0.9), (top, door)]
    return [[(0.05, 0.9), (top, 0.1), (0.95, 0.9), (0.05, 0.9)], entrance]


def _peak(rng: np.random.Generator) -> list[Stroke]:
    """A summit: a triangle with a dot in it, or with a line of snow."""
    top = rng.uniform(0.35, 0.65)
    outline = [(0.05, 0.9), (top, 0.1), (0.95, 0.9), (0.05, 0.9)]
    if rng.random() < 0.5:
        return [outline, _arc(0.5, rng.uniform(0.6, 0.7), 0.06, 0.06, 0, 360)]
    low = rng.uniform(0.35, 0.5)
    return [outline, [(0.3, low + 0.08), (0.42, low + 0.2), (0.55, low + 0.05), (0.72, low + 0.2)]]


def _tower(rng: np.random.Generator) -> Stroke:
    square = [(0.25, 0.5), (0.75, 0.5), (0.75, 0.95), (0.25, 0.95), (0.25, 0.5)]
    return square if rng.random() < 0.5 else _arc(0.5, 0.72, 0.25, 0.23, -90, 270)


def _church(rng: np.random.Generator) -> list[Stroke]:
    """A tower with a cross on it."""
    bar = rng.uniform(0.12, 0.28)
    return [_tower(rng), [(0.5, 0.5), (0.5, 0.03)], [(0.32, bar), (0.68, bar)]]


def _fort(rng: np.random.Generator) -> list[Stroke]:
    """A tower with a flag on it, which flies to either side."""
    tip = 0.95 if rng.random() < 0.85 else 0.05
    flag = [(0.5, 0.03), (tip, 0.16), (0.5, 0.3)] if rng.random() < 0.6 else [(0.5, 0.05), (tip, 0.07), (0.5, 0.25)]
    return [_tower(rng), [(0.5, 0.5), (0.5, 0.03)], flag]


SIGNS: dict[str, Callable[[np.random.Generator], list[Stroke]]] = {
    "camp": _camp, "church": _church, "fort": _fort, "peak": _peak,
}  # fmt: skip


@dataclass(frozen=True)
class Hand:
    """How one person draws: slant and turn in radians, width against height, pen, tremor, ink and paper."""

    slant: float
    turn: float
    width: float
    pen: float
    tremor: float
    ink: tuple[int, int, int]
    paper: tuple[int, int, int]

    @classmethod
    def invent(cls, rng: np.random.Generator, light_on_dark: bool) -> Hand:
        """Somebody new."""
        dark, light = rng.integers(0, 90, 3), rng.integers(205, 256, 3)
        ink, paper = (light, dark) if light_on_dark else (dark, light)
        return cls(rng.normal(0, 0.25), rng.normal(0, 0.16), rng.uniform(0.7, 1.3), rng.uniform(0.03, 0.09),
                   rng.uniform(0.008, 0.025), tuple(ink.tolist()), tuple(paper.tolist()))  # fmt: skip

    def draw(self, sign: str, rng: np.random.Generator) -> Image.Image:
        """One drawing, 40 to 110 pixels a side, as RGB."""
        side = int(rng.integers(40, 111))
        big = 4 * side
        image = Image.new("RGB", (big, big), self.paper)
        pen = ImageDraw.Draw(image)
        turn, slant = self.turn + rng.normal(0, 0.07), self.slant + rng.normal(0, 0.07)
        scale, middle = big * rng.uniform(0.45, 0.75), rng.uniform(0.42, 0.58, 2) * big
        width = max(3, round(self.pen * scale))
        for stroke in SIGNS[sign](rng):
            turned = self.bend(stroke, turn, slant, rng)
            path = [tuple(point) for point in turned * scale + middle]
            pen.line(path, fill=self.ink, width=width, joint="curve")
            for px, py in (path[0], path[-1]):
                pen.ellipse((px - width / 2, py - width / 2, px + width / 2, py + width / 2), fill=self.ink)
        return image.resize((side, side), Image.Resampling.LANCZOS)

    def bend(self, stroke: Stroke, turn: float, slant: float, rng: np.random.Generator) -> np.ndarray:
        """A stroke as this hand draws it: points (N, 2) around the middle of the unit square."""
        points = np.array(self._shaken(stroke, rng)) - 0.5
        x, y = (points[:, 0] + slant * -points[:, 1]) * self.width, points[:, 1]
        return np.stack([x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)], 1)

    def _shaken(self, stroke: Stroke, rng: np.random.Generator) -> Stroke:
        """The stroke with more points, each a little off."""
        points = np.array(stroke)
        at = np.linspace(0, len(points) - 1, max(8, len(points)))
        dense = np.stack([np.interp(at, range(len(points)), points[:, i]) for i in (0, 1)], 1)
        drift = rng.normal(0, 2 * self.tremor, (1, 2))
        return [tuple(point) for point in dense + drift + rng.normal(0, self.tremor, dense.shape)]


def encode(image: Image.Image, ending: str, kind: int) -> bytes:
    """The picture as a file of that ending; ``kind`` chooses one of the format's modes."""
    out, options = io.BytesIO(), {}
    if ending == "png":
        image = (image, image.convert("L"), image.convert("P"), _transparent(image), _sixteen_bit(image))[kind % 5]
    elif ending == "jpg":
        image = (image, image.convert("CMYK"), image.rotate(-90, expand=True))[kind % 3]
        options = {"quality": 60}
        if kind % 3 == 2:  # lying on its side, with a note for the reader to turn it
            exif = Image.Exif()
            exif[0x0112] = 8
            options["exif"] = exif
    elif ending in ("bmp", "tif"):
        image = image.convert("L").resize((48, 48)) if ending == "bmp" else image.convert("L")
        options = {"compression": "tiff_deflate"} if ending == "tif" else {}
    elif ending == "gif":
        image = image.quantize(16)
    elif ending == "webp":
        options = {"quality": 60}
    image.save(out, {"jpg": "JPEG", "tif": "TIFF"}.get(ending, ending.upper()), **options)
    return out.getvalue()


def _transparent(image: Image.Image) -> Image.Image:
    grey = np.asarray(image.convert("L"), int)
    away = np.abs(grey - grey[0, 0])
    alpha = Image.fromarray((away * 255 // max(1, away.max())).astype(np.uint8))
    image.putalpha(alpha)
    return image


def _sixteen_bit(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)


def make(folder: Path, seed: int = SEED) -> None:
    """Draw all signs into ``folder``, one sub-folder a sign, and then let things happen to them."""
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(seed)
    for number in range(1, HANDS + 1):
        hand = Hand.invent(rng, light_on_dark=number in (4, 9))
        for sign in SIGNS:
            (folder / sign).mkdir(parents=True, exist_ok=True)
            for letter in "abc"[:EACH]:
                ending = FORMATS[int(rng.integers(len(FORMATS)))]
                data = encode(hand.draw(sign, rng), ending, int(rng.integers(60)))
                (folder / sign / f"hand{number:02d}_{letter}.{ending}").write_bytes(data)
    _make_a_mess(folder)


def _make_a_mess(folder: Path) -> None:
    def find(sign: str, name: str) -> Path:
        return next((folder / sign).glob(f"{name}.*"))

    for sign, name in (("camp", "hand03_b"), ("peak", "hand08_a"), ("fort", "hand01_c"), ("church", "hand06_a")):
        file = find(sign, name)  # somebody copied it
        shutil.copyfile(file, file.with_name(f"Copy of {file.name}"))
    for sign, name in (("camp", "hand05_a"), ("fort", "hand10_b"), ("church", "hand02_c")):
        file = find(sign, name)  # somebody sent it through a messenger that makes pictures smaller
        with Image.open(file) as image:
            smaller = image.convert("RGB").resize([round(side * 0.8) for side in image.size])
        smaller.save(folder / sign / f"received_{name[-1]}{sum(map(ord, name)) % 97}.jpg", "JPEG", quality=70)
    wrong = find("church", "hand07_a")  # in the wrong folder
    wrong.rename(folder / "camp" / f"hand07_d{wrong.suffix}")
    both = find("peak", "hand02_b")  # in two folders
    shutil.copyfile(both, folder / "camp" / f"hand02_d{both.suffix}")
    cut = encode(Image.effect_noise((80, 80), 60).convert("RGB"), "jpg", 0)  # a transfer that broke off
    (folder / "fort" / "hand09_d.jpg").write_bytes(cut[: len(cut) // 3])
    (folder / "church" / "hand05_d.png").write_bytes(b"")
    (folder / "camp" / "notes.txt").write_text("ask Ada whether two entrances are still one tent\n", encoding="utf-8")


if __name__ == "__main__":
    make(catalog.data_dir() / "datasets" / "signs" / "pictures")
