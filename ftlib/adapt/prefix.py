"""Compute what is frozen once: what a network's frozen first stages make of an example is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import takewhile
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from ftlib.adapt.anatomy import HEAD, is_known, stages

RAM, DISK = 32 << 20, 4 << 30  # bytes that are kept, of all networks together; a lesson has 1.35 GB for everything
PLAIN = (bool, int, float, str, tuple, list, type(None))
Given = tuple[tuple, dict[str, Any]]  # what a model is called with


class Memory:
    """Rows of tensors by key: ``ram`` bytes in memory, then ``disk`` bytes in files that go at exit, then no more."""

    def __init__(self, ram: int = RAM, disk: int = DISK) -> None:
        self.rows: dict[bytes, tuple[list[Tensor], int]] = {}
        self.plans: dict[bytes, list[tuple[str, bool, Any]]] = {}  # see ``_Once._plan``
        self.ram, self.disk, self.folder = ram, disk, None

    def put(self, keys: Sequence[bytes], columns: Sequence[Tensor]) -> None:
        """Keep row ``i`` of each column under ``keys[i]``."""
        new = {key: i for i, key in enumerate(keys) if key not in self.rows}
        columns = [column[list(new.values())] for column in columns]
        size = sum(column.nbytes for column in columns)
        if size <= self.ram:
            self.ram -= size
        else:
            try:
                columns = [self._filed(column.cpu()) for column in columns]
            except OSError:  # a file that was begun has no key, so that nobody reads it
                self.disk = 0
                return
        self.rows |= {key: (columns, i) for i, key in enumerate(new)}

    def get(self, keys: Sequence[bytes], device: torch.device) -> list[Tensor] | None:
        """The columns of these rows, or None if one is not there."""
        found = [self.rows.get(key) for key in keys]
        if None in found:
            return None
        return [torch.stack([columns[j][i].to(device) for columns, i in found]) for j in range(len(found[0][0]))]

    def _filed(self, column: Tensor) -> Tensor:
        if column.nbytes > self.disk:
            raise OSError("the disk's share is used up")
        self.folder = self.folder or TemporaryDirectory(prefix="ftlib-", ignore_cleanup_errors=True)
        path, self.disk = f"{self.folder.name}/{self.disk}", self.disk - column.nbytes
        column.flatten().view(torch.uint8).numpy().tofile(path)
        return torch.from_file(path, size=column.numel(), dtype=column.dtype).view(column.shape)


memory = Memory()
_open: list[_Once] = []


@contextmanager
def frozen_once(model: nn.Module, examples: float = float("inf")) -> Iterator[None]:
    """Inside the block, what the frozen first stages make of an example is computed once and then remembered.

    ``model(...)`` runs its own ``forward``; only what comes before the first module that is trained, or drops out,
    is taken from memory, if all examples of the batch are there. The result is bit for bit that of computing anew
    wherever an operation gives a row the same numbers whatever rows stand beside it: in ResNets and BERTs on a CPU;
    the WaveNet's convolutions differ in the last digits. So padding is part of an example, and a batch of one is
    computed. Weights are told by their hash at the start of the block: later models that have the same are served, too.

    Computed as always: networks of unknown make or with adapters, and calls in which a frozen stage has hooks, has
    changed, or is in training mode, so that its BatchNorm moves.

    Args:
        examples: how many will be seen: at most three times as many are kept, since augmented ones never come again.
    """
    once = _Once(model, 3 * examples) if is_known(model) else None
    if once is None or not once.before:
        yield
        return
    start = model.register_forward_pre_hook(_start, with_kwargs=True)
    stop = model.register_forward_hook(_stop, always_call=True)
    _open.append(once)
    try:
        yield
    finally:
        _open.remove(once)
        start.remove(), stop.remove()


def _start(model: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
    if _open and _open[-1].model is model:  # a copy of the model has its hooks
        _open[-1].start((args, kwargs))


def _stop(model: nn.Module, *_: Any) -> None:
    if _open and _open[-1].model is model:
        _open[-1].stop()


class _Reached(Exception):
    """A module after the frozen ones was called, or one whose output cannot be remembered."""


class _Once:
    """One block of ``frozen_once``: what happens before and after a call of the model."""

    def __init__(self, model: nn.Module, room: float) -> None:
        self.model, self.room, self.device = model, room, next(model.parameters()).device
        table, path = stages(model), {module: name for name, module in model.named_modules()}
        frozen = list(takewhile(lambda s: s != HEAD and not any(w.requires_grad for w in _weights(table[s])), table))
        parts = [part for stage in frozen for part in table[stage]]
        self.modules = [m for part in parts for m in part.modules() if not isinstance(m, nn.ParameterList)]
        after = [part for stage in table if stage not in frozen for part in table[stage]]
        after += [m for m in path if "Dropout" in type(m).__name__ and m not in self.modules]
        self.before, self.after = ([path[module] for module in _called(some)] for some in (parts, after))
        self.versions = [(weight, weight._version) for weight in _weights(parts)]
        self.spare: list[str] = []  # modules whose output need not be kept
        told = sha256(repr([self.device, getattr(model, "config", 0), *map(_plain, self.modules)]).encode())
        for weight in _weights(parts) if self.before else ():
            told.update(_bytes(weight[None])[0])
        self.hash = told.digest()

    def start(self, given: Given) -> None:
        """Before a call: put what is remembered in the place of what would be computed."""
        if not self._may(given):
            return
        kind, keys = self._keys(given)
        columns, plan = memory.get(keys, self.device), memory.plans.get(kind)
        if columns is None and plan != [] and self.room > 0:
            with torch.inference_mode(False), torch.no_grad():
                found = self._compute(given, len(keys))
                plan = memory.plans[kind] = self._plan(found, given) if plan is None else plan
            columns = [column for name, kept, _ in plan if kept for column in tree_leaves(found[name])]
            if columns:
                memory.put(keys, columns)
                self.room -= len(keys)
        if columns:
            rows = iter(columns)
            put = {True: lambda _: next(rows), False: partial(_nan, self.device, len(keys))}
            self._stand_in({name: tree_map(put[kept], like) for name, kept, like in plan})

    def stop(self) -> None:
        """After a call: each module computes again."""
        for name in (*self.before, *self.after):
            vars(self.model.get_submodule(name)).pop("forward", None)

    def _may(self, given: Given) -> bool:
        """Whether the frozen stages do nothing but compute, on tensors with a row for each of two examples or more."""
        leaves = tree_leaves(given)
        rows = {len(x) if x.dim() and not x.requires_grad else 0 for x in filter(torch.is_tensor, leaves)}
        is_batch = len(rows) == 1 and rows.pop() > 1 and all(isinstance(x, (Tensor, *PLAIN)) for x in leaves)
        is_still = all(w._version == version and not w.requires_grad for w, version in self.versions)
        return is_batch and is_still and not any(
            m.training or m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m) for m in self.modules
        )

    def _keys(self, given: Given) -> tuple[bytes, list[bytes]]:
        """Of the kind of call, for which one plan serves, and of each example."""
        tensors = list(filter(torch.is_tensor, tree_leaves(given)))
        where, modes = self.device.type, [m.training for m in self.model.modules()]
        like = tree_map(lambda x: (x.dtype, x.shape[1:]) if torch.is_tensor(x) else x, given)
        about = [like, modes, _plain(self.model), torch.is_autocast_enabled(where), torch.get_autocast_dtype(where)]
        # a mask that masks nothing, or equal lengths, lead to other operations
        about += [bool((x == x.flatten()[0]).all()) for x in tensors if not x.is_floating_point()]
        kind = sha256(self.hash + repr(about).encode()).digest()
        return kind, [sha256(kind + b"".join(row)).digest() for row in zip(*map(_bytes, tensors), strict=True)]

    def _compute(self, given: Given, n: int) -> dict[str, Any]:
        """What frozen modules put out, and what the first one after them takes in; nothing where one is odd."""
        found: dict[str, Any] = {}

        def spy(name: str, forward: Callable, *args: Any, **kwargs: Any) -> Any:
            value = forward(*args, **kwargs) if name in self.before else args[:1]
            rows = all(torch.is_tensor(x) and x.is_floating_point() and x.shape[:1] == (n,) for x in tree_leaves(value))
            if name in found or not rows:
                found.clear()
                raise _Reached
            found[name] = tree_map(torch.clone, value)
            if name in self.after:
                raise _Reached
            return value

        self._instead((*self.before, *self.after), spy)
        try:
            self._forward(given)
        except _Reached:
            return found
        finally:
            self.stop()
        return {}

    def _plan(self, found: dict[str, Any], given: Given) -> list[tuple[str, bool, Any]]:
        """For each module its name, whether what was found must be kept, and what it is like.

        What may turn into NaN without any in the model's output need not be kept.
        """
        found, given = tree_map(lambda x: x[:2] if torch.is_tensor(x) else x, (found, given))
        nothing = {name: tree_map(partial(_nan, self.device, 2), value) for name, value in found.items()}

        def is_enough(spare: list[str]) -> bool:
            self._stand_in(found | {name: x for name, x in nothing.items() if name in spare})
            out = self._forward(given)
            return torch.is_tensor(out) and not out.isnan().any()

        modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()  # or else BatchNorm would move
        try:
            if not (self.spare and is_enough(self.spare)):
                self.spare = []
                for name in found:
                    self.spare += [name] if is_enough([*self.spare, name]) else []
        finally:
            self.stop()
            for module, mode in modes:
                module.training = mode
        like = partial(torch.empty_like, device="meta")
        plan = [(name, name not in self.spare, tree_map(like, value)) for name, value in found.items()]
        return plan if any(kept for _, kept, _ in plan) else []

    def _forward(self, given: Given) -> Any:
        out = self.model.forward(*given[0], **given[1])
        return getattr(out, "logits", out)

    def _stand_in(self, values: dict[str, Any]) -> None:
        """Give each frozen module its output, and the first one after them its input."""

        def put(name: str, forward: Callable, *args: Any, **kwargs: Any) -> Any:
            vars(self.model.get_submodule(name)).pop("forward")  # a second call may be about something else
            value = tree_map(torch.clone, values[name])  # what follows may work in place
            return value if name in self.before else forward(*value, *args[1:], **kwargs)

        self._instead(values, put)

    def _instead(self, names: Iterable[str], function: Callable) -> None:
        self.stop()
        for name in names:
            module = self.model.get_submodule(name)
            module.forward = partial(function, name, module.forward)


def _called(parts: Iterable[nn.Module]) -> Iterator[nn.Module]:
    """The modules that are called: a list is not, nor are bare parameters."""
    for part in parts:
        if isinstance(part, nn.ModuleList):
            yield from _called(part)
        elif not isinstance(part, nn.ParameterList):
            yield part


def _weights(parts: Iterable[nn.Module]) -> list[Tensor]:
    return [weight for part in parts for weight in (*part.parameters(), *part.buffers())]


def _plain(module: nn.Module) -> list[Any]:
    """A module's class and settings, by which those are told apart that have the same weights."""
    settings = [(name, x) for name, x in vars(module).items() if isinstance(x, PLAIN) and name != "training"]
    return [type(module).__name__, *settings]


def _bytes(rows: Tensor) -> Any:
    return rows.detach().cpu().contiguous().reshape(len(rows), -1).view(torch.uint8).numpy()


def _nan(device: torch.device, n: int, like: Tensor) -> Tensor:
    return torch.full((n, *like.shape[1:]), float("nan"), dtype=like.dtype, device=device)
