"""The studies of dictation: what they ask, and how their tables are read (they are run elsewhere)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from ftlessons.lesson14.studies import dictation_decoding, dictation_forgetting, dictation_noise
from ftlib.speech.clips import Clips

STUDIES = (dictation_decoding, dictation_noise, dictation_forgetting)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.__name__.rpartition(".")[2])
def test_every_arm_runs_with_the_same_five_seeds(study):
    jobs = study.jobs()
    assert len(jobs) == len(set(jobs))
    seeds = {arm: sorted(seed for name, seed in jobs if name == arm) for arm, _ in jobs}
    assert all(found == list(range(5)) for found in seeds.values()) and len(seeds) >= 3


def spoken(n: int = 4) -> Clips:
    rng = np.random.default_rng(0)
    waves = [torch.from_numpy(rng.standard_normal(2000 + 100 * i).astype(np.float32) * 0.1) for i in range(n)]
    return Clips(waves, [{"text": "yes", "voice": f"v{i % 2}", "terms": []} for i in range(n)])


@pytest.mark.parametrize("condition", dictation_noise.CONDITIONS[1:])
def test_what_is_added_has_the_level_that_is_asked(condition):
    data = spoken()
    changed = dictation_noise.disturbed(data, condition, seed=1)
    snr = float(condition.removesuffix(" dB").rsplit(" ", 1)[1])
    for before, after in zip(data.waves, changed.waves, strict=True):
        assert before.shape == after.shape and after.dtype == torch.float32
        rest = (after - before).square().mean().sqrt()
        assert 20 * torch.log10(before.square().mean().sqrt() / rest) == pytest.approx(snr, abs=1.0)
    assert changed.about == data.about
    again = dictation_noise.disturbed(data, condition, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(changed.waves, again.waves, strict=True))


def test_clean_is_untouched_and_an_unknown_condition_is_refused():
    data = spoken()
    assert dictation_noise.disturbed(data, "clean", 0) is data
    with pytest.raises(ValueError, match="no condition 'rain': choose from clean"):
        dictation_noise.disturbed(data, "rain", 0)


def test_a_second_voice_is_another_voice():
    data = spoken(2)
    mixed = dictation_noise.disturbed(data, "second voice 10 dB", 0)
    rest = (mixed.waves[0] - data.waves[0]).numpy()
    other = np.resize(data.waves[1].numpy(), len(rest))
    assert np.corrcoef(rest, other)[0, 1] > 0.99


def test_noisy_copies_keep_a_third_as_it_is():
    data = spoken(6)
    copies = dictation_noise.noisy_copies(data, 0)
    same = [torch.equal(a, b) for a, b in zip(data.waves, copies.waves, strict=True)]
    assert same == [True, False, False, True, False, False] and copies.about == data.about


def decoded() -> pd.DataFrame:
    rows = []
    for seed in range(5):
        jitter = 0.01 * seed
        for model, wer in (("zero_shot", 0.7), ("scratch", 0.99), ("full", 0.5), ("patient", 0.4)):
            row = {"model": model, "seed": seed, "general_speech": 0.3, "general_speech_list": 0.2}
            row |= {"none_wer": wer + jitter, "general_wer": wer - 0.1 + jitter, "field_wer": wer - 0.2 + jitter}
            row["closed_wer"] = wer - 0.05 + jitter
            row["voices"] = {"none": {"ann": wer - 0.1, "bob": wer + 0.2 + (jitter if model == "full" else 0)}}
            rows.append(row)
    return pd.DataFrame(rows)


def test_the_share_of_the_gap_that_adapting_closes():
    alone = dictation_decoding.share_closed(decoded(), list_of_words=False)
    assert alone.low < 0.2 / 0.42 < alone.high and alone.value == pytest.approx(0.477, abs=0.01)
    together = dictation_decoding.share_closed(decoded(), list_of_words=True)
    assert together.value == pytest.approx(np.mean([0.3 / (0.4 + 0.01 * s) for s in range(5)]))


def test_the_worst_voice_before_is_followed():
    gaps = dictation_decoding.voice_gaps(decoded())
    after, wider = gaps.values()
    assert list(gaps)[0] == "bob minus ann, fine-tuned"
    assert after.value == pytest.approx(0.32) and wider.value == pytest.approx(0.02)


def test_intervals_by_network_and_list():
    spans = dictation_decoding.intervals(decoded(), "wer")
    assert list(spans) == ["as it is", "from scratch, 600 steps", "fine-tuned", "fine-tuned, 600 steps"]
    assert spans["fine-tuned"]["no list"].value == pytest.approx(0.52)
    assert spans["fine-tuned"]["open list"].value == pytest.approx(0.32)
