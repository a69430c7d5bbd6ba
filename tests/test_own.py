"""Folders and tables as strangers have them: what is usable is used, what is not is named in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ftlib import catalog, compare, recipes
from ftlib.own import base, folders, from_csv, from_folder, ink, splits, tables
from ftlib.own import task as own_task
from ftlib.own.account import Account
from ftlib.own.ink import UnreadablePicture, read_grey, read_ink, to_ink
from ftlib.own.splits import TooSmall
from ftlib.plots import Picture


def drawing(seed: int = 0, side: int = 40, kind: str = "bar") -> Image.Image:
    """A dark bar or box on white, each seed a little different."""
    rng = np.random.default_rng(seed)
    page = np.full((side, side), 255, np.uint8)
    a, b, thick = rng.integers(4, 10), rng.integers(26, 36), int(rng.integers(2, 5))
    if kind == "bar":
        page[a:b, 18 : 18 + thick] = 0
    else:
        page[a:b, a:b] = 20
        page[a + thick : b - thick, a + thick : b - thick] = 255
    return Image.fromarray(page)


@pytest.fixture
def folder(tmp_path):
    """Ten bars and ten boxes."""
    root = tmp_path / "shapes"
    for kind in ("bar", "box"):
        (root / kind).mkdir(parents=True)
        for i in range(10):
            image = drawing(i + 50 * (kind == "box"), kind=kind).resize((40 + i, 40 + i))
            image.save(root / kind / f"p{i % 5}_{i}.png")
    return root


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"\0" * 100)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# --- pictures of every kind


def test_ink_is_bright_centred_and_fills_three_quarters(tmp_path):
    drawing().save(tmp_path / "a.png")
    found, dark_on_light = read_ink(tmp_path / "a.png")
    assert found.shape == (1, 32, 32) and found.dtype == torch.float32 and dark_on_light
    rows = (found[0] > 0.5).any(1).nonzero().flatten()
    assert 22 <= rows[-1] - rows[0] + 1 <= 26 and abs((rows[0] + rows[-1]) / 2 - 15.5) <= 1
    assert found.max() == 1 and found[0, 0].max() == 0


def transparent(image: Image.Image, dark: bool) -> Image.Image:
    alpha = Image.fromarray(255 - np.asarray(image))
    solid = Image.new("RGBA", image.size, (0, 0, 0, 0) if dark else (255, 255, 255, 0))
    solid.putalpha(alpha)
    return solid


MODES = {
    "rgb.png": lambda i: i.convert("RGB"),
    "palette.png": lambda i: i.convert("P"),
    "palette.gif": lambda i: i.convert("P"),
    "one_bit.png": lambda i: i.convert("1"),
    "grey_alpha.png": lambda i: i.convert("LA"),
    "dark_on_nothing.png": lambda i: transparent(i, dark=True),
    "light_on_nothing.png": lambda i: transparent(i, dark=False),
    "sixteen_bit.png": lambda i: Image.fromarray(np.asarray(i, np.uint16) * 257),
    "int32.tif": lambda i: Image.fromarray(np.asarray(i, np.int32) * 100),
    "decimal.tif": lambda i: Image.fromarray(np.asarray(i, np.float32) / 255),
    "cmyk.jpg": lambda i: i.convert("RGB").convert("CMYK"),
    "photo.jpg": lambda i: i.convert("RGB"),
    "light_on_dark.bmp": lambda i: Image.fromarray(255 - np.asarray(i)),
    "photo.webp": lambda i: i.convert("RGB"),
    "large.png": lambda i: i.resize((900, 900)),
    "large_on_nothing.png": lambda i: transparent(i.resize((1300, 1300)), dark=False),
    "large_sixteen_bit.png": lambda i: Image.fromarray(np.asarray(i.resize((1300, 1290)), np.uint16) * 257),
    "large_palette.gif": lambda i: i.resize((1300, 1300)).convert("P"),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_and_format_gives_the_same_ink(tmp_path, name):
    image = drawing(3, kind="box")
    wanted, _ = to_ink(np.asarray(image, np.float32) / 255)
    MODES[name](image).save(tmp_path / name)
    found, dark_on_light = read_ink(tmp_path / name)
    assert (found - wanted).abs().mean() < 0.06
    assert dark_on_light == (name not in ("light_on_dark.bmp", "light_on_nothing.png", "large_on_nothing.png"))


@pytest.mark.parametrize("side", [40, 1200])
def test_a_picture_lying_on_its_side_is_turned_as_its_camera_says(tmp_path, side):
    upright = drawing(1).resize((side, side))
    exif = Image.Exif()
    exif[0x0112] = 8
    upright.rotate(-90, expand=True).save(tmp_path / "a.jpg", exif=exif, quality=95)
    found, wanted = read_ink(tmp_path / "a.jpg")[0], to_ink(np.asarray(upright) / 255)[0]
    assert (found - wanted).abs().mean() < 0.05


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: it has zero bytes"),
        (b"hello", "is not a picture that Pillow can open"),
        (png_header(50_000, 4), "has 50,000 x 4 pixels, and at most 20,000 a side"),
        (png_header(12_000, 12_000), "has 12,000 x 12,000 pixels"),
        (png_header(60_000, 60_000), "has more than 70,000,000 pixels: scale it down"),
        (png_header(40, 400), "is damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture that Pillow can open"),
    ],
    ids=["empty", "text", "wide", "large", "bomb", "cut", "program"],
)
def test_a_bad_picture_is_refused_in_a_sentence(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadablePicture, match=message):
        read_grey(tmp_path / "a.png")


def test_a_truncated_a_blank_and_an_invisible_picture_are_refused(tmp_path):
    Image.effect_noise((80, 80), 60).save(tmp_path / "cut.jpg")
    data = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    Image.new("L", (40, 40), 200).save(tmp_path / "blank.png")
    Image.new("RGBA", (40, 40), (9, 9, 9, 0)).save(tmp_path / "clear.png")
    for name, message in (("cut.jpg", "is damaged"), ("blank.png", "nothing stands out"), ("clear.png", "transparent")):
        with pytest.raises(UnreadablePicture, match=message):
            read_ink(tmp_path / name)


def test_a_file_of_too_many_bytes_is_not_opened(tmp_path, monkeypatch):
    drawing().save(tmp_path / "a.png")
    monkeypatch.setattr(ink, "MAX_BYTES", 50)
    with pytest.raises(UnreadablePicture, match="MB are read"):
        read_grey(tmp_path / "a.png")


def test_a_picture_of_one_row_is_read_or_refused_but_never_crashes():
    for shape in ((1, 1), (1, 50), (50, 1), (2, 3)):
        try:
            found, _ = to_ink(np.random.default_rng(0).random(shape))
        except UnreadablePicture:
            continue
        assert found.shape == (1, 32, 32) and torch.isfinite(found).all()


# --- folders


def test_a_folder_becomes_a_task_with_a_preview(folder):
    task = from_folder(folder)
    assert (task.name, task.classes, task.n_outputs, task.domain) == ("shapes", ["bar", "box"], 2, "vision")
    assert repr(task).startswith("shapes: 20 examples of 2 classes (bar 10, box 10).\nSplit into train 10, tune 2")
    assert "20 pictures are dark on light and were turned round" in repr(task)
    assert task.budgets == (1, 2, 5) and not task.skipped
    preview = task.preview(each=3)
    assert isinstance(preview, Picture) and "Ink of 6 pictures" in preview.alt and "bar 10" in preview.alt
    x, y = task.split("train").tensors
    assert x.shape == (10, 3, 32, 32) and x.is_contiguous() and y.tolist().count(0) == 5
    sample = task.sample(2, seed=0)
    assert sorted(sample.tensors[1].tolist()) == [0, 0, 1, 1]
    assert torch.equal(sample.tensors[0], task.sample(2, seed=0).tensors[0])
    assert not torch.equal(sample.tensors[0], task.sample(2, seed=1).tensors[0])
    with pytest.raises(ValueError, match="budget is 9: train has 5 examples of 'bar'"):
        task.sample(9, 0)
    with pytest.raises(ValueError, match="no split 'valid'"):
        task.split("valid")


def test_the_split_is_the_same_each_time_and_each_seed_gives_another(folder):
    first, again, other = (from_folder(folder, seed=seed).items.split.tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_settings_are_borrowed_from_the_digits_unless_given(folder, tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    few = {"head": {"lr": 0.01, "steps": 5}, "svm": {"C": 10.0}}
    (tmp_path / "results" / "vision_tuned.json").write_text(json.dumps({"digits": {"settings": few}}))
    monkeypatch.setattr(catalog, "data_dir", lambda: tmp_path)
    assert recipes.tuned(from_folder(folder)) == few
    mine = {"head": {"lr": 0.02, "steps": 3}}
    assert recipes.tuned(from_folder(folder, settings=mine)) == few | mine


def test_own_pictures_run_through_compare(folder):
    settings = {"head": {"lr": 0.02, "steps": 30}, "svm": {"C": 10.0, "gamma": 0.03}}
    task = from_folder(folder, settings=settings)
    table = compare(task, ["head", "svm"], budgets=[2], seeds=1, progress=False)
    assert table.task.tolist() == ["shapes"] * 2 and table.steps.tolist() == [30, 0]
    assert table.score.between(0, 1).all() and table.score.max() > 0.6
    assert len(task.rival_grid()["svm"]) == 8


def test_what_cannot_be_used_is_named_and_the_rest_is_used(folder):
    (folder / "bar" / "empty.png").write_bytes(b"")
    (folder / "box" / "wide.png").write_bytes(png_header(50_000, 2))
    (folder / "box" / "notes.txt").write_text("x")
    (folder / "bar" / ".hidden.png").write_bytes(b"junk")
    (folder / "readme.md").write_text("x")
    nested = folder / "bar" / "old" / "2019"
    nested.mkdir(parents=True)
    drawing(77).save(nested / "deep", "PNG")  # no ending at all
    task = from_folder(folder)
    assert len(task.items) == 21 and "bar/old/2019/deep" in task.items.id.tolist()
    assert [name for name, _ in task.skipped] == ["bar/empty.png", "box/wide.png"]
    assert "21 of 25 pictures are used." in repr(task)
    assert "2 (bar 1, box 1): bar/empty.png is empty: it has zero bytes; 1 more in task.skipped." in repr(task)
    assert "Left out as of another kind: 2 (box 1), such as " in repr(task)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_and_pipes_are_not_followed(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    drawing(5).save(outside / "secret.png")
    (folder / "bar" / "secret.png").symlink_to(outside / "secret.png")
    (folder / "stolen").symlink_to(outside, target_is_directory=True)
    (folder / "bar" / "round").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "bar" / "pipe.png")
    task = from_folder(folder)
    assert len(task.items) == 20 and task.classes == ["bar", "box"]
    assert "Left out as links: 3 (bar 2), such as " in repr(task)


def test_too_many_files_are_listed_without_holding_them(folder, monkeypatch):
    class Entry:
        def __init__(self, name, folder):
            self.name, self.path, self._folder = name, name, folder

        is_symlink = lambda self: False  # noqa: E731
        is_dir = lambda self: self._folder  # noqa: E731
        is_file = lambda self: not self._folder  # noqa: E731

    def many(path):
        if str(path).endswith(("bar", "box")):
            yield from (Entry(f"{i}.png", False) for i in range(50_000))
        else:
            yield from (Entry(name, True) for name in ("bar", "box"))

    monkeypatch.setattr(folders, "_visible", many)
    chosen = []
    for _ in range(2):
        account = Account("picture", 100)
        folders.list_files(folder, account, lambda path: path[:3])
        assert account.came == 100_000 and account._held <= 200
        chosen.append(account.chosen(4))
        assert account.out == {"to keep to limit=": {"bar": 49_950, "box": 49_950}}
    assert chosen[0] == chosen[1] and len(chosen[0]) == 100


def test_a_limit_is_kept_and_said(folder):
    task = from_folder(folder, limit=12)
    assert task.items.label.value_counts().tolist() == [6, 6]
    assert "12 of 20 pictures are used.\nLeft out to keep to limit=: 8 (bar 4, box 4)" in repr(task)


def test_copies_stay_in_one_split_and_conflicts_are_said(folder):
    data = (folder / "bar" / "p0_0.png").read_bytes()
    for name in ("bar/copy.png", "bar/again.png", "box/conflict.png"):
        (folder / name).write_bytes(data)
    task = from_folder(folder)
    same = task.items[task.items.digest.duplicated(keep=False)]
    assert len(same) == 4 and same.split.nunique() == 1
    assert "3 are exact copies of others, and labels disagree in 1 of these cases" in repr(task)


def test_groups_do_not_leak(folder):
    for seed in range(5):
        task = from_folder(folder, group=r"(p\d)_", seed=seed)
        assert (task.items.groupby("group").split.nunique() == 1).all() and task.items.group.nunique() == 5
    with pytest.raises(ValueError, match="found in no path: the first one is 'bar/p0_0.png'"):
        from_folder(folder, group="camera")
    with pytest.raises(ValueError, match="no regular expression"):
        from_folder(folder, group="(")
    with pytest.raises(TooSmall, match="is in 1 group; each class needs examples from at least 2 groups"):
        from_folder(folder, group="^(...)/")


def test_relabel_and_drop(folder):
    task = from_folder(folder, relabel={"box": "square"}, drop=["bar/p0_0.png"])
    assert task.classes == ["bar", "square"] and len(task.items) == 19
    with pytest.raises(ValueError, match="relabel names 'bax', which is no label here: there are 'bar', 'box'"):
        from_folder(folder, relabel={"bax": "box"})
    with pytest.raises(ValueError, match="drop names 'nope.png', which is not in the data"):
        from_folder(folder, drop="nope.png")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"relabel": {"box": None}}, "there is one class, 'bar', and telling apart takes at least two"),
        ({"relabel": {"box": "bar"}}, "one class, 'bar'"),
        ({"limit": 0}, "limit is 0"),
        ({"backbone": "resnet50"}, "no backbone 'resnet50' for pictures: choose from photo, ink"),
        ({"drop": [f"bar/p{i % 5}_{i}.png" for i in range(1, 10)]}, "at least 4 examples.*'bar' has 1"),
    ],
    ids=["one-left", "merged", "limit", "backbone", "one-example"],
)
def test_a_folder_that_cannot_be_learnt_is_refused(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        from_folder(folder, **arguments)


def test_folders_that_are_none(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="does not exist: give the folder that holds one sub-folder a class"):
        from_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is a file"):
        from_folder(tmp_path / "file")
    with pytest.raises(ValueError, match="has no sub-folders"):
        from_folder(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="no recording that can be read: a/x.wav is damaged or no sound file"):
        from_folder(tmp_path)
    (tmp_path / "a" / "x.wav").rename(tmp_path / "a" / "x.txt")
    (tmp_path / "file").unlink()
    with pytest.raises(ValueError, match="no picture that can be read: .*Left out as of another kind: 1 .a 1."):
        from_folder(tmp_path)
    (tmp_path / "a" / "x.png").write_bytes(b"")
    with pytest.raises(ValueError, match="no picture that can be read: a/x.png is empty"):
        from_folder(tmp_path)
    monkeypatch.setattr(folders, "MOST_CLASSES", 1)
    (tmp_path / "b").mkdir()
    with pytest.raises(ValueError, match="more than 1 sub-folders: each one should be a class"):
        from_folder(tmp_path)


# --- splits


@pytest.mark.parametrize("n", range(4, 200, 7))
def test_shares_add_up_and_leave_something_to_train_and_test_on(n):
    shares = splits.shares(n)
    assert sum(shares.values()) == n and shares["train"] > shares["test"] > 0 and min(shares.values()) >= 0


def test_assign_is_stratified_and_keeps_ties(monkeypatch):
    labels = ["a"] * 40 + ["b"] * 10
    apart = [str(i) for i in range(50)]
    chosen = np.array(splits.assign(labels, [""] * 50, apart, seed=0))
    assert {split: int((chosen[:40] == split).sum()) for split in splits.SPLITS} == splits.shares(40)
    assert {split: int((chosen[40:] == split).sum()) for split in splits.SPLITS} == splits.shares(10)
    first = [f"g{i // 2}" for i in range(50)]
    second = [f"{i // 3}" for i in range(30)] + [f"{i}" for i in range(100, 120)]
    tied = pd.Series(splits.assign(labels, first, second, seed=1))
    assert (tied.groupby(first).nunique() == 1).all() and (tied.groupby(second).nunique() == 1).all()


def test_small_data_have_nothing_to_tune_on_and_say_so(folder):
    drop = [f"{kind}/p{i % 5}_{i}.png" for kind in ("bar", "box") for i in range(4, 10)]
    task = from_folder(folder, drop=drop)
    assert "Nothing is left for tune and tune_valid" in repr(task)
    with pytest.raises(ValueError, match="no examples in 'tune'"):
        task.split("tune")


def test_alike_labels_are_found_and_numbers_are_not():
    found = splits.alike({"class 1": 9, "Class 1": 2, "cat": 9, "dog": 8, "10": 4, "100": 3})
    assert found == [("Class 1", "class 1", "capitals or spaces")]


# --- tables

WORDS = {"refund": "I want my money back for order", "delay": "the parcel is late again number"}


def rows(n: int = 10) -> list[tuple[str, str]]:
    return [(f"{text} {i} {'x' * i}", label) for label, text in WORDS.items() for i in range(n)]


@pytest.fixture
def write(tmp_path):
    def writer(lines, encoding="utf-8", header="text,label", name="mail.csv"):
        path = tmp_path / name
        path.write_bytes("\n".join([header, *lines]).encode(encoding))
        return path

    return writer


LINES = [f"{text},{label}" for text, label in rows()]


def test_a_table_becomes_a_task(write):
    task = from_csv(write(LINES))
    assert (task.name, task.classes, task.domain, len(task.items)) == ("mail", ["delay", "refund"], "text", 20)
    assert task.items.id.tolist()[:2] == ["row 2", "row 3"] and not task.skipped and task.notes == []
    preview = task.preview(each=3)
    assert preview.columns.tolist() == ["id", "label", "split", "text"] and len(preview) == 6
    data = task.split("train")
    assert len(data) == 10 and isinstance(data[0][0], str) and data[0][1] in (0, 1)
    assert sorted(task.sample(2, 0).labels.tolist()) == [0, 0, 1, 1]


@pytest.fixture
def reviews_tuned(tmp_path, monkeypatch):
    """Settings that somebody has tuned on the course's reviews."""
    found = {"head": {"lr": 0.03, "steps": 40}, "tfidf": {"C": 1.0, "analyzer": "word"}}
    (tmp_path / "data" / "results").mkdir(parents=True)
    tuned = json.dumps({"reviews": {"settings": found}})
    (tmp_path / "data" / "results" / "text_tuned.json").write_text(tuned)
    shutil.copy(catalog.data_dir() / "catalog.toml", tmp_path / "data")
    monkeypatch.setattr(catalog, "data_dir", lambda: tmp_path / "data")
    return found


