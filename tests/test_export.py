"""What is saved can be loaded, by the course and by a program that has never heard of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ftlib import adapt, export, models
from ftlib.export import predict, predict_text
from ftlib.models import sentences
from ftlib.own import from_csv, from_folder
from ftlib.tasks import glyphs
from ftlib.tasks import predict as run_model
from ftlib.tasks.text import predict_texts


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "lines"
    rng = np.random.default_rng(0)
    for kind in ("flat", "steep"):
        (root / kind).mkdir(parents=True)
        for i in range(6):
            page = np.full((40, 40), 230, np.uint8)
            a = int(rng.integers(10, 25))
            page[a : a + 4, 5:35] = 10
            Image.fromarray(page if kind == "flat" else page.T.copy()).save(root / kind / f"{i}.png")
    found = from_folder(root)
    found.root = root
    return found


@pytest.fixture(scope="module")
def model(task):
    net = models.resnet10(2)
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
    return net.eval()


def test_a_saved_model_gives_the_same_answers(task, model, tmp_path):
    folder = export.save(model, task, tmp_path / "new" / "lines")
    assert sorted(path.name for path in folder.iterdir()) == sorted(export.FILES)
    assert [path.name for path in folder.parent.iterdir()] == ["lines"]  # no left-overs
    again = export.load(folder)
    assert again.classes == ["flat", "steep"] and not again.model.training
    files = [task.root / id for id in task.items.id]
    assert torch.equal(again.inputs(files), glyphs.to_input(task.ink))
    x = glyphs.to_input(task.ink)
    assert torch.allclose(run_model(again.model, x), run_model(model, x))
    chances = again.predict(files[0])
    assert list(chances) == sorted(chances, key=chances.get, reverse=True) and sum(chances.values()) == pytest.approx(1)
    config = json.loads((folder / "config.json").read_text())
    assert config["image_size"] == glyphs.SIZE and (config["mean"], config["std"]) == (glyphs.MEAN, glyphs.STD)


BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ftlib",):
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocker())
"""


def test_a_fresh_process_without_ftlib_predicts_the_same(task, model, tmp_path):
    folder = export.save(model, task, tmp_path / "lines")
    wanted = [next(iter(export.load(folder).predict(task.root / id))) for id in task.items.id[:3]]
    (tmp_path / "bad.png").write_bytes(b"junk")
    program = f"{BLOCK}\nimport runpy\nrunpy.run_path('predict.py', run_name='__main__')"
    files = [str(task.root / id) for id in task.items.id[:3]]
    command = [sys.executable, "-c", program, *files, str(tmp_path / "bad.png")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONPATH": "."}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env=environment)
    lines = done.stdout.splitlines()
    assert [line.split(": ")[1].split(" ")[0] for line in lines] == wanted, done.stderr
    assert done.returncode == 1 and "bad.png is not a picture that Pillow can open" in done.stderr
    assert "ftlib" not in (folder / "ink.py").read_text().replace("``ftlib.export``", "")
    assert "ftlib" not in (folder / "predict.py").read_text()


def test_predict_as_a_program_needs_a_picture(capsys):
    assert predict.main([]) == 2 and "Usage" in capsys.readouterr().err


def test_the_program_builds_what_the_course_builds():
    config = {"architecture": "resnet10", "classes": ["a", "b", "c"]}
    ours, theirs = models.resnet10(3).state_dict(), predict.build(config).state_dict()
    assert {name: tensor.shape for name, tensor in ours.items()} == {n: t.shape for n, t in theirs.items()}
    with pytest.raises(ValueError, match="architecture 'vgg'"):
        predict.build(config | {"architecture": "vgg"})


def test_an_existing_folder_is_kept_unless_told_and_only_if_it_is_a_saved_model(task, model, tmp_path):
    folder = export.save(model, task, tmp_path / "lines")
    before = (folder / "config.json").stat().st_mtime_ns
    with pytest.raises(FileExistsError, match="exists: choose another folder, or pass overwrite=True"):
        export.save(model, task, folder)
    assert (folder / "config.json").stat().st_mtime_ns == before
    export.save(model, task, folder, overwrite=True)
    assert export.load(folder).classes == ["flat", "steep"]
    (folder / "thesis.docx").write_text("precious")
    with pytest.raises(FileExistsError, match="holds thesis.docx, which save did not write"):
        export.save(model, task, folder, overwrite=True)
    assert (folder / "thesis.docx").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError, match="is no saved model"):
        export.save(model, task, tmp_path / "file", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "lines"]


