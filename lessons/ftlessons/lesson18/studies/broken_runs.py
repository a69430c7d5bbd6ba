"""Lesson 18: every broken run and its sound twin, with the loss of each step and what ``check_run`` finds.

Ten cases and ten variants in another domain, each broken and sound. The twins have other seeds than the broken runs: a
fault that only spoils the scoring leaves the very same losses behind, and nobody should tell it by that. The thresholds
of ``check_run`` were fixed on seed 0 of the ten cases; no run here has that seed.
"""

from __future__ import annotations

from typing import Any

from ftlessons.lesson18.cases import CASES, VARIANTS, case
from ftlib.diagnosis import check_run

BROKEN_SEED, SOUND_SEED = 1, 2
# what check_run must say, cause by cause, for a hit
RIGHT = {
    "labels": ("labels in another order",),
    "head": ("parameters that nobody trains", "a head that was never trained"),
    "statistics": ("frozen layers that moved",),
    "copies": ("test examples that training has seen",),
    "preprocessing": ("inputs prepared in another way",),
    "lost_head": ("a head that was never trained",),
    "group_rate": ("a learning rate that is too high",),
    "mode": ("scored in training mode",),
    "cut": ("inputs that are cut",),
    "unseen": ("classes that training never sees",),
}


def jobs() -> list[tuple]:
    """Name of the case or variant, whether it is broken, seed."""
    return [(each.name, fault, BROKEN_SEED if fault else SOUND_SEED) for each in (*CASES, *VARIANTS)
            for fault in (True, False)]  # fmt: skip


def one(name: str, broken: bool, seed: int) -> dict[str, Any]:
    """One run: its score, its loss of each step, and the findings."""
    chosen = case(name)
    run = chosen.run(seed, broken)
    report = check_run(run.model, run.task, run.history, train=run.train, test=run.test, optimizer=run.optimizer)
    found = [finding.what for finding in report.findings]
    return {"name": name, "cause": chosen.cause, "domain": chosen.domain, "variant": chosen in VARIANTS,
            "broken": broken, "seed": seed, "score": round(run.score, 4), "outputs": run.task.n_outputs,
            "hit": broken and any(what in RIGHT[chosen.cause] for what in found), "found": found,
            "loss": [round(value, 4) for value in run.history.loss]}  # fmt: skip
