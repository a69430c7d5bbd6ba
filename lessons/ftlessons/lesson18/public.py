"""A fault in a fine-tune of a public model, for the full profile."""

from __future__ import annotations

import torch

from ftlessons.lesson18.data import some
from ftlessons.lesson18.runs import batches
from ftlib import adapt, runtime
from ftlib.batches import to_device
from ftlib.diagnosis import Report, check_run
from ftlib.history import History
from ftlib.tasks.text import TextTask


def break_and_look(task: TextTask, labels: int, steps: int, tested: int = 200) -> Report:
    """Fine-tune with an optimizer that was made before the head, then look the run over."""
    train, test, model = task.sample(labels, 0), some(task.split("test"), tested), task.pretrained()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)  # one line too early
    adapt.replace_head(model, task.n_outputs, seed=0)
    model.to(runtime.device()).train()
    history = History()
    for batch in batches(train, task, steps, seed=0):
        loss = task.loss(model, to_device(batch, runtime.device()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        history.loss.append(loss.item())
    return check_run(model.eval(), task, history, train=train, test=test, optimizer=optimizer)
