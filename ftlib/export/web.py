"""A small web page for a saved model, with Gradio (the course's extra ``serve``), on this machine only."""

from __future__ import annotations

import importlib.util
import os
from functools import partial
from pathlib import Path
from typing import Any

from ftlib.export.predict import kind
from ftlib.export.saved import folder_of
from ftlib.own.ink import UnreadablePicture

TOP = 5  # how many classes the page names


def page(folder: str | Path) -> Any:
    """Build a Gradio page for a saved model: drop a picture, write a text or record a sound, and read what it says.

    Nothing starts before ``page(folder).launch()``, which serves it at an address of this machine. Nothing is sent
    elsewhere: analytics are off, and nothing is shared unless you pass ``share=True``.

    Raises:
        ImportError: Gradio is not installed.
        ValueError: the folder holds no saved model.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ImportError("the page needs gradio: install the course with its extra [serve]")
    from ftlib.export import load

    folder = folder_of(folder, "")
    what = kind(folder)
    saved = load(folder)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import gradio

    def read(given: str | None) -> dict[str, float]:
        try:
            return saved.predict(given) if what == "text" else answer(saved, given, what)
        except ValueError as problem:  # a sentence for the visitor
            raise gradio.Error(str(problem), print_exception=False) from problem

    def picture() -> Any:
        """A box that hands over the file itself: Gradio would make RGB of it, and lose what is transparent."""
        found = gradio.Image(type="filepath", label="Picture")
        usual = found.preprocess
        found.preprocess = lambda given: given.path if given and given.path else usual(given)
        return found

    box, invitation = {
        "text": (partial(gradio.Textbox, label="Text", lines=3), "Write a text."),
        "picture": (picture, "Drop a picture."),
        "sound": (partial(gradio.Audio, type="filepath", label="Recording"), "Record a sound, or drop a file."),
    }[what]
    site = gradio.Interface(
        read, box(), gradio.Label(num_top_classes=TOP, label="What it may be"),
        title=folder.resolve().name, description=f"Tells apart {', '.join(saved.classes)}. {invitation}",
        flagging_mode="never", api_name="predict", analytics_enabled=False,
    )  # fmt: skip
    site.launch = partial(site.launch, share=False)  # in a hosted notebook gradio would share without being asked
    return site


def answer(saved: Any, path: str | None, what: str = "picture") -> dict[str, float]:
    """Each class with its probability, for a picture or a recording that a visitor dropped.

    Raises:
        ValueError: there is none, or it cannot be read; the message is a sentence for the visitor.
    """
    if not path:
        raise (UnreadablePicture("Drop a picture first.") if what == "picture" else ValueError("Record a sound first."))
    try:
        return saved.predict(path)
    except UnreadablePicture as problem:
        raise UnreadablePicture(f"This file {problem}.") from problem