@pytest.mark.parametrize("broken", ["_write", "_put"])
def test_a_failure_half_way_leaves_the_old_folder_as_it_was(task, model, tmp_path, monkeypatch, broken):
    folder = export.save(model, task, tmp_path / "lines")

    def fail(part, *_):
        part.mkdir(exist_ok=True)
        raise OSError("disk full")

    monkeypatch.setattr(export, broken, fail)
    with pytest.raises(OSError, match="disk full"):
        export.save(model, task, folder, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["lines"] and export.load(folder).classes


def test_putting_in_place_restores_the_old_folder_if_the_new_one_cannot_come(task, model, tmp_path):
    folder = export.save(model, task, tmp_path / "lines")
    with pytest.raises(OSError):
        export._put(tmp_path / "missing", folder)
    assert export.load(folder).classes == ["flat", "steep"]


def test_adapters_are_merged_and_the_model_stays_as_it_is(task, tmp_path):
    net = adapt.lora(models.resnet10(2))
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    folder = export.save(net.eval(), task, tmp_path / "lines")
    x = glyphs.to_input(task.ink)
    assert torch.allclose(run_model(export.load(folder).model, x), run_model(net, x), atol=1e-4)
    assert any("lora" in name for name, _ in net.named_parameters())


def test_a_model_that_does_not_fit_is_refused(task, tmp_path):
    for wrong in (models.resnet10(3), nn.Linear(3, 2)):
        with pytest.raises(ValueError, match="with 2 outputs, one a class, can be saved.*replace_head"):
            export.save(wrong, task, tmp_path / "x")
    with pytest.raises(ValueError, match="push tells apart no pictures, texts or recordings"):
        export.save(models.resnet10(2), SimpleNamespace(name="push", domain="robotics"), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_damaged_folder_is_refused_in_a_sentence(task, model, tmp_path):
    with pytest.raises(ValueError, match="holds no saved model: config.json cannot be read"):
        export.load(tmp_path)
    folder = export.save(model, task, tmp_path / "lines")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:5000])
    with pytest.raises(ValueError, match="model.safetensors cannot be loaded"):
        export.load(folder)
    (folder / "config.json").write_text('{"classes": []}')
    with pytest.raises(ValueError, match="lacks architecture, image_size, mean, std"):
        export.load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="config.json is damaged"):
        export.load(folder)


# --- texts

SENTENCES = ["A short one", "Another text, which is a little longer than the first", "café ☕ " * 50]


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "mail.csv"
    path.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(12)))
    return from_csv(path)


def reader(pooling: str = "mean", classes: int = 2) -> nn.Module:
    """A tiny BERT at random, with weights that are large enough to tell texts apart."""
    torch.manual_seed(0)
    config = sentences.PooledBertConfig(
        pooling=pooling, num_labels=classes, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, initializer_range=0.5,
    )  # fmt: skip
    return sentences.PooledBertForSequenceClassification(config).eval()


def read(saved: predict_text.TextClassifier) -> torch.Tensor:
    with torch.no_grad():
        return saved.model(**saved.inputs(SENTENCES)).softmax(1)


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_a_saved_text_model_gives_the_same_answers(mail, tmp_path, pooling):
    model = reader(pooling)
    again = export.load(export.save(model, mail, tmp_path / "mail"))
    wanted = predict_texts(model, SENTENCES)
    assert wanted.std(0).min() > 1e-3
    assert again.classes == ["a", "b"] and torch.allclose(read(again), wanted, atol=1e-5)
    found = again.predict(SENTENCES[0])
    assert list(found) == sorted(found, key=found.get, reverse=True) and sum(found.values()) == pytest.approx(1)
    with pytest.raises(ValueError, match="the text is empty"):
        again.predict("  ")