def test_the_rival_learns_texts_through_compare(write, reviews_tuned):
    task = from_csv(write(LINES))
    table = compare(task, ["tfidf"], budgets=[1, 5], seeds=2, progress=False)
    assert table[table.budget == 5].score.min() == 1.0 and table.recipe.unique().tolist() == ["tfidf"]
    assert recipes.tuned(task) == reviews_tuned | {"tfidf": base.TFIDF}
    assert len(task.rival_grid()["tfidf"]) == 8
    words = from_csv(write(LINES), settings={"tfidf": {"C": 1.0, "analyzer": "word"}})
    assert compare(words, ["tfidf"], budgets=[5], seeds=1, progress=False).score[0] == 1.0


def test_minilm_learns_texts_through_compare(write, reviews_tuned):
    task = from_csv(write(LINES))
    assert task.top_stages == ("layer4", "layer5", "head") and task.budget_unit == "labels per class"
    table = compare(task, ["head"], budgets=[5], seeds=1, progress=False)
    assert table.score[0] == 1.0 and table.steps[0] == 40 and table.trainable_parameters[0] == 2 * 385
    assert torch.equal(task.inputs(task.collate([task.split("test")[0]]))["input_ids"][0, :1], torch.tensor([101]))


def test_what_a_network_would_not_read_is_said(write):
    task = from_csv(write([f"{'so ' * 70}late,delay", *LINES]))
    assert task.notes[-1] == "Texts of more than 62 pieces: 1. A network reads only their first 62 pieces."
    with pytest.raises(ValueError, match="no backbone 'bert' for texts: choose from minilm, bert-base-uncased"):
        from_csv(write(LINES), backbone="bert")


