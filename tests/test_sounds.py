"""Sound as a picture, where letters lie in it, how far a network hears, and words told apart by their spelling."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import soundfile
import torch

from ftlessons.lesson13 import joined_digits, receptive_field
from ftlessons.lesson13.studies import recorded_digits
from ftlib.models import WaveNet
from ftlib.speech import audio, clips, ctc, figures, tasks
from ftlib.speech.clips import Clips


@pytest.fixture(scope="module")
def network() -> WaveNet:
    torch.manual_seed(0)
    return WaveNet(channels=8, stacks=1).eval()


def tone(hertz: float, seconds: float = 0.6) -> torch.Tensor:
    return 0.3 * torch.sin(torch.arange(int(seconds * audio.RATE)) * 2 * math.pi * hertz / audio.RATE)


# figures


def test_a_spectrogram_shows_a_tone_where_it_sounds_and_labels_its_axes():
    picture = figures.spectrogram(tone(1000), "A tone")
    ax, bar = picture.figure.axes
    image = ax.images[0].get_array()
    band = int(np.argmax(image[:, 20]))
    assert abs(audio.mel_centres()[band] - 1000) < 60
    assert (image.max(), image.min()) == (0, -80)
    assert ax.get_xlabel() == "time in seconds" and ax.get_ylabel() == "pitch in Hz"
    assert bar.get_ylabel() == "loudness in dB"
    at = dict(zip([label.get_text() for label in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    assert abs(at["1,000"] - band) < 1
    assert "0.6 seconds" in picture.alt


def test_letters_stand_over_the_frames_that_say_them():
    spans = [("h", 2, 4, 0.9), (" ", 6, 7, 0.9), ("i", 8, 12, 0.9)]
    picture = figures.spectrogram(tone(500), "Hi", spans)
    texts = {text.get_text(): text.get_position()[0] for text in picture.figure.axes[0].texts}
    assert texts == pytest.approx({"h": 0.075, figures.SPACE: 0.1625, "i": 0.25})
    assert "h at 0.05, space at 0.15, i at 0.20" in picture.alt


@pytest.mark.parametrize(("steps", "seen"), [([1], 3), ([1, 2], 7), ([1, 2, 4, 8], 31), ([1, 1, 1], 7)])
def test_the_tree_reaches_as_far_as_the_dilations(steps, seen):
    picture = receptive_field.tree(steps, "A tree of blocks")
    below = picture.figure.axes[0].lines[-1]
    assert len(below.get_xdata()) == seen and set(below.get_ydata()) == {0}
    assert f"sees {seen} frames" in picture.alt


@pytest.mark.parametrize("steps", [[], [1, 0]])
def test_a_tree_needs_dilations(steps):
    with pytest.raises(ValueError, match="at least one, each 1 or more"):
        receptive_field.tree(steps, "A tree of blocks")


# how far a network hears


def test_the_reach_of_all_blocks_is_the_receptive_field():
    assert 2 * receptive_field.reach(receptive_field.dilations(12)) + 1 == WaveNet().receptive_field()
    assert receptive_field.milliseconds(receptive_field.reach(receptive_field.dilations(12))) == 2312.5
    assert receptive_field.reach(receptive_field.dilations(12, dilated=False)) == 2 + 2 * 12
    for blocks in (0, 13):
        with pytest.raises(ValueError, match="choose 1 to 12"):
            receptive_field.dilations(blocks)


def test_sound_beyond_the_reach_does_not_count(network):
    wave = tone(700, 0.8)
    other = torch.cat([wave[:3200], tone(2000, 0.4)])
    near, far = (receptive_field.spelled_within(network, sound, 8) for sound in (wave[:3200], other))
    cut = near[: max(0, len(near) - 6)]
    assert far.startswith(cut)
    for frames in (0, 7):
        with pytest.raises(ValueError, match="an even number"):
            receptive_field.spelled_within(network, wave, frames)


def test_a_view_of_everything_spells_what_the_network_spells():
    """Without normalisation over time, a view as wide as the receptive field changes nothing."""
    torch.manual_seed(1)
    network = WaveNet(channels=8, stacks=1).eval()
    for block in network.blocks1:
        block.norm = _Alone()
    wave = tone(900, 0.5)
    whole = ctc.greedy(network(audio.log_mel(wave)[None]), torch.tensor([(1 + len(wave) // 100 + 1) // 2]))[0]
    assert receptive_field.spelled_within(network, wave, network.receptive_field() // 2) == whole != ""


class _Alone(torch.nn.Module):
    def forward(self, x, mask=None):
        return 3 * x


# where letters lie


def collection() -> Clips:
    rows = [{"text": text, "voice": voice} for voice in "ab" for text in ("one", "three four", "nine")]
    return Clips([tone(300 + 50 * i, 0.4 + 0.1 * i) for i in range(len(rows))], rows)


def test_pairs_join_two_texts_of_one_voice():
    data = collection()
    pairs = joined_digits.joined(data, 6, seed=1)
    assert len(pairs) == 6
    for pair in pairs:
        first = pair.text[: pair.space]
        whose = [i for i, row in enumerate(data.about) if row["text"] == first and len(data.waves[i]) == pair.cut]
        assert len(whose) == 1 and torch.equal(pair.wave[: pair.cut], data.waves[whose[0]])
        assert pair.text[pair.space] == " " and pair.text[pair.space + 1 :] != first
    again = joined_digits.joined(data, 6, seed=1)
    assert [pair.text for pair in again] == [pair.text for pair in pairs]
    digits = Clips(data.waves[:2], [{"label": 3, "voice": "a"}, {"label": 0, "voice": "a"}])
    assert sorted(pair.text for pair in joined_digits.joined(digits, 2)) == ["three zero", "zero three"]


def test_an_alignment_is_scored_against_the_cut():
    pair = joined_digits.Joined(torch.zeros(4000), "ab cd", 2, 2000)  # the cut is at frame 10
    good = [("a", 2, 3, 1.0), ("b", 5, 6, 1.0), (" ", 9, 10, 1.0), ("c", 12, 13, 1.0), ("d", 15, 16, 1.0)]
    late = [("a", 2, 3, 1.0), ("b", 13, 14, 1.0), (" ", 14, 15, 1.0), ("c", 15, 16, 1.0), ("d", 17, 18, 1.0)]
    assert joined_digits.missed_by(pair, good) == 25  # one frame
    assert joined_digits.missed_by(pair, late) == 4.5 * 25
    even = joined_digits.evenly(pair)
    assert [letter for letter, *_ in even] == list("ab cd") and even[0][1:3] == pytest.approx((0, 4))
    assert even[-1][2] == 20


def test_aligning_a_pair_names_all_its_characters(network):
    pair = joined_digits.joined(collection(), 1)[0]
    spans = joined_digits.alignment(network, pair)
    assert "".join(letter for letter, *_ in spans) == pair.text
    assert all(a[2] <= b[1] for a, b in itertools.pairwise(spans))


# words by their spelling


def test_the_probability_of_a_spelling_is_the_sum_over_all_paths():
    scores = torch.randn(5, ctc.OUTPUTS, generator=torch.Generator().manual_seed(0))
    share, total = scores.softmax(-1), 0.0
    signs = [0, *ctc.encode("two")]
    for path in itertools.product(signs, repeat=5):
        merged = [sign for sign, _ in itertools.groupby(path)]
        if [sign for sign in merged if sign] == signs[1:]:
            total += math.prod(share[t, sign].item() for t, sign in enumerate(path))
    fits = ctc.spelled(scores, ["two", "three", "to"])
    assert fits[0].item() == pytest.approx(math.log(total), rel=1e-4)
    assert fits[1] == -math.inf  # six frames are needed
    with pytest.raises(ValueError, match="at least one spelling"):
        ctc.spelled(scores, [])
    with pytest.raises(ValueError, match="small letters"):
        ctc.spelled(scores, ["2"])


def test_the_untouched_network_reads_words_by_their_spelling(monkeypatch):
    digits = tasks.SpokenDigits()
    data = digits.split("test").take(range(10))
    monkeypatch.setattr(digits, "split", lambda name: data)

    def scores(model, found):
        assert not model.pooled
        rows = [[28, *ctc.encode(tasks.WORDS[label if label < 9 else 1]), 28] for label in found.column("label")]
        return [10.0 * torch.nn.functional.one_hot(torch.tensor(row), ctc.OUTPUTS) for row in rows]

    monkeypatch.setattr(clips, "scores_of", scores)
    model = WaveNet(channels=8, stacks=1)
    model.pooled = True
    score = digits.by_spelling(model)
    nines = sum(label == 9 for label in data.column("label"))
    assert score.n == 10 and score.value == 1 - nines / 10 and model.pooled
    assert set(digits.rivals()) == set(digits.rival_grid()) == {"svm", "spelling"} <= set(digits.grid)


# the study on recordings


def test_the_study_tests_each_speaker_in_turn(tmp_path, monkeypatch):
    for speaker, take, digit in itertools.product(("ann", "bob", "cy"), range(2), range(10)):
        soundfile.write(tmp_path / f"{digit}_{speaker}_{take}.wav", tone(200 + 100 * digit, 0.3).numpy(), 8000)
    monkeypatch.setenv(recorded_digits.FOLDER, str(tmp_path))
    seen = []

    def run(name, task, budget, seed, **_):
        seen.append((name, task.speakers["test"], len(task.split("test").waves[0]) / audio.RATE))
        return {"recipe": name, "budget": budget, "budget_unit": "clips", "seed": seed, "metric": "m", "score": 0.5}

    monkeypatch.setattr(recorded_digits.recipes, "run_rival", run)
    monkeypatch.setattr(recorded_digits, "_run", run)
    few = [job for job in recorded_digits.jobs() if job[1] == 1 and job[0] in ("full", "spelling", "as_cut")]
    rows = [recorded_digits.one(*job) for job in few]
    assert [row["stranger"] for row in rows if row["recipe"] == "full"] == [0, 1, 2, 0, 1, 2]
    assert {who[0] for name, who, _ in seen if name == "full"} == {"ann", "bob", "cy"}
    lasting = {row["recipe"]: round(seconds, 1) for row, (_, _, seconds) in zip(rows, seen, strict=True)}
    assert lasting == {"full": 0.7, "spelling": 0.7, "as_cut": 0.3}
    assert rows[0]["speakers"] == 3 and rows[0]["score"] == 0.5
    jobs = recorded_digits.jobs()
    assert len(set(jobs)) == len(jobs)
    assert {job[0] for job in jobs} == {"scratch", "head", "head_then_all", "full", "spelling", "as_cut"}


def test_the_study_asks_for_its_folder(monkeypatch):
    monkeypatch.delenv(recorded_digits.FOLDER, raising=False)
    with pytest.raises(ValueError, match=f"environment variable {recorded_digits.FOLDER}"):
        recorded_digits.one("full", 1, 0)
