"""What a network that learnt from English will not read of your texts: what is cut off, and other languages."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from ftlib.catalog import CatalogError
from ftlib.tasks.tokens import MAX_TOKENS, lengths

LOOKED_AT, LONGEST = 2_000, 4_000  # texts whose language is looked at, and characters of one text
# the words that hold a language's sentences together, those left out that another of these languages has too
SMALL_WORDS = {
    "English": "the and of to is that it for with was this are not have you my",
    "German": "der die das und ist nicht ein eine ich mit zu auf den dem wir wurde bei für",
    "French": "le les des et est une dans pas pour je que qui sur avec vous au nous",
    "Spanish": "el los las y es una por con para lo mi muy pero está del",
    "Italian": "il di che non è per sono della gli con questo ho mio anche",
    "Portuguese": "o os do da em não uma com para meu muito mas você foi ao",
    "Dutch": "het een van niet ik zijn met voor op dat aan maar ook wij naar",
    "Polish": "nie się na jest do że jak ale mam po przez było",
    "Swedish": "och att det som är inte jag på för med av har den",
    "Turkish": "ve bir bu için çok ama değil ben ile ne da",
}
WORDS = {name: frozenset(words.split()) for name, words in SMALL_WORDS.items()}


def reading_notes(texts: Sequence[str]) -> list[str]:
    """Sentences on texts that are longer than the network reads, and on a language that it has not read."""
    notes, most = [], MAX_TOKENS - 2
    long = [text[:LONGEST] for text in texts if len(text) > most]  # a piece has at least one letter
    try:
        cut = sum(n > MAX_TOKENS for n in lengths(long, MAX_TOKENS + 1)) if long else 0
        unit = "pieces"
    except (CatalogError, OSError):  # the tokenizer is not here: blanks are the next best
        cut, unit = sum(text.count(" ") >= most for text in long), "words"
    if cut:
        notes.append(f"Texts of more than {most} {unit}: {cut:,}. A network reads only their first {most} pieces.")
    found = Counter(map(language_of, texts[:: max(1, len(texts) // LOOKED_AT)]))
    name, n = next(((name, n) for name, n in found.most_common() if name not in ("", "English")), ("", 0))
    if name and n > 0.2 * found.total():
        share = n / found.total()
        notes.append(f"{share:.0%} of the texts look {name}: the network learnt from English, so trust it little.")
    return notes


def language_of(text: str) -> str:
    """The script of most letters where it is not Latin, or else the language by its small words; "" if unsure.

    >>> language_of("Wo ist der Brief, und ist das Paket nicht da?"), language_of("где моя посылка")
    ('German', 'Cyrillic')
    """
    letters = [sign for sign in text[:LONGEST] if sign.isalpha()]
    foreign = [sign for sign in letters if sign > "\u024f"]
    if 2 * len(foreign) > len(letters):
        scripts = Counter(unicodedata.name(sign, "unknown").split()[0].split("-")[0] for sign in foreign)
        name = scripts.most_common(1)[0][0]
        return "Chinese" if name == "CJK" else "Japanese" if name in ("HIRAGANA", "KATAKANA") else name.title()
    words = re.findall(r"[^\W\d_]+", text[:LONGEST].casefold())
    hits = {name: sum(word in small for word in words) for name, small in WORDS.items()}
    best, second = sorted(hits, key=hits.get, reverse=True)[:2]
    return best if hits[best] > max(1, hits[second]) else ""
