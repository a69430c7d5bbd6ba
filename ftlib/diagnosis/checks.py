"""The single checks: each looks for one way in which a fine-tune breaks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset

from ftlib import adapt
from ftlib.adapt.anatomy import unwrap
from ftlib.diagnosis.look import Look, Unseen, call, in_mode, loader, outputs_of, spread, whole
from ftlib.diagnosis.report import Finding
from ftlib.tasks.base import Task

# What counts as suspicious. Fixed on ten broken runs and their sound twins, before any of the runs that test them.
AT_CHANCE = 0.9  # share of the loss of guessing that training must get below
TOO_LOUD = 3.0  # times the loss of guessing: a sum where a mean should be
SPIKE = 2.0  # times the first loss, after the first tenth of the steps
RATES_APART = 30.0  # times the head's learning rate; lower rates for earlier layers are good practice
LEFT_HOME = 1.0  # how far a stage moved, in lengths of its own start
REORDERED = 0.2  # accuracy that another order of the classes would bring
MODES_APART = 0.1  # accuracy between training and evaluation mode
ALIKE, ALIKE_SHARE = 0.9, 0.35  # cosine of features to the nearest training example, and how many test examples
ALIKE_TEXT = 0.6  # cosine of letter groups, for texts
FOREIGN = 0.5  # deviations between what pre-training had and what the network gets here, mean over channels
CUT_SHARE = 0.2  # examples that share the greatest length
SHOWN, PER_CLASS = 3, 5


ADVICE = {
    "parameters that nobody trains": "make the optimizer after the last change to the network",
    "a head that was never trained": "see that the optimizer has it; with adapters, name it in modules_to_save",
    "frozen layers that moved": "put frozen layers into evaluation mode: adapt.train_mode(model)",
    "a learning rate that is too high": "give this group a rate like the others', or a tenth of it",
    "a loss that is no number": "lower the rate, and look for log(0) or a division by zero",
    "nothing is learnt": "learn 16 examples by heart; if that fails, look at labels, inputs and optimizer",
    "a loss on another scale": "average, do not sum; divide by the number of micro-batches",
    "a loss that jumps": "lower the learning rate, clip gradients, or warm up",
    "labels in another order": "store the classes with the model, and read them from there",
    "scored in training mode": "call model.eval() before every score",
    "a score that is not this test's": "score the old and the new model on one split, in evaluation mode",
    "classes that training never sees": "look at the sampler, the filter and the numbers of the labels",
    "classes that are never answered": "count the examples a class in what training really draws",
    "test examples that training has seen": "split by origin, before copies are made",
    "inputs prepared in another way": "use the checkpoint's own preparation: scale, colours, sampling rate",
    "inputs that are cut": "let inputs be longer, and read what was cut off",
}


def _finding(what: str, where: str, evidence: str) -> Finding:
    return Finding(what, where, evidence, ADVICE[what])


# --- what was trained ------------------------------------------------------------------------------


def _forgotten(look: Look) -> Iterator[Finding]:
    """Trainable parameters that the optimizer does not know."""
    if look.optimizer is None:
        raise Unseen("which parameters the optimizer knew: no optimizer was given")
    known = {id(p) for group in look.optimizer.param_groups for p in group["params"]}
    named = dict(look.model.named_parameters())
    lost = [name for name, p in named.items() if p.requires_grad and id(p) not in known]
    strangers = len(known - {id(p) for p in named.values()})
    if lost:
        more = f", and it holds {strangers} that this network does not have" if strangers else ""
        evidence = f"they ask for gradients, and the optimizer does not know them{more}"
        yield _finding("parameters that nobody trains", _few(lost), evidence)


def _as_drawn(look: Look) -> Iterator[Finding]:
    """A head whose weights are still the random ones."""
    try:
        head = adapt.get_head(look.model)
    except ValueError:
        raise Unseen("whether the head was trained: this network has no linear head") from None
    weight, bias = head.weight.detach().float(), head.bias
    if any(weight.shape == other.weight.shape and torch.equal(weight, other.weight.float().to(weight.device))
           for other in [m for m in look.start.modules() if isinstance(m, nn.Linear)]):  # fmt: skip
        return  # the head of the checkpoint, kept on purpose
    bound = 1 / math.sqrt(head.in_features)  # torch draws evenly up to here, and any step of training leaves it
    largest = float(weight.abs().max())
    even = 0.95 * bound <= largest <= bound * (1 + 1e-5) and abs(float(weight.std()) * math.sqrt(3) / bound - 1) < 0.05
    zero = bias is not None and not bias.any()  # transformers draws from a normal distribution, with biases of zero
    if even or zero:
        frozen = not head.weight.requires_grad
        how = "no weight lies outside the range of torch's initialisation" if even else "all of its biases are zero"
        yield _finding("a head that was never trained", "head", f"{how}{', and it is frozen' if frozen else ''}")


def _statistics(look: Look) -> Iterator[Finding]:
    """Frozen normalisation layers whose running statistics are no longer those of the checkpoint."""
    there = dict(look.start.named_modules())
    moved = []
    for name, module in unwrap(look.model).named_modules():
        before = there.get(name)
        if not isinstance(module, _BatchNorm) or not isinstance(before, _BatchNorm) or module.running_mean is None:
            continue
        if any(p.requires_grad for p in module.parameters()) or module.running_mean.shape != before.running_mean.shape:
            continue
        shift = (module.running_mean.cpu() - before.running_mean).abs() / (before.running_var + before.eps).sqrt()
        if float(shift.max()) > 1e-3:
            moved.append((float(shift.mean()), name))
    if moved:
        far, _ = max(moved)
        evidence = f"running means shifted by up to {far:.2f} deviations, mean over a layer's channels"
        yield _finding("frozen layers that moved", _few([name for _, name in moved]), evidence)


def _rates(look: Look) -> Iterator[Finding]:
    """Learning rates that lie far apart, and stages that went far from where they started."""
    far = {}
    if not look.wrapped:
        try:
            start = {name: tensor for name, tensor in look.start.state_dict().items()}
            far = {stage: way for stage, way in adapt.distance(look.model, start).items() if stage != "backbone"}
        except ValueError:
            far = {}
    gone = [stage for stage, way in far.items() if way > LEFT_HOME]
    apart = _above_the_head(look)
    if gone or apart > RATES_APART:
        said = [f"{stage} moved {far[stage]:.1f} times its own length" for stage in gone[:SHOWN]]
        said += [f"the highest rate is {apart:.0f} times the head's"] if apart > RATES_APART else []
        yield _finding("a learning rate that is too high", _few(gone) if gone else "optimizer", ", ".join(said))


def _above_the_head(look: Look) -> float:
    """How many times the head's rate the highest one in the optimizer is; 1 where it cannot be told."""
    groups = look.optimizer.param_groups if look.optimizer else []
    try:
        head = adapt.get_head(look.model).weight
    except ValueError:
        return 1.0
    own = [group["lr"] for group in groups if any(p is head for p in group["params"])]
    return max(group["lr"] for group in groups) / own[0] if own and own[0] > 0 else 1.0


