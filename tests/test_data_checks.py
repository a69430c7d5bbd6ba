"""Each check finds what was planted, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ftlib import catalog
from ftlib.own import checks, from_csv, from_folder

SUBJECTS = ["parcel", "bicycle", "lamp", "helmet", "saddle", "bell", "pump", "chain", "basket", "mirror"]


def texts() -> list[list[str]]:
    delays = [[f"The {it} was due on day {i}, where is my {it} now?", "delay"] for i, it in enumerate(SUBJECTS)]
    refunds = [[f"Refund me {i * 7} euros, I sent the {it} back", "refund"] for i, it in enumerate(SUBJECTS)]
    return delays + refunds


@pytest.fixture
def table(tmp_path):
    """Writes rows as a CSV file and reads them as a task."""

    def read(rows, **options):
        path = tmp_path / "mail.csv"
        lines = ['"' + '","'.join(row) + '"' for row in rows]
        path.write_text("\n".join(["text,label" + ",other" * (len(rows[0]) - 2), *lines]), encoding="utf-8")
        return from_csv(path, **options)

    return read


@pytest.fixture
def folder(tmp_path):
    """Eight scribbles a class, all different: class b has a frame round it."""
    rng = np.random.default_rng(0)
    root = tmp_path / "scribbles"
    for kind in "ab":
        (root / kind).mkdir(parents=True)
        for i in range(8):
            page = np.full((60, 60), 255, np.uint8)
            for x, y in rng.integers(12, 40, (4, 2)):
                page[y : y + 8, x : x + 8] = 0
            if kind == "b":
                page[5:55, 5:8] = page[5:55, 52:55] = 0
            Image.fromarray(page).save(root / kind / f"{i}.png")
    return root


# --- what a finding is


def test_a_finding_shows_its_sentence_and_its_table(table):
    found = checks.class_counts(table(texts()))
    assert repr(found).startswith(found.sentence + "\n") and "train" in repr(found)
    assert found._repr_html_().startswith("<p>2 classes") and "<table" in found._repr_html_()
    long = checks.Finding("Much.", pd.DataFrame({"id": range(15)}))
    assert "The first 12 of 15 rows are shown" in repr(long) and "of 15 rows" in long._repr_html_()
    clean = checks.unreadable(table(texts()))
    assert repr(clean) == "All could be used." and "<table" not in clean._repr_html_()


# --- counts and unreadable items


def test_class_counts_say_what_the_largest_class_would_score(table):
    rows = texts() + [[f"Please refund item {i}, it is number {i * i} of many", "refund"] for i in range(20)]
    found = checks.class_counts(table(rows))
    assert found.table.index.tolist() == ["refund", "delay"] and found.table["all"].tolist() == [30, 10]
    assert (found.table[["train", "tune", "tune_valid", "test"]].sum(axis=1) == found.table["all"]).all()
    assert found.sentence == (
        "2 classes, from 10 (delay) to 30 (refund) examples; always answering refund would be right in 75% of the test."
    )


def test_unreadable_items_are_listed(folder):
    (folder / "a" / "broken.png").write_bytes(b"junk")
    found = checks.unreadable(from_folder(folder))
    assert found.sentence == "1 could not be used: repair or remove it." and found.drop == ["a/broken.png"]
    assert found.table.reason[0].startswith("is not a picture that Pillow can open")


# --- copies


def test_no_copies_where_there_are_none(table, folder):
    for task in (table(texts()), from_folder(folder)):
        found = checks.duplicates(task)
        assert found.sentence.startswith("0 of ") and found.table.empty and found.drop == []
        assert checks.leaks(task).table.empty


def test_exact_near_and_contradicting_pictures_are_found(folder):
    (folder / "a" / "copy of 0.png").write_bytes((folder / "a" / "0.png").read_bytes())
    with Image.open(folder / "b" / "1.png") as image:
        image.convert("RGB").resize((48, 48)).save(folder / "b" / "sent by mail.jpg", quality=70)
    (folder / "b" / "also.png").write_bytes((folder / "a" / "2.png").read_bytes())
    task = from_folder(folder)
    found = checks.duplicates(task)
    assert found.sentence == "3 of 19 examples repeat another one, in 3 sets; in 1 of the sets the labels disagree."
    kinds = found.table.groupby("id").kind.first()
    assert kinds["a/copy of 0.png"] == "exact" and kinds["b/sent by mail.jpg"] == kinds["b/1.png"] == "near"
    assert set(found.drop) == {"a/copy of 0.png", "b/sent by mail.jpg", "a/2.png", "b/also.png"}
    assert "b/1.png" not in checks.duplicates(task, near=False).table.id.tolist()
    clean = from_folder(folder, drop=found.drop)
    assert checks.duplicates(clean).table.empty and len(clean.items) == 15


def test_near_copies_of_texts_are_found(table):
    rows = [*texts(), ["the PARCEL was due on day 0 - where is my parcel now!!", "delay"]]
    found = checks.duplicates(table(rows))
    assert set(found.table.id) == {"row 2", "row 22"} and found.drop == ["row 22"]
    assert found.table.kind.unique().tolist() == ["near"] and "their labels agree" in found.sentence


def test_comparing_in_strips_finds_the_same_pairs():
    rows = np.eye(5)[[0, 1, 2, 0, 1, 4, 0]]
    whole = np.concatenate(list(checks._near(rows, 0.9)), 1).T.tolist()
    strips = np.concatenate(list(checks._near(rows, 0.9, at_once=2)), 1).T.tolist()
    assert sorted(whole) == sorted(strips) == [[0, 3], [0, 6], [1, 4], [3, 6]]


# --- leaks


def test_a_near_copy_across_splits_is_a_leak_and_leaving_it_out_mends_it(folder):
    for name in ("a/0", "a/1", "b/2", "b/3", "b/4"):
        with Image.open(folder / f"{name}.png") as image:
            image.resize((50, 50)).save(folder / f"{name} small.png")
    task = from_folder(folder)
    found = checks.leaks(task)
    tested = found.table[found.table.split == "test"].id.nunique()
    assert tested and found.sentence.startswith(f"{tested} of {(task.items.split == 'test').sum()} test examples have")
    split_of = task.items.set_index("id").split
    assert all(split_of[id] != "test" for id in found.drop)  # the test keeps its example
    assert checks.leaks(from_folder(folder, drop=checks.duplicates(task).drop)).table.empty


def test_a_group_across_splits_is_a_leak(table):
    task = table(texts())
    task.items["group"] = ["ada"] * 20  # as if the split had not known
    found = checks.leaks(task)
    assert found.table.shared.unique().tolist() == ["group"] and len(found.table) == 20
    assert found.sentence.startswith("6 of 6 test examples")


# --- labels


def test_spellings_suggest_the_common_one(table):
    found = checks.spellings(["billing"] * 5 + ["Billing", "biling", "returns", "returns", "return", ""])
    assert dict(zip(found.table.label, found.table.perhaps, strict=True)) == {
        "Billing": "billing", "biling": "billing", "return": "returns"
    }  # fmt: skip
    assert not hasattr(found, "relabel")
    assert found.sentence == "3 of 6 labels look like another one written differently."
    assert checks.spellings(table(texts())).table.empty


def test_agreement_is_cohens_kappa():
    first, second = ["a"] * 25 + ["b"] * 25, ["a"] * 20 + ["b"] * 20 + ["a"] * 10
    found = checks.agreement(first, second)
    assert "35 of 50 examples (70%), kappa 0.40: fair agreement." in found.sentence
    assert found.table.loc["a", "b"] == 5 and found.table.to_numpy().sum() == 50
    assert "(100%), one label throughout." in checks.agreement(["a", "a"], ["a", "a"]).sentence
    assert "kappa -1.00: no agreement beyond chance" in checks.agreement(["a", "b"], ["b", "a"]).sentence
    assert "on 1 of 2 examples" in checks.agreement(["a", "b", "", "a"], ["a", "a", "b", None]).sentence


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [(["a"], ["a", "b"], "there are 1 first and 2 second labels"), (["a", ""], ["", "b"], "no example has two labels")],
)
def test_agreement_needs_pairs(first, second, message):
    with pytest.raises(ValueError, match=message):
        checks.agreement(first, second)


def test_a_wrong_label_is_a_suspect(table):
    rows = texts()
    rows[3][1] = "refund"
    found = checks.suspects(table(rows), n=3)
    assert found.table.id[0] == "row 5" and found.table.perhaps[0] == "delay" and found.table.p_label[0] < 0.5
    assert len(found.table) <= 3 and found.sentence.endswith("the oddest first.")


def test_the_mislabelled_sign_and_the_sign_in_two_folders_are_suspects():
    task = from_folder(catalog.path("signs") / "pictures", group=r"(hand\d+)")
    oddest = checks.suspects(task, n=3).table.id.str.rsplit(".").str[0].tolist()
    assert oddest[0] == "camp/hand07_d" and set(oddest[1:]) == {"camp/hand02_d", "peak/hand02_b"}
    assert len(checks.duplicates(task).drop) == 9
