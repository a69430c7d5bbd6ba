"""Sentences, voices, shards and the pre-training run of the speech recogniser."""

from __future__ import annotations

import copy
import itertools
import json
import random
import shutil
import sys
from itertools import islice

import numpy as np
import pytest
import torch

from authoring.pretrain import (
    dictation,
    speech_data,
    speech_phrases,
    speech_text,
    speech_voices,
    spoken_digits,
    wavenet,
)
from authoring.pretrain.muon import MuonAdamW
from authoring.pretrain.speech_batches import Pool, Recordings, another_tempo, another_throat, distort
from authoring.pretrain.speech_clips import Spoken, kbit_for, write_collection
from authoring.pretrain.speech_voices import GROUPS, Manner
from authoring.pretrain.wavenet_export import milestones
from ftlib.models.wavenet import WaveNet
from ftlib.speech import audio, ctc

WIKI = """ = A heading = \n
 In 1999 , the <unk> came to St. Petersburg , where it was well @-@ known by 3 @,@ 000 people . It 's a short one .
 The so @-@ called " second " bridge didn 't open until 21 July 2005 , after $ 4 @.@ 5 million had been spent on it .
 He ran 5 km in 19 @.@ 5 minutes ; nobody else at the 2nd race of the 1980s could follow him for that long a way to go .
"""
needs_espeak = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("espeakng_loader") is None, reason="espeak-ng is not installed"
)


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "wikitext"
    folder.mkdir()
    words = itertools.product("old new red big".split(), "cat dog hen cow fox".split(), "king cook poet judge".split())
    animals = [f"The {a} {b} was seen by the {c} ." for a, b, c in words]
    for name in ("valid.txt", "test.txt"):
        (folder / name).write_text(WIKI + "\n ".join(animals), encoding="utf-8")
    speech_data._prose.cache_clear()
    return folder


# sentences


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("In 1984, the 3rd try.", "in nineteen eighty four the third try"),
        ("1,204 people; 3.05 kg", "one thousand two hundred four people three point zero five kilograms"),
        ("Dr. O'Neil's 1990s café", "doctor o'neil's nineteen nineties cafe"),
        ("The NATO and the BBC", "the nato and the b b c"),
        ("$ 3 million, 20 %", "three million dollars twenty percent"),
        ("What's 'quoted' here we'll see", "what's quoted here we'll see"),
        ("2000 or 2007", "two thousand or two thousand seven"),
    ],
)
def test_spoken_form(written, spoken):
    assert speech_text.spoken_form(written) == spoken
    assert speech_text.spoken_form(spoken) == spoken


@pytest.mark.parametrize("text", ["H₂O is π", "", "123456789012", "sqft of xkcd", "a_b"])
def test_what_is_not_plain_is_left_out(text):
    assert speech_text.spoken_form(text) is None


def test_numbers_in_words():
    assert speech_text.number(0) == "zero" and speech_text.number(1_000_001) == "one million one"
    assert [speech_text.ordinal(n) for n in (1, 2, 3, 11, 40, 100)] == [
        "first", "second", "third", "eleventh", "fortieth", "one hundredth",
    ]  # fmt: skip


def test_clauses_are_clean(texts):
    found = list(speech_text.clauses(texts / "valid.txt"))
    assert "where it was well known by three thousand people" in found
    assert "it's a short one" in found
    for clause in found:
        assert speech_text.SPOKEN.fullmatch(clause) and 3 <= len(clause.split()) <= 16
        ctc.encode(clause)
    assert not any("heading" in clause or "unk" in clause for clause in found)


def test_phrases_can_be_spelled_and_vary():
    rng = random.Random(0)
    found = [speech_phrases.phrase(rng) for _ in range(3000)]
    assert len(set(found)) > 2000
    assert all(speech_text.SPOKEN.fullmatch(text) for text in found)


def test_validation_sentences_are_never_trained_on(texts):
    train = set(islice(speech_data.sentences(texts, seed=0), 3000))
    valid = set(islice(speech_data.sentences(texts, seed=0, valid=True), 300))
    assert valid and not train & valid
    again = set(islice(speech_data.sentences(texts, seed=0), 3000))
    assert train == again
    (texts / "valid.txt").write_text(" = Nothing = ", encoding="utf-8")
    (texts / "test.txt").write_text("", encoding="utf-8")
    speech_data._prose.cache_clear()
    with pytest.raises(ValueError, match="hold no clause"):
        next(speech_data.sentences(texts, seed=0))


