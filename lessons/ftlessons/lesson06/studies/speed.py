"""Lesson 06: where the time goes. The switches that make fine-tuning a text model cheap, in ``fit`` and in Trainer."""

from __future__ import annotations

import tempfile
import time
from typing import Any

import pandas as pd
import torch
from torch import nn

from ftlib import adapt, recipes, results, tasks
from ftlib.metrics import difference
from ftlib.tasks.text import TextTask
from ftlib.tasks.tokens import MAX_TOKENS, Texts, lengths, tokenizer
from ftlib.train import fit

SEEDS, BUDGET = range(5), 256
SWITCHES = ("length", "bf16", "frozen")
ARMS = {
    "fit": ((), ("length",), ("length", "bf16"), SWITCHES),
    "Trainer": ((), SWITCHES),
}


def jobs() -> list[tuple]:
    """Library, the switches that are on, seed."""
    return [(library, switches, seed) for seed in SEEDS for library, arms in ARMS.items() for switches in arms]


def one(library: str, switches: tuple[str, ...], seed: int, steps: int | None = None) -> dict[str, Any]:
    """Fine-tune all of MiniLM once. ``seconds`` is CPU time of one core, for training alone.

    Args:
        steps: other than those of the tuned ``full``.
    """
    task = tasks.get("reviews")
    train, model = task.sample(BUDGET, seed), task.pretrained()
    adapt.replace_head(model, task.n_outputs, seed=seed)
    started = time.process_time()
    finetune(library, switches, task, model, train, seed, steps)
    spent = time.process_time() - started
    score = task.evaluate(model).value
    return {"library": library, "switches": "+".join(switches) or "none", "seed": seed,
            "score": round(score, 4), "seconds": round(spent, 2)}  # fmt: skip


def finetune(
    library: str, switches: tuple[str, ...], task: TextTask, model: nn.Module, train: Texts, seed: int,
    steps: int | None = None,
) -> None:  # fmt: skip
    """Train ``model`` in place with the tuned rate and steps of ``full``; the switches are off unless they are named.

    ``length``: texts of like length share a batch. ``bf16``: the forward pass runs in bfloat16. ``frozen``: the
    table of word vectors, half of all parameters, stays as it is.
    """
    settings = recipes.tuned(task)["full"]
    steps = steps or max(settings["steps"], task.min_passes * len(train) // task.batch_size)
    if "frozen" in switches:
        model.bert.embeddings.word_embeddings.requires_grad_(False)
    if library == "fit":
        fit(
            model, train, loss=task.loss, collate=task.collate, batch_size=task.batch_size, lr=settings["lr"],
            steps=steps, lengths=lengths(train.texts) if "length" in switches else None, seed=seed, progress=False,
            precision="bf16" if "bf16" in switches else "float32",
        )  # fmt: skip
        return
    with tempfile.TemporaryDirectory() as folder:
        trainer(model, train, folder, lr=settings["lr"], steps=steps, seed=seed, switches=switches).train()
    model.eval()


def trainer(
    model: nn.Module, train: Texts, folder: str, lr: float, steps: int, seed: int = 0,
    switches: tuple[str, ...] = SWITCHES,
) -> Any:  # fmt: skip
    """``transformers.Trainer`` for a model on texts, with its defaults or with the same switches."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    read = tokenizer()(train.texts, truncation=True, max_length=MAX_TOKENS, return_token_type_ids=False)
    rows = [
        {"input_ids": ids, "attention_mask": mask, "labels": label}
        for ids, mask, label in zip(read["input_ids"], read["attention_mask"], train.labels.tolist(), strict=True)
    ]
    arguments = TrainingArguments(
        folder, max_steps=steps, per_device_train_batch_size=16, learning_rate=lr, seed=seed, report_to="none",
        save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=not torch.cuda.is_available(),
        bf16="bf16" in switches, train_sampling_strategy="group_by_length" if "length" in switches else "random",
    )  # fmt: skip
    return Trainer(model, arguments, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer()))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean seconds and accuracy of each library with each set of switches, and what the switches do to accuracy.

    Returns:
        Columns ``seconds, faster, accuracy, change, low, high``; ``faster`` and ``change`` are against the same
        library without switches, ``low`` and ``high`` the 95 % interval of ``change``.
    """
    rows = {}
    for library, part in table.groupby("library", sort=False):
        runs = {name: results.by_seed(arm) for name, arm in part.groupby("switches", sort=False)}
        plain = runs["none"]
        for name, arm in runs.items():
            change = difference(arm.score, plain.score)
            rows[library, name] = {
                "seconds": arm.seconds.mean(), "faster": plain.seconds.mean() / arm.seconds.mean(),
                "accuracy": arm.score.mean(), "change": change.value, "low": change.low, "high": change.high,
            }  # fmt: skip
    return pd.DataFrame(rows).T
