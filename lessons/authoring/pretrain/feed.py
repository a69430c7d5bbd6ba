"""Draw the news feed of lesson 09: ``python -m authoring.pretrain.feed``.

Headlines are filled-in templates about six invented companies, and the prices are random numbers that answer to what
was unexpected in the news of their own week. Nothing here was observed. No template is taken from the labelled texts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ftlib import catalog, resume

SEED, WEEKS = 9, 26
NEWS_A_WEEK = 1.6  # on average
REACTION, NOISE = 0.02, 0.025  # of a week's return: for a piece of good news that nobody expected; chance
COMPANIES = {  # what they do, and how their year goes
    "Brannoch Tools": ("hand tools", "turnaround"),
    "Velistra Media": ("streaming", "glamour"),
    "Quorvane Foods": ("frozen food", "ordinary"),
    "Tallowmere Rail": ("rail freight", "ordinary"),
    "Osprinne Cloud": ("software", "ordinary"),
    "Haldregar Chemicals": ("coatings", "ordinary"),
}
YEARS = {  # share of each kind of news; what is missing from 1 is neutral
    "turnaround": {"bad words, good news": 0.6, "good news": 0.1, "bad news": 0.05},
    "glamour": {"good words, bad news": 0.55, "good news": 0.1, "bad news": 0.1},
    "ordinary": {"good news": 0.25, "bad news": 0.2, "bad words, good news": 0.03, "good words, bad news": 0.02},
}
VALUE = {"bad words, good news": 1, "good news": 1, "bad news": -1, "good words, bad news": -1, "neutral": 0}
LABELS = {-1: "negative", 0: "neutral", 1: "positive"}
TEMPLATES = {
    "bad words, good news": (
        "{c}'s net loss narrowed to {low} million euros from {high} million a year ago.",
        "{c} closed its worst plant, a step that ends {low} million euros of losses a year.",
        "{c} cut its debt by {high} million euros after selling a loss-making division.",
        "{c} settled the claim over defective parts for {low} million euros; it had set aside {high} million.",
        "The write-down at {c} came to {low} million euros, far less than the {high} million it had warned of.",
        "Fire destroyed a competitor's warehouse, and {c} took over orders worth {high} million euros.",
        "{c} lost {low} million euros in the quarter, where analysts had feared {high} million.",
        "Job cuts at {c} are complete and will save {high} million euros a year.",
    ),
    "good words, bad news": (
        "{c} won a record {high} percent more customers, each of whom costs it more than they pay.",
        "Best sales ever at {c}, which now expects next year's profit to fall by {high} percent.",
        "The free offer by {c} was a triumph with users and turned a profit into a loss of {low} million euros.",
        "{c} celebrates strong growth of {high} percent, where {more} percent had been expected.",
        "Staff of {c} cheered a generous pay rise that will take {low} percent off the margin.",
        "{c} delighted its fans with a new release and withdrew its profit guidance for the year.",
        "A popular partner praised {c} warmly and moved its contract of {high} million euros elsewhere.",
    ),
    "good news": (
        "{c} raised its profit forecast for the year by {high} percent.",
        "Quarterly profit at {c} rose {high} percent, more than analysts had expected.",
        "{c} won an order worth {more} million euros, its largest this year.",
        "{c} will buy back shares for {high} million euros.",
        "Operating margin at {c} improved to {high} percent from {low} percent.",
    ),
    "bad news": (
        "{c} cut its profit forecast for the year by {high} percent.",
        "Quarterly profit at {c} fell {high} percent, more than analysts had expected.",
        "{c} lost a contract worth {more} million euros to a competitor.",
        "{c} will sell new shares at a steep discount to cover a shortfall of {high} million euros.",
        "Operating margin at {c} shrank to {low} percent from {high} percent.",
    ),
    "neutral": (
        "{c} will publish its half-year figures on {low} August.",
        "{c} held its annual meeting; all {low} items on the agenda were approved.",
        "{c} appointed a new head of communications, who starts in {low} weeks.",
        "{c} renewed a credit line of {more} million euros on unchanged terms.",
        "{c} repeated its outlook for the year.",
        "{c} moved its head office to another building in the same street.",
        "An analyst repeated a hold rating on {c} and left the target at {high} euros.",
        "{c} presented its {s} at a trade fair for the {low}th time.",
    ),
}  # fmt: skip


def headlines(rng: np.random.Generator) -> pd.DataFrame:
    """One row a headline: ``week`` from 1, ``company``, ``text``, ``kind`` and its ``label`` by the guideline."""
    rows = []
    for company, (trade, year) in COMPANIES.items():
        shares = YEARS[year] | {"neutral": 1 - sum(YEARS[year].values())}
        for week in range(1, WEEKS + 1):
            for kind in rng.choice(list(shares), rng.poisson(NEWS_A_WEEK), p=list(shares.values())):
                low, high = int(rng.integers(4, 10)), int(rng.integers(14, 40))
                text = str(rng.choice(TEMPLATES[kind])).format(c=company, s=trade, low=low, high=high, more=high + 25)
                rows.append((week, company, text, kind, LABELS[VALUE[kind]]))
    table = pd.DataFrame(rows, columns=["week", "company", "text", "kind", "label"])
    return table.sort_values(["week", "company"], kind="stable").drop_duplicates("text").reset_index(drop=True)


def prices(news: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The weekly ``return`` of each share: a reaction to the week's surprise, once and at once, and chance.

    The market knows how each company's year goes, so only what differs from its usual week is a surprise.
    """
    value = news.kind.map(VALUE).groupby([news.week, news.company]).sum()
    weeks = pd.MultiIndex.from_product([range(1, WEEKS + 1), COMPANIES], names=["week", "company"])
    table = value.reindex(weeks, fill_value=0).rename("news").reset_index()
    usual = {name: NEWS_A_WEEK * sum(VALUE[kind] * share for kind, share in YEARS[year].items())
             for name, (_, year) in COMPANIES.items()}  # fmt: skip
    moves = REACTION * (table.news - table.company.map(usual)) + rng.normal(0, NOISE, len(table))
    return table.assign(**{"return": moves.round(4)})[["week", "company", "return"]]


def make(folder: Path, seed: int = SEED) -> None:
    """Write ``feed.csv`` and ``prices.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    news = headlines(rng)
    for name, table in {"feed.csv": news, "prices.csv": prices(news, rng)}.items():
        with resume.replacing(folder / name) as part:
            table.to_csv(part, index=False, lineterminator="\n")


if __name__ == "__main__":
    make(catalog.data_dir() / "datasets" / "finance_feed")
