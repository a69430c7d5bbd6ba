"""The recipes for fine-tuning as plain data, and ``compare``, which runs them on equal terms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Literal

import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from ftlib import adapt, catalog, runtime, tasks
from ftlib.batches import steps_per_epoch, to_device
from ftlib.metrics import Score
from ftlib.tasks.base import Split, Task
from ftlib.train import History, fit

COLUMNS = (
    "task", "recipe", "budget", "budget_unit", "seed", "score", "metric", "source_score", "seconds", "steps",
    "trainable_parameters",
)  # fmt: skip

AS_GOOD = 0.005  # settings this close to the best mean score count as equal; the fewest steps win


@dataclass(frozen=True)
class Phase:
    """One stretch of training: which part of the model moves, and whose tuned rate and step count it uses."""

    train: str  # "head", "top", "all", "lora", or a stage: that one and all after it
    settings: str


@dataclass(frozen=True)
class Recipe:
    """A way to get from a pre-trained (or random) model to a fine-tuned one."""

    name: str
    start: Literal["pretrained", "random"]
    phases: tuple[Phase, ...]
    batchnorm: adapt.BatchNormMode
    summary: str


def _recipe(name: str, start: str, summary: str, batchnorm: str, *parts: tuple[str, str]) -> Recipe:
    return Recipe(name, start, tuple(Phase(*part) for part in parts), batchnorm, summary)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        _recipe("zero_shot", "pretrained", "the pre-trained model as it is, nothing trained", "eval"),
        _recipe("scratch", "random", "same architecture, random weights", "train", ("all", "scratch")),
        _recipe("head", "pretrained", "frozen backbone, new head", "eval", ("head", "head")),
        _recipe("top", "pretrained", "early stages frozen, later ones and head trained", "eval", ("top", "top")),
        _recipe("from_layer4", "pretrained", "only layer4 and head trained", "eval", ("layer4", "from_layer4")),
        _recipe("from_layer2", "pretrained", "layer2 and all after it trained", "eval", ("layer2", "from_layer2")),
        _recipe(
            "head_then_all", "pretrained", "train a new head, then unfreeze and train all at a lower rate",
            "eval", ("head", "head"), ("all", "head_then_all"),
        ),
        _recipe("full", "pretrained", "new head and backbone at once", "eval", ("all", "full")),
        _recipe(
            "full_moving_bn", "pretrained", "like full, but BatchNorm statistics move (PyTorch's default)",
            "train", ("all", "full_moving_bn"),
        ),
        _recipe(
            "head_then_all_moving_bn", "pretrained", "like head_then_all, but BatchNorm statistics move",
            "train", ("head", "head"), ("all", "head_then_all_moving_bn"),
        ),
        _recipe("lora", "pretrained", "low-rank adapters and a new head", "eval", ("lora", "lora")),
    )
}  # fmt: skip


def candidates(task: Task, name: str) -> list[dict]:
    """The settings that tuning tries for a recipe or rival: for each the same number."""
    if name in task.rivals():
        return task.rival_grid()[name]
    how_long = [{"passes": n} for n in task.tune_passes] or [{"steps": n} for n in task.steps(name)]
    return [{"lr": lr} | long for lr in task.rates(name) for long in how_long]


def choose(tried: pd.DataFrame) -> dict:
    """The settings of one recipe: of all that come within ``AS_GOOD`` of the best, the shortest, then best score.

    Args:
        tried: columns ``candidate`` (settings as JSON) and ``score`` (the mean over all draws).
    """
    good = tried[tried.score >= tried.score.max() - AS_GOOD]
    good = good.assign(long=[_length(json.loads(text)) for text in good.candidate])
    return json.loads(good.sort_values(["long", "score"], ascending=[True, False]).candidate.iloc[0])


def _length(settings: dict) -> int:
    return settings.get("passes", settings.get("steps", 0))


def tuned(task: Task) -> dict[str, dict[str, Any]]:
    """The settings that tuning chose for each recipe and rival of a task, on labels that no result uses."""
    path = catalog.data_dir() / "results" / f"{task.domain}_tuned.json"
    given = getattr(task, "settings", None) or {}
    like = getattr(task, "settings_like", task.name)  # data of your own borrows the settings of another task
    if like is None:
        return given
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if like not in found:
        raise FileNotFoundError(f"{like} has not been tuned yet: run `python -m authoring tune {task.domain}` first")
    return found[like]["settings"] | given


def _settings_for(name: str, settings: dict[str, dict]) -> dict:
    if name not in settings:
        raise ValueError(f"there are no tuned settings for {name!r}: there are some for {', '.join(settings)}")
    return settings[name]


@dataclass(frozen=True)
class Run:
    """One trained model with its row for the table and the histories of its phases."""

    model: nn.Module
    row: dict[str, Any]
    histories: list[History]

    def trace(self) -> pd.DataFrame:
        """The score over training time, all phases in a row: columns ``seconds`` and ``score``."""
        points, before = [], 0.0
        for history in self.histories:
            points += [(before + history.seconds_at[step - 1], score) for step, score in history.scores]
            before += history.seconds
        return pd.DataFrame(points, columns=["seconds", "score"])


def run(
    recipe: str | Recipe,
    task: str | Task,
    budget: int,
    seed: int = 0,
    *,
    settings: dict[str, dict] | None = None,
    train_split: Split = "train",
    test_split: Split = "test",
    trace_every: int | None = None,
    score_source: bool = True,
    progress: bool = False,
) -> Run:
    """Follow one recipe once: draw ``budget`` labels, train, score on the test split and on the source task.

    ``source_score`` is what the trained backbone scores on the original task with the original head, and missing
    without ``score_source``.
    With ``trace_every`` the test score is also followed during training, for looking only: nothing is
    chosen by it, and the time it takes is not counted in the histories' seconds.
    """
    task = _task(task)
    recipe = _named(recipe, task)
    if recipe.name == "zero_shot" and not task.has_zero_shot:
        raise ValueError(f"zero_shot needs a head that already knows the classes of {task.name}: train a head instead")
    settings = tuned(task) if settings is None else settings
    train = task.sample(budget, seed, train_split) if recipe.phases else None
    started = perf_counter()
    model, old_head = _start(recipe, task, seed)
    histories, trainable = [], 0
    for phase in recipe.phases:
        options = _settings_for(phase.settings, settings) | {"seed": seed, "progress": progress}
        if trace_every:
            options |= {"evaluate": partial(_score_of, task, model, test_split), "evaluate_every": trace_every}
        model, history = _train(model, train, task, phase, recipe.batchnorm, options)
        trainable = max(trainable, adapt.count(model)[0])
        histories.append(history)
    seconds = perf_counter() - started
    row = _row(task, recipe.name, budget, seed, task.evaluate(model, test_split), seconds)
    row["steps"] = sum(history.steps for history in histories)
    row["trainable_parameters"] = trainable
    if score_source and task.source is not None and old_head is not None:
        kept = _source_score(model, task, adapt.get_head(model) if task.keeps_head else old_head)
        row |= {"source_score": kept.value} | {f"source_{name}": value for name, value in kept.more.items()}
    return Run(model, row, histories)


def _start(recipe: Recipe, task: Task, seed: int) -> tuple[nn.Module, nn.Module | None]:
    """The model before the first phase, on the right device, and the head that it was pre-trained with."""
    if recipe.start == "random":
        return task.untrained(seed).to(runtime.device()), None
    model = task.pretrained().to(runtime.device())
    old_head = deepcopy(adapt.get_head(model))
    if recipe.phases and not task.keeps_head:
        adapt.replace_head(model, task.n_outputs, seed=seed)
    return model, old_head


def _score_of(task: Task, model: nn.Module, split: Split, _: nn.Module) -> Score:
    return task.evaluate(model, split)


def _row(task: Task, name: str, budget: int, seed: int, score, seconds: float) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS) | {
        "task": task.name, "recipe": name, "budget": budget, "budget_unit": task.budget_unit, "seed": seed,
        "score": score.value, "metric": score.metric, "seconds": seconds, "steps": 0, "trainable_parameters": 0,
    } | score.more  # fmt: skip


def _train(model, train, task: Task, phase: Phase, batchnorm, options: dict) -> tuple[nn.Module, History]:
    options = {"batch_size": task.batch_size, "collate": task.collate} | options
    a_pass = steps_per_epoch(len(train), options["batch_size"])
    if "passes" in options:
        options["steps"] = options.pop("passes") * a_pass
    options["steps"] = max(options["steps"], task.passes(phase.settings) * a_pass)
    if phase.train == "head":
        adapt.train_from(model, "head")
        return model, fit_head(model, train, task, **options)
    if phase.train == "lora":
        adapt.unfreeze(model)
        model = adapt.lora(model, seed=options["seed"])
    elif phase.train == "top":
        adapt.unfreeze(model)
        adapt.freeze(model, *(stage for stage in task.stages(model) if stage not in task.top_stages))
    else:
        adapt.train_from(model, phase.train)
    if task.lengths is not None:
        options = {"lengths": task.lengths(train)} | options
    options = {"micro_batch": task.micro_batch} | options
    history = fit(model, train, loss=task.loss, batchnorm=batchnorm, **options)
    if batchnorm == "train":
        _settle(model, train, task)
    return model, history


def _settle(model: nn.Module, train: Dataset, task: Task) -> None:
    """Take BatchNorm's statistics anew from the training set where they follow too slowly to have arrived.

    EfficientNet's move by a hundredth a step: after 200 steps from random weights the network would score chance.
    """
    layers = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if any(layer.momentum is not None and layer.momentum < 0.05 for layer in layers):
        loader = DataLoader(train, task.batch_size, shuffle=True, generator=torch.Generator().manual_seed(0))
        batches = (task.inputs(batch) for batch in loader if len(batch[1]) > 1)
        torch.optim.swa_utils.update_bn(batches, model, device=next(model.parameters()).device)


def source_score(model: nn.Module, task: Task, old_head: nn.Module) -> float:
    """Score of the trained backbone with its original head on the task it was pre-trained for."""
    return _source_score(model, task, old_head).value


def _source_score(model: nn.Module, task: Task, old_head: nn.Module) -> Score:
    head = adapt.set_head(model, old_head.to(next(model.parameters()).device))
    try:
        return task.source.evaluate(model)
    finally:
        adapt.set_head(model, head)


def run_rival(
    name: str, task: str | Task, budget: int, seed: int, *, settings=None, train_split="train", test_split="test"
) -> dict[str, Any]:
    """Train and score one of the task's rivals on the very labels that the recipes get; returns the table row."""
    task = _task(task)
    if name not in task.rivals():
        raise ValueError(f"there is no rival {name!r} for {task.name}: choose from {', '.join(task.rivals())}")
    settings = tuned(task) if settings is None else settings
    train = task.sample(budget, seed, train_split)
    started = perf_counter()
    score = task.rivals()[name](train, test_split, _settings_for(name, settings))
    return _row(task, name, budget, seed, score, perf_counter() - started)


