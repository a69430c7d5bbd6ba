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
from ftlessons.lesson17.ranking import Query, hits, top
from ftlessons.lesson17.shops import Household
from ftlessons.lesson17.task import Customers, NewShop

Offer = tuple[str, str]  # an item and the reason
SHOWN = 5


def baskets(household: Household, items: Sequence[str], n: int = 4) -> None:
    """Show a household's first ``n`` baskets as a table."""
    rows = [[str(day)[:10], "; ".join(items[i] for i in basket)]
            for day, basket in zip(household.days[:n], household.baskets[:n], strict=True)]  # fmt: skip
    shown = as_table(["day", "kinds in the basket"], [[html.escape(cell) for cell in row] for row in rows], left=[0, 1])
    emit("\n".join(" | ".join(row) for row in rows), **{"text/html": shown})


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
        owned = weight.nonzero().flatten().tolist()
        alone = torch.zeros(len(owned), 1, len(items))
        alone[range(len(owned)), 0, owned] = 1
        parts = torch.stack([say(one)[-1] for one in alone]) * weight[owned, None] if owned else torch.zeros(1, len(items))
        found = []
        for i in best:
            j = int(parts[:, i].argmax())
            with_it = owned and parts[j, i] > 2 * rivals.TIE
            reason = "sells well" if not with_it else "bought before" if owned[j] == i else f"goes with {items[owned[j]]}"
            found.append((items[i], reason))
        return found

    return offer


def network_says(model: nn.Module, task: NewShop, items: Sequence[str]) -> Callable[[Tensor], list[Offer]]:
    """The network: how well the text fits, and what it adds for repeats where it counts."""

    @torch.no_grad()
    def offer(table: Tensor) -> list[Offer]:
        model.eval()
        wanted = model(task.inputs(table[None]))
        whole = task.scores(wanted, table[None])[0, -1]
        text = (wanted[..., : network.WORDS] @ task.items.T)[0, -1]
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
    plain = "\n".join(f"{name}: " + "; ".join(f"{item} ({why})" for item, why in found) for name, found in shown.items())
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
    n, found = len(task.items), {"the past": [], "the past and the future": []}
    whole = {one.name: one.table(n).sum(0) for one in task.customers(split)}
    for query in task.queries(split):
        past = query.table.cumsum(0)[query.known : -1].float()
        known = {"the past": past, "the past and the future": whole[query.household] - query.table[-query.ahead :].float()}
        for name, counts in known.items():
            found[name].append(float(hits(counts, query.wanted).mean()))
    return {name: sum(values) / len(values) for name, values in found.items()}


def told(query: Query, items: Sequence[str]) -> str:
    """What the first basket that is asked for held, in words."""
    return "; ".join(items[i] for i in query.wanted[0].nonzero().flatten().tolist())