@pytest.mark.parametrize("delimiter", tables.DELIMITERS)
def test_the_delimiter_is_found_out(write, delimiter):
    lines = [f"{i}{delimiter}{label}{delimiter}{text}" for i, (text, label) in enumerate(rows())]
    path = write(lines, header=delimiter.join(["id", "topic", "message, raw" if delimiter != "," else "message"]))
    task = from_csv(path, text="message" if delimiter == "," else "message, raw", label="topic")
    assert task.classes == ["delay", "refund"] and "id in file" in task.items


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_mark_are_found_out(write, encoding):
    task = from_csv(write([line.replace("money", "münzen") for line in LINES], encoding))
    assert task.items.text.str.contains("münzen").sum() == 10


def test_another_encoding_is_reported_with_its_place_and_works_when_named(write):
    path = write([line.replace("money", "münzen") for line in LINES], "cp1252")
    message = r"mail.csv is not utf-8: byte 0xFC at position 22 \(line 2\); read as cp1252 it says '.*münzen.*'"
    with pytest.raises(ValueError, match=message + ".*pass encoding='cp1252'"):
        from_csv(path)
    assert from_csv(path, encoding="cp1252").items.text.str.contains("münzen").sum() == 10
    with pytest.raises(ValueError, match="there is no encoding 'cp9999'"):
        from_csv(path, encoding="cp9999")
    with pytest.raises(ValueError, match="is not ascii.*pass another encoding="):
        from_csv(path, encoding="ascii")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: the first row should name the columns"),
        (b"\n \n", "is empty"),
        (b"PK\x03\x04rest", "no CSV but a zipped file, such as a spreadsheet"),
        (b"text,label\na\0b,c\n", "holds zero bytes at position 12"),
        (b"text,label\n", "has no row with a text and a label"),
        (b"text,label\n,a\nb,\n", "no row with a text and a label: row 2 has no text .1 more"),
        (b"text,topic\na,b\n", r"no column 'label' \(found 'text', 'topic'\): name the right ones"),
        (b"text,lable\na,b\n", "did you mean 'lable'"),
        (b"text;labels\na;b\n", r"\(found 'text', 'labels'\); did you mean 'labels'"),
        (b"text,label,label\na,b,c\n", "has 2 columns named 'label': rename all but one"),
        (b"text,label\na,b\nc,b\n" * 3, "each class needs at least 4 examples|one class"),
        (b"text,label\na,b\nc,b\nd,b\ne,b\n", "one class, 'b'"),
        (b'text,label\n"' + b"x" * 140_000 + b'",b\n', "one class, 'b'"),
    ],
)
def test_a_bad_table_is_refused_in_a_sentence(tmp_path, content, message):
    path = tmp_path / "mail.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        from_csv(path)


