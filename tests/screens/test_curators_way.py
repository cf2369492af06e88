"""The way of a curator in the admin, in a real browser: what is saved is found, and what is changed so, too."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.screen import needs_chromium
from tests.journeys.stack import Stack
from tests.screens.camera import LIGHT, window
from tests.screens.furnish import PASSWORD
from tests.screens.test_accessibility import sign_in

pytestmark = [
    needs_chromium, pytest.mark.journey, pytest.mark.xdist_group("screens"), pytest.mark.timeout(300),
]  # fmt: skip
FIRST = "The falcon on the roof is fed by the night watch."
SECOND = "The falcon has moved away; the roof terrace is open again."


def save(page: Page, body: str) -> str:
    """Save the form that is shown with this body; return the address of the document's form."""
    page.fill("[name=body]", body)
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url(re.compile("/change/"))
    expect(page.locator("[name=body]")).to_have_value(body)
    return page.url


def snippet_of_the_first(page: Page, stack: Stack) -> str:
    stack.wait_indexed("handbook")
    page.goto("/?collection=handbook&q=who+feeds+the+falcon+on+the+roof")
    first = page.locator("#results li[data-document]").first
    expect(first).to_contain_text("The falcon")
    return first.locator(".snippet").inner_text()


def test_a_document_that_is_saved_in_the_admin_is_found_and_so_is_its_change(
    furnished: tuple[Stack, dict[str, Any]], browser: Browser
) -> None:
    stack, ids = furnished
    with window(browser, stack.admin.origin, LIGHT) as opened:
        page = opened.page
        sign_in(opened)
        page.goto(f"/admin/search/document/add/?collection={ids['handbook']}")
        page.fill("[name=title]", "The falcon")
        written = save(page, FIRST)
        assert FIRST in snippet_of_the_first(page, stack)

        page.goto(written)
        save(page, SECOND)
        assert SECOND in snippet_of_the_first(page, stack)
        assert opened.problems == []


def test_who_saves_over_an_unseen_change_is_told_whose_it_is_and_overwrites_it_only_knowingly(
    furnished: tuple[Stack, dict[str, Any]], browser: Browser
) -> None:
    stack, ids = furnished
    form = f"/admin/search/document/{ids['documents']['handbook']['pay-bands']}/change/"
    with window(browser, stack.admin.origin, LIGHT) as mine, window(browser, stack.admin.origin, LIGHT) as theirs:
        sign_in(mine)
        sign_in(theirs, "curator", PASSWORD)
        mine.page.goto(form)
        theirs.page.goto(form)
        save(theirs.page, "Decided in February.")

        mine.page.fill("[name=body]", "Decided in March.")
        mine.page.get_by_role("button", name="Save and continue editing").click()
        told = mine.page.get_by_role("region", name="Somebody else changed this document")
        expect(told).to_contain_text("curator saved it")
        expect(told.locator("dd del")).to_have_text("February")
        expect(told.locator("dd ins")).to_have_text("March")
        expect(mine.page.locator("[name=body]")).to_have_value("Decided in March.")
        theirs.page.goto(form)
        expect(theirs.page.locator("[name=body]")).to_have_value("Decided in February.")

        told.get_by_label("Overwrite it with mine when I save").check()
        mine.page.get_by_role("button", name="Save and continue editing").click()
        expect(told).to_have_count(0)
        theirs.page.goto(form)
        expect(theirs.page.locator("[name=body]")).to_have_value("Decided in March.")
        assert mine.problems == theirs.problems == []
