"""Watch several sets of examples during training, say when to stop, and spoil labels to see it happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlessons.lesson04.augment import augmentation
from ftlib import adapt, metrics, tasks
from ftlib.metrics import Score
from ftlib.tasks.base import Task


class Monitor:
    """Loss and score on several sets at each look; give it to ``fit`` as ``evaluate``.

    The score is the accuracy where labels are classes. Where they are decimal targets it is the mean absolute
    error, and the loss the mean squared one.

    Args:
        sets: inputs (N, ...) and labels (N,) or targets (N, ...) by name.
        choose_by: the set whose score ``fit`` follows, and stops by if it is given ``patience``.

    Raises:
        ValueError: ``choose_by`` is not among the sets.
    """

    def __init__(self, sets: Mapping[str, TensorDataset], choose_by: str = "validation"):
        if choose_by not in sets:
            raise ValueError(f"there is no set {choose_by!r} to choose by: there are {', '.join(sets) or 'none'}")
        self.sets, self.choose_by = dict(sets), choose_by
        self.looks: list[dict[str, float]] = []

    def __call__(self, model: nn.Module) -> Score:
        """Look once; returns the score on ``choose_by``."""
        row: dict[str, float] = {}
        for name, data in self.sets.items():
            x, y = data.tensors
            row[name], row[f"{name} loss"] = _score_and_loss(tasks.predict(model, x), y)
        self.looks.append(row)
        data = self.sets[self.choose_by]
        classes = not data.tensors[1].is_floating_point()
        return Score(row[self.choose_by], "accuracy" if classes else "mean absolute error", classes, len(data))

    def table(self) -> pd.DataFrame:
        """One row a look: for each set its score under its name, and its loss under ``"<name> loss"``."""
        return pd.DataFrame(self.looks)


def _score_and_loss(outputs: Tensor, y: Tensor) -> tuple[float, float]:
    if y.is_floating_point():
        off = outputs.view_as(y) - y
        return float(off.abs().mean()), float(off.square().mean())
    loss = float(nn.functional.cross_entropy(outputs, y))
    return metrics.accuracy(y.tolist(), outputs.argmax(1).tolist()), loss


def kept(scores: Sequence[float], patience: int | None = None) -> int:
    """Which look early stopping keeps: the best one before ``patience`` looks in a row brought nothing better.

    Of equals the first. Without ``patience`` the run goes to its end, and the best of all looks is kept.

    >>> kept([0.5, 0.7, 0.6, 0.9]), kept([0.5, 0.7, 0.6, 0.9], patience=1)
    (3, 1)
    """
    if not len(scores):
        raise ValueError("there is no score to choose from: give at least one look")
    if patience is not None and patience < 1:
        raise ValueError(f"patience is {patience}: wait for at least one look")
    best = 0
    for look, score in enumerate(scores):
        if score > scores[best]:
            best = look
        elif patience is not None and look - best >= patience:
            break
    return best


def best_of(right: Tensor, tried: int, n: int, draws: int, seed: int = 0) -> pd.DataFrame:
    """Choose the best of ``tried`` models by ``n`` examples, again and again, and score it on all the others.

    Args:
        right: (models, examples), whether each model is right about each example.
        draws: how often to draw models and examples anew.

    Returns:
        One row a draw: ``chosen by`` and ``others``, the best model's accuracy on the examples that chose it
        and on all others.

    Raises:
        ValueError: there are fewer models than ``tried``, or no example is left beside ``n``.
    """
    models, examples = right.shape
    if not 1 <= tried <= models or not 1 <= n < examples:
        raise ValueError(f"cannot try {tried} of {models} models on {n} of {examples} examples: ask for fewer")
    generator, rows = torch.Generator().manual_seed(seed), []
    for _ in range(draws):
        some = right[torch.randperm(models, generator=generator)[:tried]].float()
        order = torch.randperm(examples, generator=generator)
        seen, others = some[:, order[:n]].mean(1), some[:, order[n:]].mean(1)
        best = int(seen.argmax())
        rows.append({"chosen by": float(seen[best]), "others": float(others[best])})
    return pd.DataFrame(rows)


def spoil(labels: Tensor, share: float, n_classes: int, seed: int) -> Tensor:
    """Give ``share`` of the labels (N,) of each class another class, drawn at random; a copy.

    The same share of each class, rounded, so that no class is lost by chance.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}: give the share of wrong labels, from 0 to 1")
    generator, spoilt = torch.Generator().manual_seed(seed), labels.clone()
    for label in range(n_classes):
        of_class = (labels == label).nonzero()[:, 0]
        chosen = of_class[torch.randperm(len(of_class), generator=generator)[: round(share * len(of_class))]]
        spoilt[chosen] = (label + torch.randint(1, n_classes, (len(chosen),), generator=generator)) % n_classes
    return spoilt


def copies(pictures: Tensor, each: int, seed: int) -> Tensor:
    """``each`` gently bent copies of every picture (N, 3, H, W), one after the other: (N * each, 3, H, W)."""
    bend = augmentation("gentle")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.stack([bend(picture) for picture in pictures for _ in range(each)])


def cut(task: Task, seed: int) -> tuple[nn.Module, nn.Module]:
    """The task's pre-trained ResNet with a new head, cut in two before ``layer4``.

    The front stays as it is, so what it makes of a picture can be computed once. Training the tail on that
    is training ``layer4`` and the head of the whole network, only faster.

    Args:
        seed: of the new head.

    Returns:
        Front and tail. They share their weights with nothing else.
    """
    model = task.pretrained()
    adapt.replace_head(model, task.n_outputs, seed=seed)
    early = (model.conv1, model.bn1, model.relu, model.maxpool, model.layer1, model.layer2, model.layer3)
    front, tail = nn.Sequential(*early), nn.Sequential(model.layer4, model.avgpool, nn.Flatten(), model.fc)
    front.requires_grad_(False)
    return front.eval(), tail
