"""List a folder of pictures or recordings whatever lies in it, ask where its order is unclear, and read the files."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ftlib.own.account import LINK, OTHER, UNUSABLE, Account, listed
from ftlib.tasks.base import Split

MOST_CLASSES = 500
QUIET = 500  # files that are read without a progress bar
SNIFFED = 200  # files of each sub-folder that tell what kind they are, and whether their names are classes
SOUND_ENDINGS = frozenset(".wav .flac .ogg .opus .mp3 .aif .aiff .m4a .aac .wma .amr .3gp .caf .au".split())
# pictures that Pillow cannot open: they are tried all the same, so that each is refused by name
FOREIGN_PICTURES = frozenset(".heic .heif .svg .dng .cr2 .cr3 .nef .arw .raw".split())
PARTS: dict[str, Split] = {"train": "train", "training": "train", "test": "test", "testing": "test"}
PARTS |= dict.fromkeys(("val", "valid", "validation", "dev"), "tune")
CAMERA = {"img", "dsc", "image", "photo", "pic", "scan", "copy", "screenshot", "file", "rec", "recording", "audio"}
Kind = Literal["picture", "recording"]


@dataclass
class Files:
    """What was read: one entry a file in each list."""

    files: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)


@dataclass
class Survey:
    """A first look into each sub-folder: some of its files, and the folders in it."""

    kind: Kind
    files: dict[str, list[str]]
    inner: dict[str, list[str]]


def look_into(root: Path) -> Survey:
    """What a folder holds, by the first files of each sub-folder; recordings if most of these are.

    Raises:
        ValueError: no such folder, no sub-folders, or so many that they can hardly be classes.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise ValueError(f"{root} {what}: give the folder that holds one sub-folder a class")
    try:
        tops = list(islice((entry.name for entry in _visible(root) if _is_folder(entry)), MOST_CLASSES + 1))
    except OSError as problem:
        raise ValueError(f"{root} cannot be read ({problem.strerror}): choose another folder") from problem
    if not tops:
        raise ValueError(f"{root} has no sub-folders: put the files of each class into a folder of its own")
    if len(tops) > MOST_CLASSES:
        raise ValueError(f"{root} has more than {MOST_CLASSES} sub-folders: each one should be a class")
    files = {top: [path for path, linked in islice(_walk(root, top), SNIFFED) if not linked] for top in sorted(tops)}
    sounds = Counter(_may_be(path, "recording") for paths in files.values() for path in paths)
    kind: Kind = "recording" if sounds[True] > sounds[False] else "picture"
    return Survey(kind, files, {top: sorted(_inner(root / top)) for top in files})


def check_order(root: Path, seen: Survey) -> None:
    """Ask which part of a path names the class, where it need not be the first folder.

    Raises:
        ValueError: all files lie deeper, or the folders hold the same words in their files' names: the sentence
            names ``label=`` for either meaning.
    """
    wanted = {top: [path for path in paths if _may_be(path, seen.kind)] for top, paths in seen.files.items()}
    wanted = {top: paths for top, paths in wanted.items() if paths}
    direct = any(path.count("/") == 1 for paths in wanted.values() for path in paths)
    deep = next((top for top in wanted if len(seen.inner[top]) > 1), None)
    outer = r'label=r"^([^/]+)/"'
    if wanted and not direct and deep:
        if len(seen.files) == 1:
            raise ValueError(f"{root} holds one sub-folder, {deep}, and the classes lie in it: give {root / deep}")
        raise ValueError(
            f"{deep} holds no {seen.kind}s but the folders {listed(seen.inner[deep], 3)}: pass "
            rf'label=r"^[^/]+/([^/]+)/" if the inner folders are the classes, {outer} if the outer ones are'
        )
    words = [_words(paths) for paths in wanted.values()]
    if direct and len(words) > 1 and len(words[0]) > 1 and all(found == words[0] for found in words):
        raise ValueError(
            f"the {seen.kind}s in {listed(wanted, 3)} begin with the same words ({listed(sorted(words[0]), 3)}): pass "
            rf'label=r"/([A-Za-z]+)[^/]*$" if these are the classes, {outer} if the folders are'
        )


def _words(paths: list[str]) -> set[str]:
    """The words with which at least a fifth of the names begin, less those that cameras write."""
    found = Counter(re.match(r"[a-z]*", path.rsplit("/", 1)[1].casefold())[0] for path in paths)
    return {word for word, n in found.items() if len(word) > 1 and word not in CAMERA and n > 1 and 5 * n >= len(paths)}


def has_parts(seen: Survey) -> bool:
    """Whether the sub-folders are train, test and the like, with folders of classes in each."""
    named = [PARTS.get(top.casefold()) for top in seen.files]
    return None not in named and "train" in named and len(set(named)) > 1 and all(map(len, seen.inner.values()))


def list_files(root: Path, account: Account, class_of: Callable[[str], str]) -> None:
    """Hand all files of the account's kind to it; hidden ones are ignored, and links never followed."""
    for path, linked in _walk(root):
        account.came += 1
        inside = class_of(path) if "/" in path else ""
        if linked:
            account.leave(LINK, inside, path)
        elif not _may_be(path, account.unit):
            account.leave(OTHER, inside, path)
        elif inside:
            account.keep(inside, path, path)
        else:
            account.leave(UNUSABLE, "", path, "has no class: label= finds none in its path, or it lies in no folder")


def read_files(root: Path, chosen: list[tuple[str, str]], read: Callable[[Path], Any], account: Account) -> Files:
    """Read all chosen files; what cannot be read is left out by name, with the reason."""
    from tqdm.auto import tqdm

    done = Files()
    for label, file in tqdm(sorted(chosen), unit=account.unit, disable=len(chosen) < QUIET):
        path = root / file
        try:
            found = read(path)
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except (ValueError, OSError) as problem:
            account.leave(UNUSABLE, label, file, str(problem).removeprefix(f"{path.name} "), known=True)
            continue
        for column, value in zip(vars(done).values(), (file, label, digest, found), strict=True):
            column.append(value)
    return done


def _visible(folder: str | Path) -> Iterator[os.DirEntry]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not entry.name.startswith("."))


def _is_folder(entry: os.DirEntry) -> bool:
    return entry.is_dir() and not entry.is_symlink()


def _inner(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in _visible(folder) if _is_folder(entry)]
    except OSError:
        return []


def _walk(root: Path, start: str = "") -> Iterator[tuple[str, bool]]:
    """Files below a folder, as relative paths with forward slashes, and whether each is a link or cannot be entered."""
    waiting = [start]
    while waiting:
        below = waiting.pop()
        try:
            for entry in _visible(root / below):
                path = f"{below}/{entry.name}" if below else entry.name
                if entry.is_symlink():
                    yield path, True
                elif entry.is_dir():
                    waiting.append(path)
                elif entry.is_file():
                    yield path, False
        except OSError:
            yield below, False


def _may_be(path: str, kind: str) -> bool:
    from PIL import Image

    ending = Path(path).suffix.lower()
    if kind == "recording":
        return ending in SOUND_ENDINGS
    return not ending or ending in FOREIGN_PICTURES or ending in Image.registered_extensions()
