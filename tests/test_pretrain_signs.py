"""The script makes the folder that ships, mess included, and the same one each time."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from authoring.pretrain import signs
from ftlib import catalog
from ftlib.own.ink import read_grey


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signs") / "pictures"
    (folder / "left over").mkdir(parents=True)
    signs.make(folder)
    return folder


def contents(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_it_makes_the_files_that_ship(made):
    shipped = contents(catalog.path("signs") / "pictures")
    now = contents(made)
    assert set(now) == set(shipped) and len(now) == 131 and not (made / "left over").exists()
    for name in ("camp/hand07_d", "peak/hand02_b", "church/hand10_a"):
        name = next(file for file in now if file.startswith(name))
        assert np.abs(read_grey(now[name]) - read_grey(shipped[name])).mean() < 0.01


def test_each_seed_draws_other_signs(made, tmp_path):
    signs.make(tmp_path / "other", seed=1)
    first, other = ({name: path.read_bytes() for name, path in contents(folder).items()} for folder in (made, tmp_path))
    assert not set(first.values()) & {data for data in other.values() if data and not data.startswith(b"ask")}


@pytest.mark.parametrize("ending", signs.FORMATS)
def test_every_format_can_be_read_back(tmp_path, ending):
    page = np.full((60, 60, 3), 240, np.uint8)
    page[20:40, 28:32] = 10
    for kind in range(6):
        path = tmp_path / f"{kind}.{ending}"
        path.write_bytes(signs.encode(Image.fromarray(page), ending, kind))
        grey = read_grey(path)
        middle = grey[grey.shape[0] // 2, grey.shape[1] // 2]
        assert middle < 0.4 < 0.6 < grey[0, 0]
