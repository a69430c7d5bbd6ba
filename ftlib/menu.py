"""What suits your data: the rival and the recipes on the same draws, how long they take, and what follows."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch.utils.data import DataLoader

from ftlib import adapt, recipes, runtime
from ftlib.batches import to_device
from ftlib.metrics import difference
from ftlib.own.base import OwnData
from ftlib.tasks.base import Split

RECIPES = ("head", "top", "head_then_all", "scratch")  # the dearest last
TRAINS = {"head": 0.0, "top": 0.6, "head_then_all": 1.0, "scratch": 1.0}  # share of a full step that a pass costs
FEW = 50  # examples of tune_valid below which the test has to do
PEOPLE = 8  # groups below which a test says little about the next one


@dataclass(frozen=True)
class Menu:
    """What ``menu`` found; shows itself as its advice over the mean scores.

    Attributes:
        table: one row a run, as ``compare`` gives it, with ``balanced`` accuracy where the task has it.
        advice: sentences.
        minutes: what it took.
    """

    table: pd.DataFrame
    advice: tuple[str, ...]
    minutes: float

    def summary(self) -> pd.DataFrame:
        """Mean score of each recipe and rival (rows) at each budget (columns)."""
        return self.table.pivot_table(index="recipe", columns="budget", values="score", sort=False).round(3)

    def __repr__(self) -> str:
        return "\n".join([*self.advice, self.summary().to_string(na_rep="")])

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.advice)
        return said + self.summary().to_html(na_rep="")


def menu(
    task: OwnData,
    budgets: Sequence[int] | None = None,
    seeds: int = 5,
    minutes: float = 5.0,
    names: Sequence[str] = RECIPES,
    progress: bool = True,
) -> Menu:
    """Run the cheapest rival, a new head, later stages and all of the network; from scratch once, at the largest.

    Says first how long it will take on this machine, and leaves out the dearest recipes that would take more than
    ``minutes``. Scores are those on ``tune_valid`` where it has 50 examples or more, otherwise on the test: then the
    score of whatever you choose by them is a little too good.

    Args:
        budgets: labels a class; the smallest, a middle one and the largest that the data allow unless given.
        seeds: draws of labels at each budget.
        names: of recipes, the dearest last.

    Raises:
        ValueError: a budget or the minutes are no positive numbers, or there are too few labels.
    """
    if not isinstance(minutes, int | float) or not minutes > 0:
        raise ValueError(f"minutes is {minutes!r}: give how long it may take, such as 5")
    budgets = sorted(budgets or {task.budgets[0], task.budgets[len(task.budgets) // 2], task.budgets[-1]})
    split: Split = "tune_valid" if (task.items.split == "tune_valid").sum() >= FEW else "test"
    rival = next(iter(task.rivals()))
    settings = recipes.tuned(task)
    jobs = [(name, budget, seed) for budget in budgets for seed in range(seeds) for name in (rival, *names)
            if (name != "scratch" or budget == budgets[-1]) and (name == rival or name in settings)]  # fmt: skip
    prices = _prices(task, jobs, settings, split)
    left_out = []
    for name in reversed(names[1:]):
        if sum(prices.values()) > 60 * minutes and any(job[0] == name for job in prices):
            left_out.append(f"{name} ({sum(s for job, s in prices.items() if job[0] == name) / 60:.0f} min)")
            prices = {job: s for job, s in prices.items() if job[0] != name}
    said = [f"{len(prices)} runs, about {max(0.1, sum(prices.values()) / 60):.1f} minutes on this machine."]
    if left_out:
        said.append(f"Left out to stay under {minutes:g} minutes: {', '.join(left_out)}. Pass minutes= for more.")
    print(" ".join(said), flush=True)
    began, rows = time.perf_counter(), []
    for name, budget, seed in _bar(list(prices), progress):
        if name == rival:
            rows.append(recipes.run_rival(name, task, budget, seed, test_split=split))
        else:
            rows.append(recipes.run(name, task, budget, seed, test_split=split, score_source=False).row)
    table = pd.DataFrame(rows)
    return Menu(table, tuple([*said[1:], *advice(task, table, rival, split)]), (time.perf_counter() - began) / 60)


def _bar(jobs: list, progress: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(jobs, disable=not progress, unit="run")


def _prices(task: OwnData, jobs: list[tuple[str, int, int]], settings: dict, split: Split) -> dict[tuple, float]:
    """Seconds that each job will take: a batch forwards, and forwards and backwards, times what is done."""
    model = task.pretrained().to(runtime.device())
    adapt.replace_head(model, task.n_outputs, seed=0)
    data = task.sample(min(max(task.budgets), -(-16 // task.n_outputs)), 0)
    batch = to_device(next(iter(DataLoader(data, min(16, len(data)), collate_fn=task.collate))), runtime.device())
    size = len(task.labels(batch))
    model.eval()
    with torch.no_grad():
        forward = _seconds(lambda: task.loss(model, batch)) / size
    both = _seconds(lambda: task.loss(model, batch).backward()) / size
    tested, prices = len(task.positions(split)), {}
    for name, budget, seed in jobs:
        n = budget * task.n_outputs
        if name not in recipes.RECIPES:
            prices[name, budget, seed] = 0.3 * forward * (n + tested) + 0.2
            continue
        wanted = settings[name]
        a_pass = max(1, -(-n // task.batch_size))
        passes = max(wanted.get("passes", wanted.get("steps", 0) / a_pass), task.passes(name))
        a_step = forward if name == "head" else forward + TRAINS.get(name, 1.0) * (both - forward)
        prices[name, budget, seed] = forward * (n + tested) + (0 if name == "head" else passes * n * a_step) + 1.0
    return prices


def _seconds(work: Any) -> float:
    found = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def advice(task: OwnData, table: pd.DataFrame, rival: str, split: Split) -> list[str]:
    """What follows from the scores at the largest budget; differences are paired by draw, with 95 % intervals."""
    largest = table.budget.max()
    draws = table[table.budget == largest].pivot(index="seed", columns="recipe", values="score")
    means = draws.mean()
    ours = means.drop([name for name in (rival, "scratch") if name in means])
    best, n = ours.idxmax(), len(draws)

    def ahead(first: str, second: str) -> bool | None:
        """Whether the first one leads; None where the draws do not tell."""
        if n < 2:
            return None
        found = difference(draws[first], draws[second])
        return None if found.low <= 0 <= found.high else found.value > 0

    tested = task.items[task.items.split == split]
    whose = tested.group[tested.group != ""].nunique()
    said = [f"With {largest} labels a class, {n} draws, on {len(tested)} examples of {split}"
            + (f" by {whose} groups." if whose else ".")]  # fmt: skip
    if "scratch" in means and ahead("scratch", best):
        said.append(f"Random weights do better ({means['scratch']:.2f} against {ours.max():.2f}): this backbone does "
                    "not fit your data; look for one that was trained on something nearer.")  # fmt: skip
    figures = f"{best} {ours.max():.2f}, {rival} {means[rival]:.2f}"
    said.append({
        True: f"A fine-tuned network leads the rival: {figures}.", False: f"The cheap rival leads: {figures}. Take it.",
        None: f"No difference seen to the rival in {n} draws: {figures}. It is cheaper; more draws may tell (seeds=).",
    }[ahead(best, rival)])  # fmt: skip
    others = ours.drop("head", errors="ignore")
    if len(others) and "head" in ours:
        other = others.idxmax()
        more, figures = ahead(other, "head"), f"{other} {others.max():.2f}, head {ours['head']:.2f}"
        said.append({
            True: f"Training more than the head pays: {figures}.", False: f"More than the head costs: {figures}.",
            None: f"No difference seen between the head and more in {n} draws ({figures}): keep the head.",
        }[more])  # fmt: skip
    if whose and whose < PEOPLE:
        said.append(f"All this is about {whose} groups; another one may be read worse. Test on {PEOPLE} or more.")
    shares = task.items.label.value_counts(normalize=True)
    if shares.iloc[0] > 1.5 / len(shares):
        said.append(f"The classes are unbalanced: always {shares.index[0]} gets {shares.iloc[0]:.2f}. See balanced "
                    "accuracy in .table, where there is one, and the confusion matrix.")  # fmt: skip
    if split == "test":
        said.append("The test chose here: what you choose by it will score a little less on new data.")
    return said
