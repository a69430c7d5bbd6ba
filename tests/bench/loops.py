"""The same training in ``fit``, in a bare loop and in three well-known trainers.

Each function takes a job and a model and trains the model in place. ``lean`` gives all of them the same switches
(constant rate, no clipping, fused AdamW, nothing logged, nothing saved, no bar); without it each library does what it
does by default. Whoever is not installed raises ImportError.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ftlib import adapt, fit
from ftlib.batches import EpochBatches
from ftlib.train import default_loss

PLAIN = {"schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "clip": None, "progress": False}


@dataclass(frozen=True)
class Job:
    """What is trained on, for how long, and how."""

    train: Dataset
    epochs: int
    batch_size: int
    lr: float
    collate: Callable[[list], Any] | None = None

    @property
    def steps(self) -> int:
        """Optimizer steps in all; the batches fit the data without a rest."""
        return self.epochs * (len(self.train) // self.batch_size)


def bare(job: Job, model: nn.Module, lean: bool = True) -> nn.Module:
    """A loop as one would write it without any library, with the very batches that ``fit`` draws."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=job.lr, weight_decay=0, fused=True)
    batches = EpochBatches(len(job.train), job.batch_size, job.steps, seed=0)
    adapt.train_mode(model, "train")
    for batch in DataLoader(job.train, batch_sampler=batches, collate_fn=job.collate):
        loss = default_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    return model.eval()


def ours(job: Job, model: nn.Module, lean: bool = True) -> nn.Module:
    """``ftlib.fit``."""
    options = PLAIN if lean else {}
    with _quiet():
        fit(model, job.train, steps=job.steps, batch_size=job.batch_size, lr=job.lr, batchnorm="train",
            collate=job.collate, **options)  # fmt: skip
    return model


def hf_trainer(job: Job, model: nn.Module, lean: bool = True) -> nn.Module:
    """``transformers.Trainer``."""
    from transformers import Trainer, TrainingArguments

    options: dict[str, Any] = {"report_to": "none"}
    if lean:
        options |= {"lr_scheduler_type": "constant", "max_grad_norm": 0.0, "logging_strategy": "no"}
        options |= {"save_strategy": "no", "disable_tqdm": True, "optim": "adamw_torch_fused"}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        arguments = TrainingArguments(
            folder, max_steps=job.steps, per_device_train_batch_size=job.batch_size, learning_rate=job.lr, use_cpu=True,
            remove_unused_columns=False, **options,
        )  # fmt: skip
        collate = job.collate or _as_dict
        wrapped = model if job.collate else _WithLoss(model)
        Trainer(wrapped, arguments, train_dataset=job.train, data_collator=collate).train()
    return model.eval()


def lightning(job: Job, model: nn.Module, lean: bool = True) -> nn.Module:
    """``lightning.Trainer``."""
    import lightning

    class Module(lightning.LightningModule):
        """Around the model, as Lightning asks for it."""

        def __init__(self):
            super().__init__()
            self.model = model

        def training_step(self, batch, _):
            return default_loss(self.model, batch)

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), lr=job.lr, weight_decay=0, fused=lean)

    options: dict[str, Any] = {}
    if lean:
        options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        options |= {"enable_model_summary": False}
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        loader = DataLoader(job.train, job.batch_size, shuffle=True, collate_fn=job.collate)
        module = Module().train()
        trainer = lightning.Trainer(accelerator="cpu", max_epochs=job.epochs, default_root_dir=folder, **options)
        trainer.fit(module, loader)
    return model.eval()


def fastai(job: Job, model: nn.Module, lean: bool = True) -> nn.Module:
    """``fastai.Learner``."""
    from fastai.basics import Callback, CancelValidException, DataLoader, DataLoaders, Learner, OptimWrapper
    from fastai.callback import progress  # adds the bar that notebooks get

    class NoValidation(Callback):
        """None of the others validates."""

        def before_validate(self):
            raise CancelValidException

    def fused(parameters, lr, **_):
        return OptimWrapper(parameters, torch.optim.AdamW, lr=lr, weight_decay=0, fused=True)

    options = {"opt_func": fused} if lean else {}
    with _quiet():
        loader = DataLoader(job.train, bs=job.batch_size, shuffle=True, num_workers=0)
        learner = Learner(DataLoaders(loader, loader, device="cpu"), model, loss_func=nn.functional.cross_entropy,
                          lr=job.lr, cbs=NoValidation, **options)  # fmt: skip
        if lean:
            learner.remove_cb(progress.ProgressCallback)
        learner.fit(job.epochs)
    return model.eval()


LOOPS = {
    "ftlib.fit": ours, "transformers.Trainer": hf_trainer, "Lightning": lightning, "fastai": fastai,
}  # fmt: skip


class _WithLoss(nn.Module):
    """A model as ``transformers.Trainer`` wants it: keyword arguments in, the loss first out."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": nn.functional.cross_entropy(self.model(x), labels)}


def _as_dict(examples: list) -> dict[str, torch.Tensor]:
    x, y = zip(*examples, strict=True)
    return {"x": torch.stack(x), "labels": torch.stack(y)}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Bars and notes are made, as by default, and go nowhere."""
    nowhere = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield
