"""What the records say still comes out: a row of every study and of every recipe and rival, and all weights.

Those rows that fit into ``SECONDS`` together are made again by `make test`, all others where FTLIB_SLOW=1 is set
(`make release`), as is every row that has no cost in ``records.json`` yet.
"""

from __future__ import annotations

import os

import pytest
import records

from ftlib import catalog, runtime
from ftlib.robot.arm import SimulatorMissing

SECONDS = 60
BOOK = records.read()
SLOW = os.environ.get("FTLIB_SLOW") == "1"
CHEAP = records.cheap(BOOK["rows"], SECONDS)


def case(key: str):
    """The parameter of a row, with the mark that it needs."""
    slow = pytest.mark.skipif(not SLOW and key not in CHEAP, reason="slow: set FTLIB_SLOW=1 to run it")
    return pytest.param(key, id=key, marks=[slow])


@pytest.fixture(autouse=True)
def as_recorded(tmp_path, monkeypatch):
    """One thread, and a folder where no earlier run has left anything."""
    monkeypatch.chdir(tmp_path)
    runtime.set_threads(1)


@pytest.fixture(scope="module")
def tolerance():
    """How far a number may be from its record on this machine."""
    return records.tolerance(BOOK)


@pytest.mark.parametrize("key", [case(key) for key in records.keys()])
def test_a_row_comes_out_as_recorded(key, tolerance):
    if variable := records.lacks(key):
        pytest.skip(f"the data does not ship: name its folder in {variable}")
    known = BOOK["rows"].get(key, {})
    job = known.get("job", 0)
    row, record = made(key, job), records.recorded(key, job)
    found = records.differences(row, record | known.get("now", {}), tolerance)
    assert not found, f"{key}: " + "; ".join(found)
    if "now" in known and (found := records.differences(row, record, tolerance)):
        pytest.xfail("; ".join(found))


def made(key: str, job: int):
    """The row, or a skip where the robot's simulator does not run."""
    try:
        return records.fresh(key, job)
    except SimulatorMissing as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize("name", catalog.names("checkpoint"))
def test_a_checkpoint_gives_the_same_weights(name):
    try:
        model = records.checkpoint(name)
    except catalog.CatalogError as error:
        if name in BOOK["weights"]:
            raise
        pytest.skip(str(error))  # it is downloaded, and the small profile downloads nothing
    assert records.weights_hash(model) == BOOK["weights"].get(name), f"{name} has other weights now"


def test_every_cost_is_of_a_row_that_exists():
    assert set(BOOK["rows"]) <= set(records.keys())
    assert set(BOOK["weights"]) <= set(catalog.names("checkpoint"))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"a": 0.5, "b": [1, {"c": 2.0}], "seconds": 9.0}, ""),
        ({"a": 0.51, "b": [1, {"c": 2.0}]}, "a is 0.51, and 0.5 is on record"),
        ({"a": 0.5, "b": [1, {"c": 2.1}]}, "b is"),
        ({"a": 0.5, "b": [1, {"c": 2.0}], "new": 1}, "new is 1, and None is on record"),
        ({"a": None, "b": [1, {"c": 2.0}]}, "a is None"),
        ({"b": [1, {"c": 2.0}]}, "a is None"),
    ],
)
def test_the_comparison_itself(row, fault):
    found = records.differences(row, {"a": 0.5, "b": [1, {"c": 2.0}], "d": float("nan"), "seconds": 1.0}, 1e-3)
    assert len(found) == bool(fault) and "".join(found).startswith(fault)
