"""Finance news: the feed, the word counter, kappa, correlations, prices of mistakes, and the studies' arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from authoring.pretrain import feed
from ftlessons.lesson05 import imbalance
from ftlessons.lesson09 import figures
from ftlessons.lesson09.labels import BAD, GOOD, by_words
from ftlessons.lesson09.studies import finance_start
from ftlessons.lesson09.studies import imbalance as rarity
from ftlib import adapt, catalog, metrics, tasks
from ftlib.recipes import fit_head

# --- the feed


@pytest.fixture(scope="module")
def shipped() -> tuple[pd.DataFrame, pd.DataFrame]:
    return tuple(pd.read_csv(catalog.path("finance_feed", f"{name}.csv", verbose=False)) for name in ("feed", "prices"))


def test_the_script_makes_the_files_that_ship(tmp_path):
    feed.make(tmp_path)
    for name in ("feed.csv", "prices.csv"):
        assert (tmp_path / name).read_bytes() == catalog.path("finance_feed", name, verbose=False).read_bytes()
    feed.make(tmp_path / "other", seed=1)
    assert (tmp_path / "other" / "feed.csv").read_bytes() != (tmp_path / "feed.csv").read_bytes()


def test_every_headline_names_an_invented_company_and_has_the_label_of_its_kind(shipped):
    news, _ = shipped
    assert set(news.company) == set(feed.COMPANIES) and news.text.is_unique
    assert all(company in text for company, text in zip(news.company, news.text, strict=True))
    assert (news.label == news.kind.map(feed.VALUE).map(feed.LABELS)).all()
    known = " ".join(tasks.get("finance_news").items.text)
    assert not [name for name in feed.COMPANIES if name.split()[0] in known]


def test_prices_answer_to_surprises_at_once_and_hold_no_forecast(shipped):
    news, prices = shipped
    assert len(prices) == feed.WEEKS * len(feed.COMPANIES)
    sums = news.kind.map(feed.VALUE).groupby([news.week, news.company]).sum()
    prices = prices.assign(news=[sums.get(key, 0) for key in zip(prices.week, prices.company, strict=True)])
    later = prices.assign(later=prices.groupby("company")["return"].shift(-1)).dropna()
    now, then = metrics.correlation(prices.news, prices["return"]), metrics.correlation(later.news, later.later)
    assert now.low > 0.2 and then.low < 0 < then.high
    year = prices.groupby("company")[["news", "return"]].sum()
    assert year.news["Brannoch Tools"] > 15 and abs(year["return"]["Brannoch Tools"]) < 0.2


# --- the word counter


def test_the_word_counter_believes_the_majority():
    assert not GOOD & BAD
    texts = ["A record PROFIT", "Losses, losses and a record", "The board met.", "profit and loss", ""]
    assert by_words(texts) == ["positive", "negative", "neutral", "neutral", "neutral"]


# --- kappa and correlation


def test_kappa_is_agreement_beyond_chance():
    first, second = ["a"] * 45 + ["b"] * 55, ["a"] * 25 + ["b"] * 20 + ["a"] * 15 + ["b"] * 40
    chance = 0.45 * 0.4 + 0.55 * 0.6
    assert metrics.kappa(first, second) == pytest.approx((0.65 - chance) / (1 - chance))
    assert metrics.kappa(["a", "a"], ["a", "a"]) is None
    with pytest.raises(ValueError, match="two flat sequences of one length"):
        metrics.kappa(["a"], ["a", "b"])


def test_the_interval_of_kappa_shrinks_with_more_texts():
    first, second = [0, 1, 1, 0, 2] * 4, [0, 1, 0, 0, 2] * 4
    few, many = metrics.kappa_interval(first, second), metrics.kappa_interval(first * 8, second * 8)
    assert few.low < few.value < few.high and many.high - many.low < 0.6 * (few.high - few.low)
    assert str(few) == str(metrics.kappa_interval(first, second))


def test_correlation_with_its_interval():
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    found = metrics.correlation(x, x + rng.normal(size=60))
    assert found.low < found.value < found.high and 0.4 < found.value < 0.9
    for bad in ([1, 1, 1, 1], [1, 2, 3]):
        with pytest.raises(ValueError, match="at least four pairs, and values that vary"):
            metrics.correlation(bad, [1, 2, 3, 4][: len(bad)])


# --- what mistakes cost


def test_balanced_weights_make_all_classes_count_the_same():
    labels = torch.tensor([0] * 2 + [1] * 6 + [2] * 4)
    weights = imbalance.balanced_weights(labels, 3)
    assert torch.allclose(weights[labels].sum(), torch.tensor(12.0))
    assert torch.allclose(weights * torch.bincount(labels), torch.full((3,), 4.0))
    with pytest.raises(ValueError, match="class 3 has no example"):
        imbalance.balanced_weights(labels, 4)


def test_the_cheapest_answer_costs_least_if_the_probabilities_are_true():
    costs = rarity.RISK_DESK
    sure = torch.tensor([[0.2, 0.5, 0.3], [0.01, 0.9, 0.09], [0.0, 0.1, 0.9]])
    assert imbalance.cheapest(sure, costs).tolist() == [0, 1, 2]
    assert imbalance.bill([0, 1, 2], [0, 1, 2], costs) == 0
    assert imbalance.bill([0, 0], [1, 2], costs) == 100 * 15


def test_the_threshold_is_the_cheapest_on_validation():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 300)
    sure = torch.softmax(torch.nn.functional.one_hot(torch.tensor(true), 3) + torch.randn(300, 3), 1)
    best = rarity.best_threshold(sure, true)

    def price(threshold: float) -> float:
        return imbalance.bill(true, rarity.decided(sure, "threshold", threshold), rarity.RISK_DESK)

    assert best < 0.5 and price(best) == min(map(price, imbalance.THRESHOLDS)) < price(0.5)
    assert rarity.decided(torch.tensor([[0.3, 0.3, 0.4]]), "threshold", 0.25).tolist() == [0]
    assert rarity.decided(torch.tensor([[0.2, 0.3, 0.5]]), "threshold", 0.25).tolist() == [2]


def test_ways_turns_one_row_a_run_into_one_row_a_decision():
    scores = {f"{name}, {way}": float(i) for i, way in enumerate(rarity.DECISIONS) for name in ("accuracy", "recall")}
    run = {"model": "head", "loss": "plain", "threshold": 0.2} | scores
    runs = pd.DataFrame([run | {"seed": seed} for seed in (0, 1)])
    table = rarity.ways(runs)
    assert len(table) == 2 * len(rarity.DECISIONS) and table.accuracy.tolist() == [0.0, 1.0, 2.0] * 2
    assert rarity.hidden(table)["head"].value == 0.0


# --- two answers made into three, and the gap


def test_the_two_cuts_find_the_middle():
    good = torch.tensor([0.05, 0.1, 0.15, 0.45, 0.5, 0.55, 0.85, 0.9])
    true = [0, 0, 0, 1, 1, 1, 2, 2]
    low, high = finance_start.best_cuts(good, true)
    assert 0.15 <= low < 0.45 and 0.55 <= high < 0.85
    assert finance_start.three_way(good, low, high).tolist() == true


def test_gap_closed_and_beside():
    rows = [("sentiment", "as it is", 0, 0, 0.1, 0.3), ("sentiment", "at home", 0, 0, 0.6, None)]
    rows += [("sentiment", "head", 30, seed, kappa, 0.5) for seed, kappa in enumerate((0.35, 0.6))]
    rows += [("minilm", "head", 30, seed, 0.0, 0.4) for seed in (0, 1)]
    table = pd.DataFrame(rows, columns=["start", "recipe", "budget", "seed", "kappa", "score"])
    assert finance_start.gap_closed(table, "head", 30) == pytest.approx([0.5, 1.0])
    assert finance_start.untrained(table) == 0.3
    grid = pd.DataFrame({"task": ["finance_news"], "recipe": ["head"], "budget": [30], "seed": [0], "score": [0.4],
                         "metric": ["macro F1"], "budget_unit": ["labels"]})  # fmt: skip
    both = finance_start.beside(grid, table)
    assert both.recipe.tolist() == ["head", "head, from sentiment", "head, from sentiment"] and both.notna().all().all()


def test_a_live_run_away_from_the_record_is_refused_in_strict_mode(monkeypatch):
    table = pd.DataFrame([("sentiment", "head", 480, 0, 1.0)], columns=["start", "recipe", "budget", "seed", "score"])
    true = [0, 1, 2]
    monkeypatch.setenv("FTLIB_STRICT", "1")
    finance_start.check_live(table, true, torch.tensor([0, 1, 2]))
    with pytest.raises(AssertionError, match="live runs differ from the record"):
        finance_start.check_live(table, true, torch.tensor([0, 1, 1]))


def test_a_head_on_cached_features_is_the_recipe_head(monkeypatch):
    """The same weights as ``cached.fit_head`` gives, on features that a small table stands in for."""
    task = finance_start.FinanceNews()
    z = torch.randn(len(task.rows("train")), 384, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(finance_start, "vectors", lambda start, split: z)
    texts = task.sample(30, 0)
    head = finance_start.fit_head("minilm", texts, seed=3, lr=0.01, steps=20)
    place = {text: i for i, text in enumerate(task.rows("train").text)}
    model = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Linear(384, 2))
    adapt.replace_head(model, 3, seed=3)
    data = torch.utils.data.TensorDataset(z[[place[text] for text in texts.texts]], texts.labels)

    class Plain:
        head_loss, collate, feature_batch = None, None, 256
        inputs, labels = staticmethod(lambda batch: batch[0]), staticmethod(lambda batch: batch[1])

    fit_head(model, data, Plain(), lr=0.01, steps=20, batch_size=16, seed=3, progress=False)
    assert torch.equal(head[0].weight, model[1].weight)


# --- figures


def test_trends_add_up_and_say_where_they_end():
    table = pd.DataFrame(itertools.product((1, 2, 3), ("Ox", "Elk")), columns=["week", "company"])
    table = table.assign(up=1, down=-1)
    picture = figures.trends(table, {"up": "true", "down": "model"}, ["Ox", "Elk"], "Trends")
    assert "Ox, true: +3 in the end" in picture.alt and "Elk, model: -3 in the end" in picture.alt


def test_news_against_returns_tells_the_correlation():
    picture = figures.against_returns({"now": ([0, 1, 2, 3, 1], [0.0, 0.01, 0.02, 0.03, 0.0])}, "News")
    assert "now: correlation +0.9" in picture.alt
