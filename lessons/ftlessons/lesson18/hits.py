"""How well ``check_run`` does: what it names of the recorded broken runs, and how often it cries at sound ones."""

from __future__ import annotations

import pandas as pd

from ftlessons.lesson18.cases import CAUSES
from ftlib.metrics import wilson_interval


def counts(table: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Named and all of the cases and of the variants, silent and all of the sound runs."""
    broken, sound = table[table.broken], table[~table.broken]
    parts = {"cases": broken[~broken.variant].hit, "variants": broken[broken.variant.astype(bool)].hit,
             "sound": sound.found.map(len) == 0}  # fmt: skip
    return {name: (int(part.sum()), len(part)) for name, part in parts.items()}


def sentence(table: pd.DataFrame) -> str:
    """The counts with their 95 % intervals (Wilson), as one sentence."""
    said = {}
    for name, (k, n) in counts(table).items():
        span = wilson_interval(k, n)
        said[name] = f"**{k}** of {n} ({span.low:.0%} to {span.high:.0%})"
    return (
        f"It names the cause in {said['cases']} of the cases with another seed and in {said['variants']} of those in "
        f"other domains, and is silent at {said['sound']} of the sound runs."
    )


def by_cause(table: pd.DataFrame) -> pd.DataFrame:
    """One row a cause: whether it was named in the case and in the variant, and what was said of the sound twins."""
    rows = {}
    for cause, (what, _) in CAUSES.items():
        mine = table[table.cause == cause]
        broken = mine[mine.broken].set_index("variant")
        alarms = sorted({finding for found in mine[~mine.broken].found for finding in found})
        rows[what] = {
            f"{kind}": f"{broken.loc[variant].domain}: {'named' if broken.loc[variant].hit else 'missed'}"
            for variant, kind in ((False, "case"), (True, "in another domain"))
        } | {"alarm at a sound run": "; ".join(alarms) or "none"}  # fmt: skip
    return pd.DataFrame(rows).T.rename_axis("what was broken")


def run_by_run(table: pd.DataFrame, said: pd.DataFrame) -> pd.DataFrame:
    """One row a recorded run: its score, what ``check_run`` found, and how many readers of the curve were right."""
    rows = table.assign(found=[", ".join(found) or "nothing" for found in table.found])
    rows["run"] = ["broken" if broken else "sound" for broken in rows.broken]
    if len(said):
        right = said.groupby(["name", "broken"]).right.agg(lambda part: f"{int(part.sum())} of {len(part)}")
        rows["readers right"] = [right.get(key, "") for key in zip(rows.name, rows.broken, strict=True)]
    columns = ["name", "domain", "run", "score", "found", *(["readers right"] if len(said) else [])]
    return rows[columns].set_index("name")
