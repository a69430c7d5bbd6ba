"""``make bench``: what ``fit`` costs beside a bare loop and other trainers, also on texts, and what an import costs.

One thread; medians over rounds in which all take turns; ratios, because seconds are a machine's own.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
from loops import LOOPS, Job, bare
from timing import Arm, interleave, summary
from torch import nn
from torch.utils.data import TensorDataset

PACKAGES = ("torch", "accelerate", "transformers", "lightning", "fastai")
OVERHEAD, CACHED, IMPORT = 1.05, 10.0, 0.3
SHARES = {"head": "head", "from_layer4": "layer4", "top": "layer3", "full": "all"}  # from which stage on


@dataclass(frozen=True)
class Size:
    """How much is run."""

    rounds: int
    epochs: int
    examples: int = 96


FULL, SMOKE = Size(rounds=9, epochs=10), Size(rounds=2, epochs=1, examples=32)


@dataclass(frozen=True)
class Result:
    """One comparison: its table, and whether it keeps its bar."""

    title: str
    table: pd.DataFrame
    verdict: str
    kept: bool
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"## {self.title}", "", self.table.round(3).to_string(), *self.notes]
        return "\n".join([*lines, f"{'kept' if self.kept else 'MISSED'}: {self.verdict}"])


def glyphs(size: Size) -> tuple[Job, Callable[[], nn.Module], Callable[[nn.Module], float]]:
    """Digits for the glyph ResNet: the job, a maker of fresh models, and their score."""
    from ftlib import adapt, models, tasks

    digits = tasks.get("digits")
    x, y = digits.sample(10, seed=0).tensors
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[: size.examples]
    model = models.load("glyph-resnet10")
    adapt.replace_head(model, digits.n_outputs, seed=0)
    job = Job(TensorDataset(x[order], y[order]), size.epochs, batch_size=16, lr=3e-4)
    return job, partial(deepcopy, model), lambda trained: digits.evaluate(trained).value


def overhead(size: Size) -> Result:
    """``fit`` against a bare loop: the same steps, and the same weights in the end."""
    job, fresh, score = glyphs(size)
    ends: dict[str, nn.Module] = {}

    def arm(name: str) -> Arm:
        loop = bare if name == "bare loop" else LOOPS[name]

        def run(model: nn.Module) -> nn.Module:
            ends[name] = loop(job, model)
            return ends[name]

        return fresh, run, score

    arms = {name: arm(name) for name in ("bare loop", "ftlib.fit")}
    table = summary(interleave(arms, size.rounds), "bare loop")
    pairs = zip(*(end.state_dict().values() for end in ends.values()), strict=True)
    same = all(torch.equal(a, b) for a, b in pairs)
    ratio = table.ratio["ftlib.fit"]
    verdict = f"fit takes {ratio:.3f} of a bare loop's time (at most {OVERHEAD}); "
    verdict += "the weights are equal" if same else "the weights DIFFER"
    return Result(f"fit and a bare loop, {job.steps} steps", table, verdict, same and ratio <= OVERHEAD)


def peers(size: Size, lean: bool) -> Result:
    """``fit`` against other trainers, each with its defaults or all with the same switches."""
    job, fresh, score = glyphs(size)
    arms, missing = {}, []
    for name, loop in LOOPS.items():
        try:
            loop(Job(job.train, 1, 16, job.lr), fresh(), lean)
        except ImportError as problem:
            missing.append(f"{name} is left out: {problem.name or problem} is not installed.")
            continue
        arms[name] = (fresh, partial(loop, job, lean=lean), score)
    table = summary(interleave(arms, size.rounds), "ftlib.fit")
    others = table.drop("ftlib.fit")
    faster = others[others.high < 1].index.tolist()  # the whole interval of the ratio
    how = "the same switches" if lean else "each library's defaults"
    verdict = f"with {how} {' and '.join(faster) if faster else 'none of the others'} is faster than fit"
    kept = not (lean and faster)
    return Result(f"fit and other trainers, {job.steps} steps, {how}", table, verdict, kept, tuple(missing))


def cached_head(size: Size) -> Result:
    """The head of a frozen backbone, on features that are computed once, and on pictures."""
    from ftlib import adapt, fit, fit_head, models, recipes, tasks

    digits = tasks.get("digits")
    train = digits.sample(10, seed=0)
    settings = recipes.tuned(digits)["head"] | {"progress": False, "batch_size": digits.batch_size}
    if size is SMOKE:
        settings |= {"steps": 3}
    model = models.load("glyph-resnet10")
    adapt.freeze(model)
    adapt.replace_head(model, digits.n_outputs, seed=0)

    def cached(model: nn.Module) -> nn.Module:
        fit_head(model, train, digits, **settings)
        return model

    def uncached(model: nn.Module) -> nn.Module:
        with anew():
            fit(model, train, batchnorm="eval", **settings)
        return model

    def score(trained: nn.Module) -> float:
        return digits.evaluate(trained).value

    arms = {run.__name__: (partial(forgetting, model), run, score) for run in (cached, uncached)}
    table = summary(interleave(arms, size.rounds), "cached")
    gain = table.ratio["uncached"]
    verdict = f"caching makes the head's training {gain:.1f} times as fast (at least {CACHED:.0f})"
    return Result(f"a head's {settings['steps']} steps", table, verdict, gain >= CACHED or size is SMOKE)


def trained_share(size: Size) -> Result:
    """The same steps for each share of the network that is trained, the frozen rest computed once or at every step."""
    from ftlib import adapt, fit, fit_head, tasks

    digits, (job, fresh, score) = tasks.get("digits"), glyphs(size)
    options = {"steps": job.steps, "batch_size": job.batch_size, "lr": job.lr, "progress": False}
    arms, trained = {}, {}
    for name, part in SHARES.items():
        model = fresh()
        adapt.train_from(model, part)
        trained[name] = adapt.count(model)[0] / adapt.count(model)[1]

        def once(model: nn.Module, part: str = part) -> nn.Module:
            if part == "head":
                fit_head(model, job.train, digits, **options)
            else:
                fit(model, job.train, batchnorm="eval", **options)
            return model

        def always(model: nn.Module) -> nn.Module:
            with anew():
                fit(model, job.train, batchnorm="eval", **options)
            return model

        arms[name] = (partial(forgetting, model), once, score)
        arms[f"{name}, anew"] = (partial(forgetting, model), always, score)
    table = summary(interleave(arms, size.rounds), "full")
    table.insert(0, "trained", [trained[name.removesuffix(", anew")] for name in table.index])
    seconds = [table.seconds[name] for name in SHARES]
    said = ", ".join(f"{name} {table.ratio[name]:.2f}" for name in SHARES)
    verdict = f"time falls with the share that is trained; of the time of full: {said}"
    return Result(f"shares of a network, {job.steps} steps", table, verdict, seconds == sorted(seconds))


def forgetting(model: nn.Module) -> nn.Module:
    """A copy of the model, and nothing remembered of its frozen stages."""
    from ftlib.adapt import prefix

    prefix.memory = prefix.Memory()
    return deepcopy(model)


@contextmanager
def anew() -> Iterator[None]:
    """Frozen stages are computed at every step, as in a bare loop."""
    from ftlib import adapt

    once, adapt.frozen_once = adapt.frozen_once, lambda *_: nullcontext()
    try:
        yield
    finally:
        adapt.frozen_once = once


def minilm(size: Size) -> Result:
    """All of MiniLM on 256 reviews, a seed a round: ``fit`` and Trainer with the same switches, and Trainer without."""
    from ftlessons.lesson06.studies import speed
    from ftlib.metrics import difference

    arms = {
        "ftlib.fit": ("fit", speed.SWITCHES), "same switches": ("Trainer", speed.SWITCHES), "defaults": ("Trainer", ()),
    }  # fmt: skip
    steps, rows = (2 if size is SMOKE else None), []
    for seed in (0, 1) if size is SMOKE else speed.SEEDS:
        for name, (library, switches) in list(arms.items())[:: 1 if seed % 2 else -1]:
            rows.append({"arm": name, "round": seed, **speed.one(library, switches, seed, steps)})
    table = summary(pd.DataFrame(rows), "ftlib.fit")
    scores = pd.DataFrame(rows).pivot(index="round", columns="arm", values="score")
    ahead = {name: difference(scores["ftlib.fit"], scores[name]) for name in ("same switches", "defaults")}
    times = " and ".join(f"{table.ratio[name]:.2f} with {name}" for name in ahead)
    verdict = f"Trainer takes {times} of fit's time; fit's accuracy is ahead by "
    verdict += " and ".join(f"{x.value:+.3f} ({x.low:+.3f} to {x.high:+.3f})" for x in ahead.values())
    kept = table.high["same switches"] >= 1 and all(x.high >= 0 for x in ahead.values())
    return Result("MiniLM on reviews: fit and transformers.Trainer", table, verdict, kept)


def import_time(size: Size) -> Result:
    """``import ftlib`` in a fresh Python, beside a Python that does nothing."""

    def arm(code: str) -> Arm:
        command = [sys.executable, "-c", code]
        return lambda: None, lambda _: subprocess.run(command, check=True), lambda _: float("nan")

    arms = {"python": arm("pass"), "import ftlib": arm("import ftlib")}
    table = summary(interleave(arms, size.rounds), "python")
    more = table.seconds["import ftlib"] - table.seconds["python"]
    verdict = f"import ftlib costs {more:.2f} s over bare Python (at most {IMPORT})"
    return Result("import ftlib", table.drop(columns="score"), verdict, more <= IMPORT)


BENCHES: dict[str, Callable[[Size], Result]] = {
    "overhead": overhead,
    "peers": partial(peers, lean=True),
    "defaults": partial(peers, lean=False),
    "head": cached_head,
    "share": trained_share,
    "minilm": minilm,
    "import": import_time,
}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benches that are asked for and print their tables; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="tests/bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=list(BENCHES))
    parser.add_argument("--smoke", action="store_true", help="a step or two of each, to see that they run")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(", ".join(f"{package} {found}" for package in PACKAGES if (found := _version(package))))
    results = []
    for name in chosen.only:
        results.append(BENCHES[name](SMOKE if chosen.smoke else FULL))
        print(f"\n{results[-1]}", flush=True)
    return int(not all(result.kept for result in results) and not chosen.smoke)
