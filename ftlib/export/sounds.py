"""A model for recordings as a folder: weights, configuration, and the programs that read and hear a recording."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from torch import nn

from ftlib import catalog
from ftlib.export import check_outputs, predict_sound, saved
from ftlib.models import wavenet
from ftlib.speech import audio
from ftlib.tasks.base import Task

README = """# {name}

A classifier of recordings for the classes {classes}, fine-tuned from speech-wavenet
({licence}: pass it on under the same licence).

`pip install torch torchaudio soundfile safetensors`, then `python predict.py RECORDING`, or from Python:

    from predict import SoundClassifier
    print(SoundClassifier().predict("recording.wav"))

A recording may last {longest:g} seconds at most; it is mixed down to one channel at {rate:,} Hz.

Say here what it was trained on, how it scored on which test, and what it must not be used for.
"""


def config(model: nn.Module, task: Task) -> dict[str, Any]:
    """The ``config.json`` of a saved model: the network's measures and its classes.

    Raises:
        ValueError: the model is no WaveNet of the course with one output a class, or the task no choice of classes.
    """
    if getattr(task, "keeps_head", False):
        raise ValueError(f"{task.name} writes down what is said: only models that choose a class can be saved so far")
    if not isinstance(model, wavenet.WaveNet):
        raise ValueError("only the course's WaveNet can be saved for recordings: take task.pretrained()")
    check_outputs(model.head.out_features, task.n_outputs)
    network = {
        "outputs": task.n_outputs, "mels": model.stem.in_channels, "channels": model.stem.out_channels,
        "stacks": len(model.stack_names),
    }  # fmt: skip
    longest = getattr(task, "longest", audio.LONGEST)
    classes = list(map(str, task.classes))
    return {"architecture": "wavenet", "network": network, "classes": classes, "task": task.name,
            "longest_seconds": longest, "rate": audio.RATE}  # fmt: skip


def write(part: Path, model: nn.Module, settings: dict[str, Any]) -> None:
    """Fill the new folder ``part``."""
    script = inspect.getsource(predict_sound).replace("from ftlib.speech import audio", "import audio")
    script = script.replace("from ftlib.export import saved", "import saved")
    saved.write(part, {name: tensor.float() for name, tensor in model.state_dict().items()}, settings, {
        "predict.py": script.replace("from ftlib.models.wavenet import", "from wavenet import"),
        "audio.py": inspect.getsource(audio),
        "wavenet.py": inspect.getsource(wavenet),
        "README.md": README.format(
            name=settings["task"], classes=", ".join(settings["classes"]), longest=settings["longest_seconds"],
            rate=audio.RATE, licence=catalog.entry("speech-wavenet").licence,
        ),
    })  # fmt: skip
