"""What a customer bought, what three methods offer next and why, and what knowing the future would be worth."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ftlessons.classroom.display import as_table, emit, rich
from ftlessons.lesson17 import network, rivals
from ftlessons.lesson17.ranking import hits, top
from ftlessons.lesson17.task import Customers, NewShop

Offer = tuple[str, str]  # an item and the reason
SHOWN = 5


@torch.no_grad()
def places(model: nn.Module, task: NewShop, items: Sequence[str], basket: Sequence[str], articles: Tensor) -> list[int]:
    """The place of each new article among the shop's items, after a basket that is given in words.

    Args:
        articles: (N, 384), the articles' texts as the network reads them.
    """
    table = torch.zeros(1, 1, len(items))
    table[..., [items.index(item) for item in basket]] = 1
    wanted = model.eval()(task.inputs(table))[0, 0, : network.WORDS]
    return [1 + int((task.items @ wanted > score).sum()) for score in articles @ wanted]


# --- three methods, each with its reason


def buying_again(train: Customers, items: Sequence[str], **settings: Any) -> Callable[[Tensor], list[Offer]]:
    """The counter: how often and how lately this household bought it."""
    say = rivals.again(train.households, len(items), **settings)

    def offer(table: Tensor) -> list[Offer]:
        times, found = table.sum(0), []
        for i in top(say(table)[-1], SHOWN).tolist():
            ago = len(table) - 1 - int(table[:, i].nonzero().max()) if times[i] else 0
            when = "in the last basket" if not ago else f"{ago} before the last one"
            found.append((items[i], f"bought {_times(int(times[i]))}, {when}" if times[i] else "sells well"))
        return found

    return offer


def neighbours(train: Customers, items: Sequence[str], **settings: Any) -> Callable[[Tensor], list[Offer]]:
    """Item-kNN: what goes with what this household bought."""
    say = rivals.knn(train.households, len(items), **settings)

    def offer(table: Tensor) -> list[Offer]:
        weight, best = network.faded(table, settings["fade"])[-1], top(say(table)[-1], SHOWN).tolist()
        owned, found = weight.nonzero().flatten().tolist(), []
        alone = torch.eye(len(items))[owned][:, None]  # each of them as a history of its own
        parts = torch.stack([say(one)[-1] for one in alone]) * weight[owned, None]
        for i in best:
            j = int(parts[:, i].argmax())
            reason = "bought before" if owned[j] == i else f"goes with {items[owned[j]]}"
            found.append((items[i], reason if parts[j, i] > 2 * rivals.TIE else "sells well"))
        return found

    return offer


def network_says(model: nn.Module, task: NewShop, items: Sequence[str]) -> Callable[[Tensor], list[Offer]]:
    """The network: how well the text fits, and what it adds for repeats where it counts."""

    @torch.no_grad()
    def offer(table: Tensor) -> list[Offer]:
        model.eval()
        wanted = model(task.inputs(table[None]))[0, -1]
        times = [count[-1] for count in network.counts(table)] if task.counting else ()
        whole, text = network.score(wanted, times, task.items), task.items @ wanted[: network.WORDS]
        owned, found = table.sum(0).nonzero().flatten(), []
        for i in top(whole, SHOWN).tolist():
            near = items[int(owned[(task.items[owned] @ task.items[i]).argmax()])]
            like = "bought before" if near == items[i] else f"reads like {near}"
            found.append((items[i], f"text {text[i]:+.1f}, repeats {whole[i] - text[i]:+.1f}; {like}"))
        return found

    return offer


def _times(n: int) -> str:
    return "once" if n == 1 else "twice" if n == 2 else f"{n} times"


# --- the desk


def desk(methods: Mapping[str, Callable[[Tensor], list[Offer]]], items: Sequence[str], before: Sequence[str]) -> None:
    """Fill two baskets and see what each method offers; a still table of the example stands where widgets can't run.

    Args:
        methods: name to what it offers for a history.
        before: items of the earlier basket of the example; the last one holds the first of them.
    """
    example = (tuple(before), tuple(before[:1]))
    shown = _offers(methods, items, *example)
    told = {name: "; ".join(f"{item} ({why})" for item, why in found) for name, found in shown.items()}
    plain = "\n".join(f"{name}: {offered}" for name, offered in told.items())
    emit(f"baskets: {' | '.join(', '.join(one) for one in example)}\n{plain}",
         widget=partial(_desk, methods, items, example), **{"text/html": _table(shown, example)})  # fmt: skip


def _offers(methods: Mapping[str, Callable], items: Sequence[str], *chosen: Sequence[str]) -> dict[str, list[Offer]]:
    number = {item: i for i, item in enumerate(items)}
    filled = [one for one in chosen if one]
    if not filled:
        raise ValueError("both baskets are empty: choose at least one item")
    table = torch.zeros(len(filled), len(items))
    for row, one in zip(table, filled, strict=True):
        row[[number[item] for item in one]] = 1
    return {name: offer(table) for name, offer in methods.items()}


def _table(shown: Mapping[str, list[Offer]], chosen: Sequence[Sequence[str]]) -> str:
    cells = [[f"{html.escape(item)}<br><i>{html.escape(why)}</i>" for item, why in found] for found in shown.values()]
    rows = [[str(place), *row] for place, row in enumerate(zip(*cells, strict=True), 1)]
    said = html.escape(" | ".join(", ".join(one) or "nothing" for one in chosen))
    return f"<p>Bought: {said}</p>" + as_table(["place", *shown], rows, left=range(len(shown) + 1))


def _desk(methods: Mapping[str, Callable], items: Sequence[str], example: Sequence[Sequence[str]]) -> Any:
    import ipywidgets as widgets

    from ftlessons.classroom.widgets import paragraph, say

    wide = widgets.Layout(width="auto", height="9em")
    boxes = [widgets.SelectMultiple(options=list(items), value=value, description=name, layout=wide)
             for name, value in zip(("Earlier", "Last"), example, strict=True)]  # fmt: skip
    answer = paragraph(_table(_offers(methods, items, *example), example))

    def turned(_: Any) -> None:
        chosen = [box.value for box in boxes]
        try:
            say(answer, _table(_offers(methods, items, *chosen), chosen))
        except ValueError as problem:
            say(answer, rich(f"{str(problem)[:1].upper()}{str(problem)[1:]}."))

    for box in boxes:
        box.observe(turned, names="value")
    return widgets.VBox([*boxes, answer])


# --- knowing the future


def foresight(task: NewShop, split: str = "test") -> dict[str, float]:
    """HR@10 of a household's own counts: of what it bought before each basket, and of all else that it ever bought."""
    found: dict[str, list[float]] = {"the past": [], "the past and the future": []}
    ahead = {query.household: query.ahead for query in task.queries(split)}
    for one in task.customers(split):
        table, first = one.table(len(task.items)).float(), len(one.until(task.days(split)[0]).baskets)
        asked = slice(first, first + ahead.get(one.name, 0))
        before, wanted = table.cumsum(0) - table, table[asked].bool()
        if len(wanted):
            found["the past"].append(float(hits(before[asked], wanted).mean()))
            found["the past and the future"].append(float(hits(table.sum(0) - table[asked], wanted).mean()))
    return {name: sum(values) / len(values) for name, values in found.items()}
