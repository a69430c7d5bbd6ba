"""A small web page for a saved model, with Gradio (the course's extra ``serve``), on this machine only."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from ftlib.export.predict import Classifier, is_text
from ftlib.tasks.ink import UnreadablePicture

TOP = 5  # how many classes the page names


def page(folder: str | Path) -> Any:
    """Build a Gradio page on which a visitor drops a picture, or writes a text, and reads what the saved model says.

    Nothing starts before ``page(folder).launch()``, which serves it at an address of this machine. Nothing is sent
    elsewhere: analytics are off, and nothing is shared unless you pass ``share=True``.

    Raises:
        ImportError: Gradio is not installed.
        ValueError: the folder holds no saved model.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ImportError("the page needs gradio: install the course with its extra [serve]")
    reads_texts = is_text(Path(folder))
    saved = _reader(folder) if reads_texts else Classifier(folder)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import gradio

    def read(given: str | None) -> dict[str, float]:
        try:
            return saved.predict(given) if reads_texts else answer(saved, given)
        except ValueError as problem:  # a sentence for the visitor
            raise gradio.Error(str(problem), print_exception=False) from problem

    box = gradio.Textbox(label="Text", lines=3) if reads_texts else gradio.Image(type="filepath", label="Picture")
    what = "Write a text." if reads_texts else "Drop a picture."
    return gradio.Interface(
        read, box, gradio.Label(num_top_classes=TOP, label="What it may be"),
        title=Path(folder).resolve().name, description=f"Tells apart {', '.join(saved.classes)}. {what}",
        flagging_mode="never", api_name="predict", analytics_enabled=False,
    )  # fmt: skip


def _reader(folder: str | Path) -> Any:
    from ftlib.export.predict_text import TextClassifier

    return TextClassifier(folder)


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