def _loss(look: Look) -> Iterator[Finding]:
    """A loss that stays where guessing is, starts far above it, or jumps."""
    loss = look.history.loss if look.history else []
    if len(loss) < 10:
        raise Unseen("the loss: no history of at least ten steps was given")
    if not all(map(math.isfinite, loss)):
        yield _finding("a loss that is no number", "history", "NaN or infinity")
        return
    tenth = max(3, len(loss) // 10)
    first, last, later = np.mean(loss[:tenth]), np.mean(loss[-tenth:]), max(loss[tenth:])
    if look.classes:
        guess = math.log(look.task.n_outputs)
        if last > AT_CHANCE * guess:
            yield _finding("nothing is learnt", "history", f"the loss ends at {last:.2f}, and guessing has {guess:.2f}")
        if first > TOO_LOUD * guess:
            yield _finding("a loss on another scale", "history", f"it starts at {first:.2f}; guessing has {guess:.2f}")
    if later > SPIKE * max(loss[:tenth]):
        yield _finding("a loss that jumps", "history", f"from {max(loss[:tenth]):.2f} at first to {later:.2f}")


# --- what it says ----------------------------------------------------------------------------------


def _order(look: Look) -> Iterator[Finding]:
    """Whether another order of the classes would fit the outputs better."""
    from scipy.optimize import linear_sum_assignment

    said, true = look.said(), look.labels["test"]
    n = max(int(true.max()), int(said.max())) + 1
    if len(true) < 5 * len(true.unique()):
        raise Unseen("the order of the labels: the test set has fewer than five examples a class")
    counts = np.zeros((n, n))
    np.add.at(counts, (true.numpy(), said.numpy()), 1)
    rows, columns = linear_sum_assignment(-counts)
    best, now = counts[rows, columns].sum() / len(true), look.accuracy()
    if best - now > REORDERED:
        pairs = [f"{r} is called {c}" for r, c in zip(rows, columns, strict=True) if r != c and counts[r, c]]
        evidence = f"{now:.0%} are right, and {best:.0%} if {', '.join(pairs[:SHOWN])}"
        yield _finding("labels in another order", "test", evidence)


def _mode(look: Look) -> Iterator[Finding]:
    """A network that is still in training mode, where that changes what it says."""
    kinds = (_BatchNorm, nn.Dropout)
    if not any(module.training and isinstance(module, kinds) for module in look.model.modules()):
        return
    asis = in_mode(look.model, None, lambda: outputs_of(look.model, look.test, look.task)).argmax(1)
    now = float((asis == look.labels["test"]).float().mean()) if look.classes else float("nan")
    if abs(now - look.accuracy()) > MODES_APART:
        evidence = f"{now:.0%} right as it stands, {look.accuracy():.0%} after model.eval()"
        yield _finding("scored in training mode", "model", evidence)


def _reported(look: Look) -> Iterator[Finding]:
    """A reported score that the test set does not give."""
    if look.reported is None:
        raise Unseen("the reported score: none was given")
    low = 2 * math.sqrt(0.25 / len(look.test))
    if abs(look.reported - look.accuracy()) > max(0.05, low):
        evidence = f"reported {look.reported:.0%}, measured {look.accuracy():.0%} on {len(look.test)} examples"
        yield _finding("a score that is not this test's", "test", evidence)


# --- what it reads ---------------------------------------------------------------------------------


def _classes(look: Look) -> Iterator[Finding]:
    """Classes of the test that training lacks, or that are never answered."""
    if not look.classes:
        raise Unseen("the classes: the labels are no class numbers")
    train, test = look.labels["train"], look.labels["test"]
    absent = sorted(set(test.tolist()) - set(train.tolist()))
    if absent:
        evidence = f"none of class {_few(map(str, absent))} among {len(train)} examples"
        yield _finding("classes that training never sees", "train", evidence)
    answered = set(look.said().tolist())
    mute = [c for c in set(test.tolist()) - answered - set(absent) if int((test == c).sum()) >= PER_CLASS]
    if mute:
        yield _finding("classes that are never answered", "test", f"class {_few(map(str, sorted(mute)))}")


def _copies(look: Look) -> Iterator[Finding]:
    """Test examples that are nearly the same as a training example."""
    if not look.classes:
        raise Unseen("copies: where answers are no classes, neighbouring examples are alike by nature")
    texts = [getattr(whole(data), "texts", None) for data in (look.known, look.test)]
    if all(texts):
        from sklearn.feature_extraction.text import TfidfVectorizer

        rows = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit(texts[0] + texts[1])
        near, limit = np.asarray((rows.transform(texts[1]) @ rows.transform(texts[0]).T).max(1).todense()), ALIKE_TEXT
    else:
        try:
            train, test = (_features(look.start, data, look.task) for data in (look.known, look.test))
        except ValueError:
            raise Unseen("copies: this network has no features to compare examples by") from None
        middle = train.mean(0)
        train, test = (nn.functional.normalize(part - middle, dim=1) for part in (train, test))
        near, limit = (test @ train.T).amax(1).numpy(), ALIKE
    share = float((near >= limit).mean())
    if share >= ALIKE_SHARE:
        evidence = f"{share:.0%} of {len(near)} test examples have a training example that is nearly the same"
        yield _finding("test examples that training has seen", "train and test", evidence)


@torch.no_grad()
def _features(model: nn.Module, data: Dataset, task: Task) -> Tensor:
    with adapt.features(model) as backbone:
        return torch.cat([call(backbone, task.inputs(batch)) for batch in loader(data, task)])


def _prepared(look: Look) -> Iterator[Finding]:
    """Whether inputs look like those of pre-training: by the checkpoint's own statistics, or by its task's inputs."""
    stored = next((m for m in look.start.modules() if isinstance(m, _BatchNorm) or _normalises(m)), None)
    if stored is not None:
        values = _arriving(look, stored)
        if isinstance(stored, _BatchNorm):
            mean, std = stored.running_mean, (stored.running_var + stored.eps).sqrt()
        else:
            mean, std = stored.mean, stored.std
        by = "the first statistics that the checkpoint stores"
    elif look.task.source is not None:
        values, before = (_channels(data, task) for data, task in (
            (look.train, look.task), (spread(look.task.source.split("test"), len(look.train)), look.task.source)
        ))  # fmt: skip
        mean, std, by = before.mean(1), before.std(1).clamp_min(1e-6), "the inputs of the task of pre-training"
    else:
        raise Unseen("how inputs were prepared: the checkpoint says nothing of what it was trained on")
    off = float(((values.mean(1) - mean).abs() / std).mean())
    if off > FOREIGN:
        yield _finding("inputs prepared in another way", "inputs", f"{off:.1f} deviations away from {by}, on average")


def _arriving(look: Look, module: nn.Module) -> Tensor:
    """(channels, values) of what reaches a module of the pre-trained network."""
    seen: list[Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach().float().cpu()))
    try:
        outputs_of(look.start, look.train, look.task)
    finally:
        hook.remove()
    return torch.cat([part.transpose(0, 1).flatten(1) for part in seen], 1)