def test_word_lists_stand_between_the_sentences_and_hold_no_held_out_one(texts):
    sentences = list(islice(speech_data.sentences(texts, seed=1), 600))
    mixed = list(islice(speech_data.with_word_lists(texts, seed=1), 600))
    lists = [text for text in mixed if text not in set(sentences)]
    assert 100 < len(lists) < 300 and not any(map(speech_data.held_out, mixed))
    trained_on = {word for c in speech_data._prose(texts) if not speech_data.held_out(c) for word in c.split()}
    assert all(3 <= len(text.split()) <= 9 and set(text.split()) <= trained_on for text in lists)


# voices


def test_no_voice_is_in_two_groups():
    voices = [voice for group in GROUPS.values() for voice in group]
    assert len(voices) == len(set(voices)) and len(GROUPS["pretrain"]) >= 40
    assert sorted(v for names in spoken_digits.VOICES.values() for v in names) == sorted(GROUPS["digits"])
    assert set(speech_voices.available("valid")) == set(GROUPS["valid"])
    with pytest.raises(ValueError, match="no group of voices 'tests'"):
        speech_voices.available("tests")


@needs_espeak
def test_speed_and_pitch_are_heard():
    text = "please open the old window before the storm"
    slow, rate = speech_voices.say(text, Manner("m1", speed=0.7))
    fast, _ = speech_voices.say(text, Manner("m1", speed=1.4))
    assert rate == 22050 and len(slow) > 1.6 * len(fast)
    assert np.abs(slow).max() <= 1 and slow.dtype == np.float32
    other, _ = speech_voices.say(text, Manner("m1", pitch=1.5))
    usual, _ = speech_voices.say(text, Manner("m1"))
    assert other.shape != usual.shape or not np.array_equal(other, usual)


@needs_espeak
def test_unknown_voices_and_silence_are_refused():
    with pytest.raises(ValueError, match="no voice 'nobody'"):
        speech_voices.say("hello", Manner("nobody"))
    with pytest.raises(ValueError, match="no accent 'xx'"):
        speech_voices.say("hello", Manner("m1", accent="xx"))
    with pytest.raises(ValueError, match="gave no sound"):
        speech_voices.say(" ", Manner("m1"))
    with pytest.raises(ValueError, match="flite has no voice 'nobody'"):
        speech_voices.say("hello", Manner("flite:nobody"))


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
def test_flite_speaks():
    wave, rate = speech_voices.say("hello there", Manner("flite:slt", speed=1.2))
    assert rate == 16000 and 0.4 < len(wave) / rate < 2


# shards


