"""What tables of transcripts say, and errors that no spell checker finds."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from ftlessons.lesson14 import transcripts
from ftlib.metrics import Interval
from ftlib.models.wavenet import WaveNet
from ftlib.speech import ctc, lexicon

SAID = ["give ten milligrams now", "no fever today", "the left lung"]
READ = ["give tin milligrams now", "no fever today", "the lef lung"]
KNOWN = {"give", "ten", "tin", "milligrams", "now", "no", "fever", "today", "the", "left", "lung"}
TABLE = pd.DataFrame({
    "said": SAID, "read": READ, "voice": ["ann", "bob", "ann"],
    "terms": [["ten milligrams"], ["no"], ["left"]],
})  # fmt: skip


def test_only_errors_in_real_words_are_silent():
    assert transcripts.silent_errors(SAID, READ, KNOWN) == pytest.approx(1 / 3)
    assert transcripts.silent_errors(SAID, READ, KNOWN - {"tin"}) == 0
    assert transcripts.silent_errors(SAID, SAID, KNOWN) == 0
    assert transcripts.silent_errors(["give ten"], [" "], KNOWN) == 0  # an empty text is noticed
    with pytest.raises(ValueError, match="give one for each"):
        transcripts.silent_errors(SAID, READ[:2], KNOWN)


def test_a_word_in_two_pieces_is_judged_by_both():
    for read in ("give milly grams", "give grams milly"):
        assert transcripts.silent_words(["give milligrams"], [read], {"give", "grams"}) == 0
        assert transcripts.silent_words(["give milligrams"], [read], {"give", "grams", "milly"}) == 0.5
    assert transcripts.silent_words(["give ten"], ["give"], {"give"}) == 0  # a word left out is replaced by none


def test_a_dose_is_a_term_with_a_number():
    assert transcripts.doses([["ten milligrams", "aspirin"], ["often"], []]) == [["ten milligrams"], [], []]


def test_the_report_tells_words_letters_terms_and_doses():
    found = transcripts.report(TABLE, KNOWN)
    assert found["wer"] == pytest.approx(2 / 10) and 0 < found["cer"] < found["wer"]
    assert found["terms"] == pytest.approx(1 / 3) and found["doses"] == 0
    assert found["silent"] == pytest.approx(1 / 3) and found["sentences"] == pytest.approx(2 / 3)
    assert found["swapped"] == pytest.approx(1 / 10)
    without = transcripts.report(TABLE.assign(terms=[[], [], []]), KNOWN)
    assert set(without) == {"wer", "cer", "sentences", "silent", "swapped"}


def test_reports_stand_side_by_side_in_plain_words():
    rows = transcripts.reports({"a": TABLE, "b": TABLE.assign(read=SAID, terms=[[], [], []])}, KNOWN)
    assert list(rows.index) == ["a", "b"] and list(rows.columns) == list(transcripts.MEASURES.values())
    assert rows.loc["b", "words wrong"] == 0 and rows.loc["b"].isna().sum() == 2


def test_each_voice_has_its_own_rate():
    assert transcripts.by_voice(TABLE) == {"ann": pytest.approx(2 / 7), "bob": 0}


def test_one_recording_is_spelled_with_and_without_a_list():
    torch.manual_seed(0)
    model, wave = WaveNet(channels=8, stacks=1), torch.randn(8000) * 0.1
    greedy = transcripts.spell(model, wave)
    assert set(greedy) <= set(ctc.ALPHABET)
    words = lexicon.Lexicon(words=["a", "be", "see"])
    assert set(transcripts.spell(model, wave, words, width=4).split()) <= {"a", "be", "see"}


def test_groups_and_methods_are_drawn_and_told():
    spans = {"as it is": {"x": Interval(0.5, 0.4, 0.6), "y": Interval(0.3, 0.2, 0.4)},
             "fine-tuned": {"x": Interval(0.4, 0.3, 0.5), "y": Interval(0.2, 0.1, 0.3)}}  # fmt: skip
    picture = transcripts.grouped(spans, "Words wrong", "word error rate")
    assert "x: as it is 0.50, fine-tuned 0.40" in picture.alt and "y: as it is 0.30" in picture.alt
    ax = picture.figure.axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["as it is", "fine-tuned"]
    assert ax.get_ylim()[0] == 0 and len(ax.get_legend().get_texts()) == 2


def test_a_far_bigger_network_goes_through_the_same_cells():
    from transformers import Wav2Vec2Config

    from ftlessons.lesson13.speech_public import Waves
    from ftlessons.lesson13.wav2vec import SpellingWav2Vec2
    from ftlib.speech.tasks import MedicalDictation

    torch.manual_seed(0)
    tiny = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, num_labels=ctc.OUTPUTS,
    )  # fmt: skip
    model, task = SpellingWav2Vec2(tiny), MedicalDictation()
    rows = [{"text": text, "voice": "ann", "terms": []} for text in ("give ten", "no")]
    heard = Waves([torch.randn(8000) * 0.1, torch.randn(6000) * 0.1], rows)
    table = task.transcripts(model, heard)
    assert table.said.tolist() == ["give ten", "no"]
    loss = task.loss(model.train(), task.collate([heard[0], heard[1]]))
    loss.backward()
    assert torch.isfinite(loss) and model.classifier.weight.grad.abs().sum() > 0
