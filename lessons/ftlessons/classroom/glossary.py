"""Every technical term of the course in one sentence, from ``data/glossary.toml``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ftlessons.classroom import source
from ftlessons.classroom.session import show
from ftlessons.classroom.source import CourseDataError
from ftlib import runtime

FILE = "glossary.toml"
# what is not prose in a Markdown cell: code, tags, and links, which carry the titles of other lessons
_NOT_PROSE = re.compile(r"```.*?```|~~~.*?~~~|`[^`\n]+`|!?\[[^\]\n]*\]\([^)\n]*\)|<[^>\n]+>|https?://\S+", re.DOTALL)


@dataclass(frozen=True)
class Term:
    """A technical term.

    Attributes:
        name: as the glossary lists it.
        text: one sentence.
        lesson: the first lesson that introduces it.
        aliases: other words for it, such as abbreviations or verb forms; plurals in -s are understood.
    """

    name: str
    text: str
    lesson: str
    aliases: tuple[str, ...] = ()

    def occurs_in(self, markdown: str) -> bool:
        """Whether the prose of a Markdown cell uses the term; code and links do not count.

        >>> Term("head", "The last layer.", "03").occurs_in("Two new heads, and `head` as code.")
        True
        """
        return re.search(self._pattern(), " ".join(_NOT_PROSE.sub(" ", markdown).split())) is not None

    def _pattern(self) -> re.Pattern[str]:
        forms = "|".join(_form(word) for word in (self.name, *self.aliases))
        return re.compile(rf"(?<![\w-])(?:{forms})(?![\w-])", re.IGNORECASE)


def _form(word: str) -> str:
    """A pattern for a word and its regular plural: class, classes; entropy, entropies; head, heads."""
    spaced = r"[\s-]".join(re.escape(part) for part in re.split(r"[\s-]", word))
    if re.search(r"[^aeiou]y$", word):
        return rf"{spaced[:-1]}(?:y|ies)"
    return rf"{spaced}(?:es|s)?" if re.search(r"(?:s|x|ch|sh)$", word) else rf"{spaced}s?"


def load_glossary() -> dict[str, Term]:
    """All terms of ``data/glossary.toml``, by name.

    Raises:
        CourseDataError: an entry is incomplete, is not one sentence, stands out of alphabetical order, or
            shares a word with another; the sentence names it.
    """
    terms: dict[str, Term] = {}
    owners: dict[str, str] = {}
    last = ""
    for name, table in source.load_toml(FILE).items():
        where = f"data/{FILE}, [{name}]"
        if name.lower() < last.lower():
            raise CourseDataError(f"{where}: put it before [{last}]; terms stand in alphabetical order.")
        terms[name] = found = source.record(Term, table, where, name=name)
        if not re.fullmatch(r"[A-Z][^\n]*[.]", found.text) or re.search(r"[.!?] +[A-Z]", found.text):
            raise CourseDataError(f"{where}: `text` must be one sentence, with a capital letter and a full stop.")
        for word in (name, *found.aliases):
            if (owner := owners.setdefault(word.lower(), name)) != name:
                raise CourseDataError(f"{where}: {word!r} already belongs to [{owner}]; keep one of them.")
        last = name
    return terms


def premature(lesson: str, markdown: str, glossary: Mapping[str, Term]) -> Iterator[Term]:
    """The terms that a lesson's Markdown uses although a later lesson introduces them."""
    return (found for found in glossary.values() if found.lesson > lesson and found.occurs_in(markdown))


def term(name: str) -> None:
    """Show what a technical term means: ``term("frozen")``.

    Aliases, plurals and capitals are understood. An unknown word gets a sentence with similar terms; it
    raises only in strict mode, where the course is tested.
    """
    glossary = load_glossary()
    try:
        found = _look_up(name, glossary)
    except CourseDataError as problem:
        if runtime.strict():
            raise
        print(problem)
        return
    show(f"**{found.name}**: {found.text} (Lesson {found.lesson}.)")


def _look_up(name: str, glossary: Mapping[str, Term]) -> Term:
    wanted = str(name).strip()
    words = {word.lower(): found for found in glossary.values() for word in (found.name, *found.aliases)}
    for found in [words[wanted.lower()]] if wanted.lower() in words else glossary.values():
        if wanted and re.fullmatch(found._pattern(), wanted):
            return found
    near = difflib.get_close_matches(wanted.lower(), words, n=3)
    similar = f"Similar: {', '.join(dict.fromkeys(words[word].name for word in near))}." if near else (
        f"There are {', '.join(glossary)}."
    )
    raise CourseDataError(f"The glossary has no term {wanted!r}. {similar}")
