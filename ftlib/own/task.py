"""Your own data as a task: a folder of pictures or recordings, or a CSV file of texts, through the same recipes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from pathlib import Path

import pandas as pd

from ftlib.own import pictures, splits, tables
from ftlib.own.base import PictureFolder, TextTable
from ftlib.own.sounds import Recordings, SoundFolder, read_recordings, reading_notes
from ftlib.speech.transcription import CHECKPOINT as SPEECH_CHECKPOINT
from ftlib.tasks.vision import CHECKPOINT

FILES, TEXTS = 5_000, 20_000  # how many are read unless you ask for more
BACKBONES = {"picture": CHECKPOINT, "recording": SPEECH_CHECKPOINT}
OWN_COLUMNS = ("id", "label", "group", "split", "text", "digest")


def from_folder(
    path: str | Path,
    *,
    group: str | None = None,
    relabel: Mapping[str, str | None] | None = None,
    drop: Iterable[str] = (),
    seed: int = 0,
    limit: int = FILES,
    backbone: str | None = None,
    settings: Mapping[str, dict] | None = None,
) -> PictureFolder | SoundFolder:
    """A task from a folder with one sub-folder of pictures, or of recordings, a class.

    Pictures of any size, mode and format that Pillow opens become grey ink of 32 x 32 pixels. Recordings of up
    to ten seconds (WAV, FLAC, Ogg, Opus, MP3) become one channel at 8 kHz. What cannot be read is left out and
    listed in ``task.skipped``. Look at ``task`` and ``task.preview()`` first.

    Args:
        group: a regular expression whose first group, found in a file's path, says who or what it comes
            from, e.g. ``r"hand(\\d+)"``. Files of one group stay in one split, as do exact copies.
        relabel: class to new class, or to None to leave it out.
        drop: files to leave out, as in ``task.items.id``.
        seed: of the split.
        limit: the most files that are read.
        backbone: who looks or listens: the course's one for pictures or the one for sound.
        settings: training settings of single recipes; the others are those tuned on the course's digits,
            handwritten or spoken.

    Raises:
        ValueError: one sentence on what is wrong with the folder or an argument.
    """
    root = Path(path)
    kind = pictures.kind_of(root)
    if backbone not in (None, BACKBONES[kind]):
        raise ValueError(f"there is no backbone {backbone!r} for {kind}s yet: choose from {BACKBONES[kind]}")
    _check_limit(limit, kind)
    listing = pictures.list_files(root, limit, kind)
    read = pictures.read_pictures(root, listing) if kind == "picture" else read_recordings(root, listing)
    _check_some(read.files, f"{root} has no {kind} that can be read", read.skipped, listing.others)
    items = pd.DataFrame({"id": read.files, "label": read.labels, "group": _groups(read.files, group)})
    items = items.assign(digest=read.digests, position=range(len(items)))
    notes = pictures.listing_notes(listing, limit)
    if isinstance(read, Recordings):
        notes += reading_notes(read)
    else:
        items["dark_on_light"] = read.dark_on_light
    items, more = _arrange(items, relabel, drop, seed, read.skipped)
    task = PictureFolder if isinstance(read, pictures.Pictures) else SoundFolder
    return task(_name(root), items, [*notes, *more], settings, read)


def from_csv(
    path: str | Path,
    text: str = "text",
    label: str = "label",
    *,
    group: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    relabel: Mapping[str, str | None] | None = None,
    drop: Iterable[str] = (),
    seed: int = 0,
    limit: int = TEXTS,
    backbone: str = "minilm",
    settings: Mapping[str, dict] | None = None,
) -> TextTable:
    """A task from a CSV file with a column of texts and a column of labels; other columns stay in ``task.items``.

    Args:
        text, label, group: names of columns. Rows of one group (a person, a site) stay in one split, as do
            copies of one text.
        encoding: utf-8 unless given; a wrong one is reported with the position of the first bad byte.
        delimiter: found out unless given.
        relabel, drop, seed: as in ``from_folder``; a row's id is ``"row 2"`` for the first one below the
            header, as in a spreadsheet.
        limit: the most rows that are used, drawn at random.
        backbone: who reads the texts, see ``TextTask``. MiniLM learnt from English.
        settings: training settings of single recipes; the others are those tuned on the course's reviews.

    Raises:
        ValueError: one sentence on what is wrong with the file or an argument.
    """
    path = Path(path)
    _check_limit(limit, "row")
    table = tables.read_table(path, [text, label] + ([group] if group else []), encoding, delimiter)
    items, skipped = _usable(table, text, label, group)
    _check_some(items, f"{path.name} has no row with a text and a label", skipped)
    notes = []
    if len(items) > limit:
        notes = [f"{limit:,} of {len(items):,} rows are used, drawn at random: pass limit= for more."]
        items = items.sample(limit, random_state=seed).sort_index()
    items, more = _arrange(items, relabel, drop, seed, skipped)
    return TextTable(_name(path), items, [*notes, *more], skipped, settings, backbone)


def _check_limit(limit: int, unit: str) -> None:
    if limit < 1:
        raise ValueError(f"limit is {limit}: read at least one {unit}")


def _check_some(found: Sized, otherwise: str, skipped: pictures.Skipped, others: Sequence[str] = ()) -> None:
    if not len(found):
        raise ValueError(f"{otherwise}{_first(skipped, others)}")


def _usable(
    table: tables.Table, text: str, label: str, group: str | None
) -> tuple[pd.DataFrame, pictures.Skipped]:
    rows, skipped = [], list(table.skipped)
    for id, row in zip(table.ids, table.rows, strict=True):
        if not row[text]:
            skipped.append((id, "has no text"))
        elif row[label].casefold() in tables.NO_LABEL:
            skipped.append((id, "has no label"))
        else:
            plain = " ".join(row[text].split())
            digest = hashlib.sha256(plain.casefold().encode()).hexdigest()
            own = {"id": id, "label": " ".join(row[label].split()), "group": row[group] if group else ""}
            own |= {"text": plain, "digest": digest}
            others = {name: value for name, value in row.items() if name not in (text, label, group)}
            rows.append(own | {_free(name): value for name, value in others.items()})
    return pd.DataFrame(rows), skipped


def _free(name: str) -> str:
    return f"{name} in file" if name in OWN_COLUMNS else name


def _name(path: Path) -> str:
    return path.resolve().stem or "own"


def _first(skipped: pictures.Skipped, others: Sequence[str]) -> str:
    if skipped:
        return f": {skipped[0][0]} {skipped[0][1]}" + (f" ({len(skipped) - 1} more)" if len(skipped) > 1 else "")
    return f": it holds files such as {others[0]}" if others else ""


def _groups(ids: Sequence[str], pattern: str | None) -> list[str]:
    if pattern is None:
        return [""] * len(ids)
    try:
        found = [re.search(pattern, id) for id in ids]
    except re.error as problem:
        raise ValueError(f"group is {pattern!r}, which is no regular expression: {problem}") from problem
    if not any(found):
        raise ValueError(f"group is {pattern!r}, which is found in no path: the first one is {ids[0]!r}")
    return [(match[1] if match.re.groups else match[0]) or "" if match else "" for match in found]


def _arrange(
    items: pd.DataFrame,
    relabel: Mapping[str, str | None] | None,
    drop: Iterable[str],
    seed: int,
    skipped: pictures.Skipped,
) -> tuple[pd.DataFrame, list[str]]:
    """Relabel, leave out and split; returns the items with a column ``split``, and notes."""
    items = _relabelled(items, dict(relabel or {}))
    drop = {drop} if isinstance(drop, str) else set(drop)
    if unknown := drop - set(items.id) - {id for id, _ in skipped}:
        raise ValueError(f"drop names {sorted(unknown)[0]!r}, which is not in the data: see task.items.id")
    items = items[~items.id.isin(drop)].reset_index(drop=True)
    classes = items.label.unique()
    if len(classes) < 2:
        named = f"one class, {classes[0]!r}" if len(classes) else "no examples"
        raise ValueError(f"there is {named}, and telling apart takes at least two: check the labels")
    if len(classes) > pictures.MOST_CLASSES or len(classes) > len(items) / 2 > 5:
        raise ValueError(f"there are {len(classes)} different labels for {len(items)} examples: is that the label?")
    own_group = [value or f"no group {i}" for i, value in enumerate(items.group)]
    items.insert(3, "split", splits.assign(items.label, [own_group, items.digest], seed))
    return items, _notes(items, skipped)


def _relabelled(items: pd.DataFrame, relabel: dict[str, str | None]) -> pd.DataFrame:
    known = set(items.label)
    if unknown := set(relabel) - known:
        listed = ", ".join(map(repr, sorted(known)[:12]))
        raise ValueError(f"relabel names {sorted(unknown)[0]!r}, which is no label here: there are {listed}")
    labels = [relabel.get(label, label) for label in items.label]
    return items.assign(label=labels)[[label is not None for label in labels]]


def _notes(items: pd.DataFrame, skipped: pictures.Skipped) -> list[str]:
    notes = []
    if skipped:
        notes.append(f"{len(skipped)} cannot be used{_first(skipped, [])}. All are listed in task.skipped.")
    by_digest = items.groupby("digest").label
    if copies := int((by_digest.size() - 1).sum()):
        torn = int((by_digest.nunique() > 1).sum())
        conflict = f", and labels disagree in {torn} of these cases" if torn else ""
        counted = "1 is an exact copy of another" if copies == 1 else f"{copies} are exact copies of others"
        notes.append(f"{counted}{conflict}; copies stay in one split.")
    missing = [split for split in splits.SPLITS if not (items.split == split).any()]
    if missing:
        notes.append(f"Nothing is left for {' and '.join(missing)}: there are too few examples to tune settings on.")
    return notes
