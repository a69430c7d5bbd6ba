"""Reading along, the word-list bench and the own dictation: live, and what stands where widgets do not run."""

from __future__ import annotations

import base64
import datetime
import io

import ipywidgets
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from ftlessons.classroom.display import WIDGET_MIME
from ftlessons.classroom.read_along import chooser, entry, errors, marked, with_terms
from ftlessons.classroom.read_along import read_along as read_along_
from ftlessons.lesson14.bench import SENTENCES, Bench, bench_widget, cost_name, picture
from ftlessons.lesson14.dictate import REFUSED, dictate, dictation_widget, from_browser, from_upload
from ftlib.models.wavenet import WaveNet
from ftlib.speech import audio, lexicon
from ftlib.speech.clips import Clips

TEXTS = ["give ten milligrams of water", "no fever & no cough", "the left lung is clear"]
TERMS = [["ten milligrams"], ["no"], ["left"]]


def noise(seconds: float = 1.0, seed: int = 0, rate: int = audio.RATE) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(int(seconds * rate)) * 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def spoken() -> Clips:
    pairs = zip(TEXTS, TERMS, strict=True)
    rows = [{"text": text, "terms": terms, "voice": f"v{i}"} for i, (text, terms) in enumerate(pairs)]
    return Clips([torch.from_numpy(noise(seed=i)) for i in range(len(rows))], rows)


# reading along


def test_errors_are_told_apart_without_colour():
    assert marked("give ten milligrams now", "give tin milligrams") == (
        'give <u title="said: ten">tin</u> milligrams <del>now</del>'
    )
    assert marked("a b", "a x b") == 'a <u title="not said">x</u> b'
    assert marked("a b", "a b") == "a b" and marked("a b", "") == "<del>a b</del>"
    assert marked("a", "<i>") == '<u title="said: a">&lt;i&gt;</u>'
    assert errors("a b c", "a x c d") == 2 and errors("a b", "") == 2


def test_terms_are_bold_as_whole_words():
    assert with_terms("no fever and not now", ["no", "fever"]) == "<b>no</b> <b>fever</b> and not now"


def test_a_sentence_stands_with_its_sound_and_every_reader(spoken):
    shown = entry(spoken, {"a reader": TEXTS, "b": ["give tin milligrams of water", "", ""]}, 0)
    assert shown.count("<audio") == 1 and "base64," in shown and "<b>ten milligrams</b>" in shown
    assert "0 errors in 5 words, 1 of 1 terms" in shown and "1 errors in 5 words, 0 of 1 terms" in shown


def test_the_chooser_turns_to_another_sentence(spoken):
    box = chooser(spoken, {"a": TEXTS}, 1)
    choice, shown, key = box.children
    assert "fever &amp; no" in shown.value.replace("<b>no</b>", "no") and "Struck through" in key.value
    choice.value = 2
    assert "<b>left</b>" in shown.value and "fever" not in shown.value


def test_where_widgets_do_not_run_the_chosen_sentences_stand(spoken, shown):
    read_along_(spoken, {"a": pd.Series(TEXTS)}, shown=[0, 2])
    (bundle,) = shown
    assert bundle["text/html"].count("<audio") == 2 and WIDGET_MIME in bundle
    assert bundle["text/plain"].count("said: ") == 2 and "a: the left lung is clear" in bundle["text/plain"]


def test_readers_must_have_read_every_clip(spoken):
    with pytest.raises(ValueError, match="b has 2 transcripts for 3 clips"):
        read_along_(spoken, {"a": TEXTS, "b": TEXTS[:2]})


# the bench


class Field:
    """As much of a field of dictation as the bench needs."""

    def __init__(self, data: Clips) -> None:
        self.data = data

    def split(self, name: str) -> Clips:
        return self.data

    def lexicon(self, texts=(), field: bool = False) -> lexicon.Lexicon:
        return lexicon.Lexicon(list(texts), words=["give", "water"])

    def dictionary(self) -> frozenset[str]:
        return frozenset(word for row in self.data.about for word in row["text"].split())


