"""List a folder of pictures or recordings, one sub-folder a class, whatever lies in it, and read the pictures."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ftlib.own.ink import UnreadablePicture, border, read_grey, to_ink

MOST_CLASSES = 500
QUIET = 500  # files that are read without a progress bar
SNIFFED = 200  # files whose endings tell pictures from recordings
SOUND_ENDINGS = frozenset((".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"))
Skipped = list[tuple[str, str]]  # what was left out, and why
Kind = Literal["picture", "recording"]


@dataclass
class Listing:
    """The files of each class that are to be read, and what was passed over."""

    kind: Kind = "picture"
    files: dict[str, list[str]] = field(default_factory=dict)  # class -> paths relative to the root
    found: int = 0
    links: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def listed(self) -> int:
        """How many files are to be read."""
        return sum(map(len, self.files.values()))


def kind_of(root: Path) -> Kind:
    """Whether a folder's first files are mostly recordings; otherwise it counts as one of pictures."""
    if not root.is_dir():
        return "picture"
    listing = Listing()
    within = (entry.name for entry in _visible(root) if entry.is_dir() and not entry.is_symlink())
    endings = Counter()
    for name in islice(within, MOST_CLASSES):
        files = islice(_files(root, name, listing, lambda _: True), SNIFFED)
        endings.update(Path(file).suffix.lower() in SOUND_ENDINGS for file in files)
    return "recording" if endings[True] > endings[False] else "picture"


def list_files(root: Path, limit: int, kind: Kind = "picture") -> Listing:
    """Walk through a folder without ever holding more than ``limit`` paths.

    Where there are more files of the kind than ``limit``, each class keeps an equal share, chosen by a hash of the
    paths: the same ones on every machine. Hidden files are ignored; links are never followed.

    Raises:
        ValueError: no such folder, no sub-folders, or so many that they can hardly be classes.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise ValueError(f"{root} {what}: give the folder that holds one sub-folder a class")
    listing, classes = Listing(kind), []
    for entry in _visible(root):
        if entry.is_symlink():
            listing.links.append(entry.name)
        elif entry.is_dir():
            classes.append(entry.name)
        else:
            listing.others.append(entry.name)
        if len(classes) > MOST_CLASSES:
            raise ValueError(f"{root} has more than {MOST_CLASSES} sub-folders: each one should be a class")
        del listing.others[limit:]
    if not classes:
        raise ValueError(f"{root} has no sub-folders: put the {kind}s of each class into a folder of its own")
    share = max(1, limit // len(classes))
    for name in sorted(classes):
        listing.files[name] = _of_class(root, name, share, listing)
    return listing


def _visible(folder: str | Path) -> Iterator[os.DirEntry]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not entry.name.startswith("."))


def _of_class(root: Path, name: str, share: int, listing: Listing) -> list[str]:
    kept: list[tuple[int, str]] = []  # a heap of the ``share`` smallest hashes
    for path in _files(root, name, listing, _may_be_picture if listing.kind == "picture" else _may_be_sound):
        listing.found += 1
        key = -int.from_bytes(hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()[:8], "big")
        (heapq.heappush if len(kept) < share else heapq.heappushpop)(kept, (key, path))
    return sorted(path for _, path in kept)


def _files(root: Path, folder: str, listing: Listing, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Wanted files below a folder, as relative paths with forward slashes; nested folders included."""
    waiting = [folder]
    while waiting:
        below = waiting.pop()
        try:
            entries = _visible(root / below)
            for entry in entries:
                path = f"{below}/{entry.name}"
                if entry.is_symlink():
                    listing.links.append(path)
                elif entry.is_dir():
                    waiting.append(path)
                elif entry.is_file() and wanted(entry.name):
                    yield path
                elif len(listing.others) < 1000:
                    listing.others.append(path)
        except PermissionError:
            listing.others.append(below)


def _may_be_picture(name: str) -> bool:
    from PIL import Image

    ending = Path(name).suffix.lower()
    return not ending or ending in Image.registered_extensions()


def _may_be_sound(name: str) -> bool:
    return Path(name).suffix.lower() in SOUND_ENDINGS


@dataclass
class Pictures:
    """What was read: ``ink`` (N, 1, 32, 32), ``fingerprints`` (N, 256), and one entry a picture in each list."""

    ink: Tensor
    fingerprints: Tensor
    files: list[str]
    labels: list[str]
    digests: list[str]
    dark_on_light: list[bool]
    skipped: Skipped


def read_pictures(root: Path, listing: Listing) -> Pictures:
    """Read all listed files; what cannot be read is kept by name, with the reason."""
    from tqdm.auto import tqdm

    read = Pictures(torch.zeros(0), torch.zeros(0), [], [], [], [], [])
    inks, prints = [], []
    pairs = [(label, file) for label, files in listing.files.items() for file in files]
    for label, file in tqdm(pairs, unit="picture", disable=len(pairs) < QUIET):
        try:
            grey = read_grey(root / file)
            ink, dark_on_light = to_ink(grey)
        except UnreadablePicture as problem:
            read.skipped.append((file, str(problem)))
            continue
        inks.append(ink)
        prints.append(fingerprint(grey))
        read.files.append(file)
        read.labels.append(label)
        read.digests.append(_digest(root / file))
        read.dark_on_light.append(dark_on_light)
    if inks:
        read.ink, read.fingerprints = torch.stack(inks), torch.stack(prints)
    return read


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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listing_notes(listing: Listing, limit: int) -> list[str]:
    """What a person should know about how a folder was listed, one sentence each."""
    notes = []
    if listing.found > listing.listed:
        notes.append(
            f"{listing.listed:,} of {listing.found:,} {listing.kind}s are used, the same share a class: "
            f"pass limit= for more than {limit:,}."
        )
    if listing.links:
        n, first = len(listing.links), listing.links[0]
        notes.append(f"{_are(n, 'link')} not followed, such as {first}: copy the files into the folder instead.")
    if listing.others:
        endings = Counter(Path(name).suffix.lower() or name for name in listing.others)
        listed = ", ".join(ending for ending, _ in endings.most_common(4))
        ignored = _are(len(listing.others), "file")
        notes.append(f"{ignored} ignored, being no {listing.kind} in a class folder: {listed}.")
    return notes


def _are(n: int, what: str) -> str:
    return f"1 {what} is" if n == 1 else f"{n:,} {what}s are"
