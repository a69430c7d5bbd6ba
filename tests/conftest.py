"""What all tests share: the mark of those that serve authors alone, and no memory handed back between two of them."""

from __future__ import annotations

import gc

import pytest

from ftlib import runtime

# what only builds the course; whoever changes a task may leave them out: -m "not authoring"
AUTHORING = {
    "accessibility", "binder", "colab", "front", "hub", "kit", "launch", "lesson_rules", "lesson_tools", "map",
    "new_lesson", "pretrain_glyphs", "pretrain_signs", "pretrain_speech", "reading", "speed", "teaching", "versions",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem.removeprefix("test_") in AUTHORING:
            item.add_marker(pytest.mark.authoring)


def pytest_collection_finish() -> None:
    """Python's collector leaves alone what the imports made: it would look at all of it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def memory_to_spare():
    """`fit` hands memory back after each run once a BERT was loaded; here that would slow down all tests after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "spare_memory", lambda: None)
        yield
