"""The course's own texts: fixed splits, no near-duplicates, not too easy, and cards that say who wrote them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from rapidfuzz import fuzz, process

from ftlib import catalog, tasks
from ftlib.tasks import tfidf

NAMES = ("reviews", "finance_news")
each = pytest.mark.parametrize("name", NAMES)
SPLITS = {"train", "tune", "tune_valid", "test"}
TOO_ALIKE, TOO_EASY = 75, 0.85


@cache
def items(name: str) -> pd.DataFrame:
    return tasks.get(name).items


@each
def test_no_two_texts_are_near_copies(name):
    texts, worst = items(name).text.str.lower().tolist(), []
    for start in range(0, len(texts), 500):
        some = texts[start : start + 500]
        alike = process.cdist(some, texts, scorer=fuzz.ratio, dtype=np.uint8, score_cutoff=TOO_ALIKE)
        worst += [(texts[start + i], texts[j]) for i, j in zip(*np.nonzero(alike), strict=True) if start + i < j]
    assert not worst, f"{len(worst)} pairs are alike, the first: {worst[0]}"


@each
def test_authors_of_the_test_texts_wrote_no_others(name):
    table = items(name)
    learnt = table.split.isin(["train", "tune", "tune_valid"])
    assert not set(table.author[learnt]) & set(table.author[~learnt])


def test_reviews_are_as_they_should_be():
    table = items("reviews")
    learnt, shift = table[table.split.isin(SPLITS)], table[table.split == "shift"]
    assert len(table) >= 1500 and table.area.nunique() >= 8 and shift.area.nunique() == 2
    assert not set(shift.area) & set(learnt.area)
    shares = table.groupby("split").number.mean()
    assert shares.between(0.48, 0.52).all(), shares
    tags = table.tags.str.get_dummies("|")
    assert {"negation", "faint_praise", "irony", "mixed", "comparison", "misspelled"} <= set(tags.columns)
    for tag in tags.columns:
        assert table.number[tags[tag] == 1].value_counts().min() >= 15, f"{tag} gives the label away"


def test_counting_words_is_not_enough_for_reviews():
    train, test = (items("reviews")[lambda t, part=part: t.split.isin(part)] for part in (SPLITS - {"test"}, {"test"}))
    best = 0.0
    for settings in tfidf.grid():
        found = tfidf.fit_tfidf(train.text, train.number, **settings).predict(test.text)
        best = max(best, (found == test.number).mean())
    assert 0.6 < best <= TOO_EASY, f"TF-IDF reaches {best:.3f}"


def test_finance_news_is_as_unbalanced_as_life():
    table = items("finance_news")
    assert len(table) >= 900
    for _, group in table.groupby("split"):
        share = group.label.value_counts(normalize=True)
        assert 0.45 < share["neutral"] < 0.65 and 0.15 < share["negative"] < 0.27 and 0.18 < share["positive"] < 0.32


@each
def test_the_card_says_who_wrote_it(name):
    card = catalog.path(name, "README.md").read_text(encoding="utf-8")
    assert "language model" in card and "CC BY 4.0" in card and "kappa" in card


@each
def test_the_kappa_on_the_card_is_that_of_the_second_labels(name):
    from sklearn.metrics import cohen_kappa_score

    second = pd.read_csv(catalog.path(name, "second_labels.csv")).set_index("id").label
    first = items(name).set_index("id").label[second.index]
    assert second.index.is_unique and len(second) >= len(items(name)) / 5.01
    card = catalog.path(name, "README.md").read_text(encoding="utf-8")
    assert f"kappa {cohen_kappa_score(first, second):.2f}" in card
