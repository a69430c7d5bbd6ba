"""The exercises of lesson 14: what a right answer is told."""

from __future__ import annotations

from collections import Counter

import pytest

from ftlessons.classroom.checks import grade
from ftlessons.lesson14 import checks
from ftlib.speech import ctc, lexicon


def frequent(texts, listed):
    """The most frequent words that are not listed yet."""
    counts = Counter(word for text in texts for word in text.split() if word not in set(listed))
    return [word for word, _ in counts.most_common(checks.MOST)]


def test_the_counts_are_those_of_the_error_rates():
    import jiwer

    from ftlessons.classroom.read_along import errors
    from ftlessons.lesson14 import transcripts

    counted = jiwer.process_words([checks.SAID], [checks.READ])
    assert (counted.substitutions, counted.insertions, counted.deletions) == (2, 2, 1)
    assert errors(checks.SAID, checks.READ) == 5
    assert ctc.word_error_rate([checks.SAID], [checks.READ]) == pytest.approx(checks.COUNTED["wer"])
    assert transcripts.term_recall([checks.TERMS], [checks.READ]) == checks.COUNTED["terms"] / 4


@pytest.mark.parametrize(("id", "answer"), [("14-count", checks.COUNTED), ("14-choose", checks.RIGHT)])
def test_the_right_answer_is_accepted(id, answer):
    assert grade(id, answer).status == "correct"


def test_sixty_frequent_words_are_judged_by_what_they_cover(monkeypatch):
    monkeypatch.setattr(lexicon, "beam_search", lambda scores, listed: "")  # the notebook's own run reads for real
    verdict = grade("14-words", frequent)
    assert "went from 26.7% to 21.7%" in verdict.message and "word error rate from" in verdict.message
    too_many = grade("14-words", lambda texts, listed: [f"word{chr(97 + i % 26)}{i}" for i in range(61)])
    assert "61 words are more than 60" in too_many.message
