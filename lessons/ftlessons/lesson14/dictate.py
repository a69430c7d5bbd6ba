"""Dictate a sentence of your own, or load a sound file, and see what each network writes."""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ftlessons.classroom.display import emit, rich
from ftlessons.classroom.listen import player
from ftlib.speech import audio
from ftlib.speech.audio import Recording

Readers = Mapping[str, Callable[["Tensor"], str]]

LONGEST = 20  # seconds of a live recording
REFUSED = "refused:"
# runs in the browser when Record is pressed: samples of 16 bits go, as text, into the hidden box beside the button
RECORD = """
const b = this, area = b.closest('.ftlib-dictate').querySelector('textarea');
const send = text => { area.value = text; for (const kind of ['input', 'change'])
  area.dispatchEvent(new Event(kind, {bubbles: true})); };
if (b.finish) { b.finish(); return; }
if (!navigator.mediaDevices) { send('REFUSED this page has no access to a microphone'); return; }
navigator.mediaDevices.getUserMedia({audio: true}).then(stream => {
  const context = new AudioContext(), parts = [], node = context.createScriptProcessor(4096, 1, 1);
  node.onaudioprocess = e => parts.push(Int16Array.from(e.inputBuffer.getChannelData(0),
    x => 32767 * Math.max(-1, Math.min(1, x))));
  context.createMediaStreamSource(stream).connect(node);
  node.connect(context.destination);
  b.textContent = 'Stop';
  b.finish = () => {
    b.finish = null; b.textContent = 'Record';
    node.disconnect(); stream.getTracks().forEach(track => track.stop());
    let bytes = '';
    for (const part of parts) bytes += String.fromCharCode(...new Uint8Array(part.buffer));
    send(context.sampleRate + ':' + btoa(bytes)); context.close();
  };
  setTimeout(() => b.finish && b.finish(), LONGEST * 1000);
}).catch(error => send('REFUSED ' + error.message));
""".replace("REFUSED", REFUSED).replace("LONGEST", str(LONGEST))


def dictate(readers: Readers, example: Tensor) -> None:
    """A Record button and a file chooser; what was heard is played, and each reader's text stands below.

    The sound goes from the browser to this notebook's kernel and nowhere else. Where widgets do not run, ``example``
    stands there with what the readers make of it.

    Args:
        readers: name to a function from samples (n,) at 8 kHz to text, such as ``transcripts.spell``.
        example: (n,) at 8 kHz.
    """
    heard = Recording(example)
    texts = {name: read(example) for name, read in readers.items()}
    plain = "\n".join(["[sound] An example, where nobody can record", *(f"{k}: {v}" for k, v in texts.items())])
    static = f"<p>Where widgets run, you can record here. An example:</p>{_shown(heard, texts)}"
    emit(plain, widget=partial(dictation_widget, readers), **{"text/html": static})


def from_browser(text: str) -> Recording:
    """The sound that the Record button sent.

    Args:
        text: ``<samples a second>:<16-bit samples in base64>``, or the browser's reason for refusing.

    Raises:
        ValueError: the browser gave no sound, or it cannot be used (see ``audio.prepare``).
    """
    if text.startswith(REFUSED):
        reason = text.removeprefix(REFUSED).strip()
        raise ValueError(f"the browser gave no sound ({reason}): allow the microphone for this page, or load a file")
    rate, _, samples = text.partition(":")
    return audio.prepare(np.frombuffer(base64.b64decode(samples), "<i2"), int(float(rate)))


def from_upload(value: Any) -> Recording:
    """The sound file that was chosen, whatever the version of ipywidgets.

    Args:
        value: of a ``FileUpload``: a tuple of dicts (8), or a dict by name (7).

    Raises:
        ValueError: the file cannot be used (see ``audio.read``).
    """
    files = list(value.items()) if isinstance(value, dict) else [(file["name"], file) for file in value]
    name, file = files[-1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(bytes(file["content"]))
        return audio.read(path)


def dictation_widget(readers: Readers) -> Any:
    """The button, the file chooser and the texts as one ipywidgets box."""
    import ipywidgets as widgets

    look = "jupyter-button widget-button"
    record = widgets.HTML(f'<button class="{look}" onclick="{html.escape(RECORD)}">Record</button>')
    box = widgets.Textarea(layout=widgets.Layout(display="none"))
    kinds = "audio/*,.wav,.flac,.ogg,.opus,.mp3"
    upload = widgets.FileUpload(accept=kinds, multiple=False, description="Load a file")
    shown = widgets.HTML("<p>Press <b>Record</b>, speak a sentence, and press <b>Stop</b>. Or load a sound file.</p>")

    def answer(get: Callable[[], Recording]) -> None:
        try:
            heard = get()
        except (ValueError, FileNotFoundError) as problem:
            text = str(problem)
            shown.value = f"<p role='status'>{rich(text[:1].upper() + text[1:])}.</p>"
            return
        shown.value = _shown(heard, {name: read(heard.wave) for name, read in readers.items()})

    box.observe(lambda change: change["new"] and answer(lambda: from_browser(change["new"])), names="value")
    upload.observe(lambda change: change["new"] and answer(lambda: from_upload(change["new"])), names="value")
    buttons = widgets.HBox([record, upload, box])
    return widgets.VBox([buttons, shown]).add_class("ftlib-dictate")


def _shown(heard: Recording, texts: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row" style="text-align: left">{html.escape(name)}</th>'
        f'<td style="text-align: left">{html.escape(text) or "(nothing)"}</td></tr>'
        for name, text in texts.items()
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in heard.notes)
    return f"<div role='status'><p>{player(heard.wave, 'the recording')}</p>{notes}<table>{rows}</table></div>"
