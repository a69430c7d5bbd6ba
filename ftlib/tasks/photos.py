"""Pictures in colour, for a network that has seen photographs: what such tasks share, and their cheapest rival."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ftlib import metrics, models
from ftlib.metrics import Score
from ftlib.tasks.base import Split
from ftlib.tasks.vision import ImageTask

SIZE = 128  # side of what the network reads, in pixels
LOGISTIC_SETTINGS = [{"C": c} for c in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 1e4, 1e5)]


class Photos(Dataset):
    """Pictures with class numbers: bytes in memory, standardised floats (3, size, size) one at a time."""

    def __init__(self, pixels: Tensor, labels: Tensor, rows: Sequence[int] | None = None) -> None:
        """``pixels`` (N, 3, size, size) uint8, ``labels`` (N,); ``rows`` of them belong to this data set.

        ``pixels`` stays whole, so that many data sets share it; ``labels`` afterwards are those of the rows alone.
        """
        self.rows = np.arange(len(labels)) if rows is None else np.asarray(rows)
        self.pixels, self.labels = pixels, labels[self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        from ftlib.models.lite0 import to_input

        return to_input(self.pixels[self.rows[i]]), self.labels[i]

    def part(self) -> tuple[np.ndarray, np.ndarray]:
        """Bytes (N, 3, size, size) and class numbers (N,) of all of them."""
        return self.pixels[self.rows].numpy(), self.labels.numpy()


class PhotoTask(ImageTask):
    """A task on colour pictures whose model is EfficientNet-Lite0, which has seen ImageNet's photographs."""

    domain = "photos"
    top_stages = ("block5", "head")
    tune_passes = (5, 20)
    min_passes = 0
    micro_batch = 8
    feature_batch = 32

    def pretrained(self) -> nn.Module:
        """The network with its 1,000 classes of ImageNet."""
        return models.load(models.PHOTOS)

    def untrained(self, seed: int) -> nn.Module:
        """The same architecture with random weights."""
        from ftlib.models.lite0 import lite0

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return lite0(self.n_outputs)

    def chances(self, model: nn.Module, split: Split = "test") -> Tensor:
        """Probabilities (N, outputs) of a split's pictures, on the CPU."""
        return self._logits(model, self.split(split)).softmax(1)

    @torch.no_grad()
    def _logits(self, model: nn.Module, data: Photos) -> Tensor:
        device = next(model.parameters()).device
        model.eval()
        return torch.cat([model(x.to(device)).float().cpu() for x, _ in DataLoader(data, self.feature_batch)])

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """Accuracy on a split, and the mean accuracy over classes beside it."""
        data = self.split(split)
        return score(data.labels.tolist(), self._logits(model, data).argmax(1).tolist())

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """Logistic regression on colours and outlines."""
        return {"hog": self.hog}

    def rival_grid(self) -> dict[str, list[dict]]:
        """Eight strengths of regularisation."""
        return {"hog": LOGISTIC_SETTINGS}

    def hog(self, train: Photos, split: Split, settings: dict) -> Score:
        """The rival: a histogram of colours and histograms of oriented gradients, and logistic regression on them."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        (x, y), (test_x, test_y) = train.part(), self.split(split).part()
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, **settings))
        return score(test_y.tolist(), model.fit(outlines(x), y).predict(outlines(test_x)).tolist())


def score(true: Sequence[int], said: Sequence[int]) -> Score:
    """Accuracy, and in ``more`` the balanced accuracy, the mean over classes of the share that is right."""
    from sklearn.metrics import recall_score

    balanced = float(recall_score(true, said, average="macro", labels=sorted(set(true)), zero_division=0))
    value = metrics.accuracy(true, said)
    return Score(value, "accuracy", higher_is_better=True, n=len(true), more={"balanced": balanced})


def outlines(pixels: np.ndarray) -> np.ndarray:
    """Colours and outlines of pictures (N, 3, H, W) uint8, as (N, features).

    Four levels of each of three colours, together 64 numbers, and histograms of oriented gradients (Dalal & Triggs
    2005, https://doi.org/10.1109/CVPR.2005.177) of the picture at 64 pixels.
    """
    from skimage.feature import hog

    small = nn.functional.interpolate(torch.from_numpy(pixels).float(), (64, 64), mode="area").byte().numpy()
    rows = []
    for picture in small:
        levels = picture.reshape(3, -1).astype(int) // 64
        colours = np.bincount(levels[0] * 16 + levels[1] * 4 + levels[2], minlength=64) / levels.shape[1]
        edges = hog(picture, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), channel_axis=0)
        rows.append(np.concatenate([np.sqrt(colours), edges]))
    return np.stack(rows).astype(np.float32)
