"""The tests that a bench sells: each looks at a run and says what it sees, never what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ftlessons.lesson18.data import labels, take
from ftlessons.lesson18.runs import Run, accuracy, outputs
from ftlib import adapt, metrics, plots
from ftlib.adapt.anatomy import unwrap
from ftlib.diagnosis.look import in_mode
from ftlib.speech import audio
from ftlib.speech.clips import Clips
from ftlib.tasks.tokens import Texts

LOOK = 12


@dataclass(frozen=True)
class Evidence:
    """What a test shows: a sentence or more, and perhaps a picture."""

    text: str
    picture: plots.Picture | None = None


@dataclass(frozen=True)
class Test:
    """One test of the menu; ``seconds`` is what it takes a person, reading included: a rough estimate."""

    title: str
    seconds: int
    look: Callable[[Run, Callable[[int], Run]], Evidence]


def _again(run: Run, _: Any) -> Evidence:
    if not _has_classes(run):
        return Evidence("This score comes from driving the arm, which takes no account of modes.")
    was = any(part.training for part in run.model.modules())
    now = in_mode(run.model, False, lambda: accuracy(run.model, run.test, run.task))
    mode = "training" if was else "evaluation"
    return Evidence(f"The script left the network in {mode} mode. In evaluation mode it gets {now:.2f} of the test "
                    f"examples right. Reported was {run.score:.2f}.")  # fmt: skip


def _classes(run: Run, _: Any) -> Evidence:
    if not _has_classes(run):
        return Evidence("The outputs are movements, and no classes.")
    said, true = _said(run)
    table = metrics.confusion_matrix(true.tolist(), said.tolist())
    counts = torch.bincount(labels(run.train), minlength=run.task.n_outputs).tolist()
    return Evidence(f"Training examples of each class: {counts}.", plots.confusion(table, "Test examples by class"))


def _examples(run: Run, _: Any) -> Evidence:
    if not _has_classes(run):
        return Evidence("The outputs are movements, and no classes.")
    said, true = _said(run)
    wrong = (said != true).nonzero()[:LOOK, 0].tolist()
    if not wrong:
        return Evidence("There is no wrong answer among the test examples.")
    pairs = [f"is {true[i]}, said {said[i]}" for i in wrong]
    return _shown(take(run.test, wrong), pairs, "Wrong answers")


def _parameters(run: Run, _: Any) -> Evidence:
    known = {id(p) for group in run.optimizer.param_groups for p in group["params"]} if run.optimizer else None
    rows = []
    for stage, parts in adapt.stages(run.model).items():
        held = list(nn.ModuleList(parts).parameters())
        asks, has = sum(p.requires_grad for p in held), sum(id(p) in (known or ()) for p in held)
        rows.append(f"{stage}: {len(held)} tensors, {asks} ask for a gradient"
                    + (f", {has} are in the optimizer" if known is not None else ""))  # fmt: skip
    rates = sorted({group["lr"] for group in run.optimizer.param_groups}) if run.optimizer else []
    return Evidence("\n".join(rows + [f"Learning rates: {', '.join(f'{rate:.2g}' for rate in rates)}."] * bool(rates)))


def _moved(run: Run, _: Any) -> Evidence:
    start = run.task.pretrained()
    before, after = start.state_dict(), unwrap(run.model).state_dict()
    ways: dict[str, list[tuple[float, float]]] = {}
    for name, old in before.items():
        new = after.get(name, after.get(name.replace(".weight", ".base_layer.weight")))
        if new is None or new.shape != old.shape or not old.is_floating_point():
            continue
        kind = "running statistics" if "running" in name else "weights"
        key = f"{kind} of {name.split('.')[0]}"
        ways.setdefault(key, []).append((float((new - old).square().sum()), float(old.square().sum())))
    rows = [f"{key}: moved {(sum(a for a, _ in pairs) / max(sum(b for _, b in pairs), 1e-12)) ** 0.5:.3f}"
            for key, pairs in ways.items()]  # fmt: skip
    return Evidence("Distance from the start, as a share of the length there.\n" + "\n".join(rows))


def _inputs(run: Run, _: Any) -> Evidence:
    pick = take(run.train, range(min(6, len(run.train)))) if hasattr(run.train, "tensors") else run.train
    if isinstance(run.train, Clips):
        source = run.task.source.split("test")
        parts = {"this training": run.train, "pre-training's task": source}
        fig, ax = plots.figure("What the network gets, mean over time", "band, from low to high", "log-mel")
        said = []
        for i, (name, clips) in enumerate(parts.items()):
            mean = torch.cat([clips.picture(n) for n in range(min(40, len(clips)))], 1).mean(1)
            ax.plot(mean, label=name, linestyle=("-", "--")[i], color=plots.COLOURS[i])
            said.append(f"{name}: {mean[:32].mean():.1f} in the lower half of the bands, {mean[32:].mean():.1f} above")
        ax.legend()
        lasting = np.mean(run.train.frames) * audio.HOP / audio.RATE
        text = f"{'; '.join(said)}. One word lasts {lasting:.1f} seconds on average."
        return Evidence(text, plots.Picture(fig, text))
    if isinstance(run.train, Texts):
        made = [run.task.collate([run.train[i]])["input_ids"][0] for i in range(LOOK)]
        from ftlib.tasks.tokens import tokenizer

        return Evidence("\n".join(tokenizer().decode(ids) for ids in made))
    x, before = pick.tensors[0], run.task.source.split("test").tensors[0][:200] if run.task.source and _has_classes(
        run) else None  # fmt: skip
    text = f"Inputs: mean {run.train.tensors[0].mean():.2f}, deviation {run.train.tensors[0].std():.2f}."
    if before is None:
        return Evidence(text)
    text += f" In the task of pre-training: mean {before.mean():.2f}, deviation {before.std():.2f}."
    return Evidence(text, plots.images(x, [], "Six training inputs", text))


def _neighbours(run: Run, _: Any) -> Evidence:
    if isinstance(run.train, Texts | Clips) or not _has_classes(run):
        return Evidence("For pictures only: on this bench nobody has made it for other inputs.")
    tests = torch.linspace(0, len(run.test) - 1, 8).long()
    flat = [part.flatten(1) - part.mean() for part in (run.test.tensors[0][tests], run.train.tensors[0])]
    near = nn.functional.normalize(flat[0], dim=1) @ nn.functional.normalize(flat[1], dim=1).T
    best, which = near.max(1)
    pictures = torch.cat([run.test.tensors[0][tests], run.train.tensors[0][which]])
    captions = [f"test {run.test.tensors[1][i]}" for i in tests] + [f"train {run.train.tensors[1][i]}" for i in which]
    text = f"Eight test pictures, and below each the training picture that is most like it: {best.mean():.2f} of 1."
    return Evidence(text, plots.images(pictures, captions, "Nearest training pictures", text))


def _seed(run: Run, rerun: Callable[[int], Run]) -> Evidence:
    other = rerun(1)
    return Evidence(f"With another seed: score {other.score:.2f}, last loss {np.mean(other.history.loss[-5:]):.2f}.")


TESTS: Mapping[str, Test] = {
    "again": Test("score it once more, in evaluation mode", 30, _again),
    "classes": Test("right and wrong, class by class", 60, _classes),
    "examples": Test("wrong answers, with their labels", 120, _examples),
    "parameters": Test("who asks for gradients, and whom the optimizer knows", 30, _parameters),
    "moved": Test("what has moved since the start", 60, _moved),
    "inputs": Test("what the network gets to see", 60, _inputs),
    "neighbours": Test("test examples and the training examples most like them", 180, _neighbours),
    "seed": Test("the whole run with another seed", 240, _seed),
}


def _has_classes(run: Run) -> bool:
    return run.task.domain != "robotics"


def _said(run: Run) -> tuple[Tensor, Tensor]:
    # as the script left it, and so that looking moves no running statistics
    scores, true = in_mode(run.model, None, lambda: outputs(run.model, run.test, run.task))
    return scores.argmax(1), true


def _shown(data: Any, captions: list[str], title: str) -> Evidence:
    """Examples with their captions: as pictures, as texts, or as the words of clips."""
    if isinstance(data, Texts):
        return Evidence("\n".join(f"{said}: {text}" for said, text in zip(captions, data.texts, strict=True)))
    if isinstance(data, Clips):
        who = [f"{said} (voice {row.get('voice', '?')})" for said, row in zip(captions, data.about, strict=True)]
        return Evidence("\n".join(who))
    text = f"{title}: {'; '.join(captions)}."
    return Evidence(text, plots.images(data.tensors[0], captions, title, text, columns=6))