def compare(
    task: str | Task = "digits",
    recipes: Sequence[str | Recipe] = ("scratch", "head", "head_then_all"),
    budgets: Iterable[int] = (1, 5, 10),
    seeds: int | Iterable[int] = 3,
    *,
    progress: bool = True,
    **options: Any,
) -> pd.DataFrame:
    """Run recipes and rivals on the same draws of labels and return one row a run.

    Every recipe gets the same labels for the same budget and seed, its own tuned rate and step count,
    and nothing else: no early stopping, no augmentation, float32.

    Args:
        recipes: names in ``RECIPES``, names of the task's rivals, or ``Recipe`` objects.
        budgets: in the task's ``budget_unit``.
        seeds: how many, or which. A seed chooses the labels, the new weights and the order.
        options: passed on to ``run``, e.g. ``settings``, and what a rival knows of them to ``run_rival``.

    Returns:
        Columns ``task, recipe, budget, budget_unit, seed, score, metric, source_score, seconds, steps,
        trainable_parameters``. ``source_score`` is missing where there was no pre-trained model.
    """
    from tqdm.auto import tqdm

    task = _task(task)
    seeds = range(seeds) if isinstance(seeds, int) else list(seeds)
    plan = [(recipe, budget, seed) for budget in budgets for seed in seeds for recipe in recipes]
    if not plan:
        raise ValueError("there is nothing to compare: give at least one recipe, one budget and one seed")
    for recipe in recipes:
        _check_known(recipe, task)
    rows, of_rivals = [], {key: options[key] for key in ("settings", "train_split", "test_split") if key in options}
    for recipe, budget, seed in tqdm(plan, disable=not progress, unit="run"):
        if isinstance(recipe, str) and recipe in task.rivals():
            rows.append(run_rival(recipe, task, budget, seed, **of_rivals))
        else:
            rows.append(run(recipe, task, budget, seed, **options).row)
    return pd.DataFrame(rows, columns=COLUMNS).astype({"source_score": float})


