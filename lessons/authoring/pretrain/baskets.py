"""Let a network watch the grocer's for ten months: ``python -m authoring.pretrain.baskets``."""

from __future__ import annotations

import json
import time
from functools import partial

import torch
from torch import Tensor, nn

from authoring.pretrain import shipping
from ftlessons.lesson17 import network, rivals, shops
from ftlessons.lesson17.ranking import measure
from ftlessons.lesson17.task import Groceries
from ftlib import adapt, fit, runtime
from ftlib.metrics import Score

PASSES, PATIENCE, BATCH, LR, SEED = 15, 3, 16, 2e-3, 0


class Watched(Groceries):
    """The grocer's before there is a checkpoint: text vectors computed here."""

    def __init__(self, items: Tensor, counting: bool) -> None:
        self.items, self.counting = items, counting


def vectors() -> dict[str, Tensor]:
    """``centre``, and MiniLM's reading of each shop's items, in half precision."""
    read = {name: shops.text_vectors(shops.shop(name).items) for name in shops.SHOPS}
    return {"centre": read["groceries"].mean(0)} | {f"items.{name}": x.half() for name, x in read.items()}


@torch.no_grad()
def held_out(task: Groceries, model: nn.Module) -> Score:
    """The loss on households that are used for tuning alone: when it no longer falls, training ends."""
    tables = task.split("tune").tables
    parts = [task.loss(model.eval(), task.collate(tables[at : at + BATCH])) for at in range(0, len(tables), BATCH)]
    return Score(float(sum(parts)) / len(parts), "loss", higher_is_better=False, n=len(tables))


def main() -> None:
    """Command line."""
    args = shipping.arguments(__doc__, network.CHECKPOINT, passes=PASSES)
    runtime.set_threads(1)
    kept, started, scores, losses = vectors(), time.process_time(), {}, {}
    items = network.centred(kept["items.groceries"].float(), kept["centre"])
    for name, counting in (("plain", False), ("counting", True)):
        task = Watched(items, counting)
        data, model = task.split("source"), task.untrained(SEED)
        history = fit(model, data, loss=task.loss, collate=task.collate, lr=LR, epochs=args["passes"],
                      batch_size=BATCH, seed=SEED, progress=False, evaluate=partial(held_out, task),
                      patience=PATIENCE)  # fmt: skip
        kept |= {f"{name}.{key}": x for key, x in model.state_dict().items()}
        scores[name], losses[name] = task.evaluate(model), [round(value, 3) for _, value in history.scores]
        print(name, losses[name], scores[name], flush=True)
    seconds = round(time.process_time() - started)
    asked = task.queries("test")
    say = rivals.popularity(data.households, len(items), "baskets", None)
    popular = measure([say(query.table)[query.known : len(query.table) - 1] for query in asked], asked)
    record = {
        "items": len(items), "households": len(data), "passes": args["passes"], "patience": PATIENCE, "batch": BATCH,
        "lr": LR, "seed": SEED, "seconds": seconds, "losses": losses, "asked": len(asked),
        "parameters": adapt.count(model)[1], "versions": runtime.versions(), "popular": round(popular.value, 4),
        **{name: round(score.value, 4) for name, score in scores.items()},
    }  # fmt: skip
    shipping.ship(args["out"], {name: x.contiguous() for name, x in kept.items()}, {"counts": 2}, record)
    shipping.write_card(args["out"], "baskets", **record)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
