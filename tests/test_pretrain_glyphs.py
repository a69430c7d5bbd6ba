"""The pre-training script: the files it leaves, and that a killed run goes on as if nothing had happened."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from authoring.pretrain import glyphs as pretrain
from ftlib import resume
from ftlib.models.resnet import resnet10
from ftlib.tasks import glyphs
from ftlib.tasks.glyphs import GlyphBank

LETTERS = list("abcdefgh")


class Killed(BaseException):
    """Stands for a process that was ended."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A handful of letters in two fonts, batches of eight, one scoring of 16 letters."""
    accuracy = pretrain.accuracy
    monkeypatch.setattr(pretrain, "BATCH", 8)
    monkeypatch.setattr(pretrain, "SAVE_EVERY", 1)
    monkeypatch.setattr(pretrain, "FONTS", ("DejaVuSans.ttf", "DejaVuSerif.ttf"))
    monkeypatch.setattr(pretrain, "choose_letters", lambda: LETTERS)
    monkeypatch.setattr(pretrain, "accuracy", lambda model, bank: accuracy(model, bank, n=16))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def kill_after(step: int, monkeypatch) -> None:
    save = resume.save

    def save_and_die(*arguments, **state):
        save(*arguments, **state)
        if state["step"] == step:
            raise Killed

    monkeypatch.setattr(resume, "save", save_and_die)


def test_training_leaves_a_checkpoint_that_loads(tmp_path):
    summary = pretrain.train(tmp_path / "new", steps=3)
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [
        "README.md", "config.json", "model.safetensors", "training.json",
    ]  # fmt: skip
    config = json.loads((tmp_path / "new" / "config.json").read_text(encoding="utf-8"))
    assert config == {
        "architecture": "resnet10", "image_size": 32, "mean": glyphs.MEAN, "std": glyphs.STD,
        "classes": LETTERS,
    }  # fmt: skip
    weights = load_file(tmp_path / "new" / "model.safetensors")
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {torch.float16}
    model = resnet10(8)
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
    assert model.bn1.num_batches_tracked == 3
    assert json.loads((tmp_path / "new" / "training.json").read_text()) == summary
    assert (summary["classes"], summary["steps"], summary["images_seen"], summary["threads"]) == (8, 3, 24, 1)
    assert summary["rendered_glyphs"] == 16 and [entry["step"] for entry in summary["log"]] == [1, 2, 3]


def test_the_model_card_says_what_was_measured(tmp_path):
    summary = pretrain.train(tmp_path, steps=2)
    summary |= {"accuracy_unseen_fonts": 0.4321, "accuracy_training_fonts": 0.875}
    (tmp_path / "training.json").write_text(json.dumps(summary))
    pretrain.write_card(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "0.432" in card and "0.875" in card and "step 2: " in card
    assert "8 printed letters" in card and "CC BY 4.0" in card
    assert "{" not in card  # every field was filled


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    whole = pretrain.train(tmp_path / "whole", steps=4)
    with monkeypatch.context() as patch:
        kill_after(2, patch)
        with pytest.raises(Killed):
            pretrain.train(tmp_path / "killed", steps=4)
    assert [file.name for file in (tmp_path / "killed").iterdir()] == ["resume.pt"]
    steps = []
    sample = GlyphBank.sample
    monkeypatch.setattr(
        GlyphBank, "sample", lambda bank, n, generator: steps.append(n) or sample(bank, n, generator)
    )
    resumed = pretrain.train(tmp_path / "killed", steps=4)
    assert steps.count(8) == 2  # only what was left
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
    assert resumed["log"] == whole["log"]


def test_the_seed_chooses_the_weights(tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        pretrain.train(path, steps=1, seed=seed)
    first, again, other = (load_file(path / "model.safetensors")["conv1.weight"] for path in paths)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_accuracy_counts_hits_and_goes_back_to_training():
    bank = GlyphBank.draw(["a"], ["DejaVuSans.ttf"])
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 2)).train()
    torch.nn.init.zeros_(model[1].weight)
    for bias, expected in (([1.0, 0.0], 1.0), ([0.0, 1.0], 0.0)):
        model[1].bias.data = torch.tensor(bias)
        assert pretrain.accuracy(model, bank) == expected
    assert model.training


def test_the_command_line_trains_where_it_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["glyphs", "--out", str(tmp_path / "x"), "--steps", "1", "--seed", "3"])
    pretrain.main()
    assert (tmp_path / "x" / "model.safetensors").exists()
    shown = capsys.readouterr().out
    printed = json.loads(shown[shown.index("{\n") :])
    assert printed["steps"] == 1 and "log" not in printed