def _task(task: str | Task) -> Task:
    return tasks.get(task) if isinstance(task, str) else task


def _named(recipe: str | Recipe, task: Task) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    _check_known(recipe, task)
    if recipe not in RECIPES:
        raise ValueError(f"{recipe!r} is a rival of {task.name} and no recipe: use run_rival or compare")
    return RECIPES[recipe]


def _check_known(recipe: str | Recipe, task: Task) -> None:
    if isinstance(recipe, str) and recipe not in RECIPES and recipe not in task.rivals():
        known = ", ".join([*RECIPES, *task.rivals()])
        raise ValueError(f"there is no recipe {recipe!r} for {task.name}: choose from {known}")


def fit_head(model: nn.Module, train: Dataset, task: Task, **options: Any) -> History:
    """Train only the head of ``model``, in place, on features that the frozen backbone computes once.

    Every epoch would compute the same ones anew.
    """
    started = perf_counter()
    model.to(runtime.device())  # all of it: `fit` moves only what it is given, the head
    cached = frozen_features(model, train, task)
    spent = perf_counter() - started
    options = {"loss": task.head_loss} | options | {"collate": None}
    history = fit(adapt.get_head(model), cached, **options)
    history.seconds_at = [spent + at for at in history.seconds_at]
    return history


@torch.no_grad()
def frozen_features(model: nn.Module, data: Dataset, task: Task, batch_size: int | None = None) -> TensorDataset:
    """What the head of ``model`` gets to see of each example, in evaluation mode, with the labels.

    Args:
        batch_size: examples at once, the task's ``feature_batch`` by default.
    """
    device, parts = next(model.parameters()).device, []
    with adapt.frozen_once(model), adapt.features(model) as backbone:
        for batch in DataLoader(data, batch_size or task.feature_batch, collate_fn=task.collate):
            inputs = to_device(task.inputs(batch), device)
            found = backbone(**inputs) if isinstance(inputs, Mapping) else backbone(inputs)
            parts.append((found.cpu(), task.labels(batch)))
    return TensorDataset(*(torch.cat(column) for column in zip(*parts, strict=True)))
