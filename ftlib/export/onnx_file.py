"""The same model as an ONNX file, which runs without PyTorch: in a browser, on a phone, behind a web server.

Needs the packages of the course's extra ``serve``. ONNX: https://onnx.ai
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ftlib.export import saved
from ftlib.export.predict import kind
from ftlib.runtime import write_json

FILE, LABELS = "model.onnx", "labels.json"
TOLERANCE = 1e-3  # on logits
NEEDED = ("onnx", "onnxscript", "onnxruntime")


def to_onnx(folder: str | Path) -> Path:
    """Add ``model.onnx`` to a saved model, after checking that onnxruntime gives the same answers.

    The file takes what ``export.load(folder).inputs(...)`` prepares, and gives ``logits`` (N, classes) for any N:
    ``pictures`` (N, 3, size, size), ``input_ids`` and ``attention_mask`` (N, tokens), or ``sounds`` (N, 64, frames),
    all of one length. A file of that name that is there already is replaced. ``labels.json`` beside it names the
    classes in the order of the logits; the file holds them too, as ``labels`` of its metadata.

    Raises:
        ImportError: a package of the extra ``serve`` is not installed.
        ValueError: the folder holds no saved model, or the answers differ.
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise ImportError(f"ONNX needs {', '.join(missing)}: install the course with its extra [serve]")
    folder = saved.folder_of(folder, "")
    model, draw, classes = _network(folder)
    path = folder / FILE
    part = path.with_name(f".{FILE}.{os.getpid()}.part")
    try:
        _write(model, draw(2), part)
        _sign(part, classes)
        off = _difference(model, part, draw)
        if off > TOLERANCE:
            raise ValueError(f"the ONNX file would give other answers than the model (they differ by {off:.2g})")
        write_json(folder / LABELS, classes)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _sign(path: Path, classes: list[str]) -> None:
    """Write the order of the classes into the file."""
    import onnx

    program = onnx.load(path)
    onnx.helper.set_model_props(program, {"labels": json.dumps(classes, ensure_ascii=False)})
    onnx.save(program, path)


def _network(folder: Path) -> tuple[nn.Module, Callable[[int], dict[str, Tensor]], list[str]]:
    """A saved network, a function that makes up inputs for any number of examples, and the classes."""
    from ftlib.export import load

    what, reads = kind(folder), load(folder)

    def draw(n: int) -> dict[str, Tensor]:
        random = torch.Generator().manual_seed(n)
        if what == "sound":
            return {"sounds": 4 * torch.rand(n, reads.model.stem.in_channels, 40 + 20 * n, generator=random)}
        if what == "text":
            return reads.inputs(["so good " * (i + 1) for i in range(n)])
        size = reads.config["image_size"]
        return {"pictures": torch.randn(n, 3, size, size, generator=random)}

    return reads.model, draw, reads.classes


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

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: the file is no ONNX file, or the inputs do not fit it.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise ImportError("ONNX needs onnxruntime: install the course with its extra [serve]")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # of many kinds: missing, cut, or something else
        raise ValueError(f"{path} is no ONNX file that can be run: make it with export.to_onnx") from problem
    given = inputs if isinstance(inputs, Mapping) else {"pictures": inputs}
    numbers = {"pictures": np.float32, "sounds": np.float32}
    try:
        arrays = {name: np.asarray(array, numbers.get(name)) for name, array in given.items()}
        return session.run(None, arrays)[0]
    except Exception as problem:
        needed = ", ".join(f"{entry.name} {entry.shape}" for entry in session.get_inputs())
        said = f"the inputs do not fit {path}: give {needed}"
        raise ValueError(f"{said}, as export.load(folder).inputs does") from problem
