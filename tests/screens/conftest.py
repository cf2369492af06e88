"""One furnished installation and one browser for everything that looks at pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.journeys.screen import FLAGS, chromium
from tests.journeys.stack import Stack
from tests.screens.pages import installation


@pytest.fixture(scope="session")
def furnished() -> Iterator[tuple[Stack, dict[str, Any]]]:
    with installation() as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="session", autouse=True)
def _patience() -> None:
    """A page is waited for as long as a slow machine needs it, which shares its cores with other tests."""
    expect.set_options(timeout=20_000)
