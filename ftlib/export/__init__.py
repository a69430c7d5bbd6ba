"""Save a fine-tuned model in a folder that works without the course, and load it again."""

from __future__ import annotations

import inspect
import os
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from ftlib.export import onnx_file, predict, saved
from ftlib.export.card import card
from ftlib.export.onnx_file import run_onnx, to_onnx
from ftlib.export.predict import Classifier
from ftlib.export.web import page
from ftlib.own import ink, photos
from ftlib.tasks import glyphs
from ftlib.tasks.base import Task
from ftlib.tasks.photos import SIZE

if TYPE_CHECKING:
    from ftlib.export.predict_sound import SoundClassifier
    from ftlib.export.predict_text import TextClassifier

__all__ = ["Classifier", "card", "load", "page", "run_onnx", "save", "to_onnx"]

FILES = ("model.safetensors", "config.json", "predict.py", "saved.py", "ink.py", "README.md")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")  # in the place of ink.py where the model reads texts
SOUND = ("audio.py", "wavenet.py")  # where it hears recordings
PHOTO = ("lite0.py", "photos.py")  # beside ink.py where it looks at photographs
BASES = {"resnet10": "glyph-resnet10 (CC BY 4.0)", "efficientnet-lite0": "EfficientNet-Lite0, ImageNet (Apache-2.0)"}
README = """# {name}

A picture classifier, fine-tuned from {base}, for the classes {classes}.

`pip install torch torchvision safetensors pillow numpy`, then `python predict.py PICTURE`, or from Python:

    from predict import Classifier
    print(Classifier().predict("picture.png"))

Say here what it was trained on, how it scored on which test, and what it must not be used for.
"""


