"""One fine-tuning run with all its knobs in the open, scored on people who are in neither training nor test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

import pandas as pd
from torch import nn
from torch.utils.data import Dataset

from ftlessons.lesson04.augment import AUGMENTATIONS, augmented
from ftlib import adapt, runtime
from ftlib.metrics import Interval, Score, difference
from ftlib.recipes import fit_head, source_score
from ftlib.tasks.base import Task
from ftlib.train import History, Schedule, TrainingDiverged, fit

HEAD_RATE = 1e-2  # for a head on a frozen backbone; tuned for lesson 03


@dataclass(frozen=True)
class Knobs:
    """The hyperparameters of one run. The defaults train everything, gently.

    Attributes:
        depth: ``"head"``, ``"full"``, or the first stage that is trained, with all after it.
        lr: peak rate of the head (and of the rest, unless ``lr_decay`` lowers it).
        lr_decay: what each stage's rate is of the next one's.
        dropout: chance that a feature is left out before the head in training.
        head_first: train the head alone before the run, on the frozen backbone.
        batchnorm: see ``adapt.train_mode``.
        augment: a name in ``augment.AUGMENTATIONS``.
    """

    depth: str = "full"
    lr: float = 3e-4
    schedule: Schedule = "cosine"
    warmup: float = 0.1
    lr_decay: float = 1.0
    steps: int = 100
    batch_size: int = 16
    weight_decay: float = 0.01
    dropout: float = 0.0
    label_smoothing: float = 0.0
    augment: str = "none"
    head_first: bool = False
    batchnorm: adapt.BatchNormMode = "eval"

    def __post_init__(self) -> None:
        for value, known, what in (
            (self.schedule, get_args(Schedule), "schedule"),
            (self.augment, AUGMENTATIONS, "augmentation"),
            (self.batchnorm, get_args(adapt.BatchNormMode), "batchnorm"),
        ):
            if value not in known:
                raise ValueError(f"there is no {what} {value!r}: choose from {', '.join(known)}")


def train(
    knobs: Knobs,
    task: Task,
    data: Dataset,
    seed: int = 0,
    *,
    evaluate: Callable[[nn.Module], Score] | None = None,
    evaluate_every: int | None = None,
) -> tuple[nn.Module, History]:
    """Fine-tune a fresh copy of the task's pre-trained model on ``data``.

    Args:
        seed: of the new head, of the order and of augmentation and dropout.
        evaluate, evaluate_every: a score to follow, see ``fit``.

    Raises:
        ValueError: ``depth`` names no stage.
        TrainingDiverged: the loss is no longer a finite number.
    """
    model = task.pretrained().to(runtime.device())
    adapt.replace_head(model, task.n_outputs, seed=seed)
    if knobs.head_first:
        adapt.train_from(model, "head")
        fit_head(model, data, task, lr=HEAD_RATE, steps=100, batch_size=knobs.batch_size, seed=seed, progress=False)
    return model, _fit(model, knobs, task, data, seed, evaluate, evaluate_every)


def _fit(model: nn.Module, knobs: Knobs, task: Task, data: Dataset, seed: int, evaluate, every) -> History:
    adapt.train_from(model, "all" if knobs.depth == "full" else knobs.depth)
    if knobs.dropout:
        adapt.set_head(model, nn.Sequential(nn.Dropout(knobs.dropout), adapt.get_head(model)))
    names = ("lr", "schedule", "warmup", "steps", "batch_size", "weight_decay", "label_smoothing")
    options = {name: getattr(knobs, name) for name in names} | {"seed": seed, "progress": False}
    watched = {"evaluate": evaluate and (lambda _: evaluate(model)), "evaluate_every": every}
    plain = knobs.augment == "none" and knobs.batchnorm != "train" and not knobs.dropout
    if knobs.depth == "head" and plain:
        return fit_head(model, data, task, **options, **watched)
    data = augmented(data, knobs.augment)
    return fit(model, data, batchnorm=knobs.batchnorm, lr_decay=knobs.lr_decay, **options, **watched)


def validate(task: Task, model: nn.Module) -> Score:
    """Score on the validation examples: all of ``tune`` and ``tune_valid``, which nothing is trained on here."""
    parts = [task.evaluate(model, split) for split in ("tune", "tune_valid")]
    n = sum(part.n for part in parts)
    value = sum(part.value * part.n for part in parts) / n
    return Score(value, parts[0].metric, parts[0].higher_is_better, n)


def measure(task: Task, budget: int, seed: int, knobs: Knobs) -> dict[str, Any]:
    """Train once and measure everything: the row of a study.

    Returns:
        The knobs with ``task``, ``budget`` and ``seed``; ``valid`` and ``test`` (scores), ``source`` (score
        of the backbone with its old head on the task of the pre-training), ``distance`` (of the backbone from
        its start), ``loss`` (mean of the last ten steps), ``seconds`` and ``diverged``.
    """
    data, start = task.sample(budget, seed), task.pretrained()
    weights = {name: tensor.clone() for name, tensor in start.state_dict().items()}
    row = asdict(knobs) | {"task": task.name, "budget": budget, "seed": seed}
    try:
        model, history = train(knobs, task, data, seed)
    except TrainingDiverged:
        return row | dict.fromkeys(("valid", "test", "source", "distance", "loss", "seconds")) | {"diverged": True}
    measured = {
        "valid": validate(task, model).value,
        "test": task.evaluate(model, "test").value,
        "source": source_score(model, task, adapt.get_head(start)),
        "distance": adapt.distance(model, weights)["backbone"],
        "loss": sum(history.loss[-10:]) / len(history.loss[-10:]),
    }
    rounded = {name: round(value, 4) for name, value in measured.items()}
    return row | rounded | {"seconds": round(history.seconds, 2), "diverged": False}


def runs(table: pd.DataFrame, task: str = "digits", budget: int = 10, **knobs: Any) -> pd.DataFrame:
    """The rows of a study with these knobs; those not named are at their defaults, the rate may be any.

    A list of values takes the rows of all of them.

    Raises:
        ValueError: there is no such run.
    """
    wanted = {name: value for name, value in asdict(Knobs()).items() if name != "lr"}
    wanted |= {"task": task, "budget": budget} | knobs
    rows = table
    for name, value in wanted.items():
        rows = rows[rows[name].isin(value if isinstance(value, list) else [value])]
    if rows.empty:
        turned = knobs or "no knob turned"
        raise ValueError(f"the table has no run on {task} with {budget} labels per class and {turned}")
    return rows.sort_values(["lr", "seed"]).reset_index(drop=True)


def own_rate(rows: pd.DataFrame) -> float:
    """The rate with the best mean score on the validation examples; of equals the lowest. A lost run scores 0."""
    means = rows.assign(valid=rows.valid.fillna(0.0)).groupby("lr").valid.mean()
    return float(means.idxmax())


def at_own_rate(table: pd.DataFrame, **arm: Any) -> pd.DataFrame:
    """The rows of one arm, see ``runs``, at the rate that was best for it on the validation examples."""
    rows = runs(table, **arm)
    return rows[rows.lr == own_rate(rows)].set_index("seed").sort_index()


def gain(table: pd.DataFrame, first: Mapping[str, Any], second: Mapping[str, Any], column: str = "test") -> Interval:
    """Mean of ``first - second`` over the seeds of both, each at its own rate unless it names one in ``lr``."""
    a, b = (at_own_rate(table, **arm)[column].fillna(0.0) for arm in (first, second))
    both = a.index.intersection(b.index)
    return difference(a[both], b[both])


def leads(table: pd.DataFrame, pairs: Mapping[str, tuple[Mapping, Mapping]]) -> pd.DataFrame:
    """Each pair's ``gain`` in points, with its interval, on the validation and on the test examples, as text."""
    rows = {}
    for name, (first, second) in pairs.items():
        spans = [gain(table, first, second, column) for column in ("valid", "test")]
        rows[name] = [f"{100 * span.value:+.1f} ({100 * span.low:+.1f} to {100 * span.high:+.1f})" for span in spans]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["validation, points", "test, points"])
