"""Reviews that differ in nothing but a name or a pronoun, and how far a model's answer moves with it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ftlib import catalog

PRONOUNS = {
    "she": {"they": "she", "them": "her", "their": "her"},
    "he": {"they": "he", "them": "him", "their": "his"},
    "they": {"they": "they", "them": "them", "their": "their"},
}


def swapped_texts() -> pd.DataFrame:
    """Every text with every filling of its gap: columns ``id, kind, label, who, origin, gender, text``.

    ``kind`` is ``"name"`` (20 texts, 24 names) or ``"pronoun"`` (10 texts, 3 pronouns); ``who`` fills the gap.
    """
    texts, names = (pd.read_csv(catalog.path("names", file, verbose=False)) for file in ("texts.csv", "names.csv"))
    rows = []
    for text in texts.itertuples():
        if text.kind == "name":
            fillings = [(row.name, row.origin, row.gender, {"name": row.name}) for row in names.itertuples(index=False)]
        else:
            fillings = [(word, "", "", forms) for word, forms in PRONOUNS.items()]
        for who, origin, gender, words in fillings:
            rows.append((text.id, text.kind, text.label, who, origin, gender, text.text.format(**words)))
    return pd.DataFrame(rows, columns=["id", "kind", "label", "who", "origin", "gender", "text"])


def moved(table: pd.DataFrame, column: str = "positive") -> pd.Series:
    """For each text, how far apart its highest and its lowest value lie over all fillings, indexed by ``id``."""
    values = table.groupby("id", sort=False)[column]
    return values.max() - values.min()


def gap(table: pd.DataFrame, by: str = "origin", column: str = "positive") -> float:
    """The highest mean of a group of names minus the lowest."""
    means = table.groupby(by)[column].mean()
    return float(means.max() - means.min())


def gap_beyond_chance(
    table: pd.DataFrame, by: str = "origin", column: str = "positive", deals: int = 500, seed: int = 0
) -> float:
    """``gap``, minus the mean gap when the names are dealt to groups of the same sizes at random.

    Any groups of names lie somewhat apart. Above zero, the groups as they are lie further apart than that.

    Raises:
        ValueError: there are no names in the table.
    """
    names = table[table[by] != ""].groupby("who", sort=False).agg({by: "first", column: "mean"})
    if names.empty:
        raise ValueError(f"no row has a {by}: give the texts of kind 'name'")
    rng, sizes = np.random.default_rng(seed), names.groupby(by).size().to_numpy()
    dealt = rng.permuted(np.tile(names[column].to_numpy(), (deals, 1)), axis=1)
    means = np.add.reduceat(dealt, np.cumsum(sizes) - sizes, axis=1) / sizes
    return gap(names, by, column) - float((means.max(1) - means.min(1)).mean())
