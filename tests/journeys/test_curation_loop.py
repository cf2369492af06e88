"""A bad query turns up in a report; a curator pins a document in a browser, and people find it.

The window is a real browser's: choosing a document and trying a rule are done by the pages' scripts.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.screen import needs_chromium
from tests.journeys.stack import Stack

QUERY = "who repairs the coffee maker"


@needs_chromium
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "installation",
    [pytest.param("sqlite", marks=[pytest.mark.journey, pytest.mark.xdist_group("journeys-sqlite")])],
    indirect=True,
)
def test_a_bad_query_is_mended_by_a_pin(stack: Stack, slug: str, screen: Page) -> None:
    stack.put(slug, "lamp", title="Lighthouse", body="The lighthouse keeper winds the clockwork of the lamp.")
    stack.put(slug, "desk", title="Facilities desk", body="Call extension 42 for broken things on this floor.")
    stack.wait_indexed(slug)
    screen.goto(f"/?q={QUERY.replace(' ', '+')}&collection={slug}")

    screen.goto(f"/admin/search/searchlog/reports/?collection={slug}&report=all")
    row = screen.locator("tr", has_text=QUERY)
    row.get_by_role("link", name="Pin").click()
    screen.locator(".select2-selection").click()
    screen.keyboard.type("Facilities")
    screen.locator(".select2-results__option", has_text="Facilities desk").click()
    screen.get_by_role("button", name="Show what changes").click()
    answer = screen.locator("#sem-try-answer")
    expect(answer).to_contain_text("The rule applies")
    expect(answer.locator("li").first).to_contain_text("Facilities desk")
    screen.get_by_role("button", name="Save", exact=True).click()
    screen.wait_for_url("**/curationrule/")

    screen.goto(f"/?q={QUERY.replace(' ', '+')}&collection={slug}")
    expect(screen.locator("#results li").first).to_contain_text("Facilities desk")
