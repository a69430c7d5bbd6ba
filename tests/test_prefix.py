"""What is frozen is computed once, and nothing comes out otherwise than without."""

from __future__ import annotations

import copy
import gc
import pickle
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset
from torchvision import models as zoo

from ftlib import adapt, recipes, runtime, tasks
from ftlib.adapt import prefix
from ftlib.adapt.prefix import Memory, frozen_once
from ftlib.models.resnet import resnet10
from ftlib.tasks.base import Task
from ftlib.tasks.vision import Digits
from ftlib.train import fit

OPTIONS = {"lr": 3e-3, "batch_size": 8, "progress": False}


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """An empty memory, and short runs."""
    runtime.set_threads(1)
    monkeypatch.setattr(Task, "min_passes", 1)
    found = Memory()
    monkeypatch.setattr(prefix, "memory", found)
    return found


@contextmanager
def off(model, examples=0):
    """In the place of ``frozen_once``: everything is computed."""
    yield


def difference(a: nn.Module, b: nn.Module) -> float:
    """The largest difference between two models' weights and statistics."""
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return max(float((x.double() - y.double()).abs().max()) for x, y in pairs)


def pictures(n: int = 24, size: int = 32) -> TensorDataset:
    x = torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(1))
    return TensorDataset(x, torch.arange(n) % 3)


# networks: the same outputs and weights, with and without


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32)
    return BertForSequenceClassification(config)


def distilbert():
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    config = DistilBertConfig(vocab_size=50, dim=16, n_layers=3, n_heads=2, hidden_dim=32)
    return DistilBertForSequenceClassification(config)


def words(n: int = 24) -> TensorDataset:
    g = torch.Generator().manual_seed(2)
    ids, long = torch.randint(1, 50, (n, 12), generator=g), torch.randint(3, 13, (n, 1), generator=g)
    mask = (torch.arange(12) < long).long()
    return TensorDataset(ids * mask, mask, torch.arange(n) % 2)


def padded(examples: list) -> dict[str, torch.Tensor]:
    ids, mask, labels = map(torch.stack, zip(*examples, strict=True))
    width = int(mask.sum(1).max())
    return {"input_ids": ids[:, :width], "attention_mask": mask[:, :width], "labels": labels}


def albert():
    from transformers import AlbertConfig, AlbertForSequenceClassification

    small = {"embedding_size": 16, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2}
    return AlbertForSequenceClassification(AlbertConfig(vocab_size=50, intermediate_size=32, **small))


def convnext():
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    return ConvNeXt([CNBlockConfig(16, 32, 1), CNBlockConfig(32, 48, 1), CNBlockConfig(48, None, 1)], num_classes=3)


NETWORKS = {
    "resnet": (lambda: resnet10(3), ("layer2", "layer4", "head")),
    "efficientnet": (lambda: zoo.efficientnet_b0(num_classes=3), ("block3",)),
    "mobilenet": (lambda: zoo.mobilenet_v3_small(num_classes=3), ("hidden", "head")),
    "convnext": (convnext, ("block2", "head")),
    "vit": (lambda: zoo.VisionTransformer(32, 8, 3, 2, 16, 32, num_classes=3), ("layer1", "head")),
    "bert": (bert, ("layer1", "pooler", "head")),
    "distilbert": (distilbert, ("layer1", "head")),
}
REUSES = {"albert": (albert, ("head",))}  # one layer three times: nothing can stand in for it
CASES = [(name, part) for name, (_, parts) in (NETWORKS | REUSES).items() for part in parts]


@pytest.mark.parametrize(("name", "part"), CASES)
def test_a_network_is_trained_to_the_same_weights(name, part, memory, monkeypatch):
    build = (NETWORKS | REUSES)[name][0]
    ended, losses = [], []
    text = name.endswith("bert")
    data, options = (words(), {"collate": padded}) if text else (pictures(), {})
    for block in (off, frozen_once, frozen_once):
        torch.manual_seed(0)
        model = build()
        adapt.train_from(model, part)
        monkeypatch.setattr(adapt, "frozen_once", block)
        history = fit(model, data, epochs=3, **OPTIONS, **options)
        with block(model), torch.no_grad():
            batch = padded([data[i] for i in range(8)]) if text else data.tensors[0][:8]
            out = model(**batch).logits if text else model(batch)
        ended.append((model, out))
        losses.append(history.loss)
    assert (len(memory.rows) > 0) is (name in NETWORKS)
    (plain, expected), *others = ended
    for model, out in others:
        assert difference(plain, model) <= 1e-6 and torch.allclose(expected, out, atol=1e-6)
    assert losses[1] == pytest.approx(losses[0], abs=1e-6) and losses[2] == pytest.approx(losses[0], abs=1e-6)
    assert not any("forward" in vars(module) for module in model.modules())


