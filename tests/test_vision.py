"""Digits split by writer, printed letters, and the network that has read them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from authoring.pretrain.glyphs import choose_letters
from ftlib import models, tasks
from ftlib.tasks import glyphs, vision
from ftlib.tasks.base import predict

SPLITS = ("train", "tune", "tune_valid", "test")


@pytest.fixture(scope="module")
def digits() -> vision.Digits:
    return vision.Digits()


@pytest.fixture(scope="module")
def letters() -> vision.PrintedLetters:
    task = vision.PrintedLetters()
    task.test_size = 300
    return task


@pytest.fixture(scope="module")
def checkpoint() -> nn.Module:
    return models.load("glyph-resnet10")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def keys(dataset) -> list[bytes]:
    """A name for each image, to tell which ones are in a set."""
    return [image.numpy().tobytes() for image in dataset.tensors[0]]


# tasks by name


def test_tasks_are_found_by_name_and_domain():
    assert tasks.get("digits") is tasks.get("digits")
    assert isinstance(tasks.get("letters"), vision.PrintedLetters)
    assert {"digits", "letters"} <= set(tasks.names())
    assert tasks.names("vision") == ["digits", "letters", "negatives"]
    assert tasks.names("cooking") == []
    with pytest.raises(ValueError, match="no task 'digit'.*digits, .*letters"):
        tasks.get("digit")


# digits


def test_writers_stand_in_blocks():
    assert vision.writer_of(np.array([0, 129, 130, 1666, 1667, 1796])).tolist() == [0, 0, 1, 12, 13, 13]
    labels = load_digits().target
    writers = vision.writer_of(np.arange(len(labels)))
    counts = np.array([np.bincount(labels[writers == writer], minlength=10) for writer in range(14)])
    assert counts.shape == (14, 10) and counts.sum() == 1797
    # each person wrote each digit 13 times, a few scans were lost; wrong boundaries would cut a series
    assert counts.min() >= 9 and counts.max() <= 14 and np.median(counts) == 13


def test_no_writer_is_in_two_splits(digits):
    writers = [set(vision.writer_of(digits.indices(split))) for split in SPLITS]
    assert sum(map(len, writers)) == len(set.union(*writers)) == 14
    assert sum(len(digits.split(split)) for split in SPLITS) == 1797


def test_a_split_holds_standardised_images_with_their_labels(digits):
    x, y = digits.split("test").tensors
    assert x.shape == (len(y), 3, 32, 32) and x.dtype == torch.float32
    assert torch.equal(y, torch.tensor(load_digits().target[digits.indices("test")]))
    ink = x * glyphs.STD + glyphs.MEAN
    assert ink.min() > -1e-5 and ink.max() < 1 + 1e-5 and ink.max() > 0.9


@pytest.mark.parametrize("task", ["digits", "letters"])
def test_an_unknown_split_is_refused(task):
    with pytest.raises(ValueError, match="no split 'valid': choose from"):
        tasks.get(task).split("valid")


@pytest.mark.parametrize("split", ["train", "tune"])
@pytest.mark.parametrize("budget", [1, 7])
def test_a_sample_has_the_budget_of_each_class_and_stays_in_its_split(digits, split, budget):
    sample = digits.sample(budget, seed=3, split=split)
    assert torch.bincount(sample.tensors[1]).tolist() == [budget] * 10
    drawn = keys(sample)
    assert len(set(drawn)) == 10 * budget
    assert set(drawn) <= set(keys(digits.split(split)))


def test_a_sample_depends_on_the_seed_alone(digits):
    first, again, other = (digits.sample(5, seed) for seed in (0, 0, 1))
    assert keys(first) == keys(again)
    assert len(set(keys(first)) & set(keys(other))) < 25


@pytest.mark.parametrize("budget", [0, -1, 66, 1000])
def test_a_budget_that_the_writers_cannot_fill_is_refused(digits, budget):
    with pytest.raises(ValueError, match=f"budget is {budget}: train has 6[0-9] examples of"):
        digits.sample(budget, seed=0)


def test_the_svm_reads_pixels_of_the_labels_it_gets(digits):
    settings = {"C": 10.0, "gamma": 0.03}
    svm = digits.rivals()["svm"]
    few, many = (svm(digits.sample(budget, 0), "test", settings) for budget in (1, 20))
    assert 0.3 < few.value < many.value and many.value > 0.85
    assert (many.metric, many.higher_is_better, many.n) == ("accuracy", True, 640)


# letters


def test_letters_are_several_hundred_and_no_digit(letters):
    assert len(letters.letters) == len(set(letters.letters)) == letters.n_outputs > 300
    assert all(char.isalpha() and not char.isnumeric() for char in letters.letters)
    assert {"g", "Ж", "Ω"} <= set(letters.letters)


def test_the_checkpoint_knows_the_letters_that_would_be_chosen_now(letters):
    assert choose_letters() == letters.letters


def test_letters_that_look_alike_count_as_one(letters):
    assert sum(char in letters.letters for char in "AΑА") == 1  # Latin, Greek, Cyrillic
    assert len(choose_letters(closest=0.05)) < letters.n_outputs


def test_held_out_fonts_are_not_trained_on():
    assert not set(glyphs.FONTS) & set(glyphs.HELD_OUT_FONTS)
    assert all(glyphs.font_path(font).is_file() for font in (*glyphs.FONTS, *glyphs.HELD_OUT_FONTS))


def test_letter_splits_differ_from_each_other(letters):
    first, other = letters.split("test"), letters.split("tune")
    assert len(first) == 300 and first.tensors[0].shape == (300, 3, 32, 32)
    assert not set(keys(first)) & set(keys(other))


def test_letter_samples_have_the_budget_on_average_and_depend_on_the_seed():
    task = vision.PrintedLetters()
    task.letters = list("abcdefgh")
    first, again, other = (task.sample(5, seed) for seed in (0, 0, 1))
    assert len(first) == 40 and set(first.tensors[1].tolist()) <= set(range(8))
    assert torch.equal(first.tensors[0], again.tensors[0])
    assert not torch.equal(first.tensors[0], other.tensors[0])
    assert not set(keys(first)) & set(keys(task.sample(5, 0, "test")))
    with pytest.raises(ValueError, match="budget is 0"):
        task.sample(0, 0)
    with pytest.raises(ValueError, match="no split 'valid'"):
        task.sample(1, 0, "valid")


# glyphs


@pytest.mark.parametrize("char", "gWlЖ")
def test_a_rendered_letter_fills_the_canvas_and_is_centred(char):
    image = glyphs.render(char, "DejaVuSans.ttf")
    assert image.shape == (64, 64) and image.dtype == np.uint8 and image.max() == 255
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    spans = [np.ptp(side) + 1 for side in (rows, columns)]
    assert 46 <= max(spans) <= 48
    assert all(abs((side[0] + side[-1]) / 2 - 31.5) <= 1.5 for side in (rows, columns))


def test_a_letter_without_ink_is_an_empty_canvas():
    assert not glyphs.render(" ", "DejaVuSans.ttf").any()


def test_a_bank_holds_each_letter_in_each_font_that_has_it():
    bank = glyphs.GlyphBank.draw(["a", "Ж"], ["DejaVuSans.ttf", "cmr10.ttf"])
    assert bank.labels.tolist() == [0, 0, 1]  # cmr10 has no Cyrillic
    assert bank.images.shape == (3, 64, 64) and bank.images.dtype == torch.uint8
    with pytest.raises(ValueError, match="none of the fonts cmr10.ttf has any of the 1 letters"):
        glyphs.GlyphBank.draw(["Ж"], ["cmr10.ttf"])


def test_a_bank_draws_rare_letters_as_often_as_common_ones():
    bank = glyphs.GlyphBank.draw(["a", "Ж"], ["DejaVuSans.ttf", "cmr10.ttf", "cmss10.ttf", "cmtt10.ttf"])
    assert torch.bincount(bank.labels).tolist() == [4, 1]
    x, y = bank.sample(200, generator())
    assert x.shape == (200, 3, 32, 32) and 70 < int((y == 1).sum()) < 130
    again = bank.sample(200, generator())
    assert torch.equal(x, again[0]) and torch.equal(y, again[1])


def test_distortion_keeps_ink_between_zero_and_one_and_follows_its_generator():
    ink = torch.from_numpy(glyphs.render("g", "DejaVuSans-Bold.ttf")).float().expand(64, 64, 64) / 255
    before = ink.clone()
    bent = glyphs.distort(ink, generator(1))
    assert bent.shape == (64, 1, 32, 32) and bent.min() >= 0 and bent.max() <= 1
    assert torch.equal(bent, glyphs.distort(ink, generator(1)))
    assert not torch.equal(bent, glyphs.distort(ink, generator(2)))
    assert torch.equal(ink, before)
    assert bent.std(0).mean() > 0.1 and (bent.amax((1, 2, 3)) > 0.3).all()  # they differ, and none is lost


@pytest.mark.parametrize("size", [8, 32, 64])
def test_to_input_brings_ink_to_the_networks_size_and_scale(size):
    ink = torch.full((2, 1, size, size), 0.5)
    x = glyphs.to_input(ink)
    assert x.shape == (2, 3, 32, 32)
    assert torch.allclose(x, torch.full_like(x, (0.5 - glyphs.MEAN) / glyphs.STD), atol=1e-5)


# networks


def test_resnet10_is_torchvisions_with_one_block_a_stage():
    model = models.resnet10(num_classes=7)
    assert [len(getattr(model, f"layer{i}")) for i in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    backbone = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("fc"))
    assert 4.8e6 < backbone < 5.0e6


def test_a_loaded_checkpoint_is_float32_and_ready_to_predict(checkpoint, letters):
    assert not any(module.training for module in checkpoint.modules())
    assert {p.dtype for p in checkpoint.parameters()} == {torch.float32}
    assert all(b.dtype in (torch.float32, torch.int64) for b in checkpoint.buffers())
    assert checkpoint.fc.out_features == len(models.config("glyph-resnet10")["classes"]) == letters.n_outputs


def test_each_load_is_a_copy_of_its_own(digits):
    first, second = digits.pretrained(), digits.pretrained()
    first.conv1.weight.data.zero_()
    assert second.conv1.weight.any()


@pytest.mark.parametrize("function", [models.load, models.config])
def test_an_unknown_checkpoint_is_refused(function):
    with pytest.raises(Exception, match="no-such-net"):
        function("no-such-net")


def test_the_checkpoint_reads_letters_in_fonts_it_never_saw(checkpoint, letters):
    score = letters.evaluate(checkpoint)
    assert score.value >= 0.4 and score.n == 300
    assert letters.evaluate(letters.untrained(0)).value < 0.05


def test_an_untrained_model_depends_on_its_seed_alone(digits):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (digits.untrained(seed).conv1.weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert digits.untrained(0).fc.out_features == 10


# what every task offers


def test_evaluate_is_the_share_right_on_the_split(digits):
    class Always3(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x):
            return nn.functional.one_hot(torch.full((len(x),), 3), 10) + self.weight

    model = Always3().train()
    score = digits.evaluate(model, "tune")
    assert score.value == pytest.approx((digits.split("tune").tensors[1] == 3).float().mean().item())
    assert score.n == 256 and score.metric == "accuracy" and not model.training


def test_predict_is_the_whole_batch_in_evaluation_mode_without_gradient():
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5), nn.BatchNorm1d(2)).train()
    x = torch.randn(10, 3, generator=generator())
    out = predict(model, x, batch_size=4)
    assert torch.allclose(out, model.eval()(x)) and not out.requires_grad and out.shape == (10, 2)


def test_a_random_split_has_the_same_sizes_mixes_writers_and_still_separates():
    task = vision.Digits(split_by="random")
    index = {split: set(task.indices(split).tolist()) for split in vision.WRITERS}
    assert {split: len(found) for split, found in index.items()} == {
        split: len(vision.Digits().indices(split)) for split in vision.WRITERS
    }
    assert len(set.union(*index.values())) == sum(map(len, index.values())) == 1797
    for found in index.values():
        assert len(set(vision.writer_of(np.array(sorted(found))))) == 14
    with pytest.raises(ValueError, match="'writer' or 'random'"):
        vision.Digits(split_by="age")
