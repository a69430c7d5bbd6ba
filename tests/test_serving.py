"""An ONNX file that answers like the model, and a page that answers like both; a plain sentence where they cannot."""

from __future__ import annotations

import importlib.util
import sys
import urllib.request

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ftlib import export, models
from ftlib.export import onnx_file, web
from ftlib.own import from_folder
from ftlib.own.ink import UnreadablePicture


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "lines"
    rng = np.random.default_rng(0)
    for kind in ("flat", "steep"):
        (root / kind).mkdir(parents=True)
        for i in range(4):
            page = np.full((40, 40), 230, np.uint8)
            a = int(rng.integers(10, 25))
            page[a : a + 4, 5:35] = 10
            Image.fromarray(page if kind == "flat" else page.T.copy()).save(root / kind / f"{i}.png")
    return root


@pytest.fixture
def saved(pictures, tmp_path):
    torch.manual_seed(0)
    model = models.resnet10(2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
    return export.save(model.eval(), from_folder(pictures), tmp_path / "lines")


def test_the_onnx_file_answers_like_the_model(saved, pictures, monkeypatch):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    path = export.to_onnx(saved)
    assert path == saved / "model.onnx" and not list(saved.glob(".*")) and not list(saved.glob("*.data"))
    model = export.load(saved)
    x = model.inputs([*pictures.glob("*/*.png")])
    with torch.no_grad():
        wanted = model.model(x).numpy()
    assert np.allclose(export.run_onnx(path, x.numpy()), wanted, atol=1e-4)
    assert np.allclose(export.run_onnx(path, x[:1].numpy()), wanted[:1], atol=1e-4)
    # a file whose answers are off is not put in place, and what is there stays
    before = path.read_bytes()
    monkeypatch.setattr(onnx_file, "run_onnx", lambda path, inputs: np.zeros((len(inputs["pictures"]), 2)))
    with pytest.raises(ValueError, match="would give other answers than the model"):
        export.to_onnx(saved)
    assert path.read_bytes() == before and not list(saved.glob(".*"))
    # saving again may replace a folder that holds it
    export.save(model.model, from_folder(pictures), saved, overwrite=True)
    assert not path.exists()


def test_without_the_extra_one_sentence_says_what_to_install(saved, monkeypatch):
    found, absent = importlib.util.find_spec, ("onnxscript", "gradio")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in absent else found(name))
    with pytest.raises(ImportError, match=r"ONNX needs onnxscript: install the course with its extra \[serve\]"):
        export.to_onnx(saved)
    with pytest.raises(ImportError, match=r"the page needs gradio: install the course with its extra \[serve\]"):
        export.page(saved)
    assert not (saved / "model.onnx").exists()


def test_only_a_saved_model_can_be_served(tmp_path):
    for serve in (export.to_onnx, export.page):
        with pytest.raises(ValueError, match="holds no saved model"):
            serve(tmp_path)


def test_a_visitor_gets_an_answer_or_a_sentence(saved, pictures, tmp_path):
    model = export.load(saved)
    path = str(next(pictures.glob("flat/*.png")))
    assert web.answer(model, path) == model.predict(path)
    (tmp_path / "junk.png").write_bytes(b"junk")
    for bad, message in ((None, "Drop a picture first."), (tmp_path / "junk.png", "This file is not a picture that")):
        with pytest.raises(UnreadablePicture, match=message):
            web.answer(model, bad and str(bad))


def test_the_page_answers_and_opens_on_this_machine_alone(saved, pictures, monkeypatch):
    gradio = pytest.importorskip("gradio")
    monkeypatch.setenv("GRADIO_SHARE", "true")  # a hosted notebook asks for the same
    page = export.page(saved)
    path = str(next(pictures.glob("steep/*.png")))
    assert page.fn(path) == export.load(saved).predict(path)
    with pytest.raises(gradio.Error, match="Drop a picture first"):
        page.fn(None)
    assert page.analytics_enabled is False and "gradio" in sys.modules
    _, address, shared = page.launch(prevent_thread_lock=True, quiet=True, inbrowser=False)
    try:
        assert shared is None and address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.status == 200 and b"lines" in answer.read()
    finally:
        page.close(verbose=False)