@pytest.mark.parametrize(
    ("name", "recipe", "budget"),
    [("digits", name, 2) for name in ("head", "top", "from_layer2", "head_then_all", "full_moving_bn")]
    + [("reviews", "head", 8), ("reviews", "top", 8), ("spoken_digits", "head", 2), ("spoken_digits", "top", 2)],
)
def test_a_recipe_gives_the_same_weights_and_scores(name, recipe, budget, monkeypatch):
    task = small(name)
    settings = {key: {"lr": 1e-3, "steps": 4} for key in recipes.RECIPES}
    go = partial(recipes.run, recipe, task, budget, settings=settings, test_split="tune_valid")
    with monkeypatch.context() as patch:
        patch.setattr(adapt, "frozen_once", off)
        plain = go()
    for _ in ("the first time", "from memory"):
        run = go()
        assert difference(plain.model, run.model) <= 1e-6
        for column in ("score", "source_score", "steps", "trainable_parameters"):
            assert run.row[column] == plain.row[column], column
        assert run.histories[-1].loss == pytest.approx(plain.histories[-1].loss, abs=1e-6)


def small(name: str) -> Task:
    """The task with few examples to score, and no more passes than asked for."""
    task = type(tasks.get(name))()
    task.passes = lambda recipe: 1
    if name == "digits":
        task.source.test_size = 60
    if name == "reviews":
        few = task.items.groupby("split").head(24)
        task.items = task.items[(task.items.split == "train") | task.items.index.isin(few.index)]
    if name == "spoken_digits":
        task.source.split = lambda split, everything=task.source.split: everything(split).take(range(6))
        task._parts = {"tune_valid": task.split("tune_valid").take(range(20))}
    return task


# once


class Counted:
    """How many examples ``model`` has computed in ``part``, however often it was copied."""

    def __init__(self, model: nn.Module, part: str = "layer3.0.conv1"):
        module, self.examples = model.get_submodule(part), 0
        convolve = module._conv_forward

        def counting(x, *args):
            self.examples += len(x)
            return convolve(x, *args)

        module._conv_forward = counting


def frozen(part: str = "layer4", seed: int = 0) -> nn.Module:
    """A ResNet that is trained from ``part`` on; the seed draws its weights."""
    torch.manual_seed(seed)
    model = resnet10(3)
    adapt.train_from(model, part)
    return model.eval()


@torch.no_grad()
def passed(model: nn.Module, x: torch.Tensor, **options) -> int:
    """How many of ``x`` are computed, and that what comes out is what comes out without a memory."""
    expected = model(x)
    with frozen_once(model, **options):
        counted = Counted(model)
        assert torch.equal(model(x), expected)
    del model.layer3[0].conv1._conv_forward
    return counted.examples


X = pictures().tensors[0]


def test_an_example_is_computed_once_for_all_epochs_and_for_the_next_model():
    for expected in (len(X), 0):
        model = frozen()
        counted = Counted(model)
        fit(model, pictures(), epochs=3, **OPTIONS)
        assert counted.examples == expected


def test_another_model_with_the_same_frozen_weights_is_served_and_one_with_others_is_not():
    assert passed(frozen(), X) == len(X)
    other = frozen()
    other.layer4 = frozen(seed=1).layer4
    assert passed(other, X) == 0
    assert passed(frozen(seed=1), X) == len(X)
    changed = frozen()
    changed.layer1[0].conv1.weight.data[0, 0, 0, 0] += 1
    assert passed(changed, X) == len(X)
    statistics = frozen()
    statistics.bn1.running_mean += 0.1
    assert passed(statistics, X) == len(X)
    settings = frozen()
    settings.layer2[0].bn1.eps = 0.1
    assert passed(settings, X) == len(X)


def test_weights_that_change_inside_the_block_are_noticed():
    model = frozen()
    with torch.no_grad(), frozen_once(model):
        model(X)
        model.layer1[0].conv1.weight.mul_(1.5)
        found = model(X)
    assert torch.equal(found, model(X).detach())


def test_a_task_scores_its_own_examples_once_and_so_does_a_task_of_ones_own(memory):
    task, model = Digits(), frozen("head")
    model.fc = nn.Linear(512, 10)
    first = task.evaluate(model, "tune_valid")
    kept = len(memory.rows)
    assert kept == len({x.numpy().tobytes() for x in task.split("tune_valid").tensors[0]})
    assert task.evaluate(model, "tune_valid") == first and len(memory.rows) == kept


# where nothing is remembered


def never(model: nn.Module, x: torch.Tensor = X) -> None:
    for _ in range(2):
        counted = Counted(model)
        with torch.no_grad(), frozen_once(model):
            model(x)
        del model.layer3[0].conv1._conv_forward
        assert counted.examples == len(x) and not prefix.memory.rows


