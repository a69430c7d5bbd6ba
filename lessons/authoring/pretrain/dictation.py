"""Make the data set ``dictation``, sentences in synthetic voices: ``python -m authoring.pretrain.dictation``.

Needs ``pip install "ftlib[voices]"`` and the program ``flite``. The sentences come as JSON lines:
``{"text": ..., "domain": "medical", "legal" or "general", "pass": "A" or "B", "terms": [...]}``; the network trains on
pass A and is tested on pass B. General sentences of pass A can be mixed in against forgetting; where pass B has none,
sentences of the pre-training's kind that it never saw take their place in the test.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from authoring.pretrain import shipping, speech_data, speech_text, speech_voices
from authoring.pretrain.speech_clips import GAP, Spoken, kbit_for, write_collection
from authoring.pretrain.speech_voices import ACCENTS, Manner
from ftlessons.lesson14 import noise
from ftlib import catalog
from ftlib.speech import audio, ctc

NAME, MEGABYTES = "dictation", 4.8
DOMAINS = ("medical", "legal", "general")
GENERAL = 100  # general sentences in the test voices
WORDS = 4000
PASSES = {"A": "train", "B": "test"}


@dataclass(frozen=True)
class Sentence:
    """One sentence, in spoken form, and the words in it that matter most."""

    text: str
    part: str  # "medical-train", "legal-test", "general-test", ...
    terms: tuple[str, ...] = ()


def read_sentences(folder: Path) -> list[Sentence]:
    """All sentences of ``*.jsonl`` in a folder, in spoken form, the parts in order.

    Raises:
        ValueError: a line cannot be used, a sentence stands twice, or a part is empty. It says where.
    """
    found: dict[str, Sentence] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            sentence = _sentence(line, f"{path.name}, line {n}")
            if sentence.text in found:
                raise ValueError(f"{path.name}, line {n}: {sentence.text!r} stands there twice: leave one out")
            found[sentence.text] = sentence
    parts = [f"{domain}-{split}" for domain in DOMAINS for split in PASSES.values()]
    for part in parts[:4]:
        if not any(sentence.part == part for sentence in found.values()):
            raise ValueError(f"there is no sentence for {part}: {folder} needs JSON lines of both fields and passes")
    return sorted(found.values(), key=lambda sentence: parts.index(sentence.part))


def _sentence(line: str, where: str) -> Sentence:
    try:
        row = json.loads(line)
        text, domain, which = row["text"], row["domain"], row["pass"]
        terms = row.get("terms", [])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{where} is no sentence: it needs text, domain and pass ({error})") from error
    if domain not in DOMAINS or which not in PASSES:
        known = ", ".join(DOMAINS)
        raise ValueError(f"{where} has the domain {domain!r} and the pass {which!r}: use {known} and A or B")
    spoken = speech_text.spoken_form(text)
    if spoken is None:
        raise ValueError(f"{where}: {text!r} cannot be read aloud as it stands: write abbreviations and signs as words")
    heard = [speech_text.spoken_form(term) for term in terms]
    missing = [t for t, h in zip(terms, heard, strict=True) if h is None or f" {h} " not in f" {spoken} "]
    if missing:
        raise ValueError(f"{where}: the term {missing[0]!r} does not occur in {text!r}")
    return Sentence(spoken, f"{domain}-{PASSES[which]}", tuple(heard))


def general_sentences(texts: Path, n: int = GENERAL) -> list[Sentence]:
    """Sentences of the pre-training's kind that it never saw, for the test voices: what is forgotten shows here."""
    stream = (s for s in speech_data.sentences(texts, seed=2, valid=True) if 4 <= len(s.split()) <= 14)
    unlike = dict.fromkeys(islice(stream, 50 * n))
    return [Sentence(text, "general-test") for text in islice(unlike, n)]


def general_words(texts: Path, n: int = WORDS, sentences: int = 40_000) -> list[str]:
    """The most frequent words of the pre-training's sentences."""
    counts = Counter(w for s in islice(speech_data.sentences(texts, seed=3), sentences) for w in s.split())
    return [word for word, _ in counts.most_common(n)]


def clips(sentences: Sequence[Sentence], seed: int = 0) -> Iterator[Spoken]:
    """Each sentence read once, the voices of its split taking turns; in the test every voice has one accent."""
    rng = random.Random(f"dictation {seed}")
    turns: Counter = Counter()
    for sentence in sentences:
        voices = speech_voices.GROUPS["dictation_train" if sentence.part.endswith("-train") else "dictation_test"]
        voice = voices[turns[sentence.part] % len(voices)]
        turns[sentence.part] += 1
        accent = rng.choice(ACCENTS) if sentence.part.endswith("-train") else ACCENTS[voices.index(voice) % 3]
        manner = Manner(voice, accent, *speech_voices.vary(rng, (-0.15, 0.3), (-0.25, 0.25), (-0.4, 0.4)))
        wave = noise.to_rate(*speech_voices.say(sentence.text, manner))
        if problem := ctc.infeasible([sentence.text], [len(wave) // audio.HOP // 2]):
            raise ValueError(f"read by {voice}, {problem[0]}")
        about = {"part": sentence.part, "voice": voice, "text": sentence.text, "terms": list(sentence.terms)}
        yield Spoken(f"{sentence.part}-{voice.split(':')[-1]}", wave, about)


def write_card(folder: Path, rows: Sequence[dict]) -> None:
    """Write ``README.md`` from the rows of ``clips.json``."""
    seconds = sum(row["end"] - row["start"] + GAP for row in rows) / audio.RATE
    table = []
    for part in dict.fromkeys(row["part"] for row in rows):
        of_part = [row for row in rows if row["part"] == part]
        minutes = sum(row["end"] - row["start"] for row in of_part) / audio.RATE / 60
        voices = ", ".join(sorted({row["voice"] for row in of_part}))
        table.append(f"| {part} | {len(of_part)} | {minutes:.1f} | {voices} |")
    kbit = kbit_for(seconds, MEGABYTES)
    shipping.write_card(folder, "dictation", n=len(rows), minutes=seconds / 60, kbit=kbit, table="\n".join(table))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sentences", type=Path, help="folder with the JSON lines")
    parser.add_argument("--texts", type=Path, default=Path("wikitext-2"), help="WikiText-2: valid.txt and test.txt")
    parser.add_argument("--out", type=Path, default=catalog.data_dir() / "datasets" / NAME)
    args = parser.parse_args()
    sentences = read_sentences(args.sentences)
    if not any(sentence.part == "general-test" for sentence in sentences):
        sentences += general_sentences(args.texts)
    rows = write_collection(args.out, clips(sentences), MEGABYTES)
    (args.out / "words.txt").write_text("\n".join(general_words(args.texts)) + "\n", encoding="utf-8")
    write_card(args.out, rows)
    print(f"{len(rows)} clips in {args.out}; now: python -m authoring stamp {NAME}")


if __name__ == "__main__":
    main()
