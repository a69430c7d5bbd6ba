"""The house's documents and questions: answers stand where they say, and the second reader agrees as the card says."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache

import pytest

from ftlib import catalog


@cache
def rows(file: str, dataset: str = "manuals") -> list[dict]:
    """The lines of one of a set's files."""
    return [json.loads(line) for line in catalog.path(dataset, file).read_text(encoding="utf-8").splitlines()]


def documents(dataset: str = "manuals") -> dict[str, dict]:
    return {row["id"]: row for row in rows("documents.jsonl", dataset)}


def words(text: str) -> list[str]:
    """Words as question answering compares them: small letters, no punctuation, no articles."""
    return [word for word in re.findall(r"[\w.,]*\w|\w", text.lower()) if word not in ("a", "an", "the")]


def f1(one: str, other: str) -> float:
    shared = (Counter(words(one)) & Counter(words(other))).total()
    return 2 * shared / (len(words(one)) + len(words(other)))


@pytest.mark.parametrize("dataset", ["manuals", "passages"])
def test_every_answer_stands_where_it_says(dataset):
    for file in ("questions.jsonl", "second_answers.jsonl"):
        for row in rows(file, dataset):
            text = documents(dataset)[row["id"].partition("-")[0]]["text"]
            assert text[row["start"] :].startswith(row["answer"]) if row["answer"] else row["start"] == -1, row["id"]
            assert row["answer"] == row["answer"].strip()


def test_nothing_is_written_twice():
    assert len(documents()) == len(rows("documents.jsonl")) == 60
    assert len({row["id"] for row in rows("questions.jsonl")}) == len(rows("questions.jsonl")) == 465
    asked = Counter((row["document"], " ".join(words(row["question"]))) for row in rows("questions.jsonl"))
    assert max(asked.values()) == 1
    where: dict[tuple, str] = {}
    for id, document in documents().items():
        said = words(document["text"])
        for run in zip(*(said[i:] for i in range(8)), strict=False):
            assert where.setdefault(run, id) == id, f"{id} and {where[run]} share {' '.join(run)!r}"


def test_a_general_question_has_one_answer_in_its_passage_and_the_card_says_how_far_the_second_reader_agrees():
    card, texts = catalog.path("passages", "README.md").read_text(encoding="utf-8"), documents("passages")
    pairs = list(zip(*(rows(f"{file}.jsonl", "passages") for file in ("questions", "second_answers")), strict=True))
    assert len(pairs) == 96 and len(texts) == 24 and all(one["id"] == other["id"] for one, other in pairs)
    assert all(texts[one["document"]]["text"].count(one["answer"]) == 1 for one, _ in pairs)
    same = sum(words(one["answer"]) == words(other["answer"]) for one, other in pairs) / len(pairs)
    overlap = sum(f1(one["answer"], other["answer"]) for one, other in pairs) / len(pairs)
    assert f"{100 * same:.0f} % the same stretch, F1 {overlap:.2f}" in card


def test_the_card_says_how_far_the_second_reader_agrees():
    card = catalog.path("manuals", "README.md").read_text(encoding="utf-8")
    second = {row["id"]: row["answer"] for row in rows("second_answers.jsonl")}
    assert set(second) == {row["id"] for row in rows("questions.jsonl")}
    assert all(bool(row["answer"]) == bool(second[row["id"]]) for row in rows("questions.jsonl"))
    answered = [(row["answer"], second[row["id"]]) for row in rows("questions.jsonl") if row["answer"]]
    same = sum(words(one) == words(other) for one, other in answered) / len(answered)
    overlap = sum(f1(one, other) for one, other in answered) / len(answered)
    assert f"the same stretch in {same:.0%}".replace("%", " %") in card and f"an F1 of {overlap:.2f}" in card
    assert f"{len(answered)} questions have an answer" in card
