"""A new shop as a task: what will this household buy next? Taught by the histories of a few customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from ftlessons.lesson17 import network, rivals, shops
from ftlessons.lesson17.ranking import Query, measure
from ftlessons.lesson17.shops import Household
from ftlib.metrics import Score
from ftlib.tasks.base import Split, Task

QUERIES = 3  # baskets of a household after the cut that are asked for
RATES = {"head": (1e-3, 3e-3, 1e-2, 3e-2), "scratch": (3e-4, 1e-3, 3e-3, 1e-2)}


class Customers(Dataset):
    """Histories of households up to a day, each a table (baskets, items)."""

    def __init__(self, households: Sequence[Household], items: int) -> None:
        self.households = [one.last(shops.LONGEST) for one in households]
        self.tables = [one.table(items) for one in self.households]

    def __len__(self) -> int:
        return len(self.tables)

    def __getitem__(self, i: int) -> Tensor:
        return self.tables[i]


class NewShop(Task):
    """The drugstore side, of whose items none is at the grocer's: a network ranks all kinds that it sells.

    Households are split by name, and all that is learnt was bought before a day on or after which all that is asked
    for was bought. For tuning that day is two months earlier.
    """

    name = "drugstore"
    shop, counting = "drugstore", False
    domain = "retail"
    metric = "HR@10"
    budget_unit = "customers"
    n_outputs = network.WORDS
    keeps_head = True  # it speaks in texts, so what it learnt to say fits any shop
    has_zero_shot = True
    budgets = (10, 30, 100, 300)
    top_stages = ("layer2", "head")
    grid = ("zero_shot", "head", "top", "head_then_all", "full", "scratch", "popularity", "again", "knn")
    traced = ()
    batch_size = 8  # with 16, ten households would be one step a pass
    tune_budgets, tune_seeds, tune_passes = (30,), (0,), (4, 12, 36)
    feature_batch = 1024  # all households at once, so that they have one number of baskets
    min_passes = 0  # as many as tuning chose

    @cached_property
    def source(self) -> Task:
        """What the network was trained for: the grocer's, other households."""
        return Groceries() if not self.counting else CountingGroceries()

    @cached_property
    def items(self) -> Tensor:
        """The items' text vectors, (items, 384), as the network reads them."""
        found = network.parts()
        return network.centred(found[f"items.{self.shop}"], found["centre"])

    def customers(self, split: str) -> list[Household]:
        """The households of a split.

        Raises:
            ValueError: there is no such split.
        """
        if split not in shops.SHARES:
            raise ValueError(f"there is no split {split!r}: choose from {', '.join(shops.SHARES)}")
        return shops.customers(self.shop, split)

    def split(self, name: Split) -> Customers:
        """All households of one split, up to the cut."""
        return self._before(self.customers(name), name)

    def sample(self, budget: int, seed: int, split: Split = "train") -> Customers:
        """``budget`` households, all that they bought before the cut."""
        pool = self.customers(split)
        if not 1 <= budget <= len(pool):
            raise ValueError(f"budget is {budget}: {split} has {len(pool)} households")
        order = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:budget]
        return self._before([pool[i] for i in order], split)

    def days(self, split: str) -> tuple[str, str]:
        """The first day of what is asked for, and the day before which it ends."""
        return shops.DAYS.get(split, shops.TEST_DAYS)

    def _before(self, households: Sequence[Household], split: str) -> Customers:
        return Customers([one.until(self.days(split)[0]) for one in households], len(self.items))

    @cached_property
    def _asked(self) -> dict[str, list[Query]]:
        return {}

    def queries(self, split: Split) -> list[Query]:
        """What is asked: for each household up to three baskets after the cut, each from all that it bought before."""
        if split not in self._asked:
            cut, end = self.days(split)
            found = []
            for one in self.customers(split):
                before = len(one.until(cut).baskets)
                ahead = min(len(one.until(end).baskets) - before, QUERIES)
                if ahead:
                    part = Household(one.name, one.days[: before + ahead], one.baskets[: before + ahead])
                    found.append(Query(one.name, part.last(shops.LONGEST).table(len(self.items)), ahead))
            self._asked[split] = found
        return self._asked[split]

    def pretrained(self) -> nn.Module:
        """The network that watched the grocer's."""
        return network.load(self.counting)

    def untrained(self, seed: int) -> nn.Module:
        """The same architecture with random weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return network.BasketReader(2 if self.counting else 0)

    @staticmethod
    def collate(tables: list[Tensor]) -> Tensor:
        """(N, baskets, items); a shorter history ends in empty baskets."""
        return pad_sequence(tables, batch_first=True)

    def inputs(self, batch: Tensor) -> Tensor:
        """The baskets as text vectors, (N, baskets, 384)."""
        return network.basket_vectors(batch, self.items.to(batch.device))

    def labels(self, batch: Tensor) -> Tensor:
        """The baskets themselves: after each, the next is to be predicted."""
        return batch

    def lengths(self, data: Customers) -> list[int]:
        """Baskets of each household, so that histories of like length share a batch."""
        return [len(table) for table in data.tables]

    def loss(self, model: nn.Module, batch: Tensor) -> Tensor:
        """Cross-entropy of the next basket, over all items of the shop."""
        return next_basket_loss(model(self.inputs(batch)), batch, self.items.to(batch.device))

    def head_loss(self, head: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The same for a head that reads cached states."""
        return next_basket_loss(head(batch[0]), batch[1], self.items.to(batch[1].device))

    @torch.no_grad()
    def rank(self, model: nn.Module, queries: Sequence[Query]) -> list[Tensor]:
        """For each query (ahead, items): the scores of all items before each basket that is asked for."""
        model.eval()
        device, found = next(model.parameters()).device, []
        for at in range(0, len(queries), 64):
            some = queries[at : at + 64]
            batch = self.collate([query.table for query in some]).to(device)
            wanted, items = model(self.inputs(batch)), self.items.to(device)
            for one, table, query in zip(wanted, batch, some, strict=True):
                last = slice(query.known, len(query.table) - 1)  # only what is asked for is scored
                times = [count[last] for count in network.counts(table)] if self.counting else ()
                found.append(network.score(one[last], times, items).cpu())
        return found

    def evaluate(self, model: nn.Module, split: Split = "test") -> Score:
        """HR@10, mean over households; ``more``: NDCG@10, new items alone, coverage, and household by household."""
        asked = self.queries(split)
        return measure(self.rank(model, asked), asked)

    def rates(self, recipe: str) -> Sequence[float]:
        """The learning rates that tuning tries."""
        return RATES.get(recipe, (1e-4, 3e-4, 1e-3, 3e-3))

    def rivals(self) -> dict[str, Callable[[Dataset, Split, dict], Score]]:
        """What sells; what this household bought; what goes with what it bought."""
        return {name: lambda train, split, settings, name=name: self._rival(name, train, split, settings)
                for name in rivals.RIVALS}  # fmt: skip

    def rival_grid(self) -> dict[str, list[dict]]:
        """Twelve settings each."""
        return rivals.GRID

    def _rival(self, name: str, train: Customers, split: Split, settings: dict) -> Score:
        asked = self.queries(split)
        say = rivals.RIVALS[name](train.households, len(self.items), **settings)
        return measure([say(query.table)[query.known : len(query.table) - 1] for query in asked], asked)


