"""A word list against a network's spelling: CTC beam search that prefers, or only writes, words that it knows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from torch import Tensor

from ftlib.speech.ctc import ALPHABET, BLANK, encode

_SPACE = encode(" ")[0]
_START = ""  # stands before the first word
_NEVER = -math.inf
Beam = dict[str, tuple[float, float]]  # text so far -> log probability with and without a blank at its end


class Lexicon:
    """Words, how often they occur, and which follow which.

    Args:
        texts: sentences in the field's own words; the word counts and pairs come from them.
        words: further single words that may be written, each counted once.
        pairs: weight of the probability after the word before, from 0 to less than 1; the rest goes to the word's own.

    Raises:
        ValueError: no words, a phrase among ``words``, a word outside the alphabet, or ``pairs`` out of range.
    """

    def __init__(self, texts: Iterable[str] = (), words: Iterable[str] = (), pairs: float = 0.5) -> None:
        texts, words, self.pairs = [text.split() for text in texts], list(words), pairs
        if not 0 <= pairs < 1:
            raise ValueError(
                f"pairs is {pairs}: give 0 or more and less than 1, or unseen pairs could never be written"
            )
        if phrase := next((word for word in words if word.split() != [word]), None):
            raise ValueError(f"{phrase!r} is not one word: give single words in words, and phrases in texts")
        self.counts = Counter(word for text in texts for word in text)
        self.counts.update(set(words) - set(self.counts))
        if not self.counts:
            raise ValueError("the lexicon is empty: give sentences or words")
        self.total = self.counts.total()
        self.after: dict[str, Counter] = defaultdict(Counter)
        for text in texts:
            for before, word in pairwise([_START, *text]):
                self.after[before][word] += 1
        self.trie: dict[int, dict] = {}
        for word in self.counts:
            node = self.trie
            for number in encode(word):
                node = node.setdefault(number, {})
            node[_SPACE] = word

    def log_prob(self, word: str, before: str = _START) -> float:
        """Natural logarithm of how likely a word is after another; off the list, rarer than any that is on it.

        >>> lexicon = Lexicon(["give aspirin", "give water"])
        >>> round(math.exp(lexicon.log_prob("water", "give")), 3)  # half of 1/2 and half of 1/4
        0.375
        """
        if word not in self.counts:
            return math.log((1 - self.pairs) / (self.total + 1))
        own = self.counts[word] / self.total
        follows = self.after.get(before)
        if not follows:
            return math.log(own)
        return math.log(self.pairs * follows[word] / follows.total() + (1 - self.pairs) * own)

    def unknown(self, texts: Iterable[str]) -> float:
        """Share of the running words of ``texts`` that the list does not hold."""
        words = [word for text in texts for word in text.split()]
        return sum(word not in self.counts for word in words) / max(1, len(words))


def beam_search(
    scores: Tensor,
    lexicon: Lexicon,
    *,
    width: int = 64,
    weight: float = 0.0,
    bonus: float = 0.0,
    unknown: float | None = 4.0,
) -> str:
    """The best text for one recording, by prefix beam search (Hannun et al. 2014, https://arxiv.org/abs/1408.2873).

    Args:
        scores: (frames, outputs) of the network.
        width: texts that are kept from frame to frame. Signs less likely than ``exp(-7)`` are never followed.
        weight: of the words' log probabilities beside the network's.
        bonus: added for each word, which makes up for ``weight`` preferring few words.
        unknown: what a word that is not on the list, and is spelled as it sounds, costs beyond a rare one that is on
            it (open vocabulary); None: no such word is ever written (closed vocabulary).

    Returns:
        The text. If no text that is left ends with a whole word, the best one without its last piece.

    Raises:
        ValueError: ``width`` is below 1, or ``unknown`` negative, so that words off the list would be preferred.
    """
    if width < 1:
        raise ValueError(f"width is {width}: keep at least one text")
    if unknown is not None and unknown < 0:
        raise ValueError(f"unknown is {unknown}: give what a word off the list costs, 0 or more, or None to forbid it")
    search = _Search(lexicon, weight, bonus, unknown)
    beams: Beam = {"": (0.0, _NEVER)}
    for frame in scores.detach().float().cpu().log_softmax(-1):
        likely = [(i, p) for i, p in enumerate(frame.tolist()) if p > -7.0 or i == BLANK]
        following: Beam = {}
        for text, (blank, other) in beams.items():
            search.extend(following, text, blank, other, likely)
        ranked = sorted(following, key=lambda t: _add(*following[t]) + search.value[t], reverse=True)
        beams = {text: following[text] for text in ranked[:width]}
    ended = {"": _NEVER}
    for text, p in beams.items():  # with and without a space at the end it is the same text
        ended[text.strip()] = _add(ended.get(text.strip(), _NEVER), _add(*p) + search.ended(text))
    best = max(ended, key=ended.get)
    if ended[best] == _NEVER:
        best = max(beams, key=lambda t: _add(*beams[t]) + search.value[t]).rpartition(" ")[0]
    return best


class _Search:
    """What is known of each text so far: its place in the trie and the value of its words.

    A text whose last word has left the list has no place in the trie: its node is empty.
    """

    def __init__(self, lexicon: Lexicon, weight: float, bonus: float, unknown: float | None) -> None:
        self.lexicon, self.weight, self.bonus, self.unknown = lexicon, weight, bonus, unknown
        self.node: dict[str, dict] = {"": lexicon.trie}
        self.value: dict[str, float] = {"": 0.0}
        self.last: dict[str, int] = {"": BLANK}

    def extend(self, into: Beam, text: str, blank: float, other: float, likely: Sequence[tuple[int, float]]) -> None:
        """Add what one frame can make of a text: the same text, or one character more."""
        whole, last, node = _add(blank, other), self.last[text], self.node[text]
        for number, p in likely:
            if number == BLANK:
                _merge(into, text, whole + p, _NEVER)
                continue
            if number == _SPACE and last in (_SPACE, BLANK):  # before the first word, or one space more
                _merge(into, text, _NEVER, whole + p)
                continue
            if number == last:
                _merge(into, text, _NEVER, other + p)
            if number in node or self.unknown is not None:
                start = blank if number == last else whole  # a doubled letter needs a blank between
                if start > _NEVER:
                    _merge(into, self._grown(text, number, node), _NEVER, start + p)

    def _grown(self, text: str, number: int, node: dict) -> str:
        if number == _SPACE:
            grown, after, value = text + " ", self.lexicon.trie, self.ended(text)
        else:
            grown, after = text + ALPHABET[number - 1], node.get(number, {})
            value = self.value[text] + (self._unlisted() if node and not after else 0.0)
        self.node[grown], self.value[grown], self.last[grown] = after, value, number
        return grown

    def _unlisted(self) -> float:
        if self.unknown is None:
            return _NEVER
        return self.weight * self.lexicon.log_prob("") + self.bonus - self.unknown

    def _word(self, text: str, word: str) -> float:
        words = text.split()
        before = words[-2] if len(words) > 1 else _START
        return self.weight * self.lexicon.log_prob(word, before) + self.bonus

    def ended(self, text: str) -> float:
        """The value of a text as the whole; minus infinity inside a word that has to be a listed one."""
        node = self.node[text]
        if not text or text.endswith(" ") or not node:  # no word is open, or it was paid for when it left the list
            return self.value[text]
        return self.value[text] + (self._word(text, node[_SPACE]) if _SPACE in node else self._unlisted())


def _merge(into: Beam, text: str, blank: float, other: float) -> None:
    old_blank, old_other = into.get(text, (_NEVER, _NEVER))
    into[text] = (_add(old_blank, blank), _add(old_other, other))


def _add(a: float, b: float) -> float:
    """The logarithm of the sum of two probabilities given as logarithms."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))
