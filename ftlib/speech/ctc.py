"""Between letters and frames: the alphabet, CTC decoding with and without a word list, alignment and error rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

BLANK = 0
ALPHABET = "abcdefghijklmnopqrstuvwxyz' "
OUTPUTS = 1 + len(ALPHABET)
_NUMBER = {letter: i + 1 for i, letter in enumerate(ALPHABET)}


def encode(text: str) -> list[int]:
    """Text as the network's output numbers; 0 is CTC's blank.

    Raises:
        ValueError: the text is empty, or a character is not in the alphabet.

    >>> encode("ab c")
    [1, 2, 28, 3]
    """
    if not text:
        raise ValueError("there is an empty text: give at least one word, or leave the recording out")
    strange = sorted(set(text) - set(ALPHABET))
    if strange:
        raise ValueError(
            f"{text!r} holds {', '.join(map(repr, strange))}: write words in small letters a to z, with "
            "apostrophes and spaces, and numbers as words"
        )
    return [_NUMBER[c] for c in text]


def decode(numbers: Iterable[int]) -> str:
    """Output numbers as text; blanks fall away.

    >>> decode([1, 0, 2, 28, 3])
    'ab c'
    """
    return "".join(ALPHABET[i - 1] for i in numbers if i != BLANK)


def frames_needed(text: str) -> int:
    """Frames that CTC needs for a text: one a character, and a blank between equal neighbours.

    >>> frames_needed("cat"), frames_needed("mall")
    (3, 5)
    """
    return len(text) + sum(a == b for a, b in pairwise(text))


def infeasible(texts: Sequence[str], frames: Iterable[int]) -> list[str]:
    """Say which texts are too long for their frames: CTC would give them an infinite loss, or silently none.

    >>> infeasible(["yes", "no problem at all"], [20, 12])
    ["text 1, 'no problem at all', needs 18 frames and its recording has 12"]
    """
    return [
        f"text {i}, {text!r}, needs {frames_needed(text)} frames and its recording has {n}"
        for i, (text, n) in enumerate(zip(texts, frames, strict=True))
        if frames_needed(text) > n
    ]


def greedy(scores: Tensor, lengths: Tensor) -> list[str]:
    """The best character of each frame, repeats merged, blanks dropped (Graves et al. 2006).

    Args:
        scores: (B, frames, outputs).
        lengths: (B,) frames that count.
    """
    best = scores.argmax(-1).cpu()
    texts = []
    for row, n in zip(best, lengths.tolist(), strict=True):
        texts.append(" ".join(decode(torch.unique_consecutive(row[:n]).tolist()).split()))
    return texts


def align(scores: Tensor, text: str) -> list[tuple[str, int, int, float]]:
    """Which frames say which letter, if ``text`` is what was said (torchaudio's ``forced_align``).

    Args:
        scores: (frames, outputs) of one recording.

    Returns:
        For each character: the character, its first frame, the frame after its last, and its mean probability.

    Raises:
        ValueError: the text is empty, outside the alphabet, or too long for the frames.
    """
    from torchaudio.functional import forced_align, merge_tokens

    targets = torch.tensor([encode(text)])
    if problems := infeasible([text], [len(scores)]):
        raise ValueError(f"{problems[0]}: the words do not fit the sound")
    log_probs = scores.detach().float().cpu().log_softmax(-1)[None]
    path, score = forced_align(log_probs, targets, blank=BLANK)
    spans = merge_tokens(path[0], score[0].exp(), blank=BLANK)
    return [(ALPHABET[s.token - 1], s.start, s.end, float(s.score)) for s in spans]


def spelled(scores: Tensor, words: Sequence[str]) -> Tensor:
    """How well each spelling fits one recording: CTC's probability, summed over all paths, as a logarithm.

    Args:
        scores: (frames, outputs) of one recording.

    Returns:
        (words,), the best fit highest; minus infinity for a word that needs more frames than there are.

    >>> frames = torch.tensor([encode("h") + [0] + encode("i")]).T == torch.arange(OUTPUTS)
    >>> spelled(20.0 * frames, ["hi", "ho"]).argmax().item()
    0
    """
    if not words:
        raise ValueError("there is no word to compare: give at least one spelling")
    targets = torch.nn.utils.rnn.pad_sequence([torch.tensor(encode(word)) for word in words], batch_first=True)
    log_probs = scores.detach().float().cpu().log_softmax(-1)[:, None].expand(-1, len(words), -1)
    frames, letters = torch.full((len(words),), len(scores)), torch.tensor([len(word) for word in words])
    return -torch.nn.functional.ctc_loss(log_probs, targets, frames, letters, blank=BLANK, reduction="none")


def word_error_rate(said: Sequence[str], read: Sequence[str]) -> float:
    """Words wrong, missing or made up, over all words that were said (jiwer); can exceed 1.

    >>> word_error_rate(["give ten milligrams"], ["give tin milligrams"]) == 1 / 3
    True
    """
    import jiwer

    check_said(said, read)
    return float(jiwer.wer(list(said), list(read)))


def character_error_rate(said: Sequence[str], read: Sequence[str]) -> float:
    """Characters wrong, missing or made up, over all characters that were said."""
    import jiwer

    check_said(said, read)
    return float(jiwer.cer(list(said), list(read)))


def check_said(said: Sequence[str], read: Sequence[str]) -> None:
    """Refuse pairs of which no error rate can be told.

    Raises:
        ValueError: there is none, one is alone, or nothing was said.
    """
    if len(said) != len(read) or not said:
        raise ValueError(f"there are {len(said)} true texts and {len(read)} transcripts: give one for each, and some")
    if not all(text.strip() for text in said):
        raise ValueError("a true text is empty: an error rate needs words that were said")
