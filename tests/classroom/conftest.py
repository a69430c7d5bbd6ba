"""Fixtures of the classroom tests: a data root and lessons of their own, and what a cell displays."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ftlessons.classroom import checks, display, session
from ftlib import catalog


@pytest.fixture(autouse=True)
def learner(monkeypatch, tmp_path):
    """A learner's kernel: not strict, no lesson yet, an empty working folder."""
    for name in ("CI", "FTLIB_STRICT", "FTLIB_USAGE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(session, "_current", None)
    usual, own = checks._registry, {}
    monkeypatch.setattr(checks, "_registry", own)
    monkeypatch.setattr(checks, "_failures", {})
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield
    # a lesson's module is imported once: what it registered meanwhile must be there for the tests to come
    real = {id: found for id, found in own.items() if found.function.__module__.startswith("ftlessons.lesson")}
    usual.update(real)


@pytest.fixture
def strict(monkeypatch):
    monkeypatch.setenv("FTLIB_STRICT", "1")


@pytest.fixture
def data(monkeypatch, tmp_path):
    """A function that writes a file under a temporary data root."""
    root = tmp_path / "data"
    monkeypatch.setattr(catalog, "data_dir", lambda: root)

    def write(relative: str, text: str) -> None:
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def shown(monkeypatch):
    """The MIME bundles that a notebook cell would show, in order."""
    import IPython.display

    bundles: list[dict] = []
    monkeypatch.setattr(display, "in_ipython", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture
def interval():
    return lambda value, low, high: SimpleNamespace(value=value, low=low, high=high)