def test_a_saved_distilbert_gives_the_same_answers(mail, tmp_path):
    torch.manual_seed(0)
    config = sentences.PooledDistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, initializer_range=0.5)
    model = sentences.PooledDistilBertForSequenceClassification(config).eval()
    again = export.load(export.save(model, mail, tmp_path / "mail"))
    assert type(again.model.encoder).__name__ == "DistilBertModel"
    assert torch.allclose(read(again), predict_texts(model, SENTENCES), atol=1e-5)


def test_text_adapters_are_merged(mail, tmp_path):
    net = adapt.lora(reader())
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.5)
    folder = export.save(net.eval(), mail, tmp_path / "mail")
    found = read(export.load(folder))
    assert torch.allclose(found, predict_texts(net, SENTENCES), atol=1e-5)
    assert (found - predict_texts(reader(), SENTENCES)).abs().max() > 1e-3
    assert any("lora" in name for name, _ in net.named_parameters())


def test_the_page_of_a_text_model_answers_like_it(mail, tmp_path):
    gradio = pytest.importorskip("gradio")
    folder = export.save(reader(), mail, tmp_path / "mail")
    page = export.page(folder)
    assert page.fn("some text") == export.load(folder).predict("some text") and "Write a text" in page.description
    with pytest.raises(gradio.Error, match="the text is empty"):
        page.fn("")


def test_the_onnx_file_of_a_text_model_answers_like_it(mail, tmp_path):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    model = reader()
    folder = export.save(model, mail, tmp_path / "mail")
    path, saved = export.to_onnx(folder), export.load(folder)
    for texts in (SENTENCES, SENTENCES[:1]):
        found = export.run_onnx(path, {name: tensor.numpy() for name, tensor in saved.inputs(texts).items()})
        assert torch.allclose(torch.tensor(found).softmax(1), predict_texts(model, texts), atol=1e-4)


def test_texts_are_read_in_a_fresh_process_without_ftlib_and_so_the_readme_says(mail, tmp_path):
    model = reader()
    folder = export.save(model, mail, tmp_path / "mail")
    files = {"model.safetensors", "config.json", "predict.py", "saved.py", "README.md", *export.TOKENIZER}
    assert {path.name for path in folder.iterdir()} == files
    readme = (folder / "README.md").read_text()
    lines = [line[4:] for line in readme.partition("These lines")[2].splitlines() if line.startswith("    ")]
    code = "\n".join(lines)
    assert "ftlib" not in code + (folder / "predict.py").read_text() + (folder / "config.json").read_text()
    program = f"{BLOCK}\nimport runpy\nrunpy.run_path('predict.py', run_name='__main__')"
    program = program.replace("import runpy", f"exec({code!r})\nimport runpy")
    command = [sys.executable, "-c", program, "some text", " "]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env=environment)
    chance, label = predict_texts(model, ["some text"])[0].max(0)
    assert f"some text: {mail.classes[label]} ({chance:.0%})" in done.stdout, done.stderr[-2000:]
    assert f"{1 - chance.item():.4f}" in done.stdout and f"{chance.item():.4f}" in done.stdout
    assert done.returncode == 1 and "the text is empty" in done.stderr


def test_text_models_and_folders_that_do_not_fit_are_refused(mail, task, model, tmp_path):
    with pytest.raises(ValueError, match=r"only a model with 2 outputs.*this one has 3.*replace_head\(model, 2\)"):
        export.save(reader(classes=3), mail, tmp_path / "x")
    with pytest.raises(ValueError, match="only the course's text models"):
        export.save(model, mail, tmp_path / "x")
    with pytest.raises(ValueError, match="with 2 outputs, one a class, can be saved"):
        export.save(reader(), task, tmp_path / "x")
    assert not (tmp_path / "x").exists()
    folder = export.save(reader(), mail, tmp_path / "mail")
    with pytest.raises(ValueError, match="holds a text model, and this is for pictures"):
        export.Classifier(folder)
    export.save(reader("cls"), mail, folder, overwrite=True)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:5000])
    with pytest.raises(ValueError, match="holds no text model that can be loaded"):
        export.load(folder)
    assert predict_text.main([]) == 2
