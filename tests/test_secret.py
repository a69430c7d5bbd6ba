"""A swap file comes back as it went, a bad one is refused in a sentence, and nothing is overwritten."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from authoring.pretrain import secret as examples
from ftlessons.lesson03 import secret
from ftlessons.lesson03.secret import Alphabet, SecretAlphabet, UnreadableAlphabet
from ftlib import catalog, compare


@pytest.fixture(scope="module")
def ada() -> Alphabet:
    return secret.read(catalog.path("secret", "signs-of-ada.json", verbose=False))


@pytest.fixture(scope="module")
def ben() -> Alphabet:
    return secret.read(catalog.path("secret", "signs-of-ben.json", verbose=False))


def test_a_saved_file_comes_back_as_it_went(tmp_path, ada):
    path = secret.save(ada, tmp_path)
    again = secret.read(path)
    assert path.name == "signs-of-ada.json" and path.stat().st_size < 20_000
    assert (again.hand, again.signs, again.labels) == (ada.hand, ada.signs, ada.labels)
    assert torch.equal(again.ink(), ada.ink())


def test_a_save_never_overwrites_and_writes_the_same_drawings_once(tmp_path, ada, ben):
    first = secret.save(ada, tmp_path)
    before = first.read_bytes()
    other = secret.save(Alphabet("Ada", ben.drawings), tmp_path)
    assert other.name == "signs-of-ada-2.json" and first.read_bytes() == before
    assert secret.save(ada, tmp_path) == first and secret.save(Alphabet("Ada", ben.drawings), tmp_path) == other
    assert secret.save(Alphabet("../../Øé", ada.drawings), tmp_path).parent == tmp_path
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "signs-of-ada-2.json", "signs-of-ada.json", "signs-of-me.json",
    ]  # fmt: skip


def changed(ada: Alphabet, tmp_path, **values) -> dict:
    return json.loads(secret.save(ada, tmp_path).read_text(encoding="utf-8")) | values


BAD = {
    "version": ({"version": 2}, "is of version 2, and this course reads version 1"),
    "size": ({"side": 400}, "drawn on a canvas of size 400, and this course draws on 200 pixels"),
    "format": ({"format": "shopping list"}, "is no secret alphabet: ask for the file that `save` wrote"),
    "hand": ({"hand": 7}, "is cut short or damaged"),
    "one sign": ({"signs": {"a": [[[[1, 1]]]]}}, "has 1 signs, and 2 to 20 are needed"),
    "no signs": ({"signs": []}, "has no signs, and 2 to 20"),
    "no drawings": ({"signs": {"a": [], "b": []}}, "has 0 drawings of 'a', and 1 to 50"),
    "not a list": ({"signs": {"a": 1, "b": 2}}, "has no list of drawings of 'a'"),
    "blank": ({"signs": {"a": [[]], "b": [[]]}}, "drawing 1 of 'a' has no usable strokes"),
    "empty stroke": ({"signs": {"a": [[[]]], "b": [[[]]]}}, "drawing 1 of 'a' has no usable strokes"),
    "outside": ({"signs": {"a": [[[[1, 1]]], [[[1, 900]]]], "b": [[[[1, 1]]]]}}, "drawing 2 of 'a' has no usable"),
    "words": ({"signs": {"a": [[[["x", "y"]]]], "b": [[[[1, 1]]]]}}, "drawing 1 of 'a' has no usable strokes"),
    "nan": ({"signs": {"a": [[[[float("nan"), 1]]]], "b": [[[[1, 1]]]]}}, "drawing 1 of 'a' has no usable strokes"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path, ada, what):
    values, message = BAD[what]
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(changed(ada, tmp_path, **values)))
    with pytest.raises(UnreadableAlphabet, match=message) as refused:
        secret.read(path)
    assert str(refused.value).startswith("theirs.json ") and "\n" not in str(refused.value)


def test_truncated_foreign_missing_and_huge_files_are_refused(tmp_path, ada):
    path = tmp_path / "theirs.json"
    whole = secret.save(ada, tmp_path).read_bytes()
    for cut in (len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:cut])
        with pytest.raises(UnreadableAlphabet, match="is cut short or damaged: ask for it again"):
            secret.read(path)
    for foreign in (b"", b"\x89PNG\r\n", b"hello", b"[1, 2]", b"[" * 100_000):
        path.write_bytes(foreign)
        with pytest.raises(UnreadableAlphabet, match="is no secret alphabet"):
            secret.read(path)
    path.write_bytes(b" " * (secret.MAX_BYTES + 1))
    with pytest.raises(UnreadableAlphabet, match="has 5 MB, and no alphabet needs more than 5 MB"):
        secret.read(path)
    for gone, why in ((tmp_path / "gone.json", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(UnreadableAlphabet, match=why):
            secret.read(gone)


def test_other_signs_are_refused_by_name(ada, ben):
    renamed = Alphabet("Cyd", {sign.upper(): drawings for sign, drawings in ben.drawings.items()})
    with pytest.raises(ValueError, match=r"Cyd drew other signs \(ANA, .*\) than Ada \(ana, .*agree on the signs"):
        SecretAlphabet(ada, renamed)


def test_one_hand_trains_and_the_other_is_read(ada, ben):
    task = SecretAlphabet(ada, ben)
    assert task.classes == ada.signs and (len(task.split("train")), len(task.split("test"))) == (25, 25)
    x, y = task.split("test").tensors
    assert x.shape == (25, 3, 32, 32) and torch.equal(x, SecretAlphabet(ben, ada).split("train").tensors[0])
    assert y.tolist() == [i for i in range(5) for _ in range(5)]
    with pytest.raises(ValueError, match="has no examples in 'tune'"):
        task.split("tune")
    table = compare(task, ["svm", "head"], budgets=[5], seeds=[0], progress=False).set_index("recipe").score
    assert table["head"] > 0.5  # chance is 0.2


def test_keeping_back_splits_each_sign(ada):
    some, rest = secret.keep_back(ada, n=2)
    assert len(some.labels) == 15 and len(rest.labels) == 10
    assert [*some.drawings["ana"], *rest.drawings["ana"]] == list(ada.drawings["ana"])
    for n in (0, 5):
        with pytest.raises(ValueError, match="of 5 drawings of .* cannot be kept back"):
            secret.keep_back(ada, n)


def test_a_dot_and_a_line_are_rendered():
    dot, line = secret.render([[(100, 100)]]), secret.render([[(100, 20), (100, 180)]])
    assert dot.shape == (200, 200) and 80 < (dot > 0.5).sum() < 200
    assert (line[:, 100] > 0.5).sum() > 160 and not line[:, :80].any()


def test_the_shipped_hands_are_what_the_script_draws(tmp_path, ada, ben):
    made = [secret.read(path) for path in examples.make(tmp_path)]
    for ours, shipped in zip(made, (ada, ben), strict=True):
        assert ours.signs == shipped.signs == sorted(examples.SIGNS)
        assert np.allclose(ours.ink(), shipped.ink(), atol=0.2)  # sines differ in the last digit between machines
