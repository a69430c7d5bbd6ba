"""The digits as film negatives: the same people and the same strokes, but the light is reversed."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import TensorDataset

from ftlib.tasks.glyphs import to_input
from ftlib.tasks.vision import Digits


class Negatives(Digits):
    """Handwritten digits, split by writer, dark where ``Digits`` are bright.

    A target that lies further from the printed letters of the pre-training, with everything else equal: a
    budget and a seed draw the same digits as in ``Digits``.
    """

    name = "negatives"
    grid = ()

    def _take(self, index: np.ndarray) -> TensorDataset:
        ink, labels, _ = self._data
        return TensorDataset(to_input(1 - ink[index]).contiguous(), labels[torch.as_tensor(index)])
