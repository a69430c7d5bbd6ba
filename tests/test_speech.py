"""Spoken digits and dictation as tasks, on the shipped digits and on a small collection made here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from authoring import stamp
from authoring.pretrain.speech_clips import Spoken, write_collection
from authoring.pretrain.wavenet_export import export
from ftlessons.lesson13.recorded_digits import RecordedDigits
from ftlib import catalog, models, recipes, tasks
from ftlib.models.wavenet import WaveNet
from ftlib.speech import audio, clips, ctc
from ftlib.speech import tasks as speech
from ftlib.speech.transcription import GeneralSpeech

SPLITS = ("train", "tune", "tune_valid", "test")
SETTINGS = {name: {"lr": 1e-3, "steps": 2} for name in ("scratch", "top", "full", "head", "head_then_all")}
SENTENCES = ["give ten milligrams", "the lungs are clear", "no acute distress", "follow up in a week", "it is normal"]
NETWORK = {"channels": 8, "stacks": 1}
RECORD = {
    "steps": 1, "batch": 1, "lr": 0.1, "minutes": 1, "audio_hours": 1, "hours": 1, "sentences": 1, "valid": 1, "cer": 1,
    "wer": 1, "noisy_cer": 1, "noisy_wer": 1, "log": [],
}  # fmt: skip


def sound(seed: int, seconds: float = 1.5) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(int(seconds * 8000)).astype(np.float32) * 0.1


def collection() -> list[Spoken]:
    found = []
    for part in ("medical-train", "medical-test", "legal-train", "legal-test", "general-train", "general-test"):
        for i, text in enumerate(SENTENCES * 4):
            about = {"part": part, "voice": f"voice{i % 4}", "text": text, "terms": text.split()[:1]}
            found.append(Spoken(f"{part}-voice{i % 4}", sound(i), about))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A data folder with a tiny network and a tiny collection."""
    folder = tmp_path_factory.mktemp("data")
    torch.manual_seed(0)
    export(folder / "net", WaveNet(**NETWORK), NETWORK, RECORD)
    write_collection(folder / "dictation", collection(), megabytes=2)
    (folder / "dictation" / "words.txt").write_text("the\nand\nclear\n", encoding="utf-8")
    entries = []
    for name, where, kind in (("speech-wavenet", "net", "checkpoint"), ("dictation", "dictation", "dataset")):
        files = ", ".join(
            f'{{ path = "{path.name}", size = 0, sha256 = "" }}' for path in sorted((folder / where).iterdir())
        )
        entries.append(
            f'[{name}]\nkind = "{kind}"\ntitle = "x"\nlicence = "x"\nfiles = [{files}]\n'
            f'sources = [{{ from = "data", path = "{where}" }}]\n'
        )
    (folder / "catalog.toml").write_text("\n".join(entries), encoding="utf-8")
    return folder


@pytest.fixture
def shelf(folder, monkeypatch) -> Iterator[None]:
    """The small data folder in place of the course's own."""
    monkeypatch.setattr(catalog, "data_dir", lambda: folder)
    for name in ("speech-wavenet", "dictation"):
        stamp.stamp(name)
    for cached in (clips._index, clips._sound):
        cached.cache_clear()
    yield
    for cached in (clips._index, clips._sound):
        cached.cache_clear()


@pytest.fixture
def medical(shelf) -> speech.MedicalDictation:
    return speech.MedicalDictation()


# dictation


def test_the_clips_come_back_as_they_were_written(medical):
    data = medical.split("train")
    assert len(data) == 20 and sorted(set(data.column("text"))) == sorted(SENTENCES)
    by_place = {(row["voice"], row["start"]): wave for row, wave in zip(data.about, data.waves, strict=True)}
    for seed, (voice, start) in enumerate(sorted(by_place, key=lambda place: (place[1], place[0]))):
        assert np.corrcoef(by_place[voice, start].numpy(), sound(seed))[0, 1] > 0.5


def test_tuning_spends_no_sentence_of_the_field(medical):
    for name in ("tune", "tune_valid"):
        assert {row["part"] for row in medical.split(name).about} == {"legal-train"}
    tune, valid = (set(medical.split(name).column("voice")) for name in ("tune", "tune_valid"))
    assert tune and valid and not tune & valid
    assert {row["part"] for row in speech.LegalDictation().split("tune").about} == {"medical-train"}
    with pytest.raises(ValueError, match="no split 'valid'"):
        medical.split("valid")


