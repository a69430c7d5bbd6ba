"""Exercises of lesson 17, recommendations from user behaviour."""

from __future__ import annotations

from typing import Any

from ftlessons.classroom.checks import exercise, expect

CUT = "2017-11-01"


def small_log(seed: int = 17) -> Any:
    """A made-up log of twelve households, its rows in no order; one of them bought at midnight of the cut."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    n = 240
    days = pd.Timestamp("2017-08-01") + pd.to_timedelta(rng.integers(0, 150 * 24, n), unit="h")
    log = pd.DataFrame({
        "household": rng.choice([f"h{i}" for i in range(12)], n), "time": days, "item": rng.choice(list("abcdefgh"), n),
    })  # fmt: skip
    edge = pd.DataFrame({"household": ["h1", "h8"], "time": pd.Timestamp(CUT), "item": "a"})
    return pd.concat([edge, log]).sample(frac=1, random_state=seed).reset_index(drop=True)


@exercise(
    "17-split",
    hints=(
        "Two conditions for each part: whose row it is, and whether it is before the cut or not.",
        '`of_test = log.household.isin(test_households)` and `before = log.time < cut`; then `log[~of_test & before]`.',
    ),
)
def split(answer: Any) -> str:
    """A function (log, test_households, cut) to the rows to learn from and the rows that are asked for."""
    import pandas as pd

    expect(callable(answer), "give a function that takes log, test_households and cut")
    log, cut = small_log(), pd.Timestamp(CUT)
    for tested in (["h1", "h2", "h3"], ["h8"]):
        found = answer(log.copy(), list(tested), cut)
        expect(found is not None and found is not ..., "the function returns nothing yet")
        expect(isinstance(found, tuple) and len(found) == 2, "return two tables: what is learnt from and what is asked")
        learn, ask = found
        expect(all(isinstance(part, pd.DataFrame) for part in found), "both parts should be rows of log")
        late, ours = learn[learn.time >= cut], learn[learn.household.isin(tested)]
        expect(late.empty, f"the future leaks in: {len(late)} rows to learn from were bought on the cut or later")
        expect(ours.empty, f"{len(ours)} of the rows to learn from belong to households that are tested")
        strange = ask[~ask.household.isin(tested)]
        expect(strange.empty, f"{len(strange)} rows are asked for of households that are not tested")
        early = ask[ask.time < cut]
        expect(early.empty, f"{len(early)} of the rows that are asked for were bought before the cut")
        of_test, before = log.household.isin(tested), log.time < cut
        most, asked = int((~of_test & before).sum()), int((of_test & ~before).sum())
        expect(len(learn) == most, f"{most} rows may be learnt from, and you keep {len(learn)}")
        expect(len(ask) == asked, f"{asked} rows can be asked for, and you keep {len(ask)}")
    return "Nothing that is learnt from was bought on the cut or later, or by a household that is tested."


@exercise(
    "17-metrics",
    hints=(
        "`top = scores.argsort(descending=True)[:10]`, then `found = wanted[top].float()`: 1 where a place is right.",
        "A wanted item at place p (from 1) counts `1 / log2(p + 1)`. The best list has all wanted items at the top.",
    ),
)
def metrics(answer: Any) -> str:
    """A function (scores, wanted) to HR@10 and NDCG@10 of one question."""
    import torch
    from torchmetrics.functional.retrieval import retrieval_hit_rate, retrieval_normalized_dcg

    expect(callable(answer), "give a function that takes scores and wanted")
    generator = torch.Generator().manual_seed(17)
    for n, bought in ((30, 1), (60, 3), (40, 14), (200, 2), (200, 2), (25, 6)):
        scores = torch.randperm(n, generator=generator).float()
        wanted = torch.zeros(n, dtype=torch.bool)
        wanted[torch.randperm(n, generator=generator)[:bought]] = True
        found = answer(scores.clone(), wanted.clone())
        expect(found is not None and found is not ..., "the function returns nothing yet")
        expect(isinstance(found, tuple) and len(found) == 2, "return two numbers: HR@10 and NDCG@10")
        hit, gain = map(float, found)
        right = float(retrieval_hit_rate(scores, wanted, top_k=10))
        said = f"{bought} of {n} items are wanted"
        expect(abs(hit - right) < 1e-6, f"{said}: HR@10 should be {right:g}, and yours is {hit:g}")
        right = float(retrieval_normalized_dcg(scores, wanted, top_k=10))
        expect(abs(gain - right) < 1e-4, f"{said}: NDCG@10 should be {right:.3f}, and yours is {gain:.3f}")
    return "Both agree with torchmetrics on six questions, also where more than ten items are wanted."


@exercise(
    "17-sampled",
    hints=(
        "Of `items - 1` others, `rank - 1` stand above. `others` of them are drawn, without putting any back.",
        "How many of the drawn stand above is hypergeometric: `scipy.stats.hypergeom(items - 1, rank - 1, others)`.",
    ),
)
def sampled(answer: Any) -> str:
    """A function (rank, items, others) to the chance of a hit among ten when only some others are ranked."""
    from scipy.stats import hypergeom

    expect(callable(answer), "give a function that takes rank, items and others")
    for rank, items, others in ((1, 391, 100), (11, 391, 100), (30, 391, 100), (200, 391, 100), (30, 391, 390)):
        found = answer(rank, items, others)
        expect(found is not None and found is not ..., "the function returns nothing yet")
        right = float(hypergeom(items - 1, rank - 1, others).cdf(9))
        told = f"place {rank} of {items}, {others} others drawn"
        expect(abs(float(found) - right) < 0.01, f"{told}: the chance is {right:.3f}, and you say {float(found):.3f}")
    return "Place 30 of all is no hit, and mostly one among a hundred others: a sampled score flatters."
