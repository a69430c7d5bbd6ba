"""General English sentences, written the way they are spoken, for pre-training a speech recogniser."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_IRREGULAR = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_UNITS = {
    "km": "kilometres", "cm": "centimetres", "mm": "millimetres", "m": "metres", "ft": "feet", "mi": "miles",
    "kg": "kilograms", "lb": "pounds", "mph": "miles an hour", "nm": "nautical miles", "yd": "yards", "in": "inches",
}  # fmt: skip
_SHORT = {
    "mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "vs": "versus", "jr": "junior", "sr": "senior",
    "no": "no", "etc": "et cetera", "col": "colonel", "lt": "lieutenant", "gen": "general", "sgt": "sergeant",
    "capt": "captain", "prof": "professor", "inc": "incorporated",
}  # fmt: skip
SPOKEN = re.compile(r"[a-z']+(?: [a-z']+)*")
_UNSPEAKABLE = re.compile(r"(?<![\w'])[bcdfghjklmnpqrstvwxz]{2,}\b")  # an abbreviation: no vowel


def number(n: int) -> str:
    """A whole number in words.

    >>> number(1204), number(-30)
    ('one thousand two hundred four', 'minus thirty')
    """
    if n < 0:
        return "minus " + number(-n)
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f" {_ONES[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{_ONES[n // 100]} hundred" + (f" {number(n % 100)}" if n % 100 else "")
    for size, name in _SCALES:
        if n >= size:
            return f"{number(n // size)} {name}" + (f" {number(n % size)}" if n % size else "")
    raise AssertionError


def year(n: int) -> str:
    """A year in words, from 1000 to 2099.

    >>> year(1984), year(2007), year(1900), year(1806)
    ('nineteen eighty four', 'two thousand seven', 'nineteen hundred', 'eighteen oh six')
    """
    if n % 1000 < 10:
        return number(n)
    high, low = divmod(n, 100)
    if low == 0:
        return number(high) + " hundred"
    return f"{number(high)} {'oh ' if low < 10 else ''}{number(low)}"


def ordinal(n: int) -> str:
    """An ordinal number in words.

    >>> ordinal(21), ordinal(12), ordinal(30)
    ('twenty first', 'twelfth', 'thirtieth')
    """
    *rest, last = number(n).split()
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    else:
        last = (last[:-1] + "ie" if last.endswith("y") else last) + "th"
    return " ".join([*rest, last])


def spoken_form(text: str) -> str | None:
    """Rewrite text as it is read aloud, in ``a-z``, apostrophe and space; None where that is not plain.

    >>> spoken_form("In 1984, it cost £ 3.50 (21 % more) at St. Ives.")
    'in nineteen eighty four it cost three point five zero pounds twenty one percent more at saint ives'
    >>> spoken_form("a β-blocker") is None
    True
    """
    text = unicodedata.normalize("NFKC", text).replace("’", "'").replace("–", " to ").replace("—", " ")
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = re.sub(r"[£$€]\s?([\d.,]*\d)(?: (million|billion))?", _money, text)
    text = re.sub(r"(\d) ?%", r"\1 percent", text).replace("&", " and ")
    text = re.sub(r"\b([A-Z])\.", r"\1 ", text)
    text = re.sub(r"\b(\d[\d.]*) ?(km|cm|mm|ft|mi|kg|lb|mph|nm|yd|m|in)\b(?! the| a)", _unit, text)
    text = re.sub(r"\b(1[0-9]|20)(\d)0s\b", lambda m: year(int(m[1] + m[2] + "0")).replace("ty", "ties"), text)
    text = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", lambda m: ordinal(int(m[1])), text)
    text = re.sub(r"\b(1[1-9]\d\d|20\d\d)\b(?![.,]\d)", lambda m: f" {year(int(m[1]))} ", text)
    text = re.sub(r"\d[\d,]*(?:\.\d+)?", _plain_number, text)
    text = re.sub(r"\b([A-Z]{2,4})\b", _initials, text)
    words = re.sub(r"[.,;:!?\"()\[\]/-]|(?<!\w)'|'(?!\w)", " ", text).lower().split()
    text = " ".join(_SHORT.get(word, word) for word in words)
    return text if SPOKEN.fullmatch(text) and not _UNSPEAKABLE.search(text) else None


def _money(found: re.Match) -> str:
    name = {"£": "pounds", "$": "dollars", "€": "euros"}[found[0][0]]
    return f"{found[1]} {found[2]} {name}" if found[2] else f"{found[1]} {name}"


def _unit(found: re.Match) -> str:
    return f"{found[1]} {_UNITS[found[2]]}"


def _plain_number(found: re.Match) -> str:
    whole, _, rest = found[0].replace(",", "").partition(".")
    if len(whole) > 10:
        return "#"
    return " ".join(["", number(int(whole)), *(["point"] if rest else []), *(_ONES[int(d)] for d in rest), ""])


def _initials(found: re.Match) -> str:
    word = found[0]
    return word if re.search(r"[AEIOUY]", word) and len(word) > 3 else " ".join(word)


def clauses(path: Path, least: int = 3, most: int = 16) -> Iterator[str]:
    """Clauses and short sentences of a file of WikiText, in spoken form, none with an unknown word.

    Args:
        path: ``valid.txt`` or ``test.txt`` of WikiText-2.
        least, most: words a clause.
    """
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("=") or not line.strip():
            continue
        line = re.sub(r" @([-,.])@ ", r"\1", line)
        line = re.sub(r" ' ?(s|re|ve|ll|d|m|t)\b", r"'\1", line).replace(" n't", "n't")
        for sentence in re.split(r" [.;:!?] ", line):
            yield from _pieces(sentence, least, most)


def _pieces(sentence: str, least: int, most: int) -> Iterator[str]:
    """Cut a sentence at commas, and where that is not enough anywhere, leaving out what is unknown."""
    run: list[str] = []
    for part in [*re.split(r" [,()\"](?= |$)|^[\"(]| ' ", sentence), "<unk>"]:
        spoken = None if "<unk>" in part else spoken_form(part)
        words = spoken.split() if spoken else []
        if run and (not words or len(run) + len(words) > most):
            n = -(-len(run) // most)  # equal pieces
            for i in range(n):
                piece = run[i * len(run) // n : (i + 1) * len(run) // n]
                if len(piece) >= least:
                    yield " ".join(piece)
            run = []
        run += words
