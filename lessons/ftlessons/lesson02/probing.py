"""Ask each stage of a network what it knows: a linear probe on what the next stage gets to read.

Alain & Bengio 2016, https://arxiv.org/abs/1610.01644. A probe is a logistic regression on features that do not
move. What it can read off is there in plain form; what it cannot may still be there in another.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from ftlib import adapt

PIXELS = "pixels"
STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # of the probe's C: the larger, the less its weights are held back


@torch.no_grad()
def readings(model: nn.Module, x: Tensor, batch_size: int = 256) -> dict[str, Tensor]:
    """What each stage hands on: for ``"pixels"`` and every stage before the head, flat features (N, numbers).

    Works for any network whose ``adapt.stages`` follow one another, such as torchvision's ResNet and VGG. Runs in
    evaluation mode and leaves the network in it.

    Args:
        x: inputs (N, ...).

    >>> from ftlib.models.resnet import resnet10
    >>> {stage: z.shape[1] for stage, z in readings(resnet10(5), torch.zeros(2, 3, 32, 32)).items()}
    {'pixels': 3072, 'stem': 4096, 'layer1': 4096, 'layer2': 2048, 'layer3': 1024, 'layer4': 512}
    """
    found: dict[str, list[Tensor]] = {PIXELS: []}
    parts, hooks = adapt.stages(model), []
    before = PIXELS
    for stage, modules in parts.items():
        kept = found.setdefault(before, [])
        if before != PIXELS:  # the pixels are at hand
            keep = partial(_keep, kept)
            hooks.append(modules[0].register_forward_pre_hook(keep))
        before = stage
    model.eval()
    try:
        for part in x.split(batch_size):
            found[PIXELS].append(part.flatten(1))
            model(part)
    finally:
        for hook in hooks:
            hook.remove()
    return {stage: torch.cat(pieces) for stage, pieces in found.items()}


def _keep(kept: list[Tensor], _: nn.Module, given: tuple[Tensor, ...]) -> None:
    kept.append(given[0].flatten(1))


class Probe:
    """A logistic regression on fixed features.

    Features are centred and scaled by one number, so that ``C`` means the same at every stage, and turned into the
    space that the examples span: the answers are the same, and thousands of features cost no more than a few.

    Args:
        z: features (N, numbers).
        y: class numbers (N,).
        C: how little the weights are held back.
    """

    def __init__(self, z: Tensor, y: Tensor, C: float = 1.0) -> None:
        from sklearn.linear_model import LogisticRegression

        if z.ndim != 2 or len(z) != len(y):
            raise ValueError(f"the features have shape {tuple(z.shape)}: give one flat row for each of {len(y)} labels")
        z = z.double()
        self.mean = z.mean(0)
        centred = z - self.mean
        self.scale = centred.norm(dim=1).mean().clamp(min=1e-12)
        self.axes = torch.linalg.svd(centred / self.scale, full_matrices=False)[2].T
        self.model = LogisticRegression(C=C, max_iter=2000).fit(self._turned(z), y.numpy())

    def _turned(self, z: Tensor) -> np.ndarray:
        return ((z.double() - self.mean) / self.scale @ self.axes).numpy()

    def predict(self, z: Tensor) -> Tensor:
        """Class numbers (N,)."""
        return torch.as_tensor(self.model.predict(self._turned(z)))

    def score(self, z: Tensor, y: Tensor) -> float:
        """The share of answers that are right."""
        return (self.predict(z) == y).float().mean().item()


def strength(draws: Sequence[tuple[Tensor, Tensor, Tensor, Tensor]]) -> float:
    """The C of ``STRENGTHS`` that reads best over several draws of (learn z, learn y, test z, test y)."""
    means = {c: np.mean([Probe(z, y, c).score(*test) for z, y, *test in draws]) for c in STRENGTHS}
    return max(means, key=means.get)


def neighbours(z: Tensor, pool: Tensor, n: int = 1) -> Tensor:
    """For each row of ``z`` the places (N, n) of the rows of ``pool`` that point in the most similar direction.

    >>> neighbours(torch.tensor([[2.0, 0.1]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [[1]]
    """
    z, pool = (nn.functional.normalize(part.float(), dim=1) for part in (z, pool))
    return (z @ pool.T).topk(n, dim=1).indices
