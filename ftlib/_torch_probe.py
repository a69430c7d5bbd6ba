"""Load torch and torchvision and print the device to compute on as JSON: `ftlib.doctor` runs this apart."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import torch

from ftlib import runtime


def load_torchvision() -> None:
    """Check that torchvision fits this torch.

    Importing it takes seconds; its compiled part alone tells at once. Only where that is no use is it imported.
    """
    try:
        package = Path(importlib.util.find_spec("torchvision").origin).parent
        torch.ops.load_library(next(package.glob("_C.*")))
    except Exception:
        importlib.import_module("torchvision")


def device() -> dict[str, object]:
    """The device by name, a GPU's model, torch's threads, and what is wrong with ``FTLIB_DEVICE`` if anything."""
    try:
        chosen, error = runtime.device(), ""
    except ValueError as problem:
        chosen, error = torch.device("cpu"), str(problem)
    gpu = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else ""
    return {"device": str(chosen), "gpu": gpu, "threads": torch.get_num_threads(), "error": error}


if __name__ == "__main__":
    load_torchvision()
    print(json.dumps(device()))
