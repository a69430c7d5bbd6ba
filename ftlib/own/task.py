"""Your own data as a task: a folder of pictures or recordings, or a CSV file of texts, through the same recipes."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ftlib.own import folders, splits, tables
from ftlib.own.account import DROPPED, RELABELLED, UNUSABLE, Account, listed
from ftlib.own.base import PhotoFolder, PictureFolder, TextTable
from ftlib.own.pictures import one_ink, read_drawing, read_pixels
from ftlib.own.sounds import LONGEST, SoundFolder
from ftlib.speech import audio
from ftlib.speech.transcription import CHECKPOINT as SPEECH_CHECKPOINT
from ftlib.tasks.photos import SIZE

FILES, TEXTS = 5_000, 20_000  # how many are read unless you ask for more
BACKBONES = {"picture": ("photo", "ink"), "recording": (SPEECH_CHECKPOINT,)}
LOOKED_AT = 100  # pictures that decide which backbone suits
SIZES = (32, 512)  # of photographs, in pixels
OWN_COLUMNS = ("id", "label", "group", "split", "text", "digest")
MOST_COLUMNS = 50  # further columns of a table that are kept


def from_folder(
    path: str | Path,
    *,
    group: str | None = None,
    label: str | None = None,
    relabel: Mapping[str, str | None] | None = None,
    drop: Iterable[str] | None = (),
    seed: int = 0,
    limit: int = FILES,
    longest: float = LONGEST,
    backbone: str | None = None,
    size: int = SIZE,
    settings: Mapping[str, dict] | None = None,
) -> PictureFolder | PhotoFolder | SoundFolder:
    """A task from a folder with one sub-folder of pictures, or of recordings, a class.

    Pictures of any size, mode and format that Pillow opens become squares in colour, or grey ink of 32 x 32 pixels
    where they show strokes of one colour on paper. Recordings of up to ten seconds (WAV, FLAC, Ogg, Opus, MP3) become
    one channel at 8 kHz. What cannot be read is left out and listed in ``task.skipped``. Look at ``task`` and
    ``task.preview()`` first.

    Folders train, val and test that hold the folders of the classes are taken as the splits.

    Args:
        group: a regular expression whose first group, found in a file's path, says who or what it comes
            from, e.g. ``r"hand(\\d+)"``. Files of one group stay in one split, as do exact copies.
        label: a regular expression whose first group, found in a file's path, is its class, where the first folder
            is not: ``r"^[^/]+/([^/]+)/"`` is the second folder.
        relabel: class to new class, or to None to leave it out.
        drop: files to leave out, as in ``task.items.id``.
        seed: of the split.
        limit: the most files that are read; the largest classes are cut down first.
        longest: seconds that a recording may last.
        backbone: who looks: ``"photo"``, a network that has seen photographs (EfficientNet-Lite0, ImageNet), or
            ``"ink"``, one that has read letters. Chosen by a look at the pictures unless given.
        size: side of the square that the network for photographs gets, in pixels.
        settings: training settings of single recipes; the others are those tuned on the course's digits,
            handwritten or spoken.

    Raises:
        ValueError: one sentence on what is wrong with the folder or an argument.
    """
    root = _checked(path, relabel, drop, seed, limit, settings)
    _check_texts(group=group, label=label, backbone=backbone)
    if not isinstance(size, int) or isinstance(size, bool) or not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"size is {_short(size)}: give pixels, from {SIZES[0]} to {SIZES[1]}")
    if not isinstance(longest, int | float) or not audio.SHORTEST <= longest <= audio.LONGEST * 60:
        raise ValueError(f"longest is {longest!r}: give seconds, from {audio.SHORTEST} to {audio.LONGEST * 60:g}")
    seen = folders.look_into(root)
    if backbone not in (None, *BACKBONES[seen.kind]):
        there = ", ".join(BACKBONES[seen.kind])
        raise ValueError(f"there is no backbone {backbone!r} for {seen.kind}s: choose from {there}")
    parts = folders.has_parts(seen)
    if not (label or parts):
        folders.check_order(root, seen)
    account = Account(seen.kind, limit)
    folders.list_files(root, account, _finder("label", label or (r"^[^/]+/([^/]+)/" if parts else r"^([^/]+)/")))
    chosen, why = account.chosen(splits.LEAST), ""
    if seen.kind == "picture" and backbone is None:
        backbone, why = _suited([root / file for _, file in chosen])
    read_one = partial(read_pixels, size=size) if backbone == "photo" else read_drawing
    read_one = read_one if seen.kind == "picture" else partial(audio.read, longest=longest)
    read = folders.read_files(root, chosen, read_one, account)
    _check_some(read.files, f"{root} has no {seen.kind} that can be read", account)
    items = pd.DataFrame({"id": read.files, "label": read.labels, "group": _groups(read.files, group)})
    items = items.assign(digest=read.digests, position=range(len(items)))
    given = [folders.PARTS[id.split("/")[0].casefold()] for id in read.files] if parts else None
    items, notes = _arrange(items, relabel, drop, seed, account, given)
    notes = [why, *notes] if why else notes
    if backbone == "photo":
        return PhotoFolder(_name(root), items, notes, account, settings, read, size)
    if seen.kind == "picture":
        return PictureFolder(_name(root), items, notes, account, settings, read)
    return SoundFolder(_name(root), items, notes, account, settings, read, longest)


def from_csv(
    path: str | Path,
    text: str = "text",
    label: str = "label",
    *,
    group: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    relabel: Mapping[str, str | None] | None = None,
    drop: Iterable[str] | None = (),
    seed: int = 0,
    limit: int = TEXTS,
    backbone: str = "minilm",
    settings: Mapping[str, dict] | None = None,
) -> TextTable:
    """A task from a CSV file with a column of texts and a column of labels; other columns stay in ``task.items``.

    Args:
        text, label, group: names of columns. Rows of one group (a person, a site) stay in one split, as do
            copies of one text.
        encoding: utf-8 unless given or told by the file's first bytes; a wrong one is reported with the position of
            the first bad byte.
        delimiter: found out unless given.
        relabel, drop, seed: as in ``from_folder``; a row's id is ``"row 2"`` for the first one below the
            header, as in a spreadsheet.
        limit: the most rows that are used, drawn at random while the file is read; the largest classes are cut first.
        backbone: who reads the texts, see ``TextTask``. MiniLM learnt from English.
        settings: training settings of single recipes; the others are those tuned on the course's reviews.

    Raises:
        ValueError: one sentence on what is wrong with the file or an argument.
    """
    path = _checked(path, relabel, drop, seed, limit, settings)
    _check_texts(group=group, encoding=encoding, delimiter=delimiter)
    needed = [text, label] + ([group] if group else [])
    _check_texts(text=text, label=label, backbone=backbone, needed=True)
    if len(set(needed)) < len(needed):
        raise ValueError(f"{listed(map(repr, needed))} name one column twice: text, label and group are three columns")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise ValueError(f"delimiter is {delimiter!r}: give one character, such as ';', or \"\\t\" for a tab")
    table = tables.Table(path, needed, encoding, delimiter)
    others = [i for i, name in enumerate(table.columns) if name not in needed]
    account = Account("row", limit, seed)
    _keep_usable(table, account, [table.columns.index(name) for name in needed], others[:MOST_COLUMNS])
    rows = [item for _, item in account.chosen(splits.LEAST)]
    _check_some(rows, f"{path.name} has no row with a text and a label", account)
    columns = ["id", "label", "group", "text", "digest", *_free(table.columns[i] for i in others[:MOST_COLUMNS])]
    items, notes = _arrange(pd.DataFrame(rows, columns=columns), relabel, drop, seed, account)
    if len(others) > MOST_COLUMNS:
        notes.append(f"Of {len(others):,} further columns the first {MOST_COLUMNS} are kept in task.items.")
    return TextTable(_name(path), items, notes, account, settings, backbone)


def _suited(paths: list[Path]) -> tuple[str, str]:
    """The backbone for these pictures, and a sentence that says why."""
    looked = [one_ink(path) for path in paths[:: -(-len(paths) // LOOKED_AT) or 1]]
    known = [found for found in looked if found is not None]
    strokes = sum(known)
    if 2 * strokes > len(known):
        said = f"{strokes} of {len(known)} pictures looked at are strokes of one colour on paper, so the network that"
        return "ink", f'{said} has read letters reads them; pass backbone="photo" for the one that knows photographs.'
    said = f"{len(known) - strokes} of {len(known)} pictures looked at are more than strokes of one colour on paper, so"
    return "photo", f'{said} the network that has seen photographs reads them; pass backbone="ink" for the other one.'


def _checked(path: Any, relabel: Any, drop: Any, seed: Any, limit: Any, settings: Any) -> Path:
    """The path, after a look at the arguments that pictures, recordings and texts share."""
    if isinstance(path, pd.DataFrame):
        raise ValueError("the path is a DataFrame: write it with its to_csv(path, index=False) and give the path")
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str) or "\0" in os.fspath(path):
        raise ValueError(f"the path is {_short(path)}: give the path of your data as a string")
    if relabel is not None and not (
        isinstance(relabel, Mapping) and all(isinstance(new, str | None) for pair in relabel.items() for new in pair)
        and None not in relabel and all(new is None or new.strip() for new in relabel.values())
    ):  # fmt: skip
        raise ValueError(f"relabel is {_short(relabel)}: give a dict such as {{'biling': 'billing', 'spam': None}}")
    if not isinstance(drop, Iterable | None) or not all(isinstance(id, str) for id in drop or ()):
        raise ValueError(f"drop is {_short(drop)}: give a list of ids, as in task.items.id")
    for name, value, least in (("limit", limit, 1), ("seed", seed, 0)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} is {_short(value)}: give a whole number from {least} on")
    if settings is not None and not (
        isinstance(settings, Mapping) and all(isinstance(own, Mapping) for own in settings.values())
    ):
        raise ValueError(f"settings is {_short(settings)}: give a dict such as {{'head': {{'lr': 0.01}}}}")
    try:
        place = Path(path).expanduser()
        place.exists()
    except (RuntimeError, OSError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise ValueError(f"{str(path)[:60]!r} can be no path here ({why}): give the full path") from problem
    return place


def _check_texts(needed: bool = False, **given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, str if needed else str | None) or value == "":
            raise ValueError(f"{name} is {_short(value)}: give a string")


def _short(value: Any) -> str:
    plain = isinstance(value, str | int | float | None) and len(repr(value)) < 80
    return repr(value) if plain else f"of type {type(value).__name__}"


def _check_some(found: Sequence, otherwise: str, account: Account) -> None:
    if not len(found):
        reason = next(iter(account.skipped), None)
        said = " ".join(reason) if reason else "; ".join(str(account).splitlines()[1:]).rstrip(".")
        more = f" ({len(account.skipped) - 1} more)" if len(account.skipped) > 1 else ""
        raise ValueError(f"{otherwise}: {said}{more}" if said else otherwise)


def _keep_usable(table: tables.Table, account: Account, needed: list[int], others: list[int]) -> None:
    at_text, at_label, *at_group = needed
    for id, row in table.rows(account, account.found.__contains__):
        plain, label = " ".join(row[at_text].split()), " ".join(row[at_label].split())
        if label.casefold() in tables.NO_LABEL:
            account.leave(UNUSABLE, "", id, "has no label" + (f" but {label!r}" if label else ""))
        elif not plain:
            account.leave(UNUSABLE, label, id, "has no text")
        else:
            digest = hashlib.sha256(plain.casefold().encode("utf-8", "surrogatepass")).hexdigest()
            own = (id, label, row[at_group[0]] if at_group else "", plain, digest)
            account.keep(label, id, (*own, *(row[i] for i in others)))


def _free(names: Iterable[str]) -> list[str]:
    """Names for further columns that differ from one another and from our own."""
    found: Counter[str] = Counter(OWN_COLUMNS)
    free = []
    for name in names:
        new = f"{name} in file" if name in OWN_COLUMNS else name
        found[new] += 1
        free.append(f"{new} ({found[new]})" if found[new] > 1 else new)
    return free


def _name(path: Path) -> str:
    return path.resolve().stem or "own"


def _finder(name: str, pattern: str) -> Callable[[str], str]:
    """A function that finds the first group of a regular expression in a path, or ""."""
    try:
        search = re.compile(pattern).search
    except (re.error, RecursionError, OverflowError) as problem:
        raise ValueError(f"{name} is {pattern!r}, which is no regular expression: {problem}") from problem

    def find(path: str) -> str:
        match = search(path)
        return (match[1] if match.re.groups else match[0]) or "" if match else ""

    return find


def _groups(ids: Sequence[str], pattern: str | None) -> list[str]:
    if pattern is None:
        return [""] * len(ids)
    found = list(map(_finder("group", pattern), ids))
    if not any(found):
        raise ValueError(f"group is {pattern!r}, which is found in no path: the first one is {ids[0]!r}")
    return found


def _arrange(
    items: pd.DataFrame,
    relabel: Mapping[str, str | None] | None,
    drop: Iterable[str] | None,
    seed: int,
    account: Account,
    parts: list | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Relabel, leave out and split; returns the items with a column ``split``, and notes."""
    relabel, drop = dict(relabel or {}), {drop} if isinstance(drop, str) else set(drop or ())
    if unknown := set(relabel) - set(account.found):
        there = listed(map(repr, sorted(filter(None, account.found))), 12)
        raise ValueError(f"relabel names {sorted(unknown)[0]!r}, which is no label here: there are {there}")
    if unknown := drop - set(items.id) - {id for id, _ in account.skipped}:
        raise ValueError(f"drop names {sorted(unknown)[0]!r}, which is not in the data: see task.items.id")
    new = [relabel.get(label, label) for label in items.label]
    dropped = items.id.isin(drop)
    for id, old, label, out in zip(items.id, items.label, new, dropped, strict=True):
        if out or label is None:
            account.leave(DROPPED if out else RELABELLED, old, id, known=True)
    stays = pd.Series([label is not None for label in new], dtype=bool)
    account.used = Counter(items.label[stays & ~dropped])
    everything = items.assign(label=new, part=parts, dropped=dropped)[stays].reset_index(drop=True)
    items = everything[~everything.dropped]
    classes = items.label.unique()
    if len(classes) < 2:
        named = f"one class, {classes[0]!r}" if len(classes) else "no examples"
        raise ValueError(f"there is {named}, and telling apart takes at least two: check the labels")
    if len(classes) > folders.MOST_CLASSES or len(classes) > len(items) / 2 > 5:
        raise ValueError(f"there are {len(classes)} different labels for {len(items)} examples: is that the label?")
    try:  # what is dropped has its place in the split all the same, so that nothing else moves
        chosen = _split(everything, parts, seed)
        if anew := not splits.complete(chosen[~everything.dropped], items.label):
            everything = items.reset_index(drop=True)
            chosen = _split(everything, parts, seed)
    except splits.TooSmall as problem:
        gone = "; ".join(str(account).splitlines()[1:]).replace(" in task.skipped", "").rstrip(".")
        raise splits.TooSmall(f"{problem}{f' ({gone})' if gone else ''}") from problem
    everything.insert(3, "split", chosen)
    items = everything[~everything.dropped].drop(columns=["part", "dropped"]).reset_index(drop=True)
    said = ["So much is left out that the splits were dealt anew: do not compare with earlier scores."] if anew else []
    return items, said + _notes(items, parts is not None)


