"""The data that lesson 13's exercises hand out, and answers that only listening or thinking gives."""

from __future__ import annotations

import pytest
import wrong13

from ftlessons.classroom.checks import NotYet
from ftlessons.lesson13 import checks
from ftlib import models, tasks
from ftlib.speech import clips, ctc


def test_two_of_six_texts_were_never_said():
    recordings, texts = checks.mislabelled()
    assert len(recordings) == len(texts) == len(set(texts)) == 6
    assert all(set(row) == {"number"} for row in recordings.about), "the truth must not travel along"
    assert max(map(len, texts)) - min(map(len, texts)) < 6, "length must not tell"
    true = {len(wave): text for wave, text in _pool()}
    said = [true[len(wave)] for wave in recordings.waves]
    assert [i for i in range(6) if said[i] != texts[i]] == list(checks.SWAPPED)
    found = clips.scores_of(models.load("speech-wavenet"), recordings)
    fits = [ctc.spelled(scores, [text]).item() / len(text) for scores, text in zip(found, texts, strict=True)]
    assert set(sorted(range(6), key=fits.__getitem__)[:2]) == set(checks.SWAPPED)


def _pool():
    pool = clips.shipped("dictation", part="general-train")
    return zip(pool.waves, pool.column("text"), strict=True)


@pytest.mark.parametrize(
    ("answer", "says"), [((0, 2), "neither"), ((5, 0), "5 is one of them"), ([1], "name two"), ("15", "name two")]
)
def test_a_wrong_pair_is_told_apart_from_half_a_right_one(answer, says):
    with pytest.raises(NotYet, match=says):
        checks.swapped(answer)
    assert checks.swapped([5, 1]).startswith("A text")


def test_what_fits_depends_on_the_stride_and_on_equal_letters():
    fine, coarse = checks._too_long(1), checks._too_long(2)
    assert fine and set(fine) < set(coarse) < set(range(len(checks.dictated())))
    assert checks.frames(0.40) == 16 and checks.frames(0.40, 2) == 8
    assert checks.fits({"stride 2": fine, "stride 4": coarse})
    with pytest.raises(NotYet, match="stride 2: number 4 does not fit either"):
        checks.fits(wrong13._by_letters_alone())
    with pytest.raises(NotYet, match="stride 2: number 0 fits"):
        checks.fits({"stride 2": [0, *fine], "stride 4": coarse})


def test_a_recipe_must_start_from_the_checkpoint():
    with pytest.raises(NotYet, match="nothing in common with the checkpoint"):
        checks.recipe(wrong13._scratch())
    with pytest.raises(NotYet, match="29 outputs"):
        checks.recipe(wrong13._with_old_head())
    frames = wrong13._untrained_head()
    frames.pooled = False
    with pytest.raises(NotYet, match="a score a frame"):
        checks.recipe(frames)
    start = tasks.get("spoken_digits").pretrained()
    assert checks._distance(wrong13._untrained_head(), start) == 0
