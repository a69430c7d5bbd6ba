"""The cheapest reader of news: count good words and bad words, and believe the majority."""

from __future__ import annotations

import re
from collections.abc import Sequence

# written down before anything was scored
GOOD = frozenset("""
    achieve advance award beat beats best better boost boom bright celebrate cheer climb delight ease exceed excellent
    favourable first gain gained good great grew grow growth happy high higher honour improve improved improvement jump
    lead leader love lucrative outperform outstanding popular positive praise proud profit profitable progress raise
    raised rally rebound record recover recovery rise rises rose safe save solid soar strong stronger succeed success
    surge top triumph upgrade victory warm win wins won wonderful
""".split())  # fmt: skip
BAD = frozenset("""
    accident accuse angry bad bankrupt bleed blow breach break cancel claim collapse complain concern crash crisis
    critic cut cuts damage danger death debt decline default defect delay deficit destroy disappoint disaster dispute
    down downgrade drop exit fail failure fall falls fear fell fine fire flood fraud halt hit hurt injure job lawsuit
    layoff leak lose loses loss losses lost low lower miss missed negative penalty plunge poor problem protest recall
    risk ruin scandal severe shortage shrink shut slash slump strike sue suffer threat trouble warn warning weak weaker
    worse worst write-down
""".split())  # fmt: skip


def by_words(texts: Sequence[str]) -> list[str]:
    """``"positive"``, ``"negative"`` or ``"neutral"``: the side with more words; neutral if both have as many.

    >>> by_words(["Losses narrowed", "A record profit"])
    ['negative', 'positive']
    """
    return [_majority(re.findall(r"[a-z][a-z-]*", text.lower())) for text in texts]


def _majority(words: list[str]) -> str:
    balance = sum(word in GOOD for word in words) - sum(word in BAD for word in words)
    return "neutral" if balance == 0 else "positive" if balance > 0 else "negative"
