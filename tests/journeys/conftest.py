"""One installation for each profile and test process, started once; each journey has a collection of its own."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.journeys.screen import signed_in
from tests.journeys.stack import PROFILES, Stack


@pytest.fixture(
    scope="session",
    params=[pytest.param(p, marks=[pytest.mark.journey, pytest.mark.xdist_group(f"journeys-{p}")]) for p in PROFILES],
)
def installation(request: pytest.FixtureRequest) -> Iterator[Stack]:
    # A short path: a Unix socket's may have about a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="semsearch-"))
    folder.chmod(0o755)
    stack = Stack(request.param, folder)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stack(installation: Stack) -> Iterator[Stack]:
    """The running installation; worker and broker are put right again after each journey."""
    yield installation
    installation.restore()


@pytest.fixture
def make_collection(stack: Stack) -> Callable[[], str]:
    """Make a new, empty collection that can be searched; returns its slug."""
    return lambda: stack.make_collection(f"journey-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def slug(make_collection: Callable[[], str]) -> str:
    """An empty collection of this journey's own."""
    return make_collection()


@pytest.fixture
def screen(stack: Stack) -> Iterator[Page]:
    """A browser's window, signed in to the admin."""
    with signed_in(stack) as page:
        yield page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show every server's log with a journey that fails."""
    report = yield
    stack: Any = getattr(item, "funcargs", {}).get("installation")
    if report.failed and isinstance(stack, Stack):
        report.sections += [(f"log of {name}", log) for name, log in stack.logs().items()]
    return report