def test_a_budget_is_minutes_of_audio(medical):
    quarter, again, other = medical.sample(0.25, 0), medical.sample(0.25, 0), medical.sample(0.25, 1)
    assert len(quarter) == 10 and quarter.minutes == pytest.approx(0.25, abs=0.03)
    assert [w.tobytes() for w in map(torch.Tensor.numpy, quarter.waves)] == [
        w.tobytes() for w in map(torch.Tensor.numpy, again.waves)
    ]
    assert quarter.column("text") != other.column("text")
    with pytest.raises(ValueError, match="train has 0.5 minutes"):
        medical.sample(3, 0)
    with pytest.raises(ValueError, match="budget is 0"):
        medical.sample(0, 0)


def test_transcripts_and_scores(medical):
    model = medical.pretrained()
    table = medical.transcripts(model)
    assert list(table.columns) == ["said", "read", "voice", "terms"] and len(table) == 20
    score = medical.evaluate(model)
    assert score.value == 1 - ctc.word_error_rate(table.said.tolist(), table.read.tolist())
    assert score.higher_is_better and score.n == 20
    words = medical.lexicon(["give ten milligrams"])
    with_words = medical.transcripts(model, words=words, width=4, unknown=None)
    listed = {"give", "ten", "milligrams", "the", "and", "clear"}
    assert {word for text in with_words.read for word in text.split()} <= listed
    assert medical.lexicon(field=True).unknown(SENTENCES) == 0 < medical.lexicon().unknown(SENTENCES)


@pytest.mark.parametrize("name", ["zero_shot", "scratch", "top", "full"])
def test_recipes_run_and_keep_the_head(medical, name):
    run = recipes.run(name, medical, 0.25, settings=SETTINGS)
    assert run.row["budget_unit"] == "minutes of audio" and np.isfinite(run.row["score"])
    assert (run.row["source_score"] is None) == (name == "scratch")
    before = medical.pretrained().state_dict()
    moved = [key for key, value in run.model.state_dict().items() if not torch.equal(value, before[key])]
    assert any(key.startswith("head") for key in moved) == (name != "zero_shot")
    assert any(key.startswith("stem") for key in moved) == (name in ("scratch", "full"))


def test_the_rivals_run(medical):
    for name, unknown in (("lexicon", 4.0), ("closed_lexicon", None)):
        settings = {name: {"weight": 0.6, "unknown": unknown, "width": 4}}
        assert np.isfinite(recipes.run_rival(name, medical, 0.25, 0, settings=settings)["score"])
    assert set(medical.grid) - set(medical.rivals()) <= set(recipes.RECIPES)
    assert {len(recipes.candidates(medical, name)) for name in medical.grid} == {6}


def test_clips_of_ones_own_can_be_transcribed(medical):
    few = medical.split("test").take([2, 0])
    table, all_of_them = medical.transcripts(medical.pretrained(), few), medical.transcripts(medical.pretrained())
    assert table.said.tolist() == few.column("text") and table.read.tolist() == all_of_them.read[[2, 0]].tolist()


def test_the_loss_falls_on_what_is_trained(medical):
    data = medical.sample(0.1, 0)
    batch = medical.collate([data[i] for i in range(len(data))])
    model = medical.untrained(0).train()
    optimizer, values = torch.optim.Adam(model.parameters(), 1e-2), []
    for _ in range(15):
        loss = medical.loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    assert values[-1] < 0.6 * values[0]


def test_general_speech_has_sentences_to_test_and_to_mix_in(shelf):
    task = GeneralSpeech()
    assert len(task.split("test")) == 20 and len(task.sample(7, 0)) == 7
    assert task.sample(7, 0).column("text") == task.sample(7, 0).column("text") != task.sample(7, 1).column("text")
    with pytest.raises(ValueError, match="no split 'tune'"):
        task.split("tune")
    with pytest.raises(ValueError, match="train has 20 general sentences"):
        task.sample(21, 0)


def test_random_starts_differ_by_seed_and_leave_the_generator_alone(medical):
    state = torch.random.get_rng_state()
    first, again, other = (medical.untrained(seed).head.weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.random.get_rng_state())


# batches


def test_impossible_targets_are_reported():
    wave = torch.from_numpy(sound(0, 0.3))
    short = clips.Clips([wave], [{"text": "far too many words for this"}])
    with pytest.raises(ValueError, match="needs 28 frames and its recording has 13: leave the clip out"):
        clips.collate([short[0]])
    strange = clips.Clips([wave], [{"text": "10 mg"}])
    with pytest.raises(ValueError, match="small letters"):
        clips.collate([strange[0]])