def _split(items: pd.DataFrame, parts: list | None, seed: int) -> np.ndarray:
    columns = [items[name].tolist() for name in ("label", "group", "digest")]
    return np.array(splits.from_parts(items.part, *columns) if parts else splits.assign(*columns, seed), dtype=object)


def _notes(items: pd.DataFrame, given: bool) -> list[str]:
    notes = []
    if given:
        notes.append("The folders train, val and test are taken as the splits; val is halved for tuning, or the test.")
    by_digest = items.groupby("digest")
    if copies := int((by_digest.size() - 1).sum()):
        torn = int((by_digest.label.nunique() > 1).sum())
        conflict = f", and labels disagree in {torn} of these cases" if torn else ""
        counted = "1 is an exact copy of another" if copies == 1 else f"{copies} are exact copies of others"
        leaky = int((by_digest.split.nunique() > 1).sum())
        where = f"{leaky} of them lie in two splits, see checks.leaks" if leaky else "copies stay in one split"
        notes.append(f"{counted}{conflict}; {where}.")
    missing = [split for split in splits.SPLITS if not (items.split == split).any()]
    if missing:
        why = "there is no folder val beside train and test" if given else "there are too few examples"
        notes.append(f"Nothing is left for {' and '.join(missing)}: {why} to tune settings on.")
    return notes