class CountingShop(NewShop):
    """The same with a network that also gets to see how often the household bought each item."""

    name = "drugstore_counting"
    counting = True
    n_outputs = network.WORDS + 2
    grid = ("zero_shot", "head", "full", "scratch")  # what the lesson compares with the one above


class Groceries(NewShop):
    """The shop that the network has watched, asked about households that it has not: for testing alone."""

    name = "groceries"
    shop = "groceries"
    grid = ()
    source = None

    def customers(self, split: str) -> list[Household]:
        """As everywhere; for testing every fourth is enough."""
        found = super().customers(split)
        return found[::4] if split == "test" else found


class CountingGroceries(Groceries):
    """The same for the network that counts."""

    name = "groceries_counting"
    counting = True
    n_outputs = network.WORDS + 2


def next_basket_loss(wanted: Tensor, table: Tensor, items: Tensor) -> Tensor:
    """Mean over baskets of the mean cross-entropy of the items in the next one, over all items.

    Args:
        wanted: (N, baskets, 384 + counts), what the network says after each basket.
        table: (N, baskets, items), 1 where an item was in a basket; empty baskets are padding.
        items: (items, 384), the items' text vectors.
    """
    follows = table[:, 1:].bool().any(-1)  # padding is a third of all, so it is left out before anything is scored
    target = table[:, 1:][follows].float()
    counting = wanted.shape[-1] > network.WORDS
    times = [one[:, :-1][follows] for one in network.counts(table)] if counting else []
    guess = network.score(wanted[:, :-1][follows], times, items).log_softmax(-1)
    return -((guess * target).sum(-1) / target.sum(-1)).mean()
