"""The full profile's speech: Speech Commands in its own layout, and a tiny wav2vec 2.0 through the real loaders."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import soundfile
import torch

from ftlessons.lesson13 import speech_public, wav2vec
from ftlib import adapt, recipes
from ftlib.catalog import CatalogError
from ftlib.speech import clips, ctc
from ftlib.speech.tasks import WORDS

SETTINGS = {name: {"lr": 1e-3, "steps": 2} for name in ("scratch", "head", "top", "head_then_all", "full")}
SIGNS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ"]  # as in the model on the hub


def sound(seed: int, seconds: float = 0.3, rate: int = 8000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(int(seconds * rate)).astype(np.float32) * 0.1


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder like the repository's, with a network of four small layers."""
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2ForCTC

    folder = tmp_path_factory.mktemp("wav2vec")
    (folder / "vocab.json").write_text(json.dumps({sign: i for i, sign in enumerate(SIGNS)}))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, vocab_size=len(SIGNS),
        conv_dim=(8,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder


def test_its_head_is_cut_to_our_signs(tiny):
    from transformers import Wav2Vec2ForCTC

    ours, theirs = wav2vec.wav2vec2(tiny), Wav2Vec2ForCTC.from_pretrained(tiny).eval()
    x = torch.randn(1, 1, 8000)
    with torch.no_grad():
        mine, whole = ours(x)[0], theirs(x[:, 0]).logits[0]
    assert mine.shape == (24, ctc.OUTPUTS) and ours.out_lengths(torch.tensor(8000)) == 24
    for i, sign in enumerate(ctc.ALPHABET, start=1):
        there = SIGNS.index({" ": "|", "'": "'"}.get(sign, sign.upper()))
        assert torch.allclose(mine[:, i], whole[:, there], atol=1e-5), sign
    assert torch.allclose(mine[:, ctc.BLANK], whole[:, 0], atol=1e-5)


def test_pooling_leaves_the_padding_out(tiny):
    model = wav2vec.wav2vec2(tiny, pretrained=False)
    x = torch.randn(1, 1, 8000)
    model.pooled = True
    with torch.no_grad(), adapt.features(model) as backbone:
        short = backbone(x, torch.tensor([4000]))
        frames = model.wav2vec2(x[:, 0]).last_hidden_state[0]
    assert torch.allclose(short[0], frames[: model.out_lengths(torch.tensor(4000))].mean(0), atol=1e-5)


def test_the_real_configuration_is_as_large_as_its_card_says():
    from transformers import Wav2Vec2Config

    with torch.device("meta"):
        model = wav2vec.SpellingWav2Vec2(Wav2Vec2Config(num_labels=ctc.OUTPUTS))
    assert 94e6 < adapt.count(model)[1] < 95e6
    stages = list(adapt.stages(model))
    assert set(speech_public.Wav2VecDigits.top_stages) < set(stages) and stages[-1] == "head"


def test_the_small_profile_downloads_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv("FTLIB_PROFILE", raising=False)
    with pytest.raises(CatalogError, match="the small profile downloads nothing"):
        wav2vec.wav2vec2()
    with pytest.raises(CatalogError, match="the small profile downloads nothing"):
        speech_public.SpeechCommands(tmp_path, download=True)
    with pytest.raises(CatalogError, match="cannot be had"):
        wav2vec.wav2vec2(tmp_path)


def test_every_recipe_runs_on_wav2vec(tiny, tmp_path):
    for digit, speaker in itertools.product(range(10), ("ann", "bob")):
        soundfile.write(tmp_path / f"{digit}_{speaker}_0.wav", sound(digit), 8000)
    task = speech_public.Wav2VecDigits(tmp_path, source=tiny)
    task.top_stages = ("layer3", "head")
    assert task.split("train").picture(0).shape == (1, 4800)
    assert abs(task.split("train").picture(0).var(unbiased=False) - 1) < 1e-3
    for name in SETTINGS:
        row = recipes.run(name, task, 1, settings=SETTINGS).row
        assert 0 <= row["score"] <= 1 and row["source_score"] is None
    score = recipes.run_rival("spelling", task, 1, 0)["score"]
    with clips.spelling(model := task.pretrained()):
        fits = [ctc.spelled(s, WORDS).argmax().item() for s in clips.scores_of(model, task.split("test"))]
    assert score == sum(a == b for a, b in zip(fits, task.split("test").column("label"), strict=True)) / 10
    assert set(recipes.tuned(task)) >= {*SETTINGS, "spelling"}


@pytest.fixture
def commands(tmp_path):
    """Speech Commands with two people a subset, one clip a word each, in the archive's layout."""
    folder = tmp_path / "SpeechCommands" / "speech_commands_v0.02"
    lists = {"validation": [], "testing": [], "training": []}
    for (n, who), word in itertools.product(enumerate(("aa", "bb", "cc", "dd", "ee", "ff")), (*WORDS, "tree")):
        (folder / word).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / word / f"{who}_nohash_0.wav", sound(n, rate=16000), 16000)
        lists[("training", "validation", "testing")[n // 2]].append(f"{word}/{who}_nohash_0.wav")
    for name in ("validation", "testing"):
        (folder / f"{name}_list.txt").write_text("\n".join(lists[name]) + "\n")
    return tmp_path


def test_speech_commands_keep_their_people_apart(commands):
    task = speech_public.SpeechCommands(commands)
    people = {name: set(task.split(name).column("voice")) for name in ("train", "tune", "test")}
    assert people == {"train": {"aa", "bb"}, "tune": {"cc", "dd"}, "test": {"ee", "ff"}}
    for name in people:
        data = task.split(name)
        assert sorted(data.column("label")) == sorted([*range(10)] * 2)
        assert all(WORDS[row["label"]] in row["file"] for row in data.about)
        assert {len(wave) for wave in data.waves} == {2400}
    assert len(task.sample(1, seed=0)) == 10
    assert len(speech_public.SpeechCommands(commands, per_word=1).split("test")) == 10
    with pytest.raises(ValueError, match="no split 'tune_valid'"):
        task.split("tune_valid")


def test_speech_commands_that_are_not_there(commands, tmp_path):
    with pytest.raises(ValueError, match="does not hold Speech Commands: pass download=True"):
        speech_public.SpeechCommands(tmp_path / "elsewhere")
    for file in (commands / "SpeechCommands" / "speech_commands_v0.02" / "six").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="no train clip of 'six'"):
        speech_public.SpeechCommands(commands)
