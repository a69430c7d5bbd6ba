"""A browser and a server for the tests of this folder; without a browser they are skipped, with one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from chosen import missing

if TYPE_CHECKING:
    from driver import Server
    from playwright.sync_api import Browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none."""
    reason = missing()
    for item in items:
        if reason and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=reason))


# not for the whole session: while Playwright runs, no other test of the process may start an event loop
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium."""
    from driver import chromium

    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """JupyterLab on fresh copies of the lessons."""
    from driver import serve

    with serve() as started:
        yield started
