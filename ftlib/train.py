"""One training loop for all lessons, in plain torch: on a CPU or one GPU."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ftlib import adapt, runtime
from ftlib.batches import EpochBatches, load, split_batch, steps_per_epoch, to_device
from ftlib.history import History, Watch
from ftlib.metrics import Score
from ftlib.resume import Checkpoint

Schedule = Literal["constant", "linear", "cosine", "one_cycle"]
Loss = Callable[[nn.Module, Any], Tensor]


class TrainingDiverged(FloatingPointError):
    """The loss became NaN or infinite."""


def lr_factor(schedule: Schedule, steps: int, warmup: float) -> Callable[[int], float]:
    """The schedule as a function from step (0 to steps - 1) to a factor on the peak rate.

    ``warmup`` is the share of steps, 0 to 1, over which the rate rises linearly from near zero. ``one_cycle``
    rises along a cosine over at least 30 % of the steps (Smith & Topin 2018) and falls along another.

    >>> f = lr_factor("linear", steps=10, warmup=0.2)
    >>> [round(f(step), 2) for step in (0, 1, 2, 9)]
    [0.5, 1.0, 1.0, 0.12]
    """
    if schedule not in ("constant", "linear", "cosine", "one_cycle"):
        raise ValueError(f"there is no schedule {schedule!r}: choose constant, linear, cosine or one_cycle")
    if not 0 <= warmup <= 1:
        raise ValueError(f"warmup is {warmup}: give the share of the steps over which the rate rises, from 0 to 1")
    rise = round(steps * (max(warmup, 0.3) if schedule == "one_cycle" else warmup))

    def factor(step: int) -> float:
        if step < rise:
            share = (step + 1) / rise
            return (1 - math.cos(math.pi * share)) / 2 if schedule == "one_cycle" else share
        left = 1 - (step - rise) / max(1, steps - rise)
        if schedule == "constant":
            return 1.0
        return left if schedule == "linear" else (1 - math.cos(math.pi * left)) / 2

    return factor


def default_loss(model: nn.Module, batch: Any, label_smoothing: float = 0.0) -> Tensor:
    """Mean loss of ``(inputs, labels)`` or of a transformers batch with ``labels``.

    Whole-number labels are classes (cross-entropy), decimal labels are targets (mean squared error).
    """
    if isinstance(batch, dict):
        labels = batch["labels"]
        outputs = model(**{key: value for key, value in batch.items() if key != "labels"}).logits
    else:
        inputs, labels = batch
        outputs = model(inputs)
    if labels.is_floating_point():
        return nn.functional.mse_loss(outputs.view_as(labels), labels)
    return nn.functional.cross_entropy(outputs, labels, label_smoothing=label_smoothing)


def fit(
    model: nn.Module,
    train: Dataset,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    batch_size: int = 32,
    micro_batch: int | None = None,
    lr: float = 1e-3,
    lr_decay: float = 1.0,
    schedule: Schedule = "cosine",
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    clip: float | None = 1.0,
    label_smoothing: float = 0.0,
    batchnorm: adapt.BatchNormMode = "frozen_eval",
    precision: Literal["float32", "bf16"] = "float32",
    loss: Loss | None = None,
    evaluate: Callable[[nn.Module], Score] | None = None,
    evaluate_every: int | None = None,
    patience: int | None = None,
    collate: Callable[[list], Any] | None = None,
    lengths: Sequence[int] | None = None,
    seed: int = 0,
    progress: bool = True,
    checkpoint_dir: str | Path | None = None,
    checkpoint_every: int = 50,
) -> History:
    """Train what is trainable in ``model``, in place, with AdamW.

    Args:
        train: a map-style data set of ``(input, label)`` pairs, or of whatever ``collate`` and ``loss`` take.
        steps, epochs: how long; give one of the two.
        micro_batch: split each batch into parts of this many examples and add up their gradients. Uses
            less memory for the same step (but BatchNorm sees the parts).
        lr: peak learning rate of the head; each stage before it gets ``lr_decay`` times the next one's.
        clip: largest gradient norm, or None.
        batchnorm: what normalisation layers do, see ``adapt.train_mode``.
        precision: ``bf16`` runs the forward pass in bfloat16 autocast; weights stay float32.
        loss: mean loss of a batch, ``loss(model, batch)``; see ``default_loss``.
        evaluate: a score to follow, every ``evaluate_every`` steps (default: each epoch). The best
            weights are put back at the end if ``patience`` is given.
        patience: stop after this many evaluations without a better score.
        lengths: of each example, to batch like with like.
        seed: of the order of examples and of dropout.
        checkpoint_dir, checkpoint_every: a folder for this run alone, and the steps from save to save. Killed at
            any moment, the same call (``resume.describe``) goes on to the same end, bit for bit on a CPU
            if ``evaluate``, ``loss`` and the data keep no state; after the end it returns that end at once.

    Raises:
        ValueError: nothing to train on, nothing trainable, arguments that exclude each other, or a damaged
            state or another call's in ``checkpoint_dir``.
        TrainingDiverged: the loss is no longer a finite number.
    """
    arguments = dict(locals())
    n = len(train)
    per_epoch = steps_per_epoch(n, batch_size) if n else 0
    steps = _check_arguments(model, n, steps, epochs, per_epoch, evaluate, patience, precision)
    runtime.seed_everything(seed)
    device = runtime.device()
    keep = Checkpoint(checkpoint_dir, checkpoint_every, arguments | {"steps": steps})
    model.to(device)
    groups = adapt.parameter_groups(model, float(lr), decay=float(lr_decay), weight_decay=float(weight_decay))
    optimizer = torch.optim.AdamW(groups, lr=lr, fused=device.type in ("cpu", "cuda"))
    # Why warm up: AdamW divides by a running mean of squared gradients, which it hardly knows in its first steps; at
    # full rate those steps, made of little more than noise, would tear at pre-trained weights.
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_factor(schedule, steps, warmup))
    loader = load(train, keep.batches(EpochBatches(n, batch_size, steps, seed, lengths)), collate)
    loss = loss or (lambda m, b: default_loss(m, b, label_smoothing))
    watch = Watch(model, evaluate, patience, evaluate_every or per_epoch, steps)
    history, ended = watch.history, keep.resume(model=model, optimizer=optimizer, rate=rate, watch=watch)
    if ended:
        model.eval()
        return history
    bar = _progress_bar(steps, history.steps, progress)
    # Why not model.train(): BatchNorm would go on averaging over our few batches, also in frozen stages, and a backbone
    # that nobody trains would drift away from the head that reads it.
    adapt.train_mode(model, batchnorm)
    started = time.perf_counter() - history.seconds
    with adapt.frozen_once(model, n):  # frozen stages make the same of an example in every epoch
        for step, batch in enumerate(loader, start=history.steps + 1):
            value = 0.0
            for part, share in split_batch(to_device(batch, device), micro_batch):
                with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                    part_loss = loss(model, part) * share
                part_loss.backward()
                value += part_loss.item()
            if not math.isfinite(value):
                raise TrainingDiverged(_why_diverged(step, value, history, lr, batch))
            if clip:  # Why: one odd batch can have a gradient a hundred times the usual one; its direction is kept
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            history.loss.append(value)
            history.lr.append(rate.get_last_lr()[-1])
            # Why in this order: the optimizer uses the rate of this step, the schedule then sets that of the next. The
            # other way round the first rate of the schedule, the smallest of the warm-up, would never be used.
            optimizer.step()
            rate.step()
            optimizer.zero_grad()
            bar.update()
            history.seconds_at.append(time.perf_counter() - started)
            paused = time.perf_counter()
            if watch.due(step):
                if watch.look(step):
                    break
                adapt.train_mode(model, batchnorm)
            keep.after(step)
            started += time.perf_counter() - paused
            # Why two numbers: the bar shows the loss of this one batch, which jumps about and which the weights have
            # been fitted to; whether the model has learnt shows only the score, on examples it was not trained on.
            bar.set_postfix(watch.postfix(), refresh=False)
    watch.finish()
    keep.end("model", "watch")
    bar.close()
    del optimizer, rate, loader
    runtime.trim_memory()
    return history


def _check_arguments(model, n, steps, epochs, per_epoch, evaluate, patience, precision) -> int:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError("fit trains in one process: start it with python, not with accelerate launch or torchrun")
    if precision not in ("float32", "bf16"):
        raise ValueError(f"there is no precision {precision!r}: choose float32 or bf16")
    if not n:
        raise ValueError("the training set is empty: give at least one example")
    if (steps is None) == (epochs is None):
        raise ValueError("say how long to train: give either steps or epochs, not both")
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError("nothing would be trained: all parameters are frozen; unfreeze a stage first")
    if patience is not None and evaluate is None:
        raise ValueError("patience needs a score to wait for: give evaluate, a function of the model")
    if patience is not None and patience < 1:
        raise ValueError(f"patience is {patience}: wait for at least one score that is no better, or leave it out")
    steps = steps if steps is not None else round(epochs * per_epoch)
    if steps < 1:
        raise ValueError(f"training for {steps} steps does nothing: ask for at least one")
    return steps


def _why_diverged(step: int, value: float, history: History, lr: float, batch: Any) -> str:
    tensors = batch.values() if isinstance(batch, dict) else batch
    where = f"the loss became {value} at step {step}"
    if any(torch.is_tensor(t) and t.is_floating_point() and not t.isfinite().all() for t in tensors):
        return f"{where}: the batch itself holds NaN or infinite values; clean the data"
    before = f" (it was {history.loss[-1]:.3g} one step before)" if history.loss else ""
    return (
        f"{where}{before}: the learning rate {lr:g} is probably too high; try a tenth of it, "
        "a longer warm-up or a smaller clip. If it happens at any rate, look for log(0) or a division by zero "
        "in the loss"
    )


def _progress_bar(steps: int, done: int, progress: bool):
    from tqdm.auto import tqdm

    return tqdm(total=steps, initial=done, disable=not progress, unit="step", leave=True, mininterval=0.3)