@pytest.fixture
def bench(spoken) -> Bench:
    torch.manual_seed(0)
    rows = [row | {"text": row["text"].replace(" &", "")} for row in spoken.about]
    plain = Clips(spoken.waves, rows)
    return Bench(Field(plain), {"as it is": WaveNet(channels=8, stacks=1)}, {"weight": 0.1, "unknown": 4.0, "width": 4})


def test_a_longer_list_leaves_less_unwritable(bench):
    none, some = (bench.trial("as it is", sentences, 0.6, None) for sentences in (0, 10))
    assert none["unlisted"] > some["unlisted"] == 0
    assert {word for text in none["read"] for word in text.split()} <= {"give", "water"}
    assert set(none) >= {"wer", "cer", "terms", "silent"}
    assert len(bench.heard) == 1  # the network listened once


def test_the_bench_keeps_every_try(bench):
    network, sentences, weight, unknown, button, board = bench_widget(bench).children
    assert "press <b>Read</b>" in board.value
    button.click()
    sentences.value, weight.value, unknown.value = SENTENCES[1], 0.8, cost_name(None)
    button.click()
    assert board.value.count("<tr>") == 3 and "0.8" in board.value and "read:" in board.value
    assert "costs 4" in board.value and "is never written" in board.value
    assert not button.disabled and network.value == "as it is"


def test_the_figure_tells_where_the_curve_begins_and_ends(bench):
    alt = picture(bench).alt
    assert "words wrong, as it is: from" in alt and "terms right, as it is: from" in alt


# one's own dictation


def test_a_recording_from_the_browser_becomes_sound():
    samples = (noise(1.0, rate=48000) * 20000).astype("<i2")
    heard = from_browser("48000:" + base64.b64encode(samples.tobytes()).decode())
    assert heard.seconds == pytest.approx(1.0, abs=0.01) and "resampled from 48,000" in heard.notes[0]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (f"{REFUSED} Permission denied", r"the browser gave no sound \(Permission denied\)"),
        ("8000:", "lasts 0.00 s"),
        ("8000:" + base64.b64encode(bytes(16000)).decode(), "is silent"),
    ],
)
def test_no_sound_is_told_in_one_sentence(sent, said):
    with pytest.raises(ValueError, match=said):
        from_browser(sent)


def wav(seconds: float = 0.5, channels: int = 1) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.stack([noise(seconds)] * channels, 1), 8000, format="WAV")
    return out.getvalue()


@pytest.mark.parametrize("seven", [True, False], ids=["ipywidgets 7", "ipywidgets 8"])
def test_a_chosen_file_is_read_with_its_notes(seven):
    content = wav(channels=2)
    value = {"mine.wav": {"content": content}} if seven else ({"name": "mine.wav", "content": memoryview(content)},)
    heard = from_upload(value)
    assert heard.seconds == 0.5 and "2 channels" in heard.notes[0]


def test_the_widget_answers_and_refuses():
    box = dictation_widget({"length": lambda wave: f"{len(wave)} samples", "nothing": lambda wave: ""})
    (record, upload, hidden), answer = box.children[0].children, box.children[1]
    assert "onclick" in record.value and hidden.layout.display == "none"
    hidden.value = "8000:" + base64.b64encode((noise() * 20000).astype("<i2").tobytes()).decode()
    assert "8000 samples" in answer.value and "(nothing)" in answer.value and "<audio" in answer.value
    now = datetime.datetime(2020, 1, 1)
    if ipywidgets.__version__.startswith("7."):  # there the browser alone sets it, and as a dict
        upload.set_trait("value", {"x.wav": {"metadata": {"name": "x.wav"}, "content": b"abc"}})
    else:
        upload.value = ({"name": "x.wav", "type": "audio/wav", "size": 3, "content": b"abc", "last_modified": now},)
    assert "X.wav is damaged" in answer.value and "<audio" not in answer.value


def test_the_saved_notebook_holds_an_example(shown):
    dictate({"a": lambda wave: "heard"}, torch.from_numpy(noise()))
    (bundle,) = shown
    assert "<audio" in bundle["text/html"] and "heard" in bundle["text/html"] and WIDGET_MIME in bundle
    assert "a: heard" in bundle["text/plain"]