def test_scores_do_not_depend_on_the_batch(shelf):
    model = models.load("speech-wavenet")
    data = clips.Clips([torch.from_numpy(sound(i, 0.3 + 0.2 * i)) for i in range(5)], [{"label": i} for i in range(5)])
    together, alone = clips.scores_of(model, data), [clips.scores_of(model, data.take([i]))[0] for i in range(5)]
    for a, b in zip(together, alone, strict=True):
        assert a.shape == b.shape and torch.allclose(a, b, atol=1e-4)
    with clips.spelling(model, on=False):
        assert clips.scores_of(model, data)[2].shape == (29,)
    assert not model.pooled


# digits


@pytest.fixture(scope="module")
def digits() -> speech.SpokenDigits:
    return speech.SpokenDigits()


def test_the_digits_ship_in_voices_that_are_in_one_split_only(digits):
    voices = {name: set(digits.split(name).column("voice")) for name in SPLITS}
    assert [len(digits.split(name)) for name in SPLITS] == [400, 180, 180, 250]
    assert sum(map(len, voices.values())) == len(set.union(*voices.values())) == 16
    for name in SPLITS:
        data = digits.split(name)
        assert set(data.column("label")) == set(range(10))
        assert all(0.2 < len(wave) / audio.RATE < 3 for wave in data.waves)


def test_a_budget_is_clips_a_word(digits):
    drawn = digits.sample(3, seed=0)
    assert sorted(drawn.column("label")) == sorted(list(range(10)) * 3)
    assert drawn.column("file") != digits.sample(3, seed=1).column("file")
    with pytest.raises(ValueError, match="budget is 41: train has 40 examples of 'zero'"):
        digits.sample(41, 0)


def test_digit_recipes_run(shelf, tmp_path):
    for digit in range(10):
        for speaker in ("ann", "bob"):
            for take in range(2):
                soundfile.write(tmp_path / f"{digit}_{speaker}_{take}.wav", sound(digit, 0.4), 8000)
    task = RecordedDigits(tmp_path)
    for name in ("scratch", "head", "head_then_all"):
        run = recipes.run(name, task, 1, settings=SETTINGS)
        assert 0 <= run.row["score"] <= 1 and run.model.head.out_features == 10
        assert (run.row["source_score"] is None) == (name == "scratch")


# recordings of one's own


def test_recordings_are_split_by_speaker(tmp_path):
    for speaker in ("ann", "bob", "cy_d"):
        for take in range(2):
            soundfile.write(tmp_path / f"7_{speaker}_{take}.wav", sound(take, 0.4), 8000)
    (tmp_path / "8_ann_0.wav").write_bytes(b"no sound")
    (tmp_path / "notes_of_mine.wav").write_bytes(b"")
    task = RecordedDigits(tmp_path)
    assert task.speakers == {"train": ["ann", "bob"], "test": ["cy_d"]}
    assert len(task.split("train")) == 4 and len(task.split("test")) == 2
    assert len(task.skipped) == 2 and any("8_ann_0.wav is damaged" in line for line in task.skipped)
    assert RecordedDigits(tmp_path, test=["ann"]).speakers["test"] == ["ann"]
    with pytest.raises(ValueError, match="no split 'tune'"):
        task.split("tune")
    for test in ([], ["eve"], ["ann", "bob", "cy_d"]):
        with pytest.raises(ValueError, match="name some of the speakers"):
            RecordedDigits(tmp_path, test=test)


def test_recordings_that_are_cut_at_the_word_get_silence_around(tmp_path):
    for speaker in ("ann", "bob"):
        soundfile.write(tmp_path / f"7_{speaker}_0.wav", sound(3, 0.4), 8000)
    cut, padded = (RecordedDigits(tmp_path, margin=m).split("test").waves[0] for m in (0, 0.25))
    assert len(padded) == len(cut) + 4000 and torch.equal(padded[2000:-2000], cut)
    assert not padded[:2000].any() and not padded[-2000:].any()
    assert len(RecordedDigits(tmp_path).split("test").waves[0]) == len(cut) + 2 * round(audio.MARGIN * 8000)
    with pytest.raises(ValueError, match="the margin is -1 s"):
        RecordedDigits(tmp_path, margin=-1)


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(ValueError, match="no folder"):
        RecordedDigits(tmp_path / "none")
    with pytest.raises(ValueError, match="has no recording named"):
        RecordedDigits(tmp_path)
    soundfile.write(tmp_path / "7_ann_0.wav", sound(0, 0.4), 8000)
    with pytest.raises(ValueError, match="one speaker, ann"):
        RecordedDigits(tmp_path)


def test_the_dictionary_knows_every_word_that_is_said():
    task = tasks.get("medical_dictation")
    known = task.dictionary()
    assert all(word in known for text in task.split("test").column("text") for word in text.split())
    assert "the" in known and "hepatosplenomegalyx" not in known
