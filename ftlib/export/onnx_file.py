"""The same model as an ONNX file, which runs without PyTorch: in a browser, on a phone, behind a web server.

Needs the packages of the course's extra ``serve``. ONNX: https://onnx.ai
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ftlib.export.predict import Classifier

FILE = "model.onnx"
TOLERANCE = 1e-3  # on logits
NEEDED = ("onnx", "onnxscript", "onnxruntime")


def to_onnx(folder: str | Path) -> Path:
    """Add ``model.onnx`` to a saved model, after checking that onnxruntime gives the same answers.

    The file takes pictures as ``export.load(folder).inputs(...)`` prepares them, (N, 3, size, size), any N, and gives
    logits (N, classes). A file of that name that is there already is replaced.

    Raises:
        ImportError: a package of the extra ``serve`` is not installed.
        ValueError: the folder holds no saved model, or the answers differ.
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ImportError(f"ONNX needs {', '.join(missing)}: install the course with its extra [serve]")
    saved = Classifier(folder)
    size = saved.config["image_size"]
    sample = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    path = Path(folder) / FILE
    part = path.with_name(f".{FILE}.{os.getpid()}.part")
    try:
        _write(saved.model, sample, part)
        off = _difference(saved.model, part, size)
        if off > TOLERANCE:
            raise ValueError(f"the ONNX file would give other answers than the model (they differ by {off:.2g})")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _write(model: nn.Module, sample: Tensor, path: Path) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model, (sample,), dynamo=True, verbose=False, input_names=["pictures"], output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )  # fmt: skip
    program.save(path, external_data=False)


def _difference(model: nn.Module, path: Path, size: int) -> float:
    """The largest difference between the logits of the two, on one picture and on five."""
    found = 0.0
    for n in (1, 5):
        x = torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(n))
        with torch.no_grad():
            wanted = model(x).numpy()
        found = max(found, float(np.abs(run_onnx(path, x.numpy()) - wanted).max()))
    return found


def run_onnx(path: str | Path, pictures: np.ndarray) -> np.ndarray:
    """Logits (N, classes) of prepared pictures (N, 3, size, size), by onnxruntime on one CPU core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"pictures": pictures.astype(np.float32)})[0]
