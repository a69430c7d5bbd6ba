"""The exercises of lesson 13: a recipe without a template, swapped texts, and texts too long for their sound."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ftlessons.classroom.checks import exercise, expect
from ftlib import adapt, metrics, tasks
from ftlib.speech import clips, ctc
from ftlib.speech.clips import Clips

ENOUGH, LISTENERS = 0.70, "tune_valid"
NEAR = 0.5  # a backbone further than this from the checkpoint, as a share of its length, did not start there
SWAPPED, PLACES = (1, 5), 6
SECONDS_A_FRAME = 0.025


@exercise(
    "13-recipe",
    hints=(
        "Load with `digits.pretrained()`, then `adapt.freeze`, `adapt.replace_head` with a seed, `fit_head` on `few`.",
        "`fit_head(model, few, digits, lr=0.01, steps=100, batch_size=16, seed=0, progress=False)` trains the head. "
        "The rest is your choice: `adapt.unfreeze`, then `fit` at a lower rate, if you think that it pays.",
    ),
)
def recipe(answer: Any) -> str:
    """A network that started from the checkpoint and tells ten words apart in voices of nobody else's group."""
    digits = tasks.get("spoken_digits")
    expect(isinstance(answer, nn.Module), "give the network that you have trained")
    head = adapt.get_head(answer)
    expect(head.out_features == 10, f"its head has {head.out_features} outputs, and there are 10 words")
    expect(getattr(answer, "pooled", False), "it puts out a score a frame: load it with `digits.pretrained()`")
    moved = _distance(answer, digits.pretrained())
    expect(moved < NEAR, "its backbone has nothing in common with the checkpoint: start from `digits.pretrained()`")
    score = digits.evaluate(answer, LISTENERS)
    low = metrics.wilson_interval(round(score.value * score.n), score.n).low
    said = f"t reads {score.value:.0%} of {score.n} clips of three voices that no other cell listens to"
    expect(score.value >= ENOUGH, f"i{said}; a head alone, well trained, reads more than {ENOUGH:.0%}")
    how = "You left the backbone alone." if moved == 0 else f"The backbone moved by {moved:.1%} of its length."
    return f"I{said} (at least {low:.0%}, says the interval). {how}"


def _distance(model: Any, start: Any) -> float:
    """How far the backbone is from where it started, as a share of the start's length."""
    old = {name: p.detach() for name, p in start.named_parameters() if not name.startswith("head")}
    new = {name: p.detach().cpu() for name, p in model.named_parameters() if name in old}
    if new.keys() != old.keys():
        return float("inf")
    gaps = torch.cat([(new[name] - old[name]).flatten() for name in old])
    return float(gaps.norm() / torch.cat([p.flatten() for p in old.values()]).norm())


def mislabelled() -> tuple[Clips, list[str]]:
    """Six recorded sentences, and the texts that came with them; two of the texts have changed places."""
    pool = clips.shipped("dictation", part="general-train")
    texts = pool.column("text")
    order = sorted(range(len(pool)), key=lambda i: (len(texts[i]), texts[i]))  # much alike in length
    chosen = order[len(order) // 2 : len(order) // 2 + PLACES]
    found = [texts[i] for i in chosen]
    a, b = SWAPPED
    found[a], found[b] = found[b], found[a]
    unnamed = clips.Clips([pool.waves[i] for i in chosen], [{"number": n} for n in range(PLACES)])
    return unnamed, found


@exercise(
    "13-swapped",
    hints=(
        "`decoding.spelled(scores, texts)` says how well each text fits one recording: look for one that does not.",
        "`clips.scores_of(network, recordings)` gives one table of scores a recording. Compare each with its own "
        "text, and divide by the number of letters, so that long texts are not suspected for their length.",
    ),
)
def swapped(answer: Any) -> str:
    """The numbers of the two recordings whose texts have changed places."""
    expect(isinstance(answer, list | tuple | set) and len(answer) == 2, "name two recordings by number, such as (0, 3)")
    right = set(answer) & set(SWAPPED)
    expect(right, "neither of these two: their texts fit as well as the others'")
    expect(len(right) == 2, f"{min(right)} is one of them; the other one is not")
    return (
        "A text that was never said gets a far lower probability than one that was. The loss that trains a network "
        "also finds the labels that are wrong, without anybody listening."
    )


def dictated() -> list[tuple[str, float]]:
    """Texts with the seconds that their recordings last, the last ones in a hurry."""
    return [
        ("no", 0.40), ("see you on monday", 1.10), ("all well", 0.26), ("eleven", 0.15), ("that will be all", 0.40),
        ("yes please", 0.36), ("bookkeeper", 0.32), ("three free trees", 0.85),
    ]  # fmt: skip


@exercise(
    "13-fits",
    hints=(
        "`decoding.frames_needed(text)` counts the characters and the blanks between equal neighbours.",
        "A recording of s seconds has s / 0.025 frames at stride 2, and half as many at stride 4.",
    ),
)
def fits(answer: Any) -> str:
    """Which of the dictated texts CTC cannot learn, at 25 and at 50 milliseconds a frame."""
    expect(isinstance(answer, dict) and set(answer) == {"stride 2", "stride 4"}, "give both lists, by stride")
    for stride, factor in (("stride 2", 1), ("stride 4", 2)):
        true = _too_long(factor)
        found = answer[stride]
        expect(isinstance(found, list | tuple | set), f"{stride}: give a list of numbers")
        missed, extra = set(true) - set(found), set(found) - set(true)
        expect(not missed, f"{stride}: number {min(missed, default=0)} does not fit either (equal letters in a row?)")
        expect(not extra, f"{stride}: number {min(extra, default=0)} fits")
    return "Coarser frames make a network faster, and at some point the letters no longer fit into them."


def _too_long(factor: int, count: Any = None) -> list[int]:
    needed = count or ctc.frames_needed
    return [i for i, (text, seconds) in enumerate(dictated()) if needed(text) > frames(seconds, factor)]


def frames(seconds: float, factor: int = 1) -> int:
    """Whole frames in a recording, of 25 ms times ``factor``."""
    return int(seconds / (SECONDS_A_FRAME * factor) + 1e-9)
