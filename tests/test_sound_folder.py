"""A folder of recordings as a task."""

from __future__ import annotations

import numpy as np
import pytest

from ftlib import audio, data_checks
from ftlib.recipes import compare
from ftlib.tasks import clips
from ftlib.tasks.folders import kind_of
from ftlib.tasks.own import from_folder
from ftlib.tasks.sound_folder import SoundFolder

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
    assert "1 file is ignored, being no recording in a class folder: .png" in repr(task)
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
    found = data_checks.duplicates(task)
    assert set(found.table.id) == {"one/again.wav", "one/p0_0.wav", "seven/quieter.wav", "seven/p1_1.wav"}
    assert found.table.kind.tolist().count("exact") == 2
    assert task.settings == SETTINGS


def test_the_kind_of_a_folder_is_what_most_of_its_files_are(folder, tmp_path):
    assert kind_of(folder) == "recording" and kind_of(tmp_path / "nowhere") == "picture"
    for number in range(30):
        (folder / "one" / f"{number}.png").write_bytes(b"x")
    assert kind_of(folder) == "picture"
    with pytest.raises(ValueError, match="no picture that can be read"):
        from_folder(folder)


def test_a_backbone_for_pictures_does_not_listen(folder):
    with pytest.raises(ValueError, match="no backbone 'glyph-resnet10' for recordings yet: choose from speech-wavenet"):
        from_folder(folder, backbone="glyph-resnet10")
