"""Your own log: a CSV of user, item and time, and row by row what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import pandas as pd
from torch import Tensor

from ftlessons.lesson17 import network, shops
from ftlessons.lesson17.shops import Household, Shop
from ftlessons.lesson17.task import NewShop
from ftlib.own.account import UNUSABLE, Account
from ftlib.own.tables import Table
from ftlib.tasks.base import Task

NEEDED = ("item", "user", "time")
TRAIN = 70  # of a hundred users; the others are asked
LAST = 0.85  # the cut, unless it is given: so much of the log lies before it


class OwnShop(NewShop):
    """Your shop as a task: users split by name, the log split in time, the drugstore's tuned settings borrowed.

    Args:
        log: columns ``user, item, time`` and, if you have it, ``text``, as ``read_log`` returns them. Items without a
            text are read by their name.
        cut: the first day of what is asked for, such as ``"2024-05-01"``; by default the day that 85 % lie before.

    Raises:
        ValueError: the log is too short, or has too few users, to learn from one part and ask for another.
    """

    name = "own shop"
    grid = ()
    settings_like = "drugstore"
    source: Task | None = None
    least = 2  # baskets before the cut

    def __init__(self, log: pd.DataFrame, cut: str | None = None) -> None:
        self.texts: Mapping[str, str] = {}
        if "text" in log:
            self.texts = log[log.text != ""].drop_duplicates("item").set_index("item").text.to_dict()
        one_day = log.time.dt.floor("s")
        self.log = log.assign(household=log.user, time=one_day, basket=log.user + " " + one_day.astype(str))
        self.cut = cut or str(self.log.time.quantile(LAST).date())
        for split in ("train", "test"):
            if not (self.queries(split) if split == "test" else self.customers(split)):
                what = "buys on both sides of" if split == "test" else f"bought {self.least} times before"
                raise ValueError(f"no user for {split} {what} {self.cut}: bring a longer log, or pass another cut=")

    @cached_property
    def own(self) -> Shop:
        """The items and users of the log."""
        return shops.build(self.log.drop_duplicates(["household", "basket", "item"]))

    @cached_property
    def items(self) -> Tensor:
        """The items' texts as MiniLM reads them."""
        vectors = shops.text_vectors([self.texts.get(item, item) for item in self.own.items])
        return network.centred(vectors, network.parts()["centre"])

    def days(self, split: str) -> tuple[str, str]:
        """The cut, and a day after the end."""
        return self.cut, str((self.log.time.max() + pd.Timedelta(days=1)).date())

    def customers(self, split: str) -> list[Household]:
        """The users of ``train`` or ``test``, by a hash of the name."""
        if split not in ("train", "test"):
            raise ValueError(f"your log has no split {split!r}: it has train and test")
        of_train = {one.name: shops.place(one.name) < TRAIN for one in self.own.households}
        return [one for one in self.own.households if of_train[one.name] == (split == "train")
                and len(one.until(self.cut).baskets) >= self.least]  # fmt: skip


def read_log(path: str | Path, encoding: str | None = None) -> tuple[pd.DataFrame, Account]:
    """Purchases from a CSV with the columns ``user``, ``item``, ``time`` and perhaps ``text``, and the account of rows.

    Times are written as 2024-05-31 or 2024-05-31 14:05. What one user bought at one time is one basket. Printing the
    account shows how many rows are used; ``account.skipped`` has each row that is not, and why.

    Raises:
        ValueError: the file is no such table, or no row of it can be used.
    """
    path = Path(path)
    table = Table(path, NEEDED, encoding)
    account, found, seen, texts = Account("row", limit=10**9), [], {}, {}
    for row, fields in table.rows(account, lambda text: False):
        values = dict(zip(table.columns, fields, strict=True))
        user, item, time, text = (values.get(name, "") for name in ("user", "item", "time", "text"))
        when = pd.to_datetime(time, format="ISO8601", errors="coerce") if time else pd.NaT
        when = when.tz_localize(None) if not pd.isna(when) and when.tzinfo else when
        why = _fault(user, item, time, when, text, seen.get((user, item, when)), texts.get(item))
        if why:
            account.leave(UNUSABLE, "", row, why)
            continue
        seen[user, item, when] = row
        if text:
            texts.setdefault(item, (text, row))
        account.found[""] += 1
        account.used[""] += 1
        found.append((user, item, when, text))
    if not found:
        why = " ".join(account.skipped[0]) if account.skipped else "there is none below the header"
        raise ValueError(f"{path.name} has no row that can be used: {why}")
    return pd.DataFrame(found, columns=["user", "item", "time", "text"]), account


def _fault(user: str, item: str, time: str, when: object, text: str, before: str | None, known: tuple | None) -> str:
    """What is wrong with a row, "" if nothing is."""
    for name, value in (("user", user), ("item", item), ("time", time)):
        if not value:
            return f"has no {name}"
    if pd.isna(when):
        return f"has a time that cannot be read ({time[:40]!r}): write 2024-05-31 or 2024-05-31 14:05"
    if before:
        return f"says the same as {before}: one of them is enough"
    if text and known and known[0] != text:
        return f"has another text for {item[:40]!r} than {known[1]} ({known[0][:40]!r}): one item, one text"
    return ""
