"""A saved model that somebody has edited, moved or cut says so in one sentence, whoever opens it."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from ftlib import adapt, export, models
from ftlib.export.predict import Classifier
from ftlib.models import sentences
from ftlib.own import from_csv, from_folder

KINDS = ("picture", "text", "sound")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One saved model of each kind, with something that it can read."""
    root = tmp_path_factory.mktemp("data")
    for kind in ("flat", "steep"):
        (root / "lines" / kind).mkdir(parents=True)
        (root / "tones" / kind).mkdir(parents=True)
        for i in range(4):
            page = np.full((40, 40), 230, np.uint8)
            page[10 + i : 14 + i, 5:35] = 10
            Image.fromarray(page if kind == "flat" else page.T.copy()).save(root / "lines" / kind / f"{i}.png")
            wave = 0.3 * np.sin(np.arange(4000) * ((300 if kind == "flat" else 900) + i) / 1273)
            soundfile.write(root / "tones" / kind / f"{i}.wav", wave, 8000)
    (root / "mail.csv").write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(12)))
    torch.manual_seed(0)
    config = sentences.PooledBertConfig(
        num_labels=2, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    tones = from_folder(root / "tones")
    listener = tones.pretrained()
    adapt.replace_head(listener, 2, seed=0)
    texts, reader = from_csv(root / "mail.csv"), sentences.PooledBertForSequenceClassification(config)
    return {
        "picture": (export.save(models.resnet10(2).eval(), from_folder(root / "lines"), root / "picture"),
                    root / "lines" / "flat" / "0.png"),
        "text": (export.save(reader.eval(), texts, root / "text"), "a text"),
        "sound": (export.save(listener.eval(), tones, root / "sound"), root / "tones" / "flat" / "0.wav"),
    }  # fmt: skip


@pytest.fixture
def edited(saved):
    """Writes another configuration, and puts the old one back."""
    before = {folder: (folder / "config.json").read_bytes() for folder, _ in saved.values()}

    def edit(kind, change):
        folder, example = saved[kind]
        config = json.loads(before[folder])
        text = change if isinstance(change, str) else json.dumps(config | change)
        (folder / "config.json").write_text(text, encoding="utf-8")
        return folder, example

    yield edit
    for folder, text in before.items():
        (folder / "config.json").write_bytes(text)


ANY = ["", "null", "5", "[]", "{", "[" * 100_000, '"x"', "{}", "\x00"]
CHANGES = {
    "picture": [
        {"architecture": ["resnet10"]}, {"architecture": None}, {"classes": 3}, {"classes": []},
        {"classes": ["a", "a"]}, {"classes": ["a"]}, {"classes": ["a", ""]}, {"classes": [1, 2]}, {"classes": "ab"},
        {"mean": "x"}, {"mean": math.nan}, {"mean": True}, {"std": None}, {"std": 0}, {"std": -1}, {"std": math.inf},
        {"image_size": 64}, {"image_size": "32"},
    ],
    "text": [
        {"pooling": "max"}, {"pooling": None}, {"pooling": ["mean"]}, {"pooling": "pooler"}, {"max_tokens": "64"},
        {"max_tokens": 0}, {"max_tokens": 10**9}, {"id2label": {"0": "a"}}, {"id2label": {"0": "a", "1": "a"}},
        {"id2label": {"0": "a", "2": "b"}}, {"id2label": ["a", "b", "c"]}, {"id2label": None}, {"hidden_size": "x"},
        {"model_type": "nothing"}, {"num_attention_heads": 0}, {"hidden_size": 32},
    ],
    "sound": [
        {"classes": ["a", "a"]}, {"classes": None}, {"classes": ["a", "b", "c"]}, {"longest_seconds": "x"},
        {"longest_seconds": math.nan}, {"longest_seconds": -1}, {"network": 3}, {"network": {"outputs": 2}},
        {"network": {"outputs": 2, "mels": 64, "channels": 10**9, "stacks": 2}}, {"network": None},
        {"network": {"outputs": 2, "mels": 64, "channels": 7, "stacks": 2}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_edited_configuration_is_refused_in_a_sentence(edited, kind):
    for change in [*ANY, *CHANGES[kind]]:
        folder, example = edited(kind, change)
        with pytest.raises(ValueError) as caught:
            export.load(folder).predict(example)
        said = str(caught.value)
        assert (str(folder) in said or "config.json" in said) and "\n" not in said and len(said) < 500, (change, said)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_refused(saved, kind, value):
    folder, _ = saved[kind]
    path = folder / "model.safetensors"
    before = path.read_bytes()
    state = load_file(path)
    state[list(state)[-1]].flatten()[0:1].fill_(value)
    name = next(name for name, tensor in state.items() if tensor.is_floating_point() and tensor.ndim)
    state[name] = state[name].clone()
    state[name].view(-1)[0] = value
    try:
        save_file(state, path)
        with pytest.raises(ValueError, match="holds values that are no numbers"):
            export.load(folder)
        with pytest.raises(ValueError, match="holds values that are no numbers"):
            export.page(folder)
        path.write_bytes(b"")
        with pytest.raises(ValueError, match="cannot be loaded"):
            export.load(folder)
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("folder", [5, b"x", ["x"], "no such folder", "a\0b", object()])
def test_what_is_no_folder_of_a_model_is_refused(folder):
    for opened in (export.load, export.to_onnx, export.page):
        with pytest.raises(ValueError, match="no path|holds no saved model"):
            opened(folder)


def test_what_cannot_be_saved_is_refused_before_anything_is_written(saved, tmp_path):
    task = from_folder(saved["picture"][1].parent.parent)
    model = models.resnet10(2)
    for arguments in ((3, task, "x"), (model, "digits", "x"), (model, task, 5), (model, task, ""), (model, task, "..")):
        with pytest.raises(ValueError, match="give|names no new folder"):
            export.save(*arguments)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="cannot be made .*choose another place"):
        export.save(model, task, tmp_path / "file" / "model")
    task.classes = ["a", "a"]
    with pytest.raises(ValueError, match="two classes of one name"):
        export.save(model, task, tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("given", [None, 5, "", "no such file.png", b"x", ["a"], "."])
def test_what_is_no_picture_is_refused_in_a_sentence(saved, given):
    with pytest.raises(ValueError, match="^is "):
        export.load(saved["picture"][0]).predict(given)


@pytest.mark.parametrize("given", [None, 5, "no such file.wav", b"x", "."])
def test_what_is_no_recording_is_refused_in_a_sentence(saved, given):
    with pytest.raises((ValueError, FileNotFoundError), match=": "):
        export.load(saved["sound"][0]).predict(given)


def test_the_order_of_labels_stands_beside_the_onnx_file_and_in_it(saved):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    for kind in KINDS:
        folder = saved[kind][0]
        path = export.to_onnx(folder)
        wanted = export.load(folder).classes
        assert json.loads((folder / "labels.json").read_text(encoding="utf-8")) == wanted
        kept = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert json.loads(kept["labels"]) == wanted
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(ValueError, match="is no ONNX file that can be run"):
            export.run_onnx(path, np.zeros((1, 3, 32, 32)))
    path = export.to_onnx(saved["picture"][0])
    for wrong in (np.zeros((1, 3)), {"texts": np.zeros(3)}, "x", None):
        with pytest.raises(ValueError, match="the inputs do not fit"):
            export.run_onnx(path, wrong)


def odd_pictures(folder):
    """A drawing on nothing, one in 16 bit, one that lies on its side, a palette that is partly transparent."""
    page = np.zeros((60, 60), np.uint8)
    page[12:18, 6:50] = 255
    alpha = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    alpha.putalpha(Image.fromarray(page))
    alpha.save(folder / "alpha.png")
    Image.fromarray(page.astype(np.uint16) * 257).save(folder / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(255 - page).save(folder / "turned.jpg", exif=exif)
    alpha.quantize(8).save(folder / "palette.gif", transparency=0)
    (folder / "note.txt").write_text("a note\n")
    (folder / "empty.png").write_bytes(b"")
    return sorted(folder.iterdir())


def test_page_predict_onnx_and_the_program_read_one_file_in_one_way(saved, tmp_path):
    client = pytest.importorskip("gradio_client")
    pytest.importorskip("onnxscript")
    folder, _ = saved["picture"]
    (tmp_path / "odd").mkdir()
    page, model, onnx = export.page(folder), export.load(folder), export.to_onnx(folder)
    page.launch(prevent_thread_lock=True, quiet=True, inbrowser=False)
    try:
        visitor = client.Client(page.local_url, verbose=False)
        paths = list(map(str, odd_pictures(tmp_path / "odd")))
        done = subprocess.run([sys.executable, "predict.py", *paths], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 1
        for path in paths:
            try:
                wanted = model.predict(path)
            except ValueError as problem:
                assert f"{path} {problem}" in done.stderr
                with pytest.raises(Exception, match=str(problem)[:30]):
                    visitor.predict(client.handle_file(str(path)), api_name="/predict")
                continue
            found = visitor.predict(client.handle_file(str(path)), api_name="/predict")
            assert {row["label"]: row["confidence"] for row in found["confidences"]} == pytest.approx(wanted, abs=1e-5)
            logits = torch.tensor(export.run_onnx(onnx, model.inputs([path]).numpy()))
            assert logits.softmax(1)[0].tolist() == pytest.approx([wanted[name] for name in model.classes], abs=1e-4)
            assert f"{path}: {next(iter(wanted))} (" in done.stdout
    finally:
        page.close(verbose=False)


def test_a_text_model_is_no_picture_model(saved):
    with pytest.raises(ValueError, match="holds a text model, and this is for pictures"):
        Classifier(saved["text"][0])
