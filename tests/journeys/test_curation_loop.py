"""A bad query turns up in a report; it is judged, measured, mended by a pin, measured better, and seen on the page.

All of it by clicking, in a real browser: thumbs, choosing a document and trying a rule are the pages' scripts.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.screen import needs_chromium
from tests.journeys.stack import Stack

QUERY = "who repairs the coffee maker"


def measured(screen: Page) -> Page:
    """Measure the set of the query that is being judged; return the screen with the finished run on it."""
    screen.get_by_role("link", name="Measure the set").click()
    screen.get_by_role("button", name="Measure", exact=True).click()
    screen.wait_for_url("**/evaluationrun/*/change/")
    for _time in range(30):
        if screen.get_by_role("row", name="nDCG@10").count():
            break
        screen.wait_for_timeout(1_000)
        screen.reload()
    return screen


@needs_chromium
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "installation",
    [pytest.param("sqlite", marks=[pytest.mark.journey, pytest.mark.xdist_group("journeys-sqlite")])],
    indirect=True,
)
def test_a_bad_query_is_judged_mended_by_a_pin_and_measured_better(stack: Stack, slug: str, screen: Page) -> None:
    stack.put(slug, "brew", title="The coffee maker", body="Fill the coffee maker with water and press its button.")
    stack.put(slug, "desk", title="Facilities desk", body="Call extension 42 for broken things on this floor.")
    stack.wait_indexed(slug)
    page = f"/?q={QUERY.replace(' ', '+')}&collection={slug}"
    screen.goto(page)
    first = screen.locator("#results li[data-document]").first
    expect(first).to_contain_text("The coffee maker")
    first.get_by_label("This does not help").click()
    expect(first).to_contain_text("Noted")

    screen.goto(f"/admin/search/searchlog/reports/?collection={slug}&report=disliked")
    screen.locator("tr", has_text=QUERY).get_by_role("button", name="Judge").click()
    screen.wait_for_url("**/judge/*/")
    judging = screen.url
    screen.locator("li", has_text="Facilities desk").get_by_role("button", name="Exactly this").click()
    expect(screen.locator("#sem-judge-status")).to_contain_text("0 still")
    expect(measured(screen).get_by_role("row", name="nDCG@10")).to_contain_text("0.6309")

    screen.goto(judging)
    screen.get_by_role("link", name="Pin a document").click()
    screen.locator(".select2-selection").click()
    screen.keyboard.type("Facilities")
    screen.locator(".select2-results__option", has_text="Facilities desk").first.click()
    screen.get_by_role("button", name="Show what changes").click()
    answer = screen.locator("#sem-try-answer")
    expect(answer).to_contain_text("The rule applies")
    expect(answer.locator("li").first).to_contain_text("Facilities desk")
    screen.get_by_role("button", name="Save", exact=True).click()
    screen.wait_for_url("**/curationrule/")

    screen.goto(judging)
    expect(measured(screen).get_by_role("row", name="nDCG@10")).to_contain_text("1.0000")
    screen.goto(page)
    expect(screen.locator("#results li[data-document]").first).to_contain_text("Facilities desk")
