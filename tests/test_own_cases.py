"""Nothing is lost in silence: what comes in is used, counted by reason and class, asked about, or named for what it is.

Each table holds one kind of fault, as people report it, with its neighbours.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from ftlib.own import checks, from_csv, from_folder, language, splits
from ftlib.own.base import PhotoFolder
from ftlib.own.splits import TooSmall
from ftlib.speech import audio

LABELS = ("billing", "delivery", "account")
LINES = [f"message number {i} about {LABELS[i % 3]} {'xyz'[i % 3] * (i % 7)},{LABELS[i % 3]}" for i in range(60)]


@pytest.fixture
def table(tmp_path):
    """Write lines, or bytes, as a table, and read it."""

    def read(lines, *, header="text,label", **options):
        data = lines if isinstance(lines, bytes) else "\n".join([header, *lines, ""]).encode()
        (tmp_path / "mail.csv").write_bytes(data)
        return from_csv(tmp_path / "mail.csv", **options)

    return read


def accounted(task) -> bool:
    """Whether every row or file is used or left out for a reason."""
    account = task.account
    out = sum(counts.total() for counts in account.out.values())
    return account.came == account.found.total() == len(task.items) + out and "Unaccounted" not in repr(task)


def put(root, files):
    """Write a picture, a second of sound or bytes under each name."""
    for number, (name, content) in enumerate(files.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif path.suffix in (".wav", ".aiff", ".flac"):
            soundfile.write(path, 0.3 * np.sin(np.arange(8000) * (number + 5) / 60), 8000)
        else:
            page = np.full((40, 40), 255, np.uint8)
            page[5 + number % 25 : 9 + number % 25, 5 : 20 + number % 15] = 0
            Image.fromarray(page).save(path)
    return root


# --- rows that a quotation mark swallows


@pytest.mark.parametrize(
    ("at", "line", "used"),
    [
        (30, '"an opening quote that nothing closes,billing', 59),
        (30, 'an ending,"billing', 60),
        (59, '"the last line,billing', 59),
        (0, '"the first line,billing', 59),
        (30, '"quoted" and then more,billing', 60),
        (30, '"two lines\nof one text",billing', 60),
        (30, '"a ""word"" in quotes",billing', 60),
        (30, 'a screen of 5" is broken,billing', 60),
    ],
    ids=["opening", "label", "last", "first", "half", "two-lines", "doubled", "inch"],
)
def test_a_quotation_mark_swallows_no_rows(table, at, line, used):
    task = table([*LINES[:at], line, *LINES[at + 1 :]])
    assert len(task.items) == used and accounted(task) and task.items.text.str.len().max() < 60
    assert used == 60 or task.skipped == [(f"row {at + 2}", "has a quotation mark that no other one closes: "
                                           "remove it, or write it twice")]  # fmt: skip


def test_two_opening_quotes_that_close_each_other_swallow_no_rows(table):
    task = table([*LINES[:20], '"one,billing', *LINES[20:30], 'two",billing', *LINES[30:]])
    assert len(task.items) >= 60 and accounted(task)


# --- structures


FLAT = [f"{label}/{label}_{i}.png" for label in ("ring", "cross") for i in range(8)]


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        (("train", "val", "test"), {"train": 16, "tune": 8, "tune_valid": 8, "test": 16}),
        (("Training", "Testing"), {"train": 16, "test": 16}),
        (("train", "validation"), {"train": 16, "test": 16}),
    ],
)
def test_folders_of_splits_are_the_splits(tmp_path, parts, sizes):
    task = from_folder(put(tmp_path / "signs", dict.fromkeys(f"{part}/{name}" for part in parts for name in FLAT)))
    assert task.classes == ["cross", "ring"] and task.items.split.value_counts().to_dict() == sizes
    assert "are taken as the splits" in repr(task) and accounted(task)
    assert ("there is no folder val beside train and test" in repr(task)) == ("tune" not in sizes)
    first = task.items.id.str.split("/").str[0]
    assert (first[task.items.split == "train"] == parts[0]).all()
    assert (first[task.items.split == "test"] == parts[-1]).all()


@pytest.mark.parametrize(
    ("names", "outer", "inner"),
    [
        ([f"batch{b}/{name}" for b in (1, 2, 3) for name in FLAT], "batch1 batch2 batch3", "cross ring"),
        ([f"{kind}/{i}.png" for kind in ("animal/cat", "animal/dog", "plant/oak", "plant/fern") for i in range(6)],
         "animal plant", "cat dog fern oak"),
        ([f"{who}/{word}_{i}.png" for who in ("anna", "ben", "cleo") for word in ("yes", "no") for i in range(4)],
         "anna ben cleo", "no yes"),
        ([f"{who}/{word}-{i}.wav" for who in ("p1", "p2") for word in ("stop", "go") for i in range(4)],
         "p1 p2", "go stop"),
    ],
    ids=["batches", "nested", "a-folder-a-person", "recordings"],
)  # fmt: skip
def test_an_unclear_folder_is_asked_about_and_both_answers_lead_on(tmp_path, names, outer, inner):
    root = put(tmp_path / "data", dict.fromkeys(names))
    with pytest.raises(ValueError, match="pass label=r") as asked:
        from_folder(root)
    first, second = re.findall(r'label=r"(.*?)" if', str(asked.value))
    assert from_folder(root, label=first).classes == inner.split()
    assert from_folder(root, label=second).classes == outer.split()


def test_one_folder_too_high_is_said(tmp_path):
    put(tmp_path / "top" / "signs", dict.fromkeys(FLAT))
    with pytest.raises(ValueError, match="the classes lie in it: give .*top/signs"):
        from_folder(tmp_path / "top")


def test_deeper_folders_of_one_class_and_names_of_cameras_are_no_question(tmp_path):
    names = [f"{label}/{word}_{i}.png" for label in ("ring", "cross") for word in ("IMG", "DSC") for i in range(4)]
    task = from_folder(put(tmp_path, dict.fromkeys([*names, "ring/old/2019/a.png"])))
    assert task.items.label.value_counts().to_dict() == {"ring": 9, "cross": 8}


# --- classes that vanish


@pytest.mark.parametrize(
    ("ending", "reason"),
    [(".heic", "convert it to PNG or JPEG"), (".svg", "convert it to PNG or JPEG"), (".docx", "of another kind"),
     (".png", "convert it to PNG or JPEG")],
)  # fmt: skip
def test_a_class_that_vanishes_is_named(tmp_path, ending, reason):
    names = dict.fromkeys(FLAT) | {f"star/{i}{ending}": b"no picture" for i in range(5)}
    task = from_folder(put(tmp_path, names))
    assert "Nothing is left of 'star'" in repr(task) and "(star 5)" in repr(task) and reason in repr(task)
    assert accounted(task)


@pytest.mark.parametrize("ending", [".m4a", ".wma", ".amr"])
def test_recordings_of_a_telephone_are_recordings(tmp_path, ending):
    phone = {f"{label}/{i}{ending}": b"\0\0\0\x20ftypM4A " for label in ("yes", "no") for i in range(4)}
    with pytest.raises(ValueError, match="no recording that can be read: .*export it as WAV"):
        from_folder(put(tmp_path / "all", phone))
    some = {f"{label}/w{i}.wav": None for label in ("yes", "no") for i in range(4)}
    task = from_folder(put(tmp_path / "some", phone | some))
    assert len(task.items) == 8 and "Left out as unusable: 8 (no 4, yes 4)" in repr(task) and accounted(task)


@pytest.mark.parametrize("limit", [16, 24, 60, 100, 1000])
def test_a_limit_keeps_every_class(table, limit):
    rare = [f"rare text {i},rare" for i in range(6)]
    task = table([*LINES, *rare], limit=limit)
    counts = task.items.label.value_counts()
    assert task.n_outputs == 4 and len(task.items) <= limit and counts["rare"] >= min(6, counts.max())
    assert accounted(task)


def test_a_limit_below_what_the_classes_need_says_what_to_pass(table):
    with pytest.raises(ValueError, match="limit is 7, too few for 3 classes: pass limit=12 or more"):
        table(LINES, limit=7)
    assert table(LINES, limit=12).items.label.value_counts().tolist() == [4, 4, 4]


def test_who_stays_hangs_on_the_seed_alone(table):
    first, again, other = (set(table(LINES, limit=30, seed=seed).items.text) for seed in (1, 1, 2))
    assert first == again != other


# --- recordings that break off


@pytest.mark.parametrize("ending", [".wav", ".aiff", ".flac"])
def test_a_recording_that_breaks_off_is_no_recording(tmp_path, ending):
    root = put(tmp_path, {f"{label}/{i}{ending}": None for label in ("low", "high") for i in range(5)})
    path = root / "low" / f"2{ending}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 10])
    task = from_folder(root)
    assert len(task.items) == 9 and task.skipped[0][0] == f"low/2{ending}" and accounted(task)
    assert ending == ".flac" or "breaks off after" in task.skipped[0][1]


def test_a_stream_does_not_know_its_length_and_is_whole(tmp_path):
    put(tmp_path, {"a.wav": None})
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[4:8] = b"\xff" * 4
    (tmp_path / "a.wav").write_bytes(data)
    assert audio.read(tmp_path / "a.wav").seconds == 1


def test_longer_recordings_can_be_asked_for(tmp_path):
    for label, speed in (("low", 0.1), ("high", 0.4)):
        for i in range(4):
            (tmp_path / label).mkdir(exist_ok=True)
            soundfile.write(tmp_path / label / f"{i}.wav", np.sin(np.arange(96_000) * speed * (1 + i / 50)), 8000)
    with pytest.raises(ValueError, match="lasts 12 s: cut it .* or pass longest="):
        from_folder(tmp_path)
    assert from_folder(tmp_path, longest=60).longest == 60


# --- colour


@pytest.mark.parametrize("colours", [((200, 40, 40), (40, 160, 60)), ((40, 60, 190), (230, 200, 40))])
def test_coloured_surfaces_are_read_in_colour_and_refused_as_ink(tmp_path, colours):
    rng = np.random.default_rng(0)
    for label, colour in zip("ab", colours, strict=True):
        (tmp_path / label).mkdir()
        for i in range(5):
            patch = np.clip(np.array(colour) + rng.normal(0, 3, (40, 40, 1)), 0, 255).astype(np.uint8)
            Image.fromarray(patch).save(tmp_path / label / f"{i}.png")
    task = from_folder(tmp_path)
    assert isinstance(task, PhotoFolder) and len(task.items) == 10 and not task.skipped and accounted(task)
    assert "more than strokes of one colour on paper" in task.notes[0]
    with pytest.raises(ValueError, match="coloured surface without strokes"):
        from_folder(tmp_path, backbone="ink")


def test_coloured_drawings_are_counted(tmp_path):
    root = put(tmp_path, dict.fromkeys(FLAT))
    red = np.full((40, 40, 3), (250, 120, 120), np.uint8)
    red[8:30, 10:14] = 0
    Image.fromarray(red).save(root / "ring" / "red.png")
    assert "Coloured pictures: 1. The network sees them in grey." in repr(from_folder(root))


# --- spellings


OPPOSITES = [
    ("male", "female"), ("relevant", "irrelevant"), ("healthy", "unhealthy"), ("1.0", "-1.0"), ("+1", "-1"),
    ("class_1", "class_2"), ("C", "C++"), ("spam", "no spam"), ("valid", "invalid"), ("A+", "A-"), ("10.0", "1.0"),
    ("typical", "atypical"), ("stage II", "stage III"), ("smoker", "non-smoker"), ("macrocytic", "microcytic"),
    ("large", "larger"), ("hypotension", "hypertension"), ("grade a", "grade b"), ("mild", "wild"), ("C#", "C"),
    ("2019", "2020"), ("positive", "not positive"), ("moral", "amoral"), ("v1.2", "v12"), (">50", "<50"),
]  # fmt: skip


@pytest.mark.parametrize("pair", OPPOSITES, ids="/".join)
def test_likeness_of_letters_is_not_meaning(table, pair):
    assert checks.spellings([*pair] * 9).table.empty
    lines = [f"text {i} {'x' * i},{pair[0]}" for i in range(9)] + [f"other {i},{pair[1]}" for i in range(3)]
    with pytest.raises(TooSmall) as refused:
        table(lines)
    assert "merge" not in str(refused.value) and f": {pair[0]!r}}}" not in str(refused.value)


@pytest.mark.parametrize(
    ("rare", "common", "what"),
    [("Billing", "billing", "capitals or spaces"), ("follow up", "follow_up", "capitals or spaces"),
     ("Straße", "STRASSE", "capitals or spaces"), ("biling", "billing", "a letter"),
     ("delievry", "delivery", "a letter"),
     ("returns", "return", "a letter"), ("late delivry", "late delivery", "a letter")],
)  # fmt: skip
def test_case_spaces_and_slips_are_shown(rare, common, what):
    table = checks.spellings([common] * 5 + [rare]).table
    assert table.to_numpy().tolist() == [[rare, 1, common, what]]


# --- encodings, marks, separators, compressed and binary files


def word(i: int) -> str:
    return f"münzen zahl {i}"


UMLAUT = [f"{word(i)},{'ab'[i % 2]}" for i in range(20)]


@pytest.mark.parametrize("given", [None, "utf-8", "utf-16-le", "cp1252"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
     (codecs.BOM_UTF32_LE, "utf-32-le")],
)  # fmt: skip
def test_a_byte_order_mark_counts_for_more_than_what_is_named(table, mark, encoding, given):
    task = table(mark + "\n".join(["text,label", *UMLAUT]).encode(encoding), encoding=given)
    assert task.items.text[0] == word(0) and len(task.items) == 20


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_without_a_mark_the_sentence_names_the_encoding_that_works(table, encoding):
    data = "\n".join(["text,label", *UMLAUT]).encode(encoding)
    with pytest.raises(ValueError, match="every other byte is zero, so pass encoding=") as refused:
        table(data, encoding=None)
    named = re.search(r"encoding='(.*?)'", str(refused.value))[1]
    assert table(data, encoding=named).items.text[0] == word(0)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=\t", "sep=^"])
def test_a_first_line_names_the_separator(table, first):
    sign = first.strip('"')[-1]
    task = table([line.replace(",", sign) for line in ["text,label", *LINES]], header=first)
    assert len(task.items) == 60 and task.items.id[0] == "row 2"


@pytest.mark.parametrize(
    ("start", "what"),
    [(gzip.compress(b"text,label"), "gzip: unpack"), (bz2.compress(b"text,label"), "bzip2: unpack"),
     (lzma.compress(b"text,label"), "xz: unpack"), (b"\x28\xb5\x2f\xfd123", "zstd: unpack"),
     (b"PK\x03\x04rest", "spreadsheet: save it as CSV"), (b"\xd0\xcf\x11\xe0\xa1", "xls.: save it as CSV"),
     (b"PAR1\0\1", "Parquet file: read it with pandas"), (b"SQLite format 3\0", "SQLite database"),
     (b"%PDF-1.7", "PDF document"), (b"\x89PNG\r\n", "a picture: .*from_folder"), (b"RIFF1234WAVE", "a recording"),
     (b'{"text": "a", "label": "b"}\n' * 9, "JSON"), (b'[{"text": "a"}]', "JSON"), (b"<html><table>", "HTML")],
    ids=range(14),
)  # fmt: skip
def test_a_file_that_is_no_table_is_named_for_what_it_is(table, start, what):
    with pytest.raises(ValueError, match=f"mail.csv is no CSV but .*{what}"):
        table(start)


@pytest.mark.parametrize("length", [131_072, 200_000, 1_000_000])
def test_a_long_text_is_read(table, length):
    task = table(["word " * (length // 5) + ",billing", *LINES])
    assert len(task.items) == 61 and task.items.text.str.len().max() >= length - 5


@pytest.mark.parametrize("marker", ["NaN", "NA", "n/a", "None", "NULL", "<NA>", "#N/A", "?", "-", "\\N", "nil"])
def test_a_missing_label_is_no_class(table, marker):
    task = table([*LINES, *(f"some text {i},{marker}" for i in range(6))])
    assert task.n_outputs == 3 and f"has no label but {marker!r}" in task.skipped[0][1] and accounted(task)


def test_two_columns_of_one_name_are_both_kept(table):
    task = table([f"{line},a{i},b{i}" for i, line in enumerate(LINES)], header="text,label,note,note")
    assert task.items["note"][0] == "a0" and task.items["note (2)"][0] == "b0"


def test_more_columns_than_are_kept_are_counted(table):
    task = table([f"{line}{',x' * 80}" for line in LINES], header="text,label" + "".join(f",c{i}" for i in range(80)))
    assert "Of 80 further columns the first 50 are kept" in repr(task)
    assert "c49" in task.items and "c50" not in task.items


# --- arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [({"delimiter": r"\t"}, "give one character"), ({"delimiter": "tab"}, "give one character"),
     ({"delimiter": ""}, "delimiter is ''"), ({"delimiter": "\n"}, "give one character"),
     ({"limit": "10"}, "limit is '10': give a whole number from 1"), ({"limit": True}, "limit is True"),
     ({"limit": 2.5}, "limit is 2.5"), ({"seed": -1}, "seed is -1: give a whole number from 0"),
     ({"seed": None}, "seed is None"), ({"text": 0}, "text is 0: give a string"), ({"label": None}, "label is None"),
     ({"text": "label"}, "name one column twice"), ({"group": ["a"]}, "group is of type list"),
     ({"encoding": 8}, "encoding is 8"), ({"encoding": "rot13"}, "no encoding 'rot13' of texts"),
     ({"encoding": "undefined"}, "encoding"), ({"encoding": "punycode"}, "pass another encoding="),
     ({"relabel": ["a"]}, "relabel is of type list: give a dict"),
     ({"relabel": {"billing": 3}}, "relabel is of type dict"),
     ({"relabel": {"billing": " "}}, "relabel is of type dict"), ({"drop": 3}, "drop is 3: give a list of ids"),
     ({"drop": [3]}, "drop is of type list"), ({"settings": {"head": 3}}, "settings is of type dict"),
     ({"backbone": None}, "backbone is None"), ({"backbone": "bert"}, "no backbone 'bert'")],
    ids=str,
)  # fmt: skip
def test_a_slip_in_an_argument_is_one_sentence(table, options, message):
    with pytest.raises(ValueError, match=message):
        table(LINES, **({"encoding": None} | options))


@pytest.mark.parametrize("read", [from_csv, from_folder])
@pytest.mark.parametrize(
    ("path", "message"),
    [(pd.DataFrame(), "a DataFrame: write it with its to_csv"), (5, "the path is 5"), (None, "is None"),
     (b"mail.csv", "of type bytes"), ("a\0b", "path"), ("~nobody-is-here/x", "no path here|does not exist"),
     ("ü" * 300, "no path here"),
     ("~/no such data", "^(?!~).*does not exist")],
    ids=range(8),
)  # fmt: skip
def test_a_path_that_is_none_is_one_sentence(read, path, message):
    with pytest.raises(ValueError, match=message):
        read(path)


def test_nothing_to_drop_may_be_none(table):
    assert len(table(LINES, drop=None).items) == 60


# --- shares, tokens, languages


def test_with_more_labels_training_never_gets_fewer():
    train = [splits.shares(n)["train"] for n in range(4, 500)]
    assert train == sorted(train) and train[:3] == [3, 3, 3]
    for n in range(4, 500):
        found = splits.shares(n)
        assert sum(found.values()) == n and min(found.values()) >= 0 < found["test"]


@pytest.mark.parametrize(("text", "cut"), [("a" * 90, 0), ("pneumonoultramicroscopic " * 12, 1), ("so " * 62, 0),
                                           ("so " * 63, 1), ("!" * 63, 1)])  # fmt: skip
def test_what_is_cut_is_said_by_pieces(text, cut):
    assert [note.split(".")[0] for note in language.reading_notes([text])] == [
        f"Texts of more than 62 pieces: {n}" for n in [cut] if n
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [("Das Paket ist nicht angekommen und ich möchte mein Geld", "German"),
     ("je ne suis pas dans les bureaux", "French"),
     ("el paquete no está y es muy caro para mi", "Spanish"), ("мой заказ не пришёл", "Cyrillic"),
     ("包裹还没有到", "Chinese"), ("荷物はまだですか", "Japanese"), ("الطرد لم يصل", "Arabic"),
     ("The parcel is late and I want my money", "English"), ("parcel late", "")],
)  # fmt: skip
def test_a_language_that_the_network_has_not_read_is_named(text, name):
    assert language.language_of(text) == name
    said = language.reading_notes([text] * 5)
    assert bool(said) == (name not in ("", "English")) and all(f"look {name}" in note for note in said)
