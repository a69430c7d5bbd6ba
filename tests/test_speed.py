"""The benchmarks run; what they measure is for `make bench`, not for a test."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pandas as pd
import pytest

BENCH = Path(__file__).resolve().parent / "bench"
MODULES = ("timing", "loops", "compare_speed")


@pytest.fixture(scope="module")
def bench():
    """The benchmark's modules, which are a program and no package."""
    sys.path.insert(0, str(BENCH))
    try:
        yield tuple(map(importlib.import_module, MODULES))
    finally:
        sys.path.remove(str(BENCH))
        for name in MODULES:
            sys.modules.pop(name, None)


def test_ratios_are_taken_within_a_round(bench):
    timing = bench[0]
    rows = [(name, number, seconds * number, 0.5) for number in (1, 2, 3) for name, seconds in (("a", 1), ("b", 3))]
    table = timing.summary(pd.DataFrame(rows, columns=["arm", "round", "seconds", "score"]), "a")
    assert table.ratio.to_dict() == {"a": 1, "b": 3} and table.seconds.to_dict() == {"a": 2, "b": 6}
    assert table.loc["b", ["low", "high", "score"]].tolist() == [3, 3, 0.5]


def test_all_take_turns_and_what_is_prepared_is_fresh(bench):
    seen = []
    arms = {name: (lambda: [], lambda fresh, n=name: seen.append(n) or [*fresh, 1], len) for name in "ab"}
    table = bench[0].interleave(arms, 2)
    assert seen == ["b", "a", "a", "b", "b", "a"] and (table.score == 1).all() and len(table) == 4
    assert (table.seconds >= 0).all()


def test_the_benches_run_and_fit_ends_where_a_bare_loop_ends(bench, capsys):
    assert bench[2].main(["--smoke", "--only", "overhead", "head", "share", "import"]) == 0
    said = capsys.readouterr().out
    assert all(part in said for part in ("the weights are equal", "caching makes", "time falls", "import ftlib costs"))


def test_a_peer_that_is_not_installed_is_left_out_in_a_sentence(bench, monkeypatch):
    _, loops, program = bench

    def missing(*_):
        raise ModuleNotFoundError("No module named 'fancy'", name="fancy")

    monkeypatch.setattr(program, "LOOPS", {"ftlib.fit": loops.ours, "Fancy": missing})
    result = program.peers(program.SMOKE, lean=True)
    assert result.kept and result.table.index.tolist() == ["ftlib.fit"]
    assert "Fancy is left out: fancy is not installed." in str(result)
