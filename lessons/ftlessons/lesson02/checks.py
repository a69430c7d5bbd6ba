"""Exercises of lesson 02, pre-trained models."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from ftlessons.classroom.checks import exercise, expect
from ftlessons.lesson02 import probing, transfer
from ftlessons.lesson02.studies import probes, starts

PLANS = {
    "app": ("yes", "CC BY allows selling, and naming the authors is what it asks for"),
    "silent": ("no", "CC BY asks you to name the authors and the licence, wherever you pass the weights on"),
    "closed": ("no", "share-alike asks that what you build on it and pass on gets the same licence"),
    "insurer": ("no", "NC rules out use for commercial advantage, and an insurer's claims desk is just that"),
    "forum": ("no", "without a licence all rights are reserved, even if anybody can download the file"),
    "minilm": ("ask", "the weights may be sold, but their card lists training data with terms of its own"),
}
@exercise(
    "02-ship",
    hints=(
        "Ask three things of each plan: is there a licence, what does it demand, and do you pass anything on?",
        "BY: name the authors. SA: share alike. NC: not commercially. No licence: all rights reserved.",
    ),
)
def ship(answer: Any) -> str:
    """Whether each of six plans may go ahead: yes, no, or ask somebody who knows the law."""
    expect(isinstance(answer, dict) and sorted(answer) == sorted(PLANS), f"fill in the entries {', '.join(PLANS)}")
    for name, (right, why) in PLANS.items():
        expect(answer[name] in ("yes", "no", "ask"), f'{name} is {answer[name]!r}: answer "yes", "no" or "ask"')
        expect(answer[name] == right, f"look at {name} again: {why}")
    return "Weights have a licence, so has the data they learnt from, and silence is no permission."


LINE_UP = {"A": "random", "B": "speech-wavenet", "C": "glyph-resnet10"}
_CLOSE = 0.06


@cache
def line_up() -> tuple[dict[str, Any], Any, dict[str, Any], Any]:
    """What three networks, under the names A, B and C, make of spoken digits by voices the lesson does not show.

    Returns:
        For three voices the features by name, (180, numbers) each, ``pixels`` among them, and the labels (180,);
        then the same for three other voices.
    """
    sides: list[Any] = []
    for split in ("tune", "tune_valid"):
        x, y = transfer.sound_pictures(split)
        found = {"pixels": x[:, 0].flatten(1), "A": probing.readings(probes.network("random", 0), x)["layer4"]}
        found |= {name: starts.features("sound", start, split)[0] for name, start in LINE_UP.items() if name != "A"}
        sides += [found, y]
    return tuple(sides)


@cache
def _gain() -> float:
    z, y, new_z, new_y = line_up()
    best, none = (probing.Probe(z[name], y, 10.0).score(new_z[name], new_y) for name in ("B", "pixels"))
    return best - none


@exercise(
    "02-line-up",
    hints=(
        "`probing.Probe(z[\"A\"], y).score(new_z[\"A\"], new_y)` is the share that a probe on A reads.",
        "Do the same for \"B\", \"C\" and \"pixels\". The gain is the best score minus that of the pixels.",
    ),
)
def lined_up(answer: Any) -> str:
    """The best start and how much a probe on it reads beyond a probe on the pixels."""
    try:
        name, gain = answer
        gain = float(gain)
    except (TypeError, ValueError):
        name = gain = None
    expect(gain is not None, 'give a pair of a name and a number, such as ("A", 0.1)')
    expect(name in LINE_UP, f"there is no start {name!r}: choose A, B or C")
    expect(LINE_UP[name] == "speech-wavenet", f"{name} does not read the most: did you judge on new voices?")
    expect(abs(gain) <= 1, "the gain is a difference of two shares, between -1 and 1")
    close = abs(gain - _gain()) < _CLOSE
    expect(close, f"{name} is right, but it does not gain {gain:.2f}: subtract the score of the pixels")
    return "B is the speech network, C the letters network and A has random weights. A probe tells what no name would."


@exercise(
    "02-nearest",
    hints=(
        "Scale every row to length 1 first: `z / z.norm(dim=1, keepdim=True)`. Then compare directions.",
        "With rows of length 1, `z @ pool.T` holds the cosine of every pair. Take the largest of each row.",
    ),
)
def nearest(answer: Any) -> str:
    """A function ``nearest(z, pool)`` that finds for each row of z the row of pool in the most similar direction."""
    expect(callable(answer), "give a function that takes z and pool")
    generator = torch.Generator().manual_seed(0)
    z, pool = torch.randn(40, 6, generator=generator), torch.randn(30, 6, generator=generator)
    pool = pool * torch.linspace(0.1, 10, 30)[:, None]  # long and short rows
    found = torch.as_tensor(answer(z, pool)).flatten()
    expect(len(found) == len(z), f"for {len(z)} rows the answer has {len(found)} places: give one place a row")
    cosine = torch.nn.functional.cosine_similarity(z[:, None], pool[None], dim=2)
    expect(
        not torch.equal(found, cosine.argmin(1)) and not torch.equal(found, (z @ pool.T).argmax(1)),
        "long rows win, or opposite ones do: it is the direction that counts, not the length",
    )
    expect(torch.equal(found.long(), cosine.argmax(1)), "some rows get a neighbour in another direction")
    return "Directions say what is there, lengths how strongly. A faint and a bold 7 point the same way."
