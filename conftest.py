"""One test run for everything: no network, one thread, and each lesson's cost checked against its record."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
USAGE = pytest.StashKey[Path]()


def _guard():
    spec = importlib.util.spec_from_file_location(
        "network_guard", ROOT / "tests" / "guard" / "sitecustomize.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "FTLIB_THREADS", "HF_HUB_OFFLINE"):
    os.environ.setdefault(_name, "1")
_guard().install()


def pytest_configure(config: pytest.Config) -> None:
    """The workers of a parallel run report to the folder that the controller made."""
    shared = getattr(config, "workerinput", {}).get("ftlib_usage")
    config.stash[USAGE] = Path(shared or tempfile.mkdtemp(prefix="ftlib-usage-"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no folder behind."""
    if not hasattr(config, "workerinput") and USAGE in config.stash:
        shutil.rmtree(config.stash[USAGE], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker of pytest-xdist where to report."""
    node.workerinput["ftlib_usage"] = str(node.config.stash[USAGE])


def _is_lesson(item: pytest.Item | None) -> bool:
    return item is not None and type(item).__name__ == "IPyNbCell"


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item):
    """A notebook's kernel starts in the environment that `make lessons` uses; other tests do not."""
    if not _is_lesson(item):
        return (yield)
    from authoring.notebooks.kernel import kernel_environment

    with _environment(kernel_environment(ROOT, item.config.stash[USAGE])):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None):
    """After its last cell, fail a lesson that cost too much or did not report."""
    result = yield
    if _is_lesson(item) and (nextitem is None or nextitem.parent is not item.parent) and _ran_whole(item):
        from authoring.notebooks.book import read
        from authoring.notebooks.usage import over_gate, read_usage

        lesson = read(item.path)
        faults = over_gate(lesson, read_usage(item.config.stash[USAGE], lesson.id))
        if faults:
            pytest.fail("\n".join(faults), pytrace=False)
    return result


def _ran_whole(item: pytest.Item) -> bool:
    """Whether all cells of the notebook were selected."""
    selected = sum(other.parent is item.parent for other in item.session.items)
    return selected == sum(cell.cell_type == "code" for cell in item.parent.nb.cells)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Print what each lesson cost, beside its record and its gates."""
    from authoring.notebooks.book import LessonError, find
    from authoring.notebooks.usage import read_usage, table

    folder = config.stash[USAGE]
    reported = sorted(path.stem for path in folder.glob("*.json"))
    if not reported:
        return
    try:
        lessons = find(ROOT / "lessons", reported)
    except LessonError as problem:
        terminalreporter.write_line(str(problem))
        return
    terminalreporter.section("what the lessons cost")
    terminalreporter.write_line(table([(lesson, read_usage(folder, lesson.id)) for lesson in lessons]))