@pytest.fixture
def shard(texts, monkeypatch) -> speech_data.Shard:
    """A shard of eight sentences, without a synthesiser: noise as long as the sentence."""

    def say(text: str, manner: Manner) -> tuple[np.ndarray, int]:
        n = 22050 * (1 + len(text) // 14)
        return np.random.default_rng(len(text)).standard_normal(n).astype(np.float32) * 0.1, 22050

    monkeypatch.setattr(speech_voices, "say", say)
    return speech_data.make_shard(texts, index=1, size=8)


def test_a_shard_holds_what_was_said(shard, tmp_path):
    assert len(shard.texts) == len(shard.voices) == 8 and shard.starts[-1] == len(shard.features)
    assert shard.features.dtype == np.uint8 and shard.features.max() == 255
    assert not any(speech_data.held_out(text) for text in shard.texts)
    assert set(shard.voices) <= set(GROUPS["pretrain"])
    for text, n in zip(shard.texts, np.diff(shard.starts), strict=True):
        assert n // 2 >= ctc.frames_needed(text)
    shard.save(tmp_path / "a.npz")
    again = speech_data.Shard.load(tmp_path / "a.npz")
    assert again.texts == shard.texts and np.array_equal(again.features, shard.features)


def test_quantised_pictures_are_close():
    wave = np.sin(np.arange(8000) * 0.3).astype(np.float32)
    exact = audio.log_mel(torch.from_numpy(wave))
    assert np.abs(speech_data.quantised(wave).T / speech_data.LEVELS - exact.numpy()).max() < 0.01


def test_batches_depend_on_the_step_alone(shard, tmp_path):
    shard.save(tmp_path / "train_000.npz")
    train = Recordings(Pool.read([tmp_path / "train_000.npz"] * 3))
    first, again, other = (train.batch(step, 4, seed=0) for step in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    x, targets, lengths, target_lengths = first
    assert x.shape[:2] == (4, 64) and x.shape[2] >= lengths.max() and 0 <= x.min() and x.max() <= 4
    assert (lengths // 2 >= target_lengths).all()
    assert len(targets) == target_lengths.sum() and first[0].shape != other[0].shape or not torch.equal(x, other[0])
    seen = torch.cat([train.indices(step, 4, 0) for step in range(6)])
    assert sorted(seen.tolist()) == list(range(24))
    with pytest.raises(FileNotFoundError, match="no shards"):
        Pool.read([])


def test_masking_is_light_and_padding_stays_silent():
    x = torch.rand(4, 64, 100) * 3 + 0.5
    x[1, :, 60:] = 0
    y = distort(x, torch.tensor([100, 60, 100, 100]), torch.Generator().manual_seed(0))
    assert not y[1, :, 60:].any() and not torch.equal(x, y)
    assert (y[0] == 0).float().mean() < 0.4 and y.amax() <= 4.0001


def test_another_tempo_keeps_what_ctc_needs():
    x, lengths = torch.rand(3, 64, 100), torch.tensor([100, 90, 80])
    for seed in range(20):
        y, new = another_tempo(x, lengths, torch.tensor([60, 88, 10]), torch.Generator().manual_seed(seed))
        assert new[1] >= 88 and abs(new[0] / 100 - y.shape[2] / 100) < 0.02 and 97 <= y.shape[2] <= 119
    y, new = another_tempo(x, lengths, torch.zeros(3), torch.Generator().manual_seed(0))
    assert torch.allclose(y.mean((1, 2)), x.mean((1, 2)), atol=0.02) and new.tolist() != lengths.tolist()


def test_another_throat_moves_the_bands():
    x = torch.zeros(40, 64, 5)
    x[:, 40] = 1
    y = another_throat(x, torch.Generator().manual_seed(0))
    centre = (y.sum(2) * torch.arange(64)).sum(1) / y.sum((1, 2))
    assert 35 < centre.min() < 38 and 42 < centre.max() < 46 and y.max() <= 1
    assert torch.allclose(another_throat(torch.ones(2, 64, 5), torch.Generator()), torch.ones(2, 64, 5), atol=1e-5)


# the run


def test_both_halves_of_the_optimizer_step_and_go_on():
    torch.manual_seed(0)
    model = WaveNet(channels=8)
    optimizer = MuonAdamW(model, 1e-3, 1e-3, apart=("stem", "head"))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    model(torch.rand(2, 64, 20)).square().sum().backward()
    optimizer.step(0.5)
    assert all(p.grad is None and not torch.equal(p, before[name]) for name, p in model.named_parameters())
    change = (model.blocks1[0].mix.weight - before["blocks1.0.mix.weight"]).detach().flatten(1)
    sizes = torch.linalg.svdvals(change)
    assert sizes.max() < 3 * sizes.min()  # of one size in all directions
    other = WaveNet(channels=8)
    other.load_state_dict(model.state_dict())
    again = MuonAdamW(other, 1e-3, 1e-3, apart=("stem", "head"))
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for network, steps in ((model, optimizer), (other, again)):
        network(torch.ones(1, 64, 20)).square().sum().backward()
        steps.step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    optimizer.step(0.0)  # without gradients nothing moves
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_the_rate_rises_stays_and_falls():
    assert wavenet.rate_factor(0, 0, 100) < 0.01
    assert wavenet.rate_factor(10_000, 50, 100) == 1
    assert wavenet.rate_factor(10_000, 90, 100) == pytest.approx(0.4)
    assert wavenet.rate_factor(10_000, 120, 100) == 0


def test_a_killed_run_goes_on_and_exports(shard, texts, tmp_path, monkeypatch, capsys):
    shards = tmp_path / "work" / "shards"
    shards.mkdir(parents=True)
    for name in ("train_000", "valid", "valid_noisy"):
        shard.save(shards / f"{name}.npz")
    pool = Pool.read([shards / "train_000.npz"])
    trainer = wavenet.Trainer(tmp_path / "work", 1.5, channels=8, batch=4)
    trainer.run(Recordings(pool), pool, pool, every=0.5)
    assert trainer.state["cooling"] and (tmp_path / "work" / wavenet.STABLE).exists()
    assert [entry["step"] for entry in trainer.state["log"]] == sorted(e["step"] for e in trainer.state["log"])
    again = wavenet.Trainer(tmp_path / "work", 1.5, channels=8, batch=4)
    assert again.state["step"] == trainer.state["step"] > 1
    assert torch.equal(again.model.head.weight, trainer.model.head.weight)
    longer = wavenet.Trainer(tmp_path / "work", 3.0, channels=8, batch=4, prolong=True)
    assert not longer.state["cooling"] and longer.state["step"] < trainer.state["step"]
    out = ["--work", str(tmp_path / "work"), "--channels", "8", "--batch", "4", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["wavenet", "export", *out])
    wavenet.main()
    assert json.loads((tmp_path / "out" / "config.json").read_text())["network"] == {"channels": 8}
    assert "8 channels" in (tmp_path / "out" / "README.md").read_text()
    from safetensors.torch import load_file

    weights = load_file(tmp_path / "out" / "model.safetensors")
    WaveNet(channels=8).load_state_dict(weights)
    assert torch.allclose(weights["head.weight"].float(), again.average.module.head.weight, atol=1e-3)


def test_a_run_of_another_kind_is_not_mixed_in(tmp_path):
    small = wavenet.Trainer(tmp_path, 1, channels=8)
    wavenet.resume.save(tmp_path / wavenet.STATE, small.call, small.parts, **small.state)
    with pytest.raises(ValueError, match="channels is 8 there and 16 here"):
        wavenet.Trainer(tmp_path, 1, channels=16)


def test_milestones_end_with_the_last():
    log = [{"audio_hours": float(i), "cer": 1 / (i + 1)} for i in range(20)]
    assert milestones(log).endswith("19 h: 5.0%") and milestones([]) == ""


# data sets


def test_a_collection_fits_its_size(tmp_path):
    rng = np.random.default_rng(0)
    clips = [Spoken("a", rng.standard_normal(16000).astype(np.float32), {"text": "x"}) for _ in range(20)]
    rows = write_collection(tmp_path, clips, megabytes=0.05)
    assert (tmp_path / "a.opus").stat().st_size < 0.05e6
    assert json.loads((tmp_path / "clips.json").read_text()) == rows
    assert all(a["end"] < b["start"] for a, b in zip(rows, rows[1:], strict=False))
    assert kbit_for(60, 100) == 16 and kbit_for(3600, 3.6) == pytest.approx(7.2)
    with pytest.raises(ValueError, match="no clip"):
        write_collection(tmp_path, [], 1)


def lines(**changes) -> list[dict]:
    row = {"text": "The 2nd dose was 10 mg.".replace("mg", "milligrams"), "terms": ["10 milligrams"]} | changes
    return [
        {"domain": d, "pass": p, **row, "text": f"{d} {p}: {row['text']}"} for d in dictation.DOMAINS[:2] for p in "AB"
    ]


def write(folder, rows) -> None:
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def test_dictation_sentences_are_read_as_they_are_spoken(tmp_path):
    write(tmp_path, [{"text": "a plain one", "domain": "general", "pass": "A"}, *lines()])
    found = dictation.read_sentences(tmp_path)
    assert [s.part for s in found] == ["medical-train", "medical-test", "legal-train", "legal-test", "general-train"]
    assert found[0].text == "medical a the second dose was ten milligrams" and found[0].terms == ("ten milligrams",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lines(terms=["aspirin"]), "line 1: the term 'aspirin' does not occur"),
        (lines(text="sqft", terms=[]), "line 1.*cannot be read aloud"),
        ([*lines(), lines()[0]], "line 5.*stands there twice"),
        (lines()[:3], "no sentence for legal-test"),
        ([{"text": "a"}], "line 1 is no sentence"),
        ([{"text": "a", "domain": "cooking", "pass": "A"}], "domain 'cooking'"),
    ],
)
def test_bad_dictation_lines_are_named(tmp_path, rows, message):
    write(tmp_path, rows)
    with pytest.raises(ValueError, match=message):
        dictation.read_sentences(tmp_path)


def test_dictation_voices_take_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(speech_voices, "say", lambda text, how: (np.ones(22050 * 5, np.float32) * 0.1, 22050))
    sentences = [dictation.Sentence(f"sentence {'abcdefghijkl'[i]}", part) for part in ("legal-train", "legal-test")
                 for i in range(12)]  # fmt: skip
    found = [clip.about for clip in dictation.clips(sentences)]
    for part, group in (("legal-train", "dictation_train"), ("legal-test", "dictation_test")):
        voices = [about["voice"] for about in found if about["part"] == part]
        assert sorted(voices) == sorted(GROUPS[group] * 2)
    too_long = [dictation.Sentence("a " * 150 + "a", "legal-train")]
    with pytest.raises(ValueError, match="needs 301 frames"):
        list(dictation.clips(too_long))


def test_general_sentences_and_words(texts):
    general = dictation.general_sentences(texts, 3)
    assert len({s.text for s in general}) == 3 and all(speech_data.held_out(s.text) for s in general)
    words = dictation.general_words(texts, 20, sentences=500)
    assert "the" in words and len(words) == 20
