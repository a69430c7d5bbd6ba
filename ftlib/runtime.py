"""Where and how the course runs: profile, device, seeds, threads and versions.

The ``small`` profile (default) runs every lesson on a CPU, offline. The ``full`` profile uses a GPU
and the well-known public models. Torch is imported only by the functions that need it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.metadata
import json
import operator
import os
import platform
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

if TYPE_CHECKING:
    import torch

PROFILES = ("small", "full")

_KEY_PACKAGES = (
    "ftlib", "torch", "torchvision", "torchaudio", "transformers", "accelerate", "peft", "huggingface_hub",
    "safetensors", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "torchmetrics", "ipywidgets",
)  # fmt: skip

_profile: str | None = None
_sparing = False
_offline_set_here = False


def profile() -> str:
    """Return the profile in force: ``"small"`` (CPU, offline, the default) or ``"full"`` (GPU, hub).

    The environment variable ``FTLIB_PROFILE`` is read at the first call.

    Raises:
        ValueError: ``FTLIB_PROFILE`` names no profile.
    """
    if _profile is None:
        _choose(os.environ.get("FTLIB_PROFILE", "").strip() or "small", "FTLIB_PROFILE")
    assert _profile is not None
    return _profile


def set_profile(name: str) -> None:
    """Choose the profile for this process, whatever ``FTLIB_PROFILE`` says.

    Args:
        name: ``"small"`` or ``"full"``.

    Raises:
        ValueError: ``name`` is no profile.
    """
    _choose(name, "the profile")


def _choose(name: str, what: str) -> None:
    global _profile
    if name not in PROFILES:
        raise ValueError(f"{what} is {name!r}: choose one of {', '.join(map(repr, PROFILES))}.")
    _profile = name
    if name == "small":
        _go_offline()
    else:
        _go_online()


def _go_offline() -> None:
    """Keep huggingface_hub, which reads the variable once at import, from looking for a network."""
    global _offline_set_here
    if "HF_HUB_OFFLINE" not in os.environ:
        os.environ["HF_HUB_OFFLINE"] = "1"
        _offline_set_here = True


def _go_online() -> None:
    """Take back what ``_go_offline`` did; what the user set stays."""
    global _offline_set_here
    if not _offline_set_here:
        return
    os.environ.pop("HF_HUB_OFFLINE", None)
    _offline_set_here = False
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None and constants.HF_HUB_OFFLINE:
        warnings.warn(
            "huggingface_hub was imported offline: set FTLIB_PROFILE=full and restart Python to use the hub.",
            stacklevel=4,
        )


def device() -> torch.device:
    """Return the device to compute on.

    ``FTLIB_DEVICE`` (``cpu``, ``cuda``, ``cuda:1``, ``mps``) decides if set. Otherwise the full profile
    takes a GPU where there is one; the small profile stays on the CPU, so that all learners see the
    same numbers.

    Raises:
        ValueError: ``FTLIB_DEVICE`` is no device, or one that this machine does not have.
    """
    import torch

    wanted = os.environ.get("FTLIB_DEVICE", "").strip()
    if wanted:
        return _requested_device(wanted)
    if profile() == "full":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
    return torch.device("cpu")


def _requested_device(name: str) -> torch.device:
    import torch

    try:
        chosen = torch.device(name)
    except RuntimeError:
        chosen = None
    if chosen is None or chosen.type not in ("cpu", "cuda", "mps"):
        raise ValueError(f"FTLIB_DEVICE is {name!r}: use cpu, cuda, cuda:1 or mps, or leave it unset.")
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }[chosen.type]
    if (chosen.index or 0) >= available:
        raise ValueError(f"FTLIB_DEVICE is {name!r}, which torch does not find here: use cpu, or unset it.")
    return chosen


def seed_everything(seed: SupportsIndex) -> None:
    """Seed Python's, numpy's and torch's generators (all devices), so that a run can be repeated.

    Args:
        seed: an integer from 0 to 2**32 - 1, the range numpy accepts.

    Raises:
        ValueError: ``seed`` is no integer or out of range.
    """
    import numpy as np
    import torch

    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise ValueError(f"seed is {seed!r}: use an integer from 0 to 2**32 - 1.")
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def set_threads(n: int | None = None) -> int:
    """Set how many CPU threads torch computes with.

    ``FTLIB_THREADS`` overrides ``n``; with neither, torch's own choice stays.

    Returns:
        The number of threads in force.

    Raises:
        ValueError: the number is no positive integer.
    """
    import torch

    text = os.environ.get("FTLIB_THREADS", "").strip()
    wanted, what = (text, "FTLIB_THREADS") if text else (n, "the number of threads")
    if wanted is not None:
        try:
            count = int(wanted) if text else operator.index(wanted)
        except (TypeError, ValueError):
            count = 0
        if count < 1:
            raise ValueError(f"{what} is {wanted!r}: use a whole number of 1 or more.")
        torch.set_num_threads(count)
    return torch.get_num_threads()


def spare_memory() -> None:
    """From now on prefer memory to time, for networks as large as a BERT (Linux with glibc; elsewhere do nothing).

    Left alone, glibc keeps freed tensors for later and cuts small pieces out of them: fine-tuning a BERT then takes
    a tenth more memory than it needs. It costs a BERT no time, but small networks a third of their speed.
    """
    global _sparing
    libc = _glibc()
    if libc is not None:
        libc.mallopt(-3, 1 << 20)  # M_MMAP_THRESHOLD in malloc.h: larger blocks go back when they are freed
        _sparing = True


def trim_memory() -> None:
    """Hand memory that is no longer used back to the system, if ``spare_memory`` was called before."""
    if _sparing:
        gc.collect()
        _glibc().malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if platform.system() != "Linux":
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.malloc_trim, libc.mallopt  # noqa: B018, other C libraries lack them
    except (OSError, AttributeError):
        return None
    return libc


def strict() -> bool:
    """Tell whether a claim whose verdict changed must raise: in CI, or with ``FTLIB_STRICT=1``."""
    return any(os.environ.get(name, "").strip().lower() in ("1", "true") for name in ("CI", "FTLIB_STRICT"))


def versions() -> dict[str, str]:
    """Return the versions of Python and the key packages installed here, to store beside a result.

    A package that is not installed is left out. Nothing is imported to find out.

    >>> sorted(versions())[0]
    'accelerate'
    """
    found = {"python": platform.python_version()}
    for package in _KEY_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@contextmanager
def replacing(path: Path, shared: bool = False) -> Iterator[Path]:
    """Give a name to write to, which takes the place of ``path`` once all of it is on disk.

    A reader sees the old file or the new one, never half of one; where the block fails, the old one stays.

    Args:
        shared: another process may be writing the same file: the last one wins.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part" if shared else f"{path.name}.part")
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON so that a reader sees the old file or the new one, never half of one.

    Raises:
        OSError: the folder can't be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, shared=True) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if os.environ.get("FTLIB_PROFILE", "").strip() in ("", "small"):
    _go_offline()
