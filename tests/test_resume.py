"""Killed at any moment, a run goes on to the end that it would have had. Most tests here really kill."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from authoring.grid import run_jobs
from authoring.pretrain import glyphs
from ftlib import resume
from ftlib.batches import EpochBatches
from ftlib.metrics import Score
from ftlib.runtime import write_json
from ftlib.train import History, fit

kills = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
# a server with everything imported, from which each process to be killed is forked at once
PROCESSES = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
if sys.platform == "linux":
    PROCESSES.set_forkserver_preload(["ftlib.train", "authoring.pretrain.glyphs", "ftlib.results"])


# a run in which everything that could go astray does occur


class Noisy(Dataset):
    """Points of two classes that look different each time, by three generators of random numbers."""

    def __init__(self, n: int = 22):
        self.n, self.loaded = n, []

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        self.loaded.append(i)
        noise = torch.randn(4) + random.random() + float(np.random.rand())
        return noise + i % 2, i % 2


def net() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.4), nn.ReLU(), nn.Linear(8, 2))
    model.register_buffer("ballast", torch.ones(100_000))  # so that writing takes long enough to be killed in
    return model


def validate(model: nn.Module) -> Score:
    """A made-up score that rises, then falls, and draws random numbers."""
    model.eval()
    torch.rand(1), random.random()
    weight = next(model.parameters()).detach()
    return Score(float(-(weight.norm() - 1.58).abs()), "norm", True, 1)


def options(**changes) -> dict:
    usual = {"steps": 60, "batch_size": 4, "micro_batch": 3, "lr": 0.03, "lr_decay": 0.5, "batchnorm": "train"}
    return usual | {"evaluate": validate, "evaluate_every": 3, "patience": 4, "seed": 5, "progress": False} | changes


def outcome(model: nn.Module, history: History) -> dict:
    """All that must not depend on whether the run was killed."""
    told = {name: value for name, value in vars(history).items() if name != "seconds_at"}
    draws = [random.random(), float(np.random.rand()), torch.rand(1).item()]
    return {"model": model.state_dict(), "history": told, "seconds": len(history.seconds_at), "draws": draws}


def same(first: dict, second: dict) -> bool:
    weights = [found["model"] for found in (first, second)]
    assert weights[0].keys() == weights[1].keys()
    equal = all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    return equal and all(first[name] == second[name] for name in ("history", "seconds", "draws"))


def train(folder: Path | None, out: Path, **changes) -> None:
    """One whole run, whose outcome is written to ``out``."""
    model = net()
    kept = {} if folder is None else {"checkpoint_dir": folder, "checkpoint_every": 1}
    found = outcome(model, fit(model, Noisy(), **options(**kept | changes)))
    with resume.replacing(out) as part:
        torch.save(found, part)


@pytest.fixture(scope="module")
def whole() -> dict:
    """The outcome of a run that nobody disturbs."""
    model = net()
    found = outcome(model, fit(model, Noisy(), **options()))
    history = found["history"]
    assert history["stopped_early"] and 10 < history["best_step"] < found["seconds"] < 60
    return found


# killing


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in(where: str, nth: int) -> None:
    """Let this process be killed at the ``nth`` passage of a place."""
    passed = 0
    save, replace, look = torch.save, os.replace, validate

    def now() -> bool:
        nonlocal passed
        passed += 1
        return passed == nth

    def half_write(content, path):
        save(content, path)
        if now():
            with open(path, "rb+") as file:
                file.truncate(path.stat().st_size // 2)
            die()

    def before_replacing(*paths):
        if now():
            die()
        replace(*paths)

    def after_replacing(*paths):
        replace(*paths)
        if now():
            die()

    @functools.wraps(validate)
    def looking(model):
        if now():
            die()
        return look(model)

    if where == "writing":
        torch.save = half_write
    elif where == "looking":
        globals()["validate"] = looking
    else:
        os.replace = before_replacing if where == "written" else after_replacing


def dying(where: str, nth: int, task, *arguments) -> None:
    die_in(where, nth)
    task(*arguments)


def finish(task, *arguments) -> int:
    """Run a task in its own process and return how that ended; less than zero: killed."""
    process = PROCESSES.Process(target=task, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode is not None, "the process hangs"
    return process.exitcode


def kill_at_random(watched: Path, longest: float, dice: random.Random, task, *arguments) -> bool:
    """Start a task, kill it a random while after ``watched`` changed, and tell whether that came in time."""

    def stamp() -> tuple:
        try:
            return watched.stat().st_mtime_ns, watched.stat().st_ino
        except FileNotFoundError:
            return ()

    before = stamp()
    process = PROCESSES.Process(target=task, args=arguments)
    process.start()
    while stamp() == before and process.is_alive():
        time.sleep(0.001)
    time.sleep(dice.uniform(0, longest))
    process.kill()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@kills
def test_fit_killed_at_random_moments_ends_the_same(tmp_path, whole):
    dice, folder, out = random.Random(), tmp_path / "state", tmp_path / "out.pt"
    killed = 0
    while killed < 5 and kill_at_random(folder / resume.FILE, 0.04, dice, train, folder, out):
        killed += 1
    assert killed, "the run ended too soon to be killed"
    assert finish(train, folder, out) == 0
    assert same(torch.load(out), whole)


@kills
def test_fit_killed_at_the_worst_moments_ends_the_same(tmp_path, whole):
    folder, out = tmp_path / "state", tmp_path / "out.pt"
    moments = [("writing", 1), ("replaced", 1), ("written", 4), ("looking", 2), ("writing", 5), ("replaced", 20)]
    for where, nth in moments:
        assert finish(dying, where, nth, train, folder, out) == -signal.SIGKILL
    assert not out.exists()
    assert finish(train, folder, out) == 0
    assert same(torch.load(out), whole)
    assert [file.name for file in folder.iterdir()] == [resume.FILE]
    saves = whole["seconds"]  # one after each step but the last, and the end
    for where in ("written", "replaced"):  # while the end is saved
        folder, out = tmp_path / where, tmp_path / f"{where}.pt"
        assert finish(dying, where, saves, train, folder, out) == -signal.SIGKILL
        for _ in range(2):
            assert finish(train, folder, out) == 0
            assert same(torch.load(out), whole)


def tiny_glyphs(out: Path, steps: int = 6) -> None:
    """Pre-train a tiny network on a handful of letters; only to be called in a process of its own."""
    accuracy = glyphs.accuracy
    glyphs.BATCH, glyphs.SAVE_EVERY, glyphs.FONTS = 8, 1, ("DejaVuSans.ttf",)
    glyphs.choose_letters = lambda: list("abcd")
    glyphs.accuracy = lambda model, bank: accuracy(model, bank, n=8)
    glyphs.resnet10 = lambda n: nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, n)
    )
    glyphs.train(out, steps)


@kills
def test_pretraining_killed_ends_the_same(tmp_path):
    assert finish(tiny_glyphs, tmp_path / "whole") == 0
    out, dice = tmp_path / "killed", random.Random()
    for where, nth in (("writing", 1), ("replaced", 2), ("written", 2)):
        assert finish(dying, where, nth, tiny_glyphs, out) == -signal.SIGKILL
    kill_at_random(out / glyphs.RESUME, 0.05, dice, tiny_glyphs, out)
    # while the finished checkpoint is written: model, config, record, card
    for nth in (2, 3):
        finish(dying, "written", nth, tiny_glyphs, out)
    assert finish(tiny_glyphs, out) == 0
    assert sorted(file.name for file in out.iterdir()) == sorted(file.name for file in (tmp_path / "whole").iterdir())
    first, second = (load_file(folder / "model.safetensors") for folder in (tmp_path / "whole", out))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    logs = [json.loads((folder / "training.json").read_text())["log"] for folder in (tmp_path / "whole", out)]
    assert logs[0] == logs[1] and len(logs[0]) == 6


def square(folder: str, number: int) -> dict:
    """A job that leaves a trace."""
    (Path(folder) / f"{number}-{time.time_ns()}").touch()
    time.sleep(0.01)
    return {"number": number, "square": number**2}


def grid(folder: Path, done: Path, out: Path) -> None:
    """Map jobs over two processes, which are forked so that they start at once."""
    get_context = multiprocessing.get_context
    multiprocessing.get_context = lambda kind=None: get_context("fork")
    rows = run_jobs(square, [(str(folder), number) for number in range(80)], done, workers=2)
    write_json(out, rows)


@kills
def test_a_grid_killed_goes_on_where_it_was(tmp_path):
    done, out, dice, killed = tmp_path / "done.jsonl", tmp_path / "out.json", random.Random(), 0
    (tmp_path / "ran").mkdir()
    while killed < 3 and kill_at_random(done, 0.05, dice, grid, tmp_path / "ran", done, out):
        killed += 1
    assert killed, "the grid ended too soon to be killed"
    with open(done, "a", encoding="utf-8") as file:
        file.write('{"key": "(')  # as if killed within a line
    finished = [json.loads(line)["row"]["number"] for line in done.read_text().splitlines() if line.endswith("}}")]
    (tmp_path / "last").mkdir()
    again = tmp_path / "again.jsonl"
    again.write_text(done.read_text().replace(str(tmp_path / "ran"), str(tmp_path / "last")))
    assert finish(grid, tmp_path / "last", again, out) == 0
    assert json.loads(out.read_text()) == [{"number": n, "square": n**2} for n in range(80)]
    ran = sorted(int(file.name.split("-")[0]) for file in (tmp_path / "last").iterdir())
    assert finished and ran == sorted(set(range(80)) - set(finished))


# what fit keeps


class Stop(BaseException):
    """Ends a run within this process."""


def own_loss(model: nn.Module, batch: tuple) -> torch.Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def interrupted(at: int, data: Dataset, **changes) -> None:
    """A run that is stopped in the ``at``-th loss that it computes."""
    calls = 0

    @functools.wraps(own_loss)
    def loss(model, batch):
        nonlocal calls
        calls += 1
        if calls == at:
            raise Stop
        return own_loss(model, batch)

    with pytest.raises(Stop):
        fit(net(), data, **plain(loss=loss, **changes))


def plain(**changes) -> dict:
    usual = {"steps": 10, "batch_size": 4, "checkpoint_every": 3, "progress": False}
    return usual | changes


def test_keeping_checkpoints_changes_nothing(tmp_path, whole):
    for every in (1, 4, 1000):
        model = net()
        kept = {"checkpoint_dir": tmp_path / str(every), "checkpoint_every": every}
        assert same(outcome(model, fit(model, Noisy(), **options(**kept))), whole)


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(net(), Noisy(), **plain(checkpoint_every=1))
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_run_loads_only_what_is_left(tmp_path):
    data = Noisy()
    interrupted(8, data, checkpoint_dir=tmp_path)  # last saved after step 6
    data.loaded.clear()
    history = fit(net(), data, **plain(loss=own_loss, checkpoint_dir=tmp_path))
    assert data.loaded == [i for batch in list(EpochBatches(22, 4, 10, seed=0))[6:] for i in batch]
    assert history.steps == len(history.seconds_at) == 10 and history.seconds_at == sorted(history.seconds_at)


def test_a_finished_run_returns_at_once(tmp_path):
    data, models = Noisy(), [net(), net(), net()]
    first = outcome(models[0], fit(models[0], data, **options(checkpoint_dir=tmp_path)))
    before = (tmp_path / resume.FILE).read_bytes()
    data.loaded.clear()
    second = outcome(models[1], fit(models[1], data, **options(checkpoint_dir=tmp_path)))
    third = outcome(models[0], fit(models[0], data, **options(checkpoint_dir=tmp_path)))  # the trained one again
    assert same(first, second) and same(first, third) and data.loaded == []
    assert not models[1].training
    assert (tmp_path / resume.FILE).read_bytes() == before


def test_the_progress_bar_goes_on_where_it_was(tmp_path, capfd):
    interrupted(8, Noisy(), checkpoint_dir=tmp_path)
    interrupted(1, Noisy(), checkpoint_dir=tmp_path, progress=True)
    assert " 6/10 " in "".join(capfd.readouterr())


def test_rates_and_scores_from_numpy_are_kept(tmp_path):
    rates = {"lr": np.float64(0.01), "lr_decay": np.float64(0.5), "weight_decay": np.float32(0.1), "seed": np.int64(3)}
    score = functools.partial(Score, np.float64(0.5), "score", True, 1)
    arguments = plain(evaluate=lambda model: score(), patience=9, checkpoint_dir=tmp_path, **rates)
    first, again = (fit(net(), Noisy(), **arguments) for _ in range(2))
    assert first == again and again.steps == 10


# what is refused


def frozen_net() -> nn.Module:
    model = net()
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    return model


def points(n: int = 12, shift: float = 0.0) -> TensorDataset:
    return TensorDataset(torch.arange(4.0 * n).view(n, 4) / n + shift, torch.arange(n) % 2)


OTHERS = {
    "rate": ({"lr": 0.5}, "lr is 0.001 there and 0.5 here"),
    "two": ({"steps": 11, "seed": 1}, "steps is 10 there and 11 here; seed is 0 there and 1 here"),
    "parts": ({"micro_batch": 2}, "micro_batch is None there and 2 here"),
    "score": ({"evaluate": validate}, "evaluate is None there and validate here"),
    "lengths": ({"lengths": range(12)}, "lengths is None there and 12 values"),
    "more data": ({"train": points(13)}, "train is 12 values there and 13 values here"),
    "frozen": ({"model": frozen_net()}, "model is Sequential with 74 trainable .* and Sequential with 34 trainable"),
    "wide": ({"model": nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 2))}, "model is "),
}


@pytest.mark.parametrize("which", OTHERS)
def test_the_state_of_another_call_is_refused_and_kept(which, tmp_path):
    change, told = OTHERS[which]
    call = {"model": net(), "train": points()} | plain(checkpoint_dir=tmp_path)
    fit(**call)
    before = (tmp_path / resume.FILE).read_bytes()
    call = {**call, "model": net(), **change}
    weights = {name: value.clone() for name, value in call["model"].state_dict().items()}
    with pytest.raises(ValueError, match=f"another run .*{told}.*: use another folder, or delete the file"):
        fit(**call)
    assert (tmp_path / resume.FILE).read_bytes() == before
    assert all(torch.equal(value, weights[name]) for name, value in call["model"].state_dict().items())


def test_what_does_not_matter_may_change(tmp_path):
    fit(net(), points(), **plain(checkpoint_dir=tmp_path, steps=3))
    again = plain(checkpoint_dir=str(tmp_path), checkpoint_every=2, steps=None, epochs=1, lr=np.float64(1e-3))
    assert fit(net(), points(), **again).steps == 3


DAMAGES = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "a flipped bit": lambda content: content[:300_000] + bytes([content[300_000] ^ 1]) + content[300_001:],
    "text": lambda content: b"hello",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_named_and_kept(damage, tmp_path):
    fit(net(), points(), **plain(checkpoint_dir=tmp_path))
    path = tmp_path / resume.FILE
    broken = DAMAGES[damage](path.read_bytes())
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"state\.pt is damaged or no training state: delete it"):
        fit(net(), points(), **plain(checkpoint_dir=tmp_path))
    assert path.read_bytes() == broken
    path.unlink()
    assert fit(net(), points(), **plain(checkpoint_dir=tmp_path)).steps == 10


def test_a_file_of_something_else_is_no_state(tmp_path):
    for content in ([1, 2], {"model": {}}, {"call": None, "parts": {}, "more": {}}):
        torch.save(content, tmp_path / resume.FILE)
        with pytest.raises(ValueError, match="no training state"):
            fit(net(), points(), **plain(checkpoint_dir=tmp_path))


def test_a_state_never_runs_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "pwned"),))

    torch.save({"call": {}, "parts": {}, "more": Evil()}, tmp_path / resume.FILE)
    with pytest.raises(ValueError, match="no training state"):
        fit(net(), points(), **plain(checkpoint_dir=tmp_path))
    assert not (tmp_path / "pwned").exists()


def test_folders_and_intervals_that_make_no_sense(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file, which is a file: name a folder"):
        fit(net(), points(), **plain(checkpoint_dir=tmp_path / "file"))
    for folder in (None, tmp_path / "new"):
        with pytest.raises(ValueError, match="checkpoint_every is 0"):
            fit(net(), points(), **plain(checkpoint_dir=folder, checkpoint_every=0))
    assert not (tmp_path / "new").exists()
    fit(net(), points(), **plain(checkpoint_dir=tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b" / resume.FILE).exists()


def test_replacing_leaves_the_old_file_when_something_fails(tmp_path):
    path = tmp_path / "x"
    with resume.replacing(path) as part:
        part.write_text("old")
        assert not path.exists()
    assert path.read_text() == "old"
    with pytest.raises(OSError, match="disk full"), resume.replacing(path) as part:
        part.write_text("ne")
        raise OSError("disk full")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
