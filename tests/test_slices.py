"""Lesson 06's own experiments: swapped names, kinds of texts, poolings and switches, on answers that are made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ftlessons.lesson06 import name_swaps
from ftlessons.lesson06.studies import pooling, slices, speed


def invented(positive) -> pd.DataFrame:
    """A record of all methods and two seeds: every text is read right, names move the answer as told."""
    texts, right = name_swaps.swapped_texts(), "1" * len(slices.held_out())
    sure = " ".join(f"{1000 * positive(row):.0f}" for row in texts.itertuples())
    rows = [(method, seed) for method in slices.METHODS for seed in (0, 1)]
    return pd.DataFrame([{"method": m, "seed": s, "score": 1.0, "right": right, "positive": sure} for m, s in rows])


# --- names


def test_every_text_comes_with_every_name_and_no_gap_is_left():
    table = name_swaps.swapped_texts()
    assert table.groupby("kind").id.nunique().to_dict() == {"name": 20, "pronoun": 10}
    assert table.groupby("kind").who.nunique().to_dict() == {"name": 24, "pronoun": 3}
    assert len(table) == 20 * 24 + 10 * 3 and table.text.is_unique
    assert not table.text.str.contains(r"[{}]").any()
    groups = table[table.kind == "name"].drop_duplicates("who").groupby(["origin", "gender"]).size()
    assert len(groups) == 12 and set(groups) == {2}


def test_versions_of_a_text_differ_in_the_filling_alone():
    table = name_swaps.swapped_texts()
    for _, versions in table[table.kind == "name"].groupby("id"):
        bare = [text.replace(who, "") for text, who in zip(versions.text, versions.who, strict=True)]
        assert len(set(bare)) == 1
    assert "looked at her phone" in table[(table.who == "she") & (table.id == "p07")].text.item()


def test_how_far_an_answer_moves():
    table = pd.DataFrame({"id": ["a"] * 3 + ["b"] * 2, "positive": [0.2, 0.6, 0.3, 0.9, 0.8]})
    assert name_swaps.moved(table).round(6).to_dict() == {"a": 0.4, "b": 0.1}


def names(**means: float) -> pd.DataFrame:
    """Eight names in two groups of four, whose answers are the group's mean plus a little of their own."""
    rows = [(f"{group}{i}", group, mean + 0.01 * i) for group, mean in means.items() for i in range(4)]
    return pd.DataFrame(rows, columns=["who", "origin", "positive"])


def test_a_gap_between_groups_counts_only_beyond_chance():
    assert name_swaps.gap(names(x=0.2, y=0.5)) == pytest.approx(0.3)
    assert name_swaps.gap_beyond_chance(names(x=0.2, y=0.5)) > 0.15
    assert name_swaps.gap_beyond_chance(names(x=0.2, y=0.2)) <= 0
    with pytest.raises(ValueError, match="give the texts of kind 'name'"):
        name_swaps.gap_beyond_chance(names(x=0.2).assign(origin=""))


def test_effects_of_names_are_read_from_a_record():
    arabic = invented(lambda row: 0.7 if row.origin == "Arabic" else 0.4)
    effects = slices.name_effects(arabic)
    assert np.allclose(effects.name, 0.3) and np.allclose(effects.pronoun, 0.0) and (effects.origin > 0.1).all()
    found = slices.name_claims(effects)
    assert len(found) == 4 and found["a name moves the answer more than before"].value == 0
    assert found["origins lie apart after it"].value > 0.1


# --- kinds of texts


def test_accuracy_by_kind_is_read_from_a_record():
    table = invented(lambda row: 0.5)
    texts = slices.held_out()
    wrong = ["irony" in tags and style == "plain" for tags, style in zip(texts.tags, texts["style"], strict=True)]
    table["right"] = "".join("0" if miss else "1" for miss in wrong)
    kinds = slices.by_kind(table)
    assert kinds.loc["plain, irony", "full"] == 0 and kinds.loc["indirect", "full"] == 1
    assert kinds.loc["plain, no tag", "head"] == 1 and kinds.texts.min() >= 15
    assert kinds.loc["indirect", "texts"] == (texts["style"] == "indirect").sum()


def test_what_is_lost_on_areas_never_seen():
    table, texts = invented(lambda row: 0.5), slices.held_out()
    table["right"] = "".join("0" if split == "shift" else "1" for split in texts.split)
    assert all(step.value == -1 for step in slices.shift(table).values())


def test_methods_without_names_are_the_recorded_ones(monkeypatch):
    from ftlessons.lesson06 import checks
    from ftlib import results

    monkeypatch.setattr(results, "study", lambda name: invented(lambda row: 0.5))
    table = checks.methods_without_names()
    assert list(table) == ["A", "B", "C"] and len(table) == 4 and table.iloc[:3].eq(1).all(axis=None)


# --- pooling and switches


def test_what_pooling_and_unfreezing_are_worth():
    seeds = [0, 1, 2]
    recorded = pd.DataFrame([("full", 256, s, 0.8 + s / 100) for s in seeds],
                            columns=["recipe", "budget", "seed", "score"])  # fmt: skip
    rows = [(kind, "test", 256, s, v + s / 100) for kind, v in (("mean", 0.7), ("cls", 0.65)) for s in seeds]
    rows += [("mean", "tune", 256, 0, 0.0), ("mean", "test", 64, 0, 0.0)]
    table = pd.DataFrame(rows, columns=["pooling", "split", "budget", "seed", "score"])
    scores = pooling.beside_full(table, recorded, 256)
    assert {name: round(values.mean(), 3) for name, values in scores.items()} == {
        "frozen, mean": 0.71, "frozen, cls": 0.66, "all trained, mean": 0.81}  # fmt: skip
    values = [round(step.value, 3) for step in pooling.steps(table, recorded, 256).values()]
    assert values == [0.05, 0.1, -0.05]


def test_the_rates_of_the_poolings_are_those_that_their_tuning_chose():
    from authoring import record
    from ftlib import results

    if "pooling" not in record.names():
        pytest.skip("the study is not on record")
    table = results.study("pooling")
    tuning = table[table.split != "test"].groupby(["pooling", "lr"]).score.mean()
    assert {kind: tuning[kind].idxmax() for kind in pooling.POOLINGS} == pooling.CHOSEN


def test_switches_are_set_against_the_same_library_without_them():
    rows = [("fit", "none", 20.0, 0.8), ("fit", "bf16", 10.0, 0.82), ("Trainer", "none", 30.0, 0.7)]
    table = pd.DataFrame([{"library": a, "switches": b, "seed": s, "seconds": c, "score": d}
                          for a, b, c, d in rows for s in (0, 1)])  # fmt: skip
    found = speed.summary(table)
    assert found.loc[("fit", "bf16"), "faster"] == 2
    assert found.loc[("fit", "bf16"), "change"] == pytest.approx(0.02)
    assert found.loc[("Trainer", "none"), "faster"] == 1


def test_the_worst_name_is_told_in_a_sentence():
    table = invented(lambda row: 0.9 if (row.who, row.id) == ("Wei", "n10") else 0.4)
    said = slices.worst_name(table, "full")
    assert "closed my ticket three times" in said and "with Wei in the place of" in said and "For 5% of reviews" in said
