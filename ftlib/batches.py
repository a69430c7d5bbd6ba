"""Which examples share a batch, and how a batch is cut into smaller parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset


class EpochBatches(Sampler[list[int]]):
    """All batches of a run, epoch after epoch, as index lists that depend on the seed alone.

    A last batch of a single example joins the one before it, because BatchNorm cannot train on one.

    Args:
        lengths: if given, examples of like length share a batch, which saves padding.

    Raises:
        ValueError: ``batch_size`` is below one, or there is not one length for each example.
    """

    drop_last = False

    def __init__(self, n: int, batch_size: int, steps: int, seed: int, lengths: Sequence[int] | None = None):
        _check_batch_size(batch_size)
        if lengths is not None and len(lengths) != n:
            raise ValueError(f"there are {len(lengths)} lengths for {n} examples: give one for each")
        self.n, self.batch_size, self.steps, self.seed = n, batch_size, steps, int(seed)
        self.lengths = None if lengths is None else torch.as_tensor(lengths)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed)
        done = 0
        while done < self.steps:
            for batch in self._epoch(generator)[: self.steps - done]:
                done += 1
                yield batch

    def _epoch(self, generator: torch.Generator) -> list[list[int]]:
        order = torch.randperm(self.n, generator=generator)
        if self.lengths is not None:
            chunks = order.split(self.batch_size * 50)
            order = torch.cat([chunk[self.lengths[chunk].argsort(stable=True)] for chunk in chunks])
        batches = [batch.tolist() for batch in order.split(self.batch_size)]
        if self.batch_size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
            alone = batches.pop()
            batches[-1] += alone
        if self.lengths is None:
            return batches
        return [batches[i] for i in torch.randperm(len(batches), generator=generator)]


def load(data: Dataset, batches: Sampler[list[int]], collate: Callable[[list], Any] | None = None) -> DataLoader:
    """A loader of these batches; tensors are cut out in one go instead of example by example, with the same result."""
    if collate is None and type(data) is TensorDataset:
        return DataLoader(_Rows(data.tensors), batch_sampler=batches, collate_fn=list)
    return DataLoader(data, batch_sampler=batches, collate_fn=collate)


class _Rows(Dataset):
    """Rows of tensors, as many at once as a batch has."""

    def __init__(self, tensors: Sequence[Tensor]):
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitems__(self, indices: list[int]) -> list[Tensor]:
        return [tensor[indices] for tensor in self.tensors]


def to_device(batch: Any, device: torch.device) -> Any:
    """A tensor, or a tuple, list or dict of tensors, on ``device``; what is no tensor stays as it is."""
    if isinstance(batch, dict):
        return {name: to_device(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple | list):
        moved = [to_device(value, device) for value in batch]
        return moved if isinstance(batch, list) else tuple(moved)
    return batch.to(device) if hasattr(batch, "to") else batch


def steps_per_epoch(n: int, batch_size: int) -> int:
    """How many batches ``EpochBatches`` makes of ``n`` examples."""
    _check_batch_size(batch_size)
    if batch_size == 1:
        return n
    full, rest = divmod(n, batch_size)
    return max(1, full + (rest > 1))


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}: a batch needs at least one example")


def split_batch(batch: Any, micro_batch: int | None) -> Iterator[tuple[Any, float]]:
    """Cut a batch (tuple or dict of tensors) into parts, each with its share of the examples.

    As in ``EpochBatches``, a last part of a single example joins the one before it.
    """
    if micro_batch is not None and micro_batch < 0:
        raise ValueError(f"micro_batch is {micro_batch}: a part of a batch needs at least one example")
    tensors = list(batch.values()) if isinstance(batch, dict) else list(batch)
    n = len(tensors[0])
    if not micro_batch or micro_batch >= n:
        yield batch, 1.0
        return
    starts = list(range(0, n, micro_batch))
    if micro_batch > 1 and n - starts[-1] == 1 and len(starts) > 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], n], strict=True):
        cut = slice(start, end)
        part = {k: v[cut] for k, v in batch.items()} if isinstance(batch, dict) else tuple(t[cut] for t in tensors)
        yield part, (end - start) / n
