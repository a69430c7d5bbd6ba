"""check_run on a toy: each fault is named, a sound run is not, and the network stays as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from ftlib.diagnosis import Finding, Report, check_run
from ftlib.history import History
from ftlib.metrics import Score
from ftlib.tasks.base import Task

CLASSES, WIDTH = 4, 16


def examples(n: int, seed: int) -> TensorDataset:
    draw = torch.Generator().manual_seed(seed)
    middles = 3 * torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(9))
    y = torch.arange(n) % CLASSES
    return TensorDataset(middles[y] + 2 * torch.randn(n, WIDTH, generator=draw), y)


def network(seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(WIDTH, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, CLASSES))


class Toy(Task):
    """Points around four middles, and a network that has met them."""

    domain, budget_unit, metric, n_outputs, top_stages = "toy", "points", "accuracy", CLASSES, ("head",)

    def split(self, name: str) -> TensorDataset:
        return examples(160, {"train": 1, "test": 2}[name])

    def sample(self, budget: int, seed: int, split: str = "train") -> TensorDataset:
        return examples(budget, seed)

    def pretrained(self) -> nn.Module:
        model = network(0).train()
        for _ in range(60):  # statistics that belong to these points
            model(examples(160, 3).tensors[0])
        return model.eval()

    def untrained(self, seed: int) -> nn.Module:
        return network(seed)

    def evaluate(self, model: nn.Module, split: str = "test") -> Score:
        raise AssertionError("nobody asked for a score")


class Trained:
    """A run of the toy; ``frozen`` trains the head alone, ``moving`` leaves BatchNorm in training mode."""

    def __init__(self, frozen: bool = True, moving: bool = False, early: bool = False, rates: tuple = (0.03, 0.03),
                 steps: int = 60) -> None:  # fmt: skip
        self.task, self.history = Toy(), History()
        self.model = self.task.pretrained()
        head = self.model[3]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            self.model[3] = nn.Linear(32, CLASSES)
        known = head if early else self.model[3]
        for layer in self.model[:2]:
            layer.requires_grad_(not frozen)
        groups = [{"params": list(known.parameters()), "lr": rates[0]}]
        groups += [] if frozen else [{"params": list(self.model[:2].parameters()), "lr": rates[1]}]
        self.optimizer = torch.optim.AdamW(groups)
        x, y = self.task.split("train").tensors
        self.model.train(moving)
        for _ in range(steps):
            loss = nn.functional.cross_entropy(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.history.loss.append(loss.item())
        self.model.eval()

    def look(self, **more: object) -> Report:
        return check_run(self.model, self.task, self.history, **{"optimizer": self.optimizer} | more)


def named(report: Report) -> list[str]:
    return [finding.what for finding in report.findings]


def test_a_sound_run_raises_no_alarm():
    for run in (Trained(), Trained(frozen=False, rates=(0.003, 0.003))):
        report = run.look(reported=1.0)
        assert named(report) == [] and not report
        assert "Nothing suspicious" in repr(report) and "Not seen" in report._repr_html_()


@pytest.mark.parametrize(
    ("run", "what"),
    [
        (lambda: Trained(early=True, frozen=False), "parameters that nobody trains"),
        (lambda: Trained(early=True, frozen=False), "a head that was never trained"),
        (lambda: Trained(moving=True), "frozen layers that moved"),
        (lambda: Trained(frozen=False, rates=(0.003, 0.3)), "a learning rate that is too high"),
    ],
)
def test_faults_of_training_are_named(run: Callable[[], Trained], what: str):
    assert what in named(run().look())


def shifted(data: TensorDataset, by: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> TensorDataset:
    return TensorDataset(*by(*data.tensors))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"test": lambda x, y: (x, (y + 1) % CLASSES)}, "labels in another order"),
        ({"train": lambda x, y: (x[y != 2], y[y != 2])}, "classes that training never sees"),
        ({"train": lambda x, y: (10 * x + 40, y)}, "inputs prepared in another way"),
    ],
)
def test_faults_of_data_are_named(data, what):
    run = Trained()
    changed = {name: shifted(run.task.split(name), by) for name, by in data.items()}
    assert what in named(run.look(**changed))


def test_copies_are_named_and_a_wrong_report():
    run = Trained()
    x, y = run.task.split("train").tensors
    report = run.look(test=TensorDataset(x[:80] + 0.01, y[:80]), reported=0.4)
    assert {"test examples that training has seen", "a score that is not this test's"} <= set(named(report))


def test_training_mode_is_named_where_it_changes_the_answers_and_nothing_is_changed():
    run = Trained()
    order = run.task.split("test").tensors[1].argsort()
    by_class = TensorDataset(*(tensor[order] for tensor in run.task.split("test").tensors))
    run.model.train()
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    assert "scored in training mode" in named(run.look(test=by_class))
    assert run.model.training and run.model[1].training
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.model.state_dict().items())


@pytest.mark.parametrize(
    ("loss", "what"),
    [
        ([1.4] * 40, "nothing is learnt"),
        ([5.6 - 0.1 * i for i in range(40)], "a loss on another scale"),
        ([1.4] * 5 + [9.0] + [0.1] * 30, "a loss that jumps"),
        ([1.4] * 10 + [float("nan")] * 5, "a loss that is no number"),
    ],
)
def test_odd_losses_are_named(loss, what):
    run = Trained()
    run.history = History(loss=loss)
    assert what in named(run.look())


def test_what_is_not_given_is_not_seen():
    run = Trained()
    report = check_run(run.model, run.task)
    for words in ("no optimizer was given", "no history", "none was given", "no sequences"):
        assert any(words in line for line in report.unseen)


def test_an_empty_set_is_refused():
    run = Trained()
    empty = TensorDataset(torch.zeros(0, WIDTH), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="the test set is empty"):
        run.look(test=empty)


def test_a_finding_is_text_and_safe_html():
    finding = Finding("a <b> thing", "here", "so much", "this")
    assert str(finding).endswith("Do: this")
    assert "&lt;b&gt;" in Report([finding], [])._repr_html_()
