"""Go on after a kill: the state of a run in one file that is always whole, and the call that it belongs to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import nn
from torch.utils.data import Sampler

from ftlib.runtime import replacing

FILE = "state.pt"
# arguments of a call that do not change its result
_WITHOUT_EFFECT = ("epochs", "progress", "checkpoint_dir", "checkpoint_every")


class Part(Protocol):
    """What a state is made of: models, optimizers, schedules and the like."""

    def state_dict(self) -> dict[str, Any]:
        """The part as plain data and tensors."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Become what ``state_dict`` returned."""
        ...


def save(path: Path, call: Mapping[str, str], parts: Mapping[str, Part], **more: Any) -> None:
    """Write the parts and plain data of a run in one atomic step.

    Args:
        call: what makes it this run and no other, as text; see ``describe``.
        more: plain Python data and tensors.

    Raises:
        TypeError: a part holds something that could not be read back safely. The old file stays.
    """
    content = {"call": dict(call), "parts": {name: part.state_dict() for name, part in parts.items()}, "more": more}
    with replacing(path) as part:
        torch.save(content, part)
        if not path.exists():
            try:
                torch.load(part, map_location="cpu", weights_only=True, mmap=True)
            except Exception as error:
                why = "its state holds more than tensors and plain data"
                raise TypeError(f"this run cannot be saved, {why}: {error}") from error


def restore(path: Path, call: Mapping[str, str], parts: Mapping[str, Part]) -> dict[str, Any] | None:
    """Put the parts into their saved state and return the plain data; None if nothing was saved.

    Raises:
        ValueError: the file is damaged, or it belongs to another call. The parts are left as they were.
    """
    if not path.exists():
        return None
    try:
        with ZipFile(path) as file:  # torch writes a checksum for each tensor and reads without looking at it
            if file.testzip() is not None:
                raise BadZipFile("a checksum is wrong")
        saved = torch.load(path, map_location="cpu", weights_only=True)
        there, states, more = dict(saved["call"]), saved["parts"], saved["more"]
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is damaged or no training state: delete it to train from the start") from error
    differences = [
        f"{name} is {there.get(name, 'not given')} there and {call.get(name, 'not given')} here"
        for name in {**there, **call}
        if there.get(name) != call.get(name)
    ]
    if differences:
        raise ValueError(
            f"{path} belongs to another run ({'; '.join(differences)}): use another folder, "
            "or delete the file to train from the start"
        )
    for name in states:
        parts[name].load_state_dict(states[name])
    return more


def describe(arguments: Mapping[str, Any]) -> dict[str, str]:
    """A call of ``fit`` as text, so that two calls can be told apart by what a person would write down of them.

    Of a model stands there how much of it is trained, of data how much there is, of a function its name: other
    values in the same number are not noticed, so give each run a folder of its own.

    >>> describe({"lr": 0.1, "clip": None, "progress": True, "loss": max, "lengths": [3, 4]})
    {'lr': '0.1', 'clip': 'None', 'loss': 'max', 'lengths': '2 values'}
    """
    return {name: _text(value) for name, value in arguments.items() if name not in _WITHOUT_EFFECT}


def _text(value: Any) -> str:
    if isinstance(value, nn.Module):
        sizes = [(p.numel(), p.requires_grad) for p in value.parameters()]
        trained, total = sum(n for n, moves in sizes if moves), sum(n for n, _ in sizes)
        return f"{type(value).__name__} with {trained:,} trainable parameters of {total:,}"
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    return f"{len(value)} values" if hasattr(value, "__len__") and not isinstance(value, str) else str(value)


def random_state() -> dict[str, Any]:
    """The state of Python's, numpy's and torch's random generators as plain data and tensors."""
    kind, keys, *rest = np.random.get_state()
    state = {"python": random.getstate(), "torch": torch.get_rng_state()}
    state["numpy"] = (kind, torch.from_numpy(keys.astype(np.int64)), *rest)
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put the generators where ``random_state`` found them; a device that is not here is left out."""
    random.setstate(state["python"])
    torch.set_rng_state(state["torch"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    if "cuda" in state and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all(state["cuda"])
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])


class Checkpoint:
    """The state of one ``fit`` in ``folder``; without a folder nothing is kept and nothing done.

    Args:
        every: how many steps from one save to the next.
        arguments: those of the call, for ``describe``.

    Raises:
        ValueError: ``every`` is below one, or ``folder`` is a file.
    """

    def __init__(self, folder: str | Path | None, every: int, arguments: Mapping[str, Any]):
        if every < 1:
            raise ValueError(f"checkpoint_every is {every}: save after one step or more")
        self.path, self.every, self.call = None, every, describe(arguments)
        self.step, self.random = 0, None
        if folder is not None:
            folder = Path(folder)
            if folder.exists() and not folder.is_dir():
                raise ValueError(f"checkpoint_dir is {folder}, which is a file: name a folder")
            folder.mkdir(parents=True, exist_ok=True)
            self.path = folder / FILE

    def batches(self, batches: Sampler[list[int]]) -> Sampler[list[int]]:
        """The same batches, of which a resumed run loads only those that are left."""
        return batches if self.path is None else _Left(batches, self)

    def resume(self, **parts: Part) -> bool:
        """Take over ``parts``, put them back where a killed run left them, and tell whether it had ended.

        Raises:
            ValueError: the file is damaged or of another call; nothing is changed.
        """
        self.parts = parts
        more = None if self.path is None else restore(self.path, self.call, parts)
        if more is None:
            return False
        self.step, self.random = more["step"], more["random"]
        if more["ended"]:
            set_random_state(self.random)
        return more["ended"]

    def after(self, step: int) -> None:
        """Note that a step is over, and save if it is time."""
        self.step = step
        if self.path is not None and step % self.every == 0:
            self._save(self.parts, ended=False)

    def end(self, *kept: str) -> None:
        """Save the end of the run; of the parts only those named, the others have served."""
        if self.path is not None:
            self._save({name: self.parts[name] for name in kept}, ended=True)

    def _save(self, parts: dict[str, Part], ended: bool) -> None:
        save(self.path, self.call, parts, step=self.step, random=random_state(), ended=ended)


class _Left(Sampler[list[int]]):
    """Batches from a checkpoint's step on, the first of them drawn with the random numbers that it would have had."""

    drop_last = False

    def __init__(self, batches: Sampler[list[int]], checkpoint: Checkpoint):
        self.batches, self.checkpoint, self.batch_size = batches, checkpoint, batches.batch_size

    def __len__(self) -> int:
        return len(self.batches) - self.checkpoint.step

    def __iter__(self) -> Iterator[list[int]]:
        if self.checkpoint.random:  # here and not before: making a loader's iterator has drawn a number as well
            set_random_state(self.checkpoint.random)
        yield from islice(self.batches, self.checkpoint.step, None)
