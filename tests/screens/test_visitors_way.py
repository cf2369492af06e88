"""The way of a visitor through the pages, in a real browser on a running installation: with scripts, and without."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.screen import needs_chromium
from tests.journeys.stack import Stack
from tests.screens.camera import LIGHT, Look, window
from tests.servers import wait_until

pytestmark = [
    needs_chromium, pytest.mark.journey, pytest.mark.xdist_group("screens"), pytest.mark.timeout(300),
]  # fmt: skip
WITHOUT_SCRIPTS = Look("without-scripts", scripts=False)
QUESTION = "my laptop was stolen on the train"
TITLE = "A lost or stolen laptop or phone"
THUMBS_UP = "SELECT id FROM search_searchreaction WHERE kind = 'up'"
Furnished = tuple[Stack, dict[str, Any]]


def titles(page: Page) -> list[str]:
    return page.locator("#results a.title").all_inner_texts()


def chip(page: Page) -> Any:
    return page.locator("ul.held a")


def go(page: Page, way: str) -> None:
    """Press Back or Forward: the address changes at once, and then the page is loaded anew."""
    with page.expect_event("load"):
        page.evaluate(f"setTimeout(() => history.{way}())")


def test_typing_shows_results_at_once_and_the_keys_lead_to_a_document_and_back(
    furnished: Furnished, browser: Browser
) -> None:
    with window(browser, furnished[0].admin.origin, LIGHT) as opened:
        page = opened.page
        page.goto("/?collection=handbook")
        page.locator("body").click(position={"x": 5, "y": 400})
        page.keyboard.press("/")
        page.keyboard.type(QUESTION)
        expect(page.locator("#results a.title").first).to_have_text(TITLE)
        expect(page).to_have_url(re.compile(r"q=my\+laptop"))
        expect(page.locator("#announcer")).to_contain_text("documents")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#results a.title").first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text(TITLE)
        page.locator("#similar").scroll_into_view_if_needed()
        expect(page.locator("section.similar li a").first).to_be_visible()
        page.keyboard.press("?")
        expect(page.locator("dialog#keys")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("dialog#keys")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.locator("#results a.title").first).to_have_text(TITLE)
        assert opened.problems == []


def test_filters_order_and_collections_are_in_the_address_and_back_undoes_them(
    furnished: Furnished, browser: Browser
) -> None:
    with window(browser, furnished[0].admin.origin, LIGHT) as opened:
        page = opened.page
        page.goto(f"/?collection=handbook&q={QUESTION.replace(' ', '+')}")
        found = titles(page)
        page.locator("details.facets").get_by_role("link", name=re.compile(r"^IT\b")).click()
        expect(chip(page)).to_have_count(1)
        assert "filter=" in page.url and titles(page) != found
        page.locator("ul.orders a:not([aria-current])").first.click()
        expect(page).to_have_url(re.compile("sort="))
        page.locator(".tabs a", has_text="Handbuch").click()
        expect(page).to_have_url(re.compile("collection=handbuch"))
        go(page, "back")
        expect(page).to_have_url(re.compile("collection=handbook.*sort=|sort=.*collection=handbook"))
        go(page, "back")
        expect(page).not_to_have_url(re.compile("sort="))
        go(page, "back")
        expect(chip(page)).to_have_count(0)
        expect(page.locator("#results a.title")).to_have_text(found)
        go(page, "forward")
        expect(chip(page)).to_have_count(1)
        assert opened.problems == []


def test_without_scripts_a_visitor_finds_narrows_reads_and_says_what_helped(
    furnished: Furnished, browser: Browser
) -> None:
    stack = furnished[0]
    with window(browser, stack.admin.origin, WITHOUT_SCRIPTS) as opened:
        page = opened.page
        page.goto("/?collection=handbook")
        page.fill("#q", QUESTION)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator("#results a.title").first).to_have_text(TITLE)
        page.get_by_role("button", name=f"This helps: {TITLE}").click()
        page.wait_for_load_state()
        wait_until(lambda: bool(stack.sql(THUMBS_UP)), seconds=20, what="the reaction is noted")
        page.goto(f"/?collection=handbook&q={QUESTION.replace(' ', '+')}&filter=language:en")
        chip(page).first.click()
        expect(chip(page)).to_have_count(0)
        page.locator("#results a.title").first.click()
        page.get_by_role("link", name="Show similar documents").click()
        expect(page.locator("h1")).to_have_text(f"Similar to {TITLE}")
        assert opened.problems == []


def test_the_words_of_the_query_are_marked_in_the_document(furnished: Furnished, browser: Browser) -> None:
    stack, ids = furnished
    with window(browser, stack.admin.origin, LIGHT) as opened:
        opened.page.goto(f"/documents/{ids['documents']['handbook']['annual-leave']}/?q=how+many+days+off")
        expect(opened.page.locator(".body mark", has_text="days").first).to_be_in_viewport()
        assert opened.problems == []