def test_a_moving_batchnorm_or_an_active_dropout_in_a_frozen_stage_switches_it_off():
    never(frozen().train())
    model = frozen()
    model.layer1[0].bn2.train()
    never(model)
    model = frozen()
    model.layer3.append(nn.Dropout(0.5).train())
    never(model)


def test_a_hook_a_single_example_and_an_input_with_a_gradient_are_computed():
    model = frozen()
    seen = []
    hook = model.layer1.register_forward_hook(lambda *_: seen.append(1))
    never(model)
    assert len(seen) == 2
    hook.remove()
    never(model, X[:1])
    counted = Counted(model)
    with frozen_once(model):
        for _ in range(2):
            model(X.clone().requires_grad_())
    assert counted.examples == 2 * len(X)


def test_all_trained_adapters_and_unknown_networks_are_computed(memory):
    plain = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    plain[0].requires_grad_(False)
    adapted = adapt.lora(resnet10(3))
    for model, x in ((frozen("all"), X), (adapted, X), (plain, torch.ones(3, 4))):
        with torch.no_grad(), frozen_once(model.eval()):
            model(x)
        assert not memory.rows


def test_dropout_between_frozen_stages_and_head_goes_on_dropping():
    data, ends = words(), []
    for block in (off, frozen_once, frozen_once):
        torch.manual_seed(0)
        model = bert()
        adapt.train_from(model, "head")
        adapt.train_mode(model)
        torch.manual_seed(1)
        batch = padded([data[i] for i in range(16)])
        with block(model):
            ends.append([model(**batch).logits for _ in range(3)])
        assert not torch.equal(ends[-1][0], ends[-1][1]), "dropout is off"
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ends[0], ends[-1], strict=True))


def test_augmented_examples_are_not_kept_for_ever(memory):
    x, y = pictures().tensors

    class Noisy(TensorDataset):
        def __getitem__(self, i):
            return self.tensors[0][i] + torch.randn(()), self.tensors[1][i]

    fit(frozen(), Noisy(x, y), epochs=8, **OPTIONS)
    assert len(memory.rows) == 3 * len(x)


# what it leaves behind


def test_a_model_that_is_copied_inside_the_block_or_fails_is_left_whole():
    model = frozen()
    with torch.no_grad(), frozen_once(model):
        expected = model(X)
        twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
        assert torch.equal(twin(X), expected) and torch.equal(model(X), expected)
        with pytest.raises(RuntimeError):
            model(torch.ones(2, 5, 32, 32))
        with frozen_once(model):
            assert torch.equal(model(X), expected)
        assert torch.equal(model(X), expected)
    assert torch.equal(twin(X), expected)
    assert not model._forward_hooks and not model._forward_pre_hooks
    assert not any("forward" in vars(module) for module in (*model.modules(), *twin.modules()))


def test_precisions_are_kept_apart():
    model, found = frozen(), {}
    for _ in range(2):
        for on in (False, True):
            with torch.no_grad(), frozen_once(model), torch.autocast("cpu", torch.bfloat16, enabled=on):
                found.setdefault(on, []).append(model(X))
    assert all(torch.equal(*pair) for pair in found.values()) and not torch.equal(found[True][0], found[False][0])


def test_nothing_remembered_refuses_a_gradient_later():
    model = frozen()
    with torch.inference_mode(), frozen_once(model):
        model(X)
    with frozen_once(model):
        model(X).sum().backward()
    assert model.fc.weight.grad is not None


# memory


@torch.no_grad()
def outputs(model: nn.Module) -> torch.Tensor:
    with frozen_once(model):
        return model(X[:12]), model(X[12:]), model(X)


def test_past_a_limit_rows_go_to_the_disk_and_come_back_the_same(monkeypatch):
    model = frozen()
    expected = outputs(model)
    small = Memory(ram=12 * 256 * 2 * 2 * 4)
    monkeypatch.setattr(prefix, "memory", small)
    for _ in range(2):
        assert all(map(torch.equal, outputs(model), expected))
    folder = Path(small.folder.name)
    assert small.ram == 0 and len(list(folder.iterdir())) == 1 and len(small.rows) == 24
    del small
    monkeypatch.undo()
    gc.collect()
    assert not folder.exists()


def test_past_both_limits_and_on_a_full_disk_it_is_computed_anew(monkeypatch):
    model = frozen()
    expected = outputs(model)
    monkeypatch.setattr(prefix, "memory", Memory(ram=0, disk=0))
    assert all(map(torch.equal, outputs(model), expected)) and not prefix.memory.rows

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Memory, "_filed", full)
    monkeypatch.setattr(prefix, "memory", Memory(ram=0))
    assert all(map(torch.equal, outputs(model), expected)) and not prefix.memory.rows