def save(model: nn.Module, task: Task, folder: str | Path, overwrite: bool = False) -> Path:
    """Write ``model.safetensors``, ``config.json``, a README and a ``predict.py`` that runs without ftlib.

    The folder appears complete or not at all. LoRA adapters are merged into a copy of the weights.

    Args:
        task: whose classes the model tells apart: digits, ``from_folder``, reviews, ``from_csv``, spoken digits...
        overwrite: replace the folder, if it holds a saved model and nothing else.

    Raises:
        FileExistsError: the folder exists and may not be replaced.
        ValueError: the model is not one of the course's for pictures, texts or recordings with one output a class.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is of type {type(model).__name__}: give the network itself, a torch.nn.Module")
    if not hasattr(task, "domain"):
        raise ValueError(f"task is of type {type(task).__name__}: give the task that the model was trained for")
    folder = saved.folder_of(folder, "")
    if not folder.name or str(folder) in (".", ".."):
        raise ValueError(f"{str(folder)!r} names no new folder: give a path such as 'my_model'")
    write = _writer(model, task)
    _check_names(task)
    _check_place(folder, overwrite)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ValueError(f"{folder.parent} cannot be made ({problem.strerror}): choose another place") from problem
    try:
        write(part)
        _put(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def load(folder: str | Path) -> Classifier | TextClassifier | SoundClassifier:
    """A saved model: ``.predict(path)`` or ``.predict(text)``, ``.classes``, and ``.model`` in evaluation mode.

    Raises:
        ValueError: the folder holds no saved model, or a damaged one.
    """
    kind = predict.kind(saved.folder_of(folder, ""))
    if kind == "text":
        from ftlib.export.predict_text import TextClassifier

        return TextClassifier(folder)
    if kind == "sound":
        from ftlib.export.predict_sound import SoundClassifier

        return SoundClassifier(folder)
    return Classifier(folder)


def _check_names(task: Task) -> None:
    names = list(map(str, getattr(task, "classes", ())))
    if len(set(names)) < len(names) or not all(map(str.strip, names)):
        raise ValueError(f"{task.name} has two classes of one name, or one without a name: rename them with relabel=")


def _writer(model: nn.Module, task: Task) -> Callable[[Path], None]:
    if task.domain in ("vision", "photos"):
        return _picture_writer(model, task)
    if task.domain == "text":
        from ftlib.export import texts as how
    elif task.domain == "speech":
        from ftlib.export import sounds as how
    else:
        raise ValueError(f"{task.name} tells apart no pictures, texts or recordings: only such models can be saved")
    plain = _plain(model)
    return partial(how.write, model=plain, settings=how.config(plain, task))


def check_outputs(has: int, needed: int) -> None:
    """Refuse a head of another size than one output a class.

    Raises:
        ValueError: the sizes differ.
    """
    if has != needed:
        raise ValueError(
            f"only a model with {needed} outputs, one a class, can be saved, but this one has {has}: "
            f"replace the head with adapt.replace_head(model, {needed})"
        )


def _picture_writer(model: nn.Module, task: Task) -> Callable[[Path], None]:
    config = _config(task)
    state = _plain(model).state_dict()
    _check(state, config)
    return lambda part: _write(part, state, config, task.name)


def _config(task: Task) -> dict:
    classes = list(map(str, getattr(task, "classes", range(task.n_outputs))))
    found = {"architecture": predict.INK, "classes": classes, "task": task.name}
    if task.domain == "vision":
        return found | {"image_size": glyphs.SIZE, "mean": glyphs.MEAN, "std": glyphs.STD}
    from ftlib.models import lite0

    found["architecture"] = predict.PHOTO
    return found | {"image_size": getattr(task, "size", SIZE), "mean": lite0.MEAN, "std": lite0.STD}


def _plain(model: nn.Module) -> nn.Module:
    """The model without wrappers; adapters are merged in a copy, so that yours stays as it is."""
    if hasattr(model, "merge_and_unload"):
        from copy import deepcopy

        return deepcopy(model).merge_and_unload()
    return model


def _check(state: dict[str, torch.Tensor], config: dict) -> None:
    with torch.device("meta"):
        wanted = {name: tensor.shape for name, tensor in predict.build(config).state_dict().items()}
    found = {name: tensor.shape for name, tensor in state.items()}
    if found == wanted:
        return
    name = next((name for name in wanted if found.get(name) != wanted[name]), None) or next(iter(found.keys() - wanted))
    n = len(config["classes"])
    raise ValueError(
        f"only the course's {config['architecture']} with {n} outputs, one a class, can be saved, but {name} has shape "
        f"{tuple(found.get(name, ()))} in this model: replace the head with adapt.replace_head(model, {n})"
    )


def _check_place(folder: Path, overwrite: bool) -> None:
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise FileExistsError(f"{folder} exists: choose another folder, or pass overwrite=True")
    inside = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    strange = inside - {*FILES, *TOKENIZER, *SOUND, *PHOTO, onnx_file.FILE, onnx_file.LABELS, "__pycache__"}
    if folder.is_symlink() or not folder.is_dir() or strange or (inside and "config.json" not in inside):
        what = f"holds {sorted(strange)[0]}, which save did not write" if strange else "is no saved model"
        raise FileExistsError(f"{folder} {what}, so it is not replaced: choose another folder")


def _write(part: Path, state: dict[str, torch.Tensor], config: dict, name: str) -> None:
    modules = {"predict.py": predict, "ink.py": ink}
    if config["architecture"] == predict.PHOTO:
        from ftlib.models import lite0

        modules |= {"lite0.py": lite0, "photos.py": photos}
    texts = {file: _alone(inspect.getsource(module)) for file, module in modules.items()}
    words = {"name": name, "classes": ", ".join(config["classes"]), "base": BASES[config["architecture"]]}
    saved.write(part, state, config, texts | {"README.md": README.format(**words)})


def _alone(source: str) -> str:
    """A module that imports the files beside it in place of the course's."""
    return re.sub(r"from ftlib(?:\.\w+)*\.(\w+) import", r"from \1 import",
                  source.replace("from ftlib.export import saved", "import saved"))  # fmt: skip


def _put(part: Path, folder: Path) -> None:
    """Move the finished folder into place; the old one goes only when the new one stands."""
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(part, folder)
    except OSError:
        if old.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
