"""Make the sentiment adapter of lesson 09: ``python -m authoring.pretrain.sentiment``.

MiniLM with low-rank adapters and a mean-pooled classifier, fine-tuned on the course's own reviews (all but the
test texts) with the rate that tuning chose. About ten minutes of one core.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from authoring.notebooks.book import write
from authoring.pretrain import shipping
from ftlib import adapt, recipes, runtime, tasks
from ftlib.tasks.text import Reviews, predict_texts
from ftlib.tasks.tokens import Texts, lengths
from ftlib.train import fit

NAME = "sentiment-lora"
EPOCHS = 4


def train(out: Path, seed: int = 0) -> dict:
    """Train and save adapter, head and card in ``out``; returns the record."""
    task = tasks.get("reviews")
    assert isinstance(task, Reviews)
    parts = [task.split(name) for name in ("train", "tune", "tune_valid")]
    data = Texts(sum((part.texts for part in parts), []), torch.cat([part.labels for part in parts]))
    model = task.pretrained()
    adapt.replace_head(model, task.n_outputs, seed=seed)
    model = adapt.lora(model)
    settings = recipes.tuned(task)["lora"]
    history = fit(
        model, data, loss=task.loss, collate=task.collate, lengths=lengths(data.texts), batch_size=task.batch_size,
        micro_batch=task.micro_batch, lr=settings["lr"], epochs=EPOCHS, seed=seed, checkpoint_dir=Path(".ftlib") / NAME,
    )  # fmt: skip
    record = {
        "texts": len(data), "lr": settings["lr"], "epochs": EPOCHS, "steps": history.steps,
        "seconds": round(history.seconds), "threads": torch.get_num_threads(), "versions": runtime.versions(),
        "loss": [round(value, 3) for value in history.loss[:: max(1, history.steps // 12)]],
        "accuracy": {name: round(_accuracy(model, task.split(name)), 4) for name in ("test", "shift")},
    }  # fmt: skip
    save(model, out, record)
    return record


def _accuracy(model: torch.nn.Module, data: Texts) -> float:
    return (predict_texts(model, data.texts).argmax(1) == data.labels).float().mean().item()


def save(model: torch.nn.Module, out: Path, record: dict) -> None:
    """Write adapter and head (peft's format, half precision), the record and the card."""
    out.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(out)
    config = json.loads((out / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "sentence-transformers/all-MiniLM-L6-v2"  # not the folder of this machine
    write(out / "adapter_config.json", json.dumps(config, indent=1, sort_keys=True) + "\n")
    write(out / "training.json", json.dumps(record, indent=1) + "\n")
    shipping.write_card(out, "sentiment", **record | record["accuracy"], minutes=record["seconds"] / 60)


def main() -> None:
    """Command line."""
    print(json.dumps(train(**shipping.arguments(__doc__, NAME, seed=0)), indent=1))


if __name__ == "__main__":
    main()
