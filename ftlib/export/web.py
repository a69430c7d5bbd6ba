"""A small web page for a saved model, with Gradio (the course's extra ``serve``), on this machine only."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from ftlib.export.predict import Classifier
from ftlib.tasks.ink import UnreadablePicture

TOP = 5  # how many classes the page names


def page(folder: str | Path) -> Any:
    """Build a Gradio page on which a visitor drops a picture and reads what the saved model makes of it.

    Nothing starts before ``page(folder).launch()``, which serves it at an address of this machine. Nothing is sent
    elsewhere: analytics are off, and nothing is shared unless you pass ``share=True``.

    Raises:
        ImportError: Gradio is not installed.
        ValueError: the folder holds no saved model.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ImportError("the page needs gradio: install the course with its extra [serve]")
    saved = Classifier(folder)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import gradio

    def read(path: str | None) -> dict[str, float]:
        try:
            return answer(saved, path)
        except UnreadablePicture as problem:
            raise gradio.Error(str(problem), print_exception=False) from problem

    return gradio.Interface(
        read, gradio.Image(type="filepath", label="Picture"), gradio.Label(num_top_classes=TOP, label="What it may be"),
        title=Path(folder).resolve().name, description=f"Tells apart {', '.join(saved.classes)}. Drop a picture.",
        flagging_mode="never", api_name="predict", analytics_enabled=False,
    )  # fmt: skip


def answer(saved: Classifier, path: str | None) -> dict[str, float]:
    """Each class with its probability, for a picture that a visitor dropped.

    Raises:
        UnreadablePicture: there is none, or it cannot be read; the message is a sentence for the visitor.
    """
    if not path:
        raise UnreadablePicture("Drop a picture first.")
    try:
        return saved.predict(path)
    except UnreadablePicture as problem:
        raise UnreadablePicture(f"This file {problem}.") from problem