def _channels(data: Dataset, task: Task) -> Tensor:
    """(channels, values) of the inputs (N, channels, ...) themselves, one example at a time, so without padding."""
    def inputs(example: Any) -> Tensor:
        made = task.inputs(task.collate([example]))
        return (next(iter(made.values())) if isinstance(made, Mapping) else made)[0].float()

    return torch.cat([inputs(data[i]).flatten(1) for i in range(len(data))], 1)


def _normalises(module: nn.Module) -> bool:
    kept = dict(module.named_buffers(recurse=False))
    return {"mean", "std"} <= set(kept)


def _cut(look: Look) -> Iterator[Finding]:
    """Many sequences of one and the same greatest length."""
    def length(example: Any) -> int:
        batch = look.task.collate([example]) if look.task.collate else {}
        size = batch.get("attention_mask") if isinstance(batch, Mapping) else None
        return int(size.sum()) if size is not None else int(batch["lengths"][0]) if "lengths" in batch else 0

    sizes = np.array([length(look.train[i]) for i in range(len(look.train))])
    if not sizes.any():
        raise Unseen("what was cut off: the inputs are no sequences")
    share = float((sizes == sizes.max()).mean())
    if share > CUT_SHARE:
        evidence = f"{share:.0%} of the training examples have the greatest length, {sizes.max()}"
        yield _finding("inputs that are cut", "inputs", evidence)


def _few(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


CHECKS = (
    _forgotten, _as_drawn, _statistics, _rates, _loss, _order, _mode, _reported, _classes, _copies, _prepared, _cut,
)  # fmt: skip
