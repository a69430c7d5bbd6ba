"""The same model as an ONNX file, which runs without PyTorch: in a browser, on a phone, behind a web server.

Needs the packages of the course's extra ``serve``. ONNX: https://onnx.ai
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ftlib.export.predict import Classifier, kind

FILE = "model.onnx"
TOLERANCE = 1e-3  # on logits
NEEDED = ("onnx", "onnxscript", "onnxruntime")


def to_onnx(folder: str | Path) -> Path:
    """Add ``model.onnx`` to a saved model, after checking that onnxruntime gives the same answers.

    The file takes what ``export.load(folder).inputs(...)`` prepares, and gives ``logits`` (N, classes) for any N:
    ``pictures`` (N, 3, size, size), ``input_ids`` and ``attention_mask`` (N, tokens), or ``sounds`` (N, 64, frames),
    all of one length. A file of that name that is there already is replaced.

    Raises:
        ImportError: a package of the extra ``serve`` is not installed.
        ValueError: the folder holds no saved model, or the answers differ.
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ImportError(f"ONNX needs {', '.join(missing)}: install the course with its extra [serve]")
    model, draw = _network(Path(folder))
    path = Path(folder) / FILE
    part = path.with_name(f".{FILE}.{os.getpid()}.part")
    try:
        _write(model, draw(2), part)
        off = _difference(model, part, draw)
        if off > TOLERANCE:
            raise ValueError(f"the ONNX file would give other answers than the model (they differ by {off:.2g})")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _network(folder: Path) -> tuple[nn.Module, Callable[[int], dict[str, Tensor]]]:
    """A saved network, and a function that makes up inputs for any number of examples."""
    what = kind(folder)
    if what == "sound":
        from ftlib.export.predict_sound import SoundClassifier

        listener = SoundClassifier(folder)
        mels = listener.model.stem.in_channels

        def hiss(n: int) -> dict[str, Tensor]:
            return {"sounds": 4 * torch.rand(n, mels, 40 + 20 * n, generator=torch.Generator().manual_seed(n))}

        return listener.model, hiss
    if what == "picture":
        saved = Classifier(folder)
        size = saved.config["image_size"]

        def noise(n: int) -> dict[str, Tensor]:
            return {"pictures": torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(n))}

        return saved.model, noise
    from ftlib.export.predict_text import TextClassifier

    reader = TextClassifier(folder)
    return reader.model, lambda n: reader.inputs(["so good " * (i + 1) for i in range(n)])


def _write(model: nn.Module, sample: Mapping[str, Tensor], path: Path) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    n, tokens, frames = (torch.export.Dim(name, min=least) for name, least in (("n", 1), ("tokens", 2), ("frames", 8)))
    by_axes = {2: {0: n, 1: tokens}, 3: {0: n, 2: frames}, 4: {0: n}}  # texts, sounds, pictures
    shapes = tuple(by_axes[tensor.ndim] for tensor in sample.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model, tuple(sample.values()), dynamo=True, verbose=False, input_names=list(sample),
            output_names=["logits"], dynamic_shapes=shapes,
        )  # fmt: skip
    program.save(path, external_data=False)


def _difference(model: nn.Module, path: Path, draw: Callable[[int], dict[str, Tensor]]) -> float:
    """The largest difference between the logits of the two, on one picture and on five."""
    found = 0.0
    for n in (1, 5):
        inputs = draw(n)
        with torch.no_grad():
            wanted = model(*inputs.values()).numpy()
        arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
        found = max(found, float(np.abs(run_onnx(path, arrays) - wanted).max()))
    return found


def run_onnx(path: str | Path, inputs: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
    """Logits (N, classes), by onnxruntime on one CPU core.

    Args:
        inputs: prepared pictures (N, 3, size, size), or arrays by the names of the file's inputs.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = inputs if isinstance(inputs, Mapping) else {"pictures": inputs}
    numbers = {"pictures": np.float32, "sounds": np.float32}
    arrays = {name: np.asarray(array, numbers.get(name)) for name, array in given.items()}
    return session.run(None, arrays)[0]
