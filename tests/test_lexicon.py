"""Beam search over known words."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import pytest
import torch

from ftlib.speech import ctc
from ftlib.speech.lexicon import Lexicon, beam_search


def noisy(text: str, seed: int = 0, sure: float = 4.0, spread: float = 1.0) -> torch.Tensor:
    """Scores that spell a text with a blank after each sign, and noise."""
    numbers = [n for c in ctc.encode(text) for n in (c, ctc.BLANK)]
    scores = torch.nn.functional.one_hot(torch.tensor(numbers), ctc.OUTPUTS) * sure
    return scores + spread * torch.randn(scores.shape, generator=torch.Generator().manual_seed(seed))


def test_without_noise_it_reads_what_stands_there():
    lexicon = Lexicon(words=["give", "him", "all", "ten"])
    assert beam_search(noisy("give him all ten", spread=0), lexicon) == "give him all ten"
    assert beam_search(noisy("all", spread=0), lexicon) == "all"


def test_a_word_that_is_not_listed_becomes_one_that_is():
    lexicon = Lexicon(["give aspirin daily"], words=["day"])
    for unknown in (None, 20.0):
        read = beam_search(noisy("gif asprin daily"), lexicon, weight=0.5, bonus=2.0, unknown=unknown)
        assert read == "give aspirin daily"
    assert ctc.greedy(noisy("gif asprin daily")[None], torch.tensor([32])) != ["give aspirin daily"]


def test_an_open_list_spells_what_it_does_not_hold():
    lexicon, heard = Lexicon(words=["give", "day"]), noisy("give ramipril daily", sure=9, spread=0)
    assert beam_search(heard, lexicon) == "give ramipril daily"
    closed = beam_search(heard, lexicon, unknown=None)
    assert set(closed.split()) <= set(lexicon.counts) and closed.startswith("give")


def test_the_dearer_a_word_off_the_list_the_fewer_are_written():
    heard, lexicon = noisy("gif aspirin daili", seed=4), Lexicon(words=["give", "aspirin", "daily"])
    read = [beam_search(heard, lexicon, unknown=cost) for cost in (0.0, 4.0, 30.0)]
    off = [sum(word not in lexicon.counts for word in text.split()) for text in read]
    assert off == sorted(off, reverse=True) and off[0] > off[-1] == 0


def test_the_word_before_decides_between_equals():
    texts = ["left lung", "left lung", "right hand", "a lung", "a hand"]
    unsure = noisy("left xxng", spread=0)
    for letter in "uha":
        unsure[10:14, ctc.encode(letter)[0]] = 4.0
    assert beam_search(unsure, Lexicon(texts, pairs=0.9), weight=0.6, unknown=None) == "left lung"


def loss(log_probs: torch.Tensor, text: str) -> float:
    """What a text costs with CTC: minus the logarithm of its probability over all paths."""
    target, lengths = torch.tensor([ctc.encode(text)]), (torch.tensor([len(log_probs)]), torch.tensor([len(text)]))
    return float(torch.nn.functional.ctc_loss(log_probs[:, None], target, *lengths, reduction="sum"))


@pytest.mark.parametrize("unknown", [None, 0.0])
def test_it_finds_the_best_of_all_texts(unknown):
    """Against summing the probabilities of all paths of every text that the frames can hold."""
    lexicon, generator = Lexicon(["ab a", "b", "ab b"]), torch.Generator().manual_seed(3)
    written = defaultdict(list)  # a text to all ways of writing it, with spaces before, after and doubled
    for raw in ("".join(signs) for n in range(1, 6) for signs in itertools.product("ab ", repeat=n)):
        written[" ".join(raw.split())].append(raw)
    del written[""]
    found = set()
    for _ in range(40):
        scores = torch.full((5, ctc.OUTPUTS), -6.0)
        signs = [ctc.BLANK, *ctc.encode("ab ")]
        scores[:, signs] = torch.randn(5, 4, generator=generator) * 2
        log_probs = scores.log_softmax(-1)
        values = {}
        for text in written:
            words = text.split()
            if unknown is None and not set(words) <= set(lexicon.counts):
                continue
            value = sum(
                0.6 * lexicon.log_prob(w, b) + 1.5 - (0 if w in lexicon.counts else unknown)
                for b, w in zip(["", *words], words, strict=False)
            )
            whole = sum(math.exp(-loss(log_probs, raw)) for raw in written[text])
            values[text] = value + math.log(whole) if whole else -math.inf
        best = max(values, key=values.get)
        options = {"width": 400, "weight": 0.6, "bonus": 1.5, "unknown": unknown}
        assert beam_search(scores, lexicon, **options) == best
        found |= set(best.split())
    assert (found <= set(lexicon.counts)) == (unknown is None)


def test_probabilities_of_known_words_sum_to_one():
    lexicon = Lexicon(["a b", "a c", "b"], words=["d", "a"])
    for before in ("", "a", "d"):
        assert math.isclose(sum(math.exp(lexicon.log_prob(w, before)) for w in lexicon.counts), 1, abs_tol=1e-9)


def test_a_word_off_the_list_is_rarer_than_any_on_it():
    lexicon = Lexicon(["a b", "a c"], words=["d"])
    assert lexicon.log_prob("e", "a") < min(lexicon.log_prob(word) for word in lexicon.counts)
    with pytest.raises(ValueError, match="pairs is 1"):
        Lexicon(["a b"], pairs=1)


def test_a_space_more_changes_nothing():
    def frames(*chances: dict[str, float]) -> torch.Tensor:
        scores = torch.full((len(chances), ctc.OUTPUTS), -20.0)
        for i, likely in enumerate(chances):
            for sign, p in likely.items():
                scores[i, ctc.BLANK if sign == "-" else ctc.encode(sign)[0]] = math.log(p)
        return scores

    twice = frames({"a": 1}, {"b": 1}, {" ": 1}, {"-": 1}, {" ": 0.9, "x": 0.1}, {"c": 1}, {"a": 1})
    before = frames({" ": 0.9, "c": 0.1}, {"a": 1}, {"b": 1})
    for unknown in (None, 4.0):
        assert beam_search(twice, Lexicon(words=["ab", "ca", "xca"]), unknown=unknown) == "ab ca"
        assert beam_search(before, Lexicon(words=["ab", "cab"]), unknown=unknown) == "ab"
    with pytest.raises(ValueError, match="width is 0"):
        beam_search(twice, Lexicon(words=["a"]), width=0)


def test_a_closed_list_that_ends_inside_a_word_keeps_the_words_before():
    lexicon = Lexicon(words=["give", "aspirin"])
    assert beam_search(noisy("give aspi", sure=20, spread=0), lexicon, width=1, unknown=None) == "give"


def test_unknown_words_are_counted():
    assert Lexicon(["a b"]).unknown(["a b c c"]) == 0.5
    assert Lexicon(["a b"]).unknown([]) == 0


def test_an_empty_list_strange_words_and_phrases_are_refused():
    for options, message in (
        ({}, "lexicon is empty"), ({"texts": ["10 mg"]}, "small letters"),
        ({"words": ["blood", "blood pressure"]}, "'blood pressure' is not one word"),
    ):
        with pytest.raises(ValueError, match=message):
            Lexicon(**options)
    assert Lexicon(["blood pressure"]).counts["pressure"] == 1
    with pytest.raises(ValueError, match=r"unknown is -1\.0: give what a word off the list costs"):
        beam_search(noisy("a"), Lexicon(words=["a"]), unknown=-1.0)


def test_no_fitting_word_gives_an_empty_text():
    scores = torch.full((3, ctc.OUTPUTS), -50.0)
    scores[:, ctc.BLANK] = 0
    assert beam_search(scores, Lexicon(["word"])) == beam_search(scores, Lexicon(["word"]), unknown=None) == ""
