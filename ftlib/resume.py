"""Go on after a kill: the state of a run in one file that is always whole, and the call that it belongs to."""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler, Subset

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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to, which takes the place of ``path`` once all of it is on disk."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


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
        _check_sums(path)
        saved = torch.load(path, map_location="cpu", weights_only=True)
        differences = _differences(saved["call"], call)
        states, more = saved["parts"], saved["more"]
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is damaged or no training state: delete it to train from the start") from error
    if differences:
        raise ValueError(
            f"{path} belongs to another run ({'; '.join(differences)}): use another folder, "
            "or delete the file to train from the start"
        )
    for name in states:
        parts[name].load_state_dict(states[name])
    return more


def _check_sums(path: Path) -> None:
    """Torch writes a checksum for each tensor and reads without looking at it."""
    with ZipFile(path) as file:
        if file.testzip() is not None:
            raise BadZipFile("a checksum is wrong")


def _differences(saved: Mapping[str, str], call: Mapping[str, str]) -> list[str]:
    names = [name for name in {**saved, **call} if saved.get(name) != call.get(name)]
    return [f"{name} is {saved.get(name, 'not given')} there and {call.get(name, 'not given')} here" for name in names]


def describe(arguments: Mapping[str, Any]) -> dict[str, str]:
    """A call of ``fit`` as text, so that two calls can be told apart.

    A model stands there with its structure, what is trainable and the frozen values (the others move);
    tensors with their values; a function with its name; any other data set only with its length.

    >>> describe({"lr": 0.1, "clip": None, "progress": True, "loss": max})
    {'lr': '0.1', 'clip': 'None', 'loss': 'max'}
    """
    return {name: _text(value) for name, value in arguments.items() if name not in _WITHOUT_EFFECT}


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return str(value)
    if isinstance(value, nn.Module):
        trainable = sum(p.numel() for p in value.parameters() if p.requires_grad)
        return f"{type(value).__name__} with {trainable:,} trainable parameters [{_digest(_anatomy(value))}]"
    if isinstance(value, Dataset):
        return f"{len(value)} examples [{_digest(_contents(value))}]"
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    if hasattr(value, "__len__"):
        return f"{len(value)} values [{_digest([str(list(value))])}]"
    return str(value)


def _anatomy(model: nn.Module) -> Iterator[str | Tensor]:
    yield re.sub(r"0x[0-9a-f]+", "", repr(model))
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor):
            yield f"{name} {tuple(value.shape)} {value.dtype}"
    for name, parameter in model.named_parameters():
        yield f"{name} {parameter.requires_grad}"
        if not parameter.requires_grad:
            yield parameter


def _contents(data: Dataset) -> Iterator[str | Tensor]:
    yield type(data).__name__
    if isinstance(data, Subset):
        yield str(list(data.indices))
        yield from _contents(data.dataset)
    yield from (value for value in getattr(data, "tensors", ()) if isinstance(value, Tensor))


def _digest(pieces: Iterable[str | Tensor]) -> str:
    """Eight hexadecimal digits that differ when a text, or a value in a tensor, differs."""
    found = hashlib.sha256()
    for piece in pieces:
        if isinstance(piece, Tensor):
            found.update(f"{tuple(piece.shape)} {piece.dtype}".encode())
            found.update(piece.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        else:
            found.update(piece.encode())
    return found.hexdigest()[:8]


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
        self.path, self.every = None, every
        self.step, self.loaded = 0, 0
        self.random: list[dict[str, Any]] = []
        if folder is not None:
            self.path = _folder(Path(folder)) / FILE
            self.call = describe(arguments)

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
        self.step = self.loaded = more["step"]
        self.random = more["random"]
        if more["ended"]:
            set_random_state(self.random[-1])
        return more["ended"]

    def after(self, step: int) -> None:
        """Note that a step is over, and save if it is time."""
        self.step = step
        if self.path is not None and step % self.every == 0:
            # batches that are loaded and not yet used will be loaded again, from the random state they had
            ahead = [self.before_load] if self.loaded > step else []
            self._save(self.parts, [*ahead, random_state()], ended=False)

    def end(self, *kept: str) -> None:
        """Save the end of the run; of the parts only those named, the others have served."""
        if self.path is not None:
            self._save({name: self.parts[name] for name in kept}, [random_state()], ended=True)

    def _save(self, parts: dict[str, Part], random: list, ended: bool) -> None:
        save(self.path, self.call, parts, step=self.step, random=random, ended=ended)


def _folder(folder: Path) -> Path:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError("checkpoint_dir works in a single process: leave it out when several train together")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"checkpoint_dir is {folder}, which is a file: name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class _Left(Sampler[list[int]]):
    """Batches from a checkpoint's step on; loading them draws the random numbers that it would have drawn.

    Data sets may draw some (augmentation), and loaders load the next batch before the current one is used.
    """

    drop_last = False

    def __init__(self, batches: Sampler[list[int]], checkpoint: Checkpoint):
        self.batches, self.checkpoint, self.batch_size = batches, checkpoint, batches.batch_size

    def __len__(self) -> int:
        return len(self.batches) - self.checkpoint.step

    def __iter__(self) -> Iterator[list[int]]:
        states = list(self.checkpoint.random)
        for batch in islice(self.batches, self.checkpoint.step, None):
            if states:
                set_random_state(states.pop(0))
            self.checkpoint.before_load = random_state()
            self.checkpoint.loaded += 1
            yield batch
        for state in states:
            set_random_state(state)
