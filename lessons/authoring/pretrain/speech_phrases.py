"""Everyday sentences from a small grammar: questions, commands, dates, numbers, names and spelled words."""

from __future__ import annotations

import random
import re
import tomllib

from authoring import template
from authoring.pretrain.speech_text import number, ordinal, year

_GRAMMAR: dict[str, list[str]] = tomllib.loads(template("phrases.toml"))


def phrase(rng: random.Random) -> str:
    """Draw one sentence; the generator decides which.

    >>> phrase(random.Random(4)) == phrase(random.Random(4))
    True
    """
    return _fill("start", rng)


def _fill(slot: str, rng: random.Random) -> str:
    if slot == "count":
        return number(rng.randint(2, 20) if rng.random() < 0.5 else rng.randint(2, 99))
    if slot == "big":
        return number(round(10 ** rng.uniform(1, 6)))
    if slot == "ordinal":
        return ordinal(rng.randint(1, 31))
    if slot == "year":
        return year(rng.randint(1100, 2029))
    return re.sub(r"{(\w+)}", lambda found: _fill(found[1], rng), rng.choice(_GRAMMAR[slot]))
