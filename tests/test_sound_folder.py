"""A folder of recordings as a task."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from ftlib import adapt, catalog, export, recipes, tasks
from ftlib.own import checks, from_folder
from ftlib.own.folders import look_into
from ftlib.own.sounds import SoundFolder
from ftlib.recipes import compare
from ftlib.speech import audio, clips

WORDS = {1: "one", 7: "seven"}
SETTINGS = {"head": {"lr": 0.01, "steps": 40}, "svm": {"C": 10.0, "gamma": 0.003}}


@pytest.fixture
def folder(tmp_path):
    """Two words, twelve recordings each, in four voices; one is at 44.1 kHz in stereo."""
    found = clips.shipped("spoken-digits", split="train")
    count = dict.fromkeys(WORDS, 0)
    for wave, about in zip(found.waves, found.about, strict=True):
        if about["label"] in WORDS and count[about["label"]] < 12:
            number = count[about["label"]]
            path = tmp_path / "words" / WORDS[about["label"]] / f"p{number % 4}_{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            audio.write(path, wave)
            count[about["label"]] += 1
    return tmp_path / "words"


def test_a_folder_of_recordings_becomes_a_task(folder):
    import soundfile

    wave = audio.read(folder / "one" / "p0_0.wav").wave.numpy()
    soundfile.write(folder / "one" / "p0_0.wav", np.stack([np.repeat(wave, 4)] * 2, 1), 32_000)
    (folder / "one" / "cover.png").write_bytes(b"no matter")
    (folder / "seven" / "broken.wav").write_bytes(b"RIFF")
    (folder / "seven" / "short.wav").write_bytes(b"")
    task = from_folder(folder, group=r"(p\d)_")
    assert isinstance(task, SoundFolder) and (task.classes, task.domain) == (["one", "seven"], "speech")
    assert repr(task).startswith("words: 24 examples of 2 classes (one 12, seven 12).")
    assert [name for name, _ in task.skipped] == ["seven/broken.wav", "seven/short.wav"]
    assert "one/p0_0.wav: 2 channels were mixed down to one." in repr(task)
    assert "Left out as of another kind: 1 (one 1), such as one/cover.png" in repr(task)
    assert (task.items.groupby("group").split.nunique() == 1).all()
    preview = task.preview(each=2)
    assert preview.label.tolist() == ["one", "one", "seven", "seven"] and preview.seconds.between(0.2, 2).all()
    assert len(task.sample(2, seed=0)) == 4 and sorted(task.sample(2, seed=0).column("label")) == [0, 0, 1, 1]


def test_own_recordings_run_through_compare_and_the_checks(folder):
    data = (folder / "one" / "p0_0.wav").read_bytes()
    (folder / "one" / "again.wav").write_bytes(data)
    quieter = audio.read(folder / "seven" / "p1_1.wav").wave * 0.5
    audio.write(folder / "seven" / "quieter.wav", quieter)
    task = from_folder(folder, settings=SETTINGS)
    table = compare(task, ["head", "svm"], budgets=[4], seeds=1, progress=False, settings=SETTINGS)
    assert table.score[0] >= 0.9 and table.source_score.isna().all(), table
    assert task.features().shape == (26, 160) and task.fingerprints().shape == (26, 160)
    found = checks.duplicates(task)
    assert set(found.table.id) == {"one/again.wav", "one/p0_0.wav", "seven/quieter.wav", "seven/p1_1.wav"}
    assert found.table.kind.tolist().count("exact") == 2
    assert task.settings == SETTINGS


def test_own_recordings_need_no_settings(folder):
    task = from_folder(folder)
    few = task.sample(4, seed=0)
    rows = [recipes.run("head", task, 4, seed, score_source=False).row for seed in range(5)]
    assert len(few) == 8 and np.mean([row["score"] for row in rows]) >= 0.9, rows  # one clip of eight is luck
    assert all(row["steps"] >= recipes.tuned(task)["head"]["steps"] > 0 for row in rows)


def test_the_kind_of_a_folder_is_what_most_of_its_files_are(folder, tmp_path):
    assert look_into(folder).kind == "recording"
    for number in range(30):
        (folder / "one" / f"{number}.png").write_bytes(b"x")
    assert look_into(folder).kind == "picture"
    with pytest.raises(ValueError, match="no picture that can be read"):
        from_folder(folder)


def test_a_backbone_for_pictures_does_not_listen(folder):
    with pytest.raises(ValueError, match="no backbone 'photo' for recordings: choose from speech-wavenet"):
        from_folder(folder, backbone="photo")


@pytest.fixture
def saved(folder, tmp_path):
    task = from_folder(folder, settings=SETTINGS)
    torch.manual_seed(0)
    model = task.pretrained()
    adapt.replace_head(model, task.n_outputs, seed=0)
    return task, model.eval(), export.save(model, task, tmp_path / "saved")


def test_a_saved_model_for_recordings_answers_alike_here_and_where_ftlib_is_unknown(saved, folder, tmp_path):
    task, model, place = saved
    assert f"({catalog.entry('speech-wavenet').licence}:" in (place / "README.md").read_text()
    again, path = export.load(place), folder / "one" / "p0_0.wav"
    with torch.no_grad():
        wanted = model(audio.log_mel(audio.read(path).wave)[None]).softmax(1)[0]
    found = again.predict(path)
    assert [found[name] for name in task.classes] == pytest.approx(wanted.tolist(), abs=1e-5)
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    block = "import sys; sys.modules['ftlib'] = None"
    program = f"{block}\nimport runpy\nrunpy.run_path('predict.py', run_name='__main__')"
    command = [sys.executable, "-c", program, str(path), str(tmp_path / "bad.wav")]
    environment = os.environ | {"PYTHONPATH": "."}
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300, env=environment)
    assert f"{path}: {next(iter(found))} (" in done.stdout and done.returncode == 1, done.stderr
    assert "bad.wav is damaged" in done.stderr
    with pytest.raises(FileExistsError, match="exists"):
        export.save(model, task, place)
    assert export.save(model, task, place, overwrite=True) == place


def test_what_cannot_be_saved_is_refused(saved, tmp_path):
    task, model, _ = saved
    adapt.replace_head(model, 3, seed=0)
    with pytest.raises(ValueError, match="only a model with 2 outputs, one a class, can be saved, but this one has 3"):
        export.save(model, task, tmp_path / "other")
    with pytest.raises(ValueError, match="medical_dictation writes down what is said"):
        export.save(model, tasks.get("medical_dictation"), tmp_path / "other")
    (tmp_path / "saved" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match="holds no model for recordings that can be loaded"):
        export.load(tmp_path / "saved")


def test_the_onnx_file_and_the_page_of_a_sound_model_answer_like_it(saved, folder):
    pytest.importorskip("onnxscript")
    pytest.importorskip("gradio")
    _, model, place = saved
    file, path = export.to_onnx(place), folder / "seven" / "p1_1.wav"
    x = export.load(place).inputs(path)
    with torch.no_grad():
        assert np.allclose(export.run_onnx(file, {"sounds": x.numpy()}), model(x).numpy(), atol=1e-3)
    assert export.page(place).fn(str(path)) == pytest.approx(export.load(place).predict(path))
    with pytest.raises(Exception, match="Record a sound first"):
        export.page(place).fn(None)
