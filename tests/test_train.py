"""The loop does what a bare loop does, moves only what may move, and says clearly when it cannot go on."""

from __future__ import annotations

import math
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from ftlib import adapt
from ftlib.batches import EpochBatches, split_batch, steps_per_epoch
from ftlib.metrics import Score
from ftlib.train import History, TrainingDiverged, default_loss, fit, lr_factor

PLAIN = {"weight_decay": 0.0, "clip": None, "schedule": "constant", "warmup": 0.0, "progress": False}


def blobs(n: int = 12, seed: int = 0) -> TensorDataset:
    """Points (n, 4) of three classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    return TensorDataset(torch.randn(n, 4, generator=generator) + labels[:, None].float(), labels)


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def norm_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def same(first: nn.Module, second: nn.Module, close: bool = False) -> bool:
    compare = torch.allclose if close else torch.equal
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(compare(a, b) for a, b in pairs)


# batches


@pytest.mark.parametrize(("n", "size"), [(10, 4), (9, 4), (8, 4), (3, 8), (1, 4), (5, 1), (2, 1)])
@pytest.mark.parametrize("lengths", [False, True])
def test_an_epoch_shows_each_example_once_and_leaves_none_alone(n, size, lengths):
    steps = steps_per_epoch(n, size)
    sampler = EpochBatches(n, size, 3 * steps, seed=1, lengths=range(n) if lengths else None)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 3 * steps
    for epoch in range(3):
        part = batches[epoch * steps : (epoch + 1) * steps]
        assert sorted(i for batch in part for i in batch) == list(range(n))
    if n > 1 and size > 1:
        assert min(map(len, batches)) > 1
    assert max(map(len, batches)) <= size + (size > 1)


def test_order_depends_on_the_seed_and_changes_between_epochs():
    first, again, other = (list(EpochBatches(20, 4, 10, seed)) for seed in (0, 0, 1))
    assert first == again != other
    assert first[:5] != first[5:]
    sampler = EpochBatches(20, 4, 10, 0)
    assert list(sampler) == list(sampler)
    assert list(EpochBatches(20, 4, 7, seed=0)) == first[:7], "a run may end within an epoch"


def test_batches_of_like_length_need_less_padding():
    lengths = torch.randint(1, 100, (200,), generator=torch.Generator().manual_seed(0)).tolist()

    def padding(batches):
        return sum(
            max(lengths[i] for i in batch) * len(batch) - sum(lengths[i] for i in batch) for batch in batches
        )

    plain, bucketed = EpochBatches(200, 10, 20, 0), EpochBatches(200, 10, 20, 0, lengths)
    assert padding(bucketed) < padding(plain) / 5
    means = [sum(lengths[i] for i in batch) for batch in bucketed]
    assert means != sorted(means)  # short ones do not all come first


def test_batches_refuse_what_does_not_fit():
    for wrong, message in (({"lengths": [1, 2]}, "2 lengths for 4 examples"), ({"batch_size": 0}, "batch_size is 0")):
        with pytest.raises(ValueError, match=message):
            fit(net(), blobs(4), steps=1, progress=False, **wrong)


def test_split_batch_cuts_tuples_and_dicts_with_their_shares():
    x, y = torch.arange(6), torch.arange(6) * 10
    parts = list(split_batch((x, y), 4))
    assert [(a.tolist(), b.tolist()) for (a, b), _ in parts] == [
        ([0, 1, 2, 3], [0, 10, 20, 30]),
        ([4, 5], [40, 50]),
    ]
    assert [share for _, share in parts] == pytest.approx([4 / 6, 2 / 6])
    parts = list(split_batch({"a": x, "labels": y}, 3))
    assert [part["labels"].tolist() for part, _ in parts] == [[0, 10, 20], [30, 40, 50]]


def test_split_batch_leaves_no_example_alone():
    parts = [(part[0].tolist(), share) for part, share in split_batch((torch.arange(5),), 2)]
    assert parts == [([0, 1], 2 / 5), ([2, 3, 4], 3 / 5)]
    assert [len(part[0]) for part, _ in split_batch((torch.arange(3),), 1)] == [1, 1, 1]


@pytest.mark.parametrize("size", [None, 0, 3, 9])
def test_split_batch_leaves_a_small_batch_whole(size):
    batch = (torch.arange(3), torch.arange(3))
    ((part, share),) = split_batch(batch, size)
    assert part is batch and share == 1.0


# rates


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("constant", 0.0, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("constant", 0.2, [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", 0.0, [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        ("linear", 0.5, [0.2, 0.4, 0.6, 0.8, 1, 1, 0.8, 0.6, 0.4, 0.2]),
        ("cosine", 0.0, [(1 + math.cos(math.pi * i / 10)) / 2 for i in range(10)]),
        ("cosine", 0.1, [1] + [(1 + math.cos(math.pi * i / 9)) / 2 for i in range(9)]),
        ("one_cycle", 0.1, [0.25, 0.75, 1] + [(1 + math.cos(math.pi * i / 7)) / 2 for i in range(7)]),
    ],
)
def test_each_schedule_step_by_step(schedule, warmup, expected):
    factor = lr_factor(schedule, 10, warmup)
    assert [factor(step) for step in range(10)] == pytest.approx(expected)


# the loop


def bare_loop(
    model: nn.Module, data: TensorDataset, steps: int, fused: bool, lr: float = 0.01
) -> list[float]:
    """Training as one would write it without the library."""
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=0, fused=fused
    )
    losses = []
    x, y = data.tensors
    for index in EpochBatches(len(data), 4, steps, seed=7):
        loss = nn.functional.cross_entropy(model(x[index]), y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("fused", [True, False])
def test_fit_equals_a_bare_loop(fused):
    ours, bare = net(), net()
    history = fit(ours, blobs(), steps=7, batch_size=4, lr=0.01, seed=7, **PLAIN)
    losses = bare_loop(bare, blobs(), 7, fused)
    assert same(ours, bare, close=not fused) and not same(ours, net())
    assert history.loss == pytest.approx(losses, abs=0 if fused else 1e-6)


def test_the_history_holds_each_step():
    history = fit(net(), blobs(), steps=10, lr=0.5, schedule="linear", warmup=0.2, progress=False)
    assert history.steps == len(history.lr) == len(history.seconds_at) == 10
    assert history.lr == pytest.approx([0.25, 0.5, 0.5, 0.4375, 0.375, 0.3125, 0.25, 0.1875, 0.125, 0.0625])
    assert history.seconds == history.seconds_at[-1] > 0
    assert history.seconds_at == sorted(history.seconds_at)
    assert history.scores == [] and History().seconds == 0.0


def test_fit_learns_and_leaves_the_model_ready_to_predict():
    model = net()
    history = fit(model, blobs(30), epochs=20, batch_size=10, lr=0.03, progress=False)
    assert history.steps == 60 and history.loss[-1] < history.loss[0] / 2
    assert not model.training


def test_earlier_stages_learn_at_a_lower_rate():
    before, model = net(), net()
    history = fit(model, blobs(), steps=1, lr=0.1, lr_decay=0.01, **PLAIN)
    assert history.lr == pytest.approx([0.1]), "the recorded rate is the head's"
    moved = [(a - b).abs().max().item() for a, b in zip(model.parameters(), before.parameters(), strict=True)]
    assert moved[0] == pytest.approx(0.001, rel=0.02) and moved[2] == pytest.approx(
        0.1, rel=0.02
    )  # AdamW's first step


def test_the_seed_chooses_order_and_dropout():
    def trained(seed: int) -> nn.Module:
        model = nn.Sequential(net(), nn.Dropout(0.5))
        fit(model, blobs(), steps=3, batch_size=4, seed=seed, **PLAIN)
        return model

    first, again, other = trained(0), trained(0), trained(1)
    assert same(first, again) and not same(first, other)


def test_epochs_may_be_a_fraction():
    assert fit(net(), blobs(16), epochs=0.5, batch_size=4, progress=False).steps == 2


def test_weight_decay_shrinks_weights_and_not_biases():
    plain, decayed = net(), net()
    fit(plain, blobs(), steps=1, lr=0.01, **PLAIN)
    fit(decayed, blobs(), steps=1, lr=0.01, **PLAIN | {"weight_decay": 1.0})
    assert torch.equal(plain[0].bias, decayed[0].bias)
    assert torch.allclose(decayed[0].weight, plain[0].weight - 0.01 * net()[0].weight, atol=1e-6)


def test_clipping_bounds_the_gradient(monkeypatch):
    norms, step = [], torch.optim.AdamW.step

    def spy(self, *args, **kwargs):
        grads = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
        norms.append(torch.cat(grads).norm().item())
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    for clip in (0.5, None):
        steep = lambda model, batch: 1000 * default_loss(model, batch)  # noqa: E731
        fit(net(), blobs(), steps=1, loss=steep, **PLAIN | {"clip": clip})
    assert norms[0] == pytest.approx(0.5, rel=1e-3) and norms[1] > 10


# what moves


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_frozen_parameters_do_not_move(weight_decay):
    model = net()
    before = deepcopy(model)
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    fit(model, blobs(), steps=3, lr=0.1, weight_decay=weight_decay, progress=False)
    assert same(model[0], before[0]) and not same(model[2], before[2])


@pytest.mark.parametrize(
    ("mode", "frozen", "moves"),
    [
        ("train", True, True), ("train", False, True), ("eval", True, False), ("eval", False, False),
        ("frozen_eval", True, False), ("frozen_eval", False, True),
    ],
)  # fmt: skip
def test_batchnorm_statistics_move_as_asked(mode, frozen, moves):
    model = norm_net()
    if frozen:
        for parameter in (*model[0].parameters(), *model[1].parameters()):
            parameter.requires_grad_(False)
    fit(model, blobs(), steps=2, batchnorm=mode, progress=False)
    assert bool(model[1].running_mean.any()) is moves
    assert model[1].num_batches_tracked.item() == (2 if moves else 0)


def test_batchnorm_keeps_its_mode_after_an_evaluation():
    model = norm_net()

    def evaluate(model: nn.Module) -> Score:
        model.eval()
        return Score(0.5, "accuracy", True, 1)

    fit(model, blobs(), steps=4, batchnorm="train", evaluate=evaluate, evaluate_every=1, progress=False)
    assert model[1].num_batches_tracked.item() == 4


def test_batchnorm_survives_a_set_of_one_more_than_the_batch():
    fit(norm_net(), blobs(9), epochs=2, batch_size=4, batchnorm="train", progress=False)
    fit(norm_net(), blobs(9), epochs=1, batch_size=9, micro_batch=4, batchnorm="train", progress=False)


@pytest.mark.parametrize("micro_batch", [1, 3, 5, 12])
def test_micro_batches_give_the_step_of_the_whole_batch(micro_batch):
    whole, parts = net(), net()
    options = PLAIN | {"steps": 4, "batch_size": 12, "lr": 0.01, "clip": 1.0}
    history = fit(whole, blobs(), **options)
    split = fit(parts, blobs(), micro_batch=micro_batch, **options)
    assert all(
        torch.allclose(a, b, atol=1e-5) for a, b in zip(whole.parameters(), parts.parameters(), strict=True)
    )
    assert split.loss == pytest.approx(history.loss, abs=1e-5)


# early stopping


def scripted(values: list[float], higher_is_better: bool = True):
    """Scores in a given order, and the weights that the model had at each."""
    seen: list[dict] = []

    def evaluate(model: nn.Module) -> Score:
        seen.append(deepcopy(model.state_dict()))
        return Score(values[len(seen) - 1], "score", higher_is_better, 1)

    return evaluate, seen


@pytest.mark.parametrize(
    ("values", "higher", "best"),
    [
        ([0.1, 0.5, 0.4, 0.5, 0.9], True, 2),
        ([3.0, 1.0, 2.0, 1.0, 0.0], False, 2),
        ([0.9, 0.1, 0.2, 1.0], True, 1),
    ],
)
def test_early_stopping_puts_the_best_weights_back(values, higher, best):
    evaluate, seen = scripted(values, higher)
    model = net()
    options = PLAIN | {"steps": 10, "lr": 0.05, "evaluate_every": 2, "patience": 2}
    history = fit(model, blobs(), evaluate=evaluate, **options)
    assert history.stopped_early and history.best_step == 2 * best
    assert history.steps == 2 * (best + 2) and len(history.scores) == best + 2
    assert all(torch.equal(value, seen[best - 1][name]) for name, value in model.state_dict().items())
    assert not all(torch.equal(value, seen[-1][name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("patience", "kept"), [(5, 2), (None, 3)])
def test_without_an_early_stop_the_best_weights_come_back_if_patience_asked_for_the_best(patience, kept):
    evaluate, seen = scripted([0.5, 0.9, 0.2])
    model, options = net(), {"evaluate": evaluate, "evaluate_every": 1, "progress": False}
    history = fit(model, blobs(), steps=3, lr=0.05, patience=patience, **options)
    assert not history.stopped_early and history.steps == 3
    assert history.scores == [(1, 0.5), (2, 0.9), (3, 0.2)] and history.metric == "score"
    assert all(torch.equal(value, seen[kept - 1][name]) for name, value in model.state_dict().items())


def test_a_score_that_is_no_number_is_never_the_best():
    for higher in (True, False):
        evaluate, _ = scripted([math.nan, 0.5, math.nan, math.nan], higher)
        history = fit(
            net(), blobs(), steps=4, evaluate=evaluate, evaluate_every=1, patience=9, progress=False
        )
        assert history.best_step == 2


# losses


def test_fit_uses_label_smoothing():
    plain, smooth = (
        fit(net(), blobs(), steps=1, label_smoothing=s, progress=False).loss[0] for s in (0.0, 0.2)
    )
    x, y = blobs().tensors
    assert plain != pytest.approx(smooth)
    assert smooth == pytest.approx(nn.functional.cross_entropy(net()(x), y, label_smoothing=0.2).item())


def test_decimal_labels_are_regressed():
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    y = x[:, 0] * 2 - 1
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 1))
    first = ((model(x).squeeze(1) - y) ** 2).mean().item()
    assert default_loss(model, (x, y)).item() == pytest.approx(first)
    history = fit(model, TensorDataset(x, y), steps=300, batch_size=40, lr=0.05, progress=False)
    assert history.loss[-1] < 0.01 and model[0].weight[0, 0].item() == pytest.approx(2, abs=0.1)


def test_a_loss_of_ones_own():
    history = fit(
        net(), blobs(), steps=1, loss=lambda model, batch: model(batch[0]).pow(2).mean() + 5, progress=False
    )
    assert history.loss[0] == pytest.approx(5 + net()(blobs().tensors[0]).pow(2).mean().item())


# a transformers model


class Sentences(torch.utils.data.Dataset):
    """Token lists of different lengths; the label is whether token 7 occurs."""

    def __init__(self, n: int = 16):
        generator = torch.Generator().manual_seed(0)
        sizes = torch.randint(3, 9, (n,), generator=generator).tolist()
        self.tokens = [torch.randint(1, 20, (size,), generator=generator) for size in sizes]

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        return self.tokens[i], int(7 in self.tokens[i])


def pad(items: list) -> dict[str, torch.Tensor]:
    ids = nn.utils.rnn.pad_sequence([tokens for tokens, _ in items], batch_first=True)
    return {
        "input_ids": ids,
        "attention_mask": (ids > 0).long(),
        "labels": torch.tensor([y for _, y in items]),
    }


def bert() -> nn.Module:
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return BertForSequenceClassification(BertConfig(vocab_size=20, max_position_embeddings=16, **sizes))


def test_dict_batches_train_a_transformers_model():
    data, model, before = Sentences(), bert(), bert()
    adapt.freeze(model)
    adapt.unfreeze(model, "head")
    lengths = [len(tokens) for tokens in data.tokens]
    options = {"collate": pad, "lengths": lengths, "batch_size": 8, "micro_batch": 4, "lr": 0.01, "progress": False}
    history = fit(model, data, steps=4, **options)
    assert history.steps == 4 and all(math.isfinite(value) for value in history.loss)
    pairs = zip(model.named_parameters(), before.parameters(), strict=True)
    assert {name for (name, a), b in pairs if not a.equal(b)} == {"classifier.weight", "classifier.bias"}


def test_dict_batches_use_the_default_loss():
    model, batch = bert().eval(), pad([Sentences()[i] for i in range(4)])
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    expected = nn.functional.cross_entropy(logits, batch["labels"], label_smoothing=0.1)
    assert default_loss(model, batch, 0.1).item() == pytest.approx(expected.item())


# precision


def test_two_precisions_in_one_process_and_weights_stay_float32():
    plain, mixed, again = net(), net(), net()
    seen = []

    def loss(model, batch):
        out = model(batch[0])
        seen.append(out.dtype)
        return nn.functional.cross_entropy(out.float(), batch[1])

    options = PLAIN | {"steps": 3, "lr": 0.01, "loss": loss}
    fit(plain, blobs(), precision="float32", **options)
    fit(mixed, blobs(), precision="bf16", **options)
    fit(again, blobs(), precision="float32", **options)
    assert seen == [torch.float32] * 3 + [torch.bfloat16] * 3 + [torch.float32] * 3
    assert {p.dtype for p in mixed.parameters()} == {torch.float32}
    assert same(plain, again) and not same(plain, mixed)
    assert all(
        torch.allclose(a, b, atol=0.05) for a, b in zip(plain.parameters(), mixed.parameters(), strict=True)
    )


# what cannot work


@pytest.mark.parametrize(("bad", "step"), [(math.nan, 3), (math.inf, 1)])
def test_a_loss_that_is_no_number_stops_names_the_step_and_leaves_finite_weights(bad, step):
    model, losses = net(), []

    def loss(model, batch):
        losses.append(default_loss(model, batch))
        return losses[-1] * (bad if len(losses) == step else 1)

    with pytest.raises(TrainingDiverged, match=f"became {bad} at step {step}.*learning rate 0.5"):
        fit(model, blobs(), steps=5, lr=0.5, loss=loss, progress=False)
    assert all(p.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bad_numbers_in_the_data_are_named(bad):
    data = blobs()
    data.tensors[0][5, 2] = bad
    with pytest.raises(
        TrainingDiverged, match=r"step [12]: the batch itself holds NaN or infinite values; clean the data"
    ):
        fit(net(), data, steps=5, batch_size=12, progress=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either steps or epochs"),
        ({"steps": 3, "epochs": 1}, "either steps or epochs"),
        ({"steps": 0}, "training for 0 steps"),
        ({"epochs": 0.01}, "training for 0 steps"),
        ({"steps": 3, "patience": 2}, "patience needs a score"),
        ({"steps": 3, "patience": 0, "evaluate": len}, "patience is 0"),
        ({"steps": 3, "warmup": 10}, "warmup is 10: give the share"),
        ({"steps": 3, "schedule": "sinus"}, "no schedule 'sinus'"),
        ({"steps": 3, "lr": 0.0}, "lr"),
        ({"steps": 3, "precision": "fp16"}, "no precision 'fp16'"),
        ({"steps": 3, "batchnorm": "off"}, "batchnorm"),
        ({"steps": 3, "seed": -1}, "seed"),
        ({"steps": 3, "micro_batch": -2}, "micro_batch is -2"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_training(arguments, message):
    model = net()
    with pytest.raises(ValueError, match=message):
        fit(model, blobs(), progress=False, **arguments)
    assert same(model, net())


def test_an_empty_set_and_a_frozen_model_are_refused():
    nothing = TensorDataset(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="training set is empty"):
        fit(net(), nothing, epochs=1, progress=False)
    model = net()
    adapt.freeze(model)
    with pytest.raises(ValueError, match="all parameters are frozen"):
        fit(model, blobs(), steps=1, progress=False)


# progress


def test_progress_shows_loss_and_score_and_is_silent_when_asked(capfd):
    fit(net(), blobs(), steps=2, progress=False)
    assert capfd.readouterr() == ("", "")
    evaluate, _ = scripted([0.25, 0.75])
    fit(net(), blobs(), steps=2, evaluate=evaluate, evaluate_every=1)
    shown = "".join(capfd.readouterr())
    assert "2/2" in shown and "loss=" in shown and "score=0.750" in shown


def test_fit_refuses_several_processes(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="fit trains in one process"):
        fit(nn.Linear(3, 2), blobs(), steps=1, progress=False)


def test_fit_works_after_another_trainer_has_set_its_device_and_precision():
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    AcceleratorState._reset_state(reset_partial_state=True)
    Accelerator(mixed_precision="bf16", cpu=True)
    PartialState._shared_state["device"] = torch.device("cuda", 3)
    model = nn.Linear(3, 2)
    dtypes = []
    model.register_forward_hook(lambda *_: dtypes.append(_[2].dtype))
    fit(model, TensorDataset(torch.randn(8, 3), torch.zeros(8, dtype=torch.long)), steps=2, progress=False)
    assert set(dtypes) == {torch.float32}
    AcceleratorState._reset_state(reset_partial_state=True)
