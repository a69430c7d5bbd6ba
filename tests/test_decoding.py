"""Letters and frames: greedy decoding, alignment, feasibility, error rates."""

from __future__ import annotations

import pytest
import torch

from ftlessons.lesson14 import transcripts
from ftlib.speech import ctc


def frames(spelled: str, sure: float = 8.0) -> torch.Tensor:
    """Scores that spell the signs of ``spelled``, where ``-`` is the blank."""
    numbers = [ctc.BLANK if c == "-" else ctc.encode(c)[0] for c in spelled]
    return torch.nn.functional.one_hot(torch.tensor(numbers), ctc.OUTPUTS) * sure


def test_encoding_goes_both_ways():
    text = "it's a quick zebra"
    assert ctc.decode(ctc.encode(text)) == text
    assert ctc.OUTPUTS == 29 and ctc.BLANK not in ctc.encode(ctc.ALPHABET)


@pytest.mark.parametrize("text", ["10 mg", "Hello", "naïve", "a,b", "a\nb"])
def test_strange_characters_are_named(text):
    with pytest.raises(ValueError, match="write words in small letters"):
        ctc.encode(text)
    with pytest.raises(ValueError, match="empty text"):
        ctc.encode("")


def test_greedy_merges_and_drops():
    scores = torch.stack([frames("hhe-ll-lo--"), frames("-a  bb aaaa")])
    assert ctc.greedy(scores, torch.tensor([11, 11])) == ["hello", "a b a"]
    assert ctc.greedy(scores, torch.tensor([3, 0])) == ["he", ""]


@pytest.mark.parametrize(("text", "needed"), [("cat", 3), ("mall", 5), ("aaa", 5), ("a", 1)])
def test_frames_needed_is_what_ctc_needs(text, needed):
    assert ctc.frames_needed(text) == needed
    targets = torch.tensor([ctc.encode(text)])
    for n, finite in ((needed, True), (needed - 1, False)):
        if n:
            log_probs = torch.zeros(n, 1, ctc.OUTPUTS).log_softmax(-1)
            loss = torch.nn.functional.ctc_loss(log_probs, targets, torch.tensor([n]), torch.tensor([len(text)]))
            assert bool(torch.isfinite(loss)) is finite


def test_infeasible_texts_are_reported():
    assert ctc.infeasible(["cat", "hello"], [3, 6]) == []
    (problem,) = ctc.infeasible(["cat", "hello"], [3, 5])
    assert "text 1, 'hello', needs 6 frames" in problem


def test_alignment_finds_the_letters():
    spans = ctc.align(frames("--hh-i----tt"), "hit")
    assert [span[:3] for span in spans] == [("h", 2, 4), ("i", 5, 6), ("t", 10, 12)]
    assert all(span[3] > 0.9 for span in spans)
    with pytest.raises(ValueError, match="needs 5 frames.*do not fit the sound"):
        ctc.align(frames("hit"), "hello"[:2] + "lol")
    with pytest.raises(ValueError, match="small letters"):
        ctc.align(frames("hit"), "HIT")


def test_error_rates():
    assert ctc.word_error_rate(["a b c d"], ["a x c"]) == 0.5
    assert ctc.word_error_rate(["a"], ["a b c"]) == 2.0
    assert ctc.character_error_rate(["abcd"], ["abxd"]) == 0.25
    assert ctc.word_error_rate(["a b"], [""]) == 1.0
    for said, read in ((["a"], []), ([], []), ([" "], ["a"])):
        with pytest.raises(ValueError):
            ctc.word_error_rate(said, read)


def test_term_recall_wants_whole_words():
    terms = [["ten milligrams", "aspirin"], []]
    assert transcripts.term_recall(terms, ["ten milligrams aspirin", "x"]) == 1.0
    assert transcripts.term_recall(terms, ["often milligrams of aspirin", "ten milligrams"]) == 0.5
    with pytest.raises(ValueError, match="no sentence names a term"):
        transcripts.term_recall([[]], ["a"])
