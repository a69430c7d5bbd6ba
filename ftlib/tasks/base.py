"""What every task offers, whatever its domain, so that one recipe runs on all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ftlib import adapt
from ftlib.metrics import Score

Split = Literal["train", "tune", "tune_valid", "test"]
GENTLE_RATES, BOLD_RATES = (3e-5, 1e-4, 3e-4, 1e-3), (3e-4, 1e-3, 3e-3, 1e-2)
RATES = {
    "head": (1e-3, 3e-3, 1e-2, 3e-2), "scratch": BOLD_RATES, "lora": BOLD_RATES,
    "head_then_all": GENTLE_RATES, "head_then_all_moving_bn": GENTLE_RATES,
}  # fmt: skip


class Protocol:
    """How a task is recorded and tuned. The defaults serve a task that nobody records."""

    budgets: Sequence[int]
    grid: Sequence[str] = ()  # the recipes and rivals that are tuned and recorded
    traced: Sequence[str] = ("scratch", "head", "head_then_all")  # whose score is followed over training time
    trace_budget, trace_every = 10, 10  # at which budget, and how many steps from score to score
    tune_budgets: Sequence[int] = (1, 10)
    tune_steps: Sequence[int] = (100, 300)
    tune_passes: Sequence[int] = ()  # instead of steps: how many times over the labels, the same numbers for all
    tune_seeds: Sequence[int] = (0, 1)
    tune_options: Mapping[str, Any] = {}  # of ``fit``, for tuning alone: what makes it cheaper
    min_passes = 14  # over the training set, for every recipe: tuned step counts come from small budgets

    def passes(self, recipe: str) -> int:
        """The fewest passes over the training set that a recipe makes, whatever step count tuning chose."""
        return self.min_passes

    def rates(self, recipe: str) -> Sequence[float]:
        """The learning rates that tuning tries for a recipe, the same number for each."""
        return RATES.get(recipe, (1e-4, 3e-4, 1e-3, 3e-3))

    def steps(self, recipe: str) -> Sequence[int]:
        """The step counts that tuning tries for a recipe, the same number for each."""
        return self.tune_steps

    def rival_grid(self) -> dict[str, list[dict]]:
        """Settings to tune each rival over: as many as a recipe gets."""
        return {}


class Task(Protocol, ABC):
    """One thing to learn: its data, split so that nothing leaks, its model and its score.

    The splits keep four groups apart. ``train`` is where label budgets are drawn from. ``tune`` and
    ``tune_valid`` are for choosing learning rates and step counts. ``test`` is scored at the end.
    """

    name: str
    domain: str
    budget_unit: str
    metric: str
    n_outputs: int
    top_stages: Sequence[str]  # what the recipe ``top`` trains
    source: Task | None = None
    has_zero_shot = False
    keeps_head = False  # the pre-trained outputs are this task's outputs: no recipe replaces the head
    head_loss: Callable[[nn.Module, Any], Tensor] | None = None  # of a head on cached (features, labels)
    batch_size = 16
    micro_batch: int | None = None
    feature_batch = 256  # examples at once when a frozen backbone computes features
    collate: Callable[[list], Any] | None = None
    lengths: Callable[[Dataset], Sequence[int]] | None = None

    def __init_subclass__(cls) -> None:
        if evaluate := vars(cls).get("evaluate"):  # scoring, too, computes what is frozen once
            cls.evaluate = _frozen_once(evaluate)

    @abstractmethod
    def split(self, name: Split) -> Dataset:
        """All examples of one split."""

    @abstractmethod
    def sample(self, budget: int, seed: int, split: Split = "train") -> Dataset:
        """Draw a labelled training set of ``budget`` (in ``budget_unit``); each seed draws another."""

    @abstractmethod
    def pretrained(self) -> nn.Module:
        """A fresh copy of the pre-trained model, with its original head."""

    @abstractmethod
    def untrained(self, seed: int) -> nn.Module:
        """The same architecture with random weights and a head for this task."""

    @abstractmethod
    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """Score a model that has this task's head. Leaves it in evaluation mode."""

    def stages(self, model: nn.Module) -> Mapping[str, list[nn.Module]]:
        """The model's stages from input to output; the last one is ``head``."""
        return adapt.stages(model)

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Mean loss of a batch. Here: cross-entropy of ``(inputs, labels)``."""
        inputs, labels = batch
        return nn.functional.cross_entropy(model(inputs), labels)

    def inputs(self, batch: Any) -> Any:
        """What of a batch goes into the model."""
        return batch[0]

    def labels(self, batch: Any) -> Tensor:
        """What of a batch is to be predicted."""
        return batch[1]

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """Name to function: the cheapest methods that a sensible person would try first.

        A rival takes a training set, the split to score and its tuned settings.
        """
        return {}


def _frozen_once(evaluate: Callable[..., Score]) -> Callable[..., Score]:
    @wraps(evaluate)
    def score(self: Task, model: nn.Module, *args: Any, **kwargs: Any) -> Score:
        with adapt.frozen_once(model):
            return evaluate(self, model, *args, **kwargs)

    return score


def draw_per_class(labels: Sequence[int], names: Sequence[str], budget: int, seed: int, split: str) -> np.ndarray:
    """Positions of ``budget`` examples of each class, class by class, drawn without replacement.

    Args:
        labels: (N,) class numbers.
        names: of the classes, in the order of their numbers.

    Raises:
        ValueError: a class has fewer examples.
    """
    rng, chosen = np.random.default_rng(seed), []
    for number, name in enumerate(names):
        of_class = np.flatnonzero(np.asarray(labels) == number)
        if not 1 <= budget <= len(of_class):
            raise ValueError(f"budget is {budget}: {split} has {len(of_class)} examples of {name!r}")
        chosen.append(rng.permutation(of_class)[:budget])
    return np.concatenate(chosen)


@torch.no_grad()
def predict(model: nn.Module, inputs: Tensor, batch_size: int = 256) -> Tensor:
    """Run a model over many inputs in evaluation mode.

    Args:
        inputs: (N, ...) on any device.

    Returns:
        (N, outputs) on the CPU.
    """
    device = next(model.parameters()).device
    model.eval()
    return torch.cat([model(part.to(device)).float().cpu() for part in inputs.split(batch_size)])
