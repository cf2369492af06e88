"""A real browser's window, for journeys that depend on the pages' scripts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.journeys.stack import ADMIN, Stack

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync")  # fmt: skip


def chromium() -> str:
    """Return the path of a Chromium or Chrome, or "" where none is installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM", "") or next(filter(None, map(shutil.which, names)), "")


needs_chromium = pytest.mark.skipif(
    not chromium(),
    reason="No Chromium on this machine (nor in $CHROMIUM), so the scripts of the pages are not run. What the pages do "
    "without them is tested by forms over HTTP; `apt-get install chromium` adds this.",
)


@contextmanager
def signed_in(stack: Stack) -> Iterator[Page]:
    """Open a window, signed in to the admin; what its console calls an error fails the journey."""
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page(base_url=stack.admin.origin)
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto("/admin/login/?next=/admin/")
        page.fill("[name=username]", ADMIN[0])
        page.fill("[name=password]", ADMIN[1])
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/admin/")
        yield page
        browser.close()
    assert problems == []
