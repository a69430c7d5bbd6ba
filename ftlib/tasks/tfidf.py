"""The cheapest rival for texts: word or letter-group counts and a logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def grid() -> list[dict]:
    """Settings to tune over: C and what is counted, eight in all."""
    return [{"C": c, "analyzer": a} for c in (0.1, 1.0, 10.0, 100.0) for a in ("word", "char_wb")]


def vectorizer(analyzer: str) -> Any:
    """Counts of words and word pairs (``"word"``) or of letter groups (``"char_wb"``), weighted by TF-IDF."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    pattern = {"token_pattern": r"(?u)\b\w+\b"} if analyzer == "word" else {}
    return TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 2 if analyzer == "word" else 4),
                           sublinear_tf=True, **pattern)  # fmt: skip


def fit_tfidf(texts: Sequence[str], labels: Sequence[int], C: float = 10.0, analyzer: str = "char_wb") -> Any:
    """Logistic regression on TF-IDF, a scikit-learn pipeline that predicts class numbers.

    Args:
        C: the larger, the less the weights are held back.
        analyzer: ``"word"`` counts words and pairs, ``"char_wb"`` letter groups within words.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(vectorizer(analyzer), LogisticRegression(C=C, max_iter=1000))
    return model.fit(texts, labels)
