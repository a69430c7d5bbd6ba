"""Settings for photographs of your own, and how far they carry: ``python -m authoring.photographs FOLDER``.

FOLDER holds CIFAR-10 (Krizhevsky 2009) as small JPEG files, ``train/CLASS/*.jpg`` and ``test/CLASS/*.jpg``; it is not
shipped. Tuned on five of its classes, on pictures that nothing else uses; recorded on all ten.
"""

from __future__ import annotations

import argparse
import itertools
import json
from functools import cache
from pathlib import Path

import pandas as pd
import torch

from authoring.grid import kept_in, run_jobs
from authoring.record import _columns, _save
from ftlib import recipes, runtime
from ftlib.own.photos import read_photo
from ftlib.own.pictures import read_drawing
from ftlib.tasks.base import Split, draw_per_class
from ftlib.tasks.glyphs import to_input
from ftlib.tasks.photos import Photos, PhotoTask
from ftlib.tasks.vision import ImageTask

RECIPES = ("head", "hog", "top", "head_then_all", "scratch", "ink")  # the last: a head on the network for ink
TUNED_ON, TUNE_BUDGET = 5, 5  # classes and labels a class
# pictures of each class: where they begin in the sorted folder, and how many there are
PARTS: dict[Split, tuple[str, int, int]] = {
    "tune": ("train", 0, 30), "tune_valid": ("train", 60, 30), "train": ("train", 120, 60), "test": ("test", 0, 100),
}  # fmt: skip
BUDGETS, SEEDS = (1, 5, 10), 5


class Cifar(PhotoTask):
    """Some of CIFAR-10's pictures, 32 x 32, enlarged; one class a folder."""

    def __init__(self, folder: str, classes: int, size: int = 128) -> None:
        self.root, self.size = Path(folder), size
        self.classes = sorted(path.name for path in (self.root / "train").iterdir())[:classes]
        self.name, self.n_outputs = "photographs", len(self.classes)

    def paths(self, split: Split) -> list[Path]:
        """The files of a split, class by class."""
        part, start, n = PARTS[split]
        folders = [self.root / part / name for name in self.classes]
        return [path for folder in folders for path in sorted(folder.iterdir())[start : start + n]]

    @cache  # noqa: B019 - one task a process
    def split(self, name: Split) -> Photos:
        """All pictures of one split."""
        paths = self.paths(name)
        labels = torch.tensor([self.classes.index(path.parent.name) for path in paths])
        return Photos(torch.stack([read_photo(path, self.size) for path in paths]), labels)

    def sample(self, budget: int, seed: int, split: Split = "train") -> Photos:
        """``budget`` pictures a class."""
        data = self.split(split)
        return Photos(data.pixels, data.labels, draw_per_class(data.labels, self.classes, budget, seed, split))


class Ink(ImageTask):
    """The same pictures for the network that has read letters."""

    settings_like = "digits"

    def __init__(self, photos: Cifar) -> None:
        self.photos, self.name, self.n_outputs = photos, "photographs as ink", photos.n_outputs

    @cache  # noqa: B019
    def split(self, name: Split) -> torch.utils.data.TensorDataset:
        """All pictures of one split, as ink; a picture without ink is empty."""
        found = []
        for path in self.photos.paths(name):
            try:
                found.append(read_drawing(path).ink)
            except ValueError:
                found.append(torch.zeros(1, 32, 32))
        return torch.utils.data.TensorDataset(to_input(torch.stack(found)).contiguous(), self.photos.split(name).labels)

    def sample(self, budget: int, seed: int, split: Split = "train") -> torch.utils.data.TensorDataset:
        """The same draw as for the other network."""
        rows = self.photos.sample(budget, seed, split).rows
        return torch.utils.data.TensorDataset(*(x[rows] for x in self.split(split).tensors))


@cache
def _task(folder: str, classes: int) -> Cifar:
    return Cifar(folder, classes)


@cache
def _ink(task: Cifar) -> Ink:
    return Ink(task)


def _run(folder: str, classes: int, name: str, budget: int, seed: int, settings: dict, train: str, test: str) -> dict:
    task, options = _task(folder, classes), {"settings": settings, "train_split": train, "test_split": test}
    if name == "ink":
        own = {"head": settings["ink"]}
        return recipes.run("head", _ink(task), budget, seed, **options | {"settings": own}, score_source=False).row | {
            "recipe": "ink"}  # fmt: skip
    if name in task.rivals():
        return recipes.run_rival(name, task, budget, seed, **options)
    return recipes.run(name, task, budget, seed, score_source=False, **options).row


def tune(folder: str, workers: int) -> dict:
    """Choose the settings of each recipe and of the rival, eight for each, both ways round; saves them."""
    task, settings, log = _task(folder, TUNED_ON), {}, []
    for name in RECIPES:  # the head first: another recipe starts from it
        found = recipes.candidates(task, "head" if name == "ink" else name)
        pools = (("tune", "tune_valid"), ("tune_valid", "tune"))
        jobs = [(folder, TUNED_ON, name, TUNE_BUDGET, 0, settings | {name: one}, *both)
                for one in found for both in pools]  # fmt: skip
        rows = run_jobs(_run, jobs, kept_in("tune-photographs"), workers)
        tried = pd.DataFrame({"name": name, "candidate": json.dumps(job[5][name]), "score": row["score"]}
                             for job, row in zip(jobs, rows, strict=True))  # fmt: skip
        means = tried.groupby(["name", "candidate"], sort=False).score.mean().reset_index()
        log += means.round(4).to_dict("records")
        settings[name] = recipes.choose(means)
        print(name, settings[name], flush=True)
    pool = {split: len(task.split(split)) for split in ("tune", "tune_valid")}
    kept = {name: one for name, one in settings.items() if name != "ink"}
    own = {"settings": {"head": settings["ink"]}, "pool": pool}
    _save("photos_tuned", {"photographs": {"settings": kept, "pool": pool, "tried": log}, "photographs as ink": own})
    return settings


def record(folder: str, settings: dict, workers: int, names: tuple[str, ...]) -> pd.DataFrame:
    """Score recipes, the rival and the network for ink on ten classes; saves ``data/results/photographs.json``."""
    jobs = [(folder, 10, name, budget, seed, settings, "train", "test")
            for budget, seed, name in itertools.product(BUDGETS, range(SEEDS), names)]  # fmt: skip
    table = pd.DataFrame(run_jobs(_run, jobs, kept_in("results-photographs"), workers))
    table["score"] = table.score.round(4)
    _save("photographs", {"versions": runtime.versions(), "threads": 1, "columns": _columns(table)})
    return table


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--names", nargs="+", default=["head", "hog", "ink"], help="what is recorded")
    args = parser.parse_args()
    settings = tune(args.folder, args.workers)
    table = record(args.folder, settings, args.workers, tuple(args.names))
    print(table.groupby(["budget", "recipe"]).score.agg(["mean", "std"]).round(3).to_string())


if __name__ == "__main__":
    main()