def test_tables_that_are_none_or_too_large(tmp_path, write, monkeypatch):
    with pytest.raises(ValueError, match="does not exist: give the path of a CSV file"):
        from_csv(tmp_path / "no.csv")
    with pytest.raises(ValueError, match="is a folder"):
        from_csv(tmp_path)
    path = write(LINES)
    with pytest.raises(ValueError, match="limit is 0"):
        from_csv(path, limit=0)
    monkeypatch.setattr(tables, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="take a sample of at most"):
        from_csv(path)


def test_bad_rows_are_named_and_the_rest_is_used(write):
    bad = ["too,many,fields", "too few", ",delay", "no label,", "not a number,NaN", "", " , "]
    task = from_csv(write([*bad[:3], *LINES, *bad[3:]]))
    assert len(task.items) == 20
    assert task.skipped == [
        ("row 2", "has 3 fields where the header has 2: a delimiter inside a text needs quotes round the text"),
        ("row 3", "has 1 field where the header has 2: some are missing"),
        ("row 4", "has no text"), ("row 25", "has no label"), ("row 26", "has no label but 'NaN'"),
    ]  # fmt: skip


def test_a_column_of_numbers_is_no_label(write):
    with pytest.raises(ValueError, match="20 different labels for 20 examples: is that the label"):
        from_csv(write([f"{text},{i}" for i, (text, _) in enumerate(rows())]))


