"""How the pages stand in a real browser: nothing is wider than the window, and what is chosen is seen in any colours.

The pages are made before the browser begins, and given to it with their files; no server runs.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser, Page, Route, sync_playwright

from search.models import Collection, Document
from tests.journeys.screen import chromium, needs_chromium

Make = Callable[..., Document]
Drain = Callable[[], int]
ORIGIN = "http://testserver"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}
ZOOMED: dict[str, Any] = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}  # 1280 × 800 at 200 %
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
pytestmark = [pytest.mark.django_db, needs_chromium]


@pytest.fixture
def pages(client: Client, make_document: Make, indexed: Drain) -> dict[str, str]:
    """Pages in most of their states, by address, with texts that are hard to fit."""
    Collection.objects.create(slug="other", name=LONG, description=f"{LONG}: {LONG}")
    body = (
        f"# Bread\n\nKnead the bread, {LONG}, and `{LONG}`.\n\n| {LONG} | b | c | d |\n|---|---|---|---|\n"
        f"| {LONG} | 2 | 3 | 4 |\n\n```\n{'bread ' * 60}\n```\n\nخبز الخبز في البيت مع الماء والملح والخميرة.\n"
    )
    for number in range(25):
        url = f"https://example.org/{LONG}/{LONG}/{number}" if number % 2 else ""
        metadata = {LONG: LONG, "tags": [LONG, f"t{number % 3}"]}
        document = make_document(title=f"{LONG} {number}", body=body, url=url, metadata=metadata)
    indexed()
    addresses = (
        "/", "/?q=bread", "/?q=bread&sort=title&filter=tag:t1", "/?q=zxcv", f'/?q="{LONG}x"',
        "/?q=bread&collection=nope", "/?q=bread&filter=colour:x", "/?collection=other",
        f"/documents/{document.pk}/?q=bread", f"/documents/{document.pk}/similar/", "/nowhere/",
    )  # fmt: skip
    return {address: client.get(address).text for address in addresses}


@pytest.fixture
def browser(pages: dict[str, str]) -> Iterator[Browser]:
    """A browser that begins when the pages are made: beside it, Django does not let the database be used."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def window(browser: Browser, pages: dict[str, str], **how: Any) -> Page:
    """Return a window that has these pages and the static files, and nothing else."""

    def answer(route: Route) -> None:
        parts = urlsplit(route.request.url)
        name = parts.path.removeprefix("/static/")
        found = finders.find(name) if name != parts.path else None
        if isinstance(found, str):
            route.fulfill(body=Path(found).read_bytes(), content_type=KINDS[Path(found).suffix])
        elif route.request.is_navigation_request():
            route.fulfill(body=shown["page"], content_type="text/html; charset=utf-8")
        else:
            route.abort()

    page = browser.new_context(**how).new_page()
    shown: dict[str, str] = {}
    page.route("**/*", answer)
    page.__dict__["shown"] = shown
    return page


def go(page: Page, text: str) -> None:
    page.__dict__["shown"]["page"] = text
    page.goto(f"{ORIGIN}/", wait_until="load")


def test_at_320_pixels_and_at_200_percent_nothing_is_wider_than_the_window(
    browser: Browser, pages: dict[str, str]
) -> None:
    too_wide = []
    for name, how, directions in (("320 px", NARROW, ("ltr", "rtl")), ("200 %", ZOOMED, ("ltr",))):
        page = window(browser, pages, **how)
        for address, text in pages.items():
            for direction in directions:
                go(page, text.replace('dir="ltr"', f'dir="{direction}"', 1))
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if wide > 0:
                    too_wide.append((name, address, direction, wide))
    assert too_wide == []


def test_in_forced_colours_what_is_chosen_can_be_told_from_what_is_not(browser: Browser, pages: dict[str, str]) -> None:
    page = window(browser, pages, forced_colors="active", viewport={"width": 1280, "height": 800})
    go(page, pages["/?q=bread"])

    def looks(selector: str) -> tuple[str, ...]:
        style = (
            "s => { const c = getComputedStyle(s); return [c.borderBottomColor, c.backgroundColor, c.outlineStyle] }"
        )
        return tuple(page.locator(selector).first.evaluate(style))

    assert looks(".tabs [aria-current]") != looks(".tabs a:not([aria-current])")
    assert looks(".orders [aria-current]") != looks(".orders a:not([aria-current])")
    assert looks(".modes input:checked + span") != looks(".modes input:not(:checked) + span")
    assert looks(".snippet mark")[2] == "solid"
    page.focus("#q")
    assert looks(".field")[2] == "solid"


def test_without_motion_nothing_moves(browser: Browser, pages: dict[str, str]) -> None:
    page = window(browser, pages, reduced_motion="reduce")
    go(page, pages["/?q=bread"])
    moving = (
        "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert page.evaluate(moving) == 0