def test_rare_spellings_are_counted_and_no_merge_is_proposed(write):
    with pytest.raises(TooSmall, match="'Refund' has 1: add examples, or leave a class out with relabel="):
        from_csv(write([*LINES, "hello,Refund"]))
    task = from_csv(write([*LINES, "hello,Refund", "else,other"]), relabel={"Refund": "refund", "other": None})
    assert task.items.label.value_counts()["refund"] == 11 and task.n_outputs == 2


def test_groups_copies_and_other_columns(write):
    twice = ["  THE same   text,delay,p1,n", "the same text,refund,p2,n"]
    lines = [f"{line},p{i % 7},note" for i, line in enumerate(LINES)] + twice
    task = from_csv(write(lines, header="text,label,person,split"), group="person")
    assert (task.items.groupby("group").split.nunique() == 1).all() and task.items.group.nunique() == 7
    same = task.items[task.items.text.str.casefold() == "the same text"]
    assert same.digest.nunique() == 1 and same.split.nunique() == 1
    assert "1 is an exact copy of another, and labels disagree in 1 of these cases" in repr(task)
    assert (task.items["split in file"].isin(["note", "n"])).all() and "person" not in task.items
    with pytest.raises(ValueError, match="no column 'author'"):
        from_csv(write(LINES), group="author")


def test_a_limit_of_rows_is_kept_and_said(write):
    task = from_csv(write(LINES), limit=14)
    assert len(task.items) == 14 and "14 of 20 rows are used.\nLeft out to keep to limit=: 6 (" in repr(task)


# --- the data that ships with the course


def test_the_shipped_folder_is_messy_and_usable():
    task = from_folder(catalog.path("signs") / "pictures", group=r"(hand\d+)")
    assert len(task.items) == 128 and task.classes == ["camp", "church", "fort", "peak"]
    assert [name for name, _ in task.skipped] == ["church/hand05_d.png", "fort/hand09_d.jpg"]
    assert not (~task.items.dark_on_light).all() and len({name.rsplit(".")[-1] for name in task.items.id}) == 6


def test_the_shipped_table_is_messy_and_usable():
    path = catalog.path("tickets", "tickets.csv")
    with pytest.raises(TooSmall, match="'biling' has 1"):
        from_csv(path, text="message", label="topic")
    assert own_task.from_csv is from_csv
