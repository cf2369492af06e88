"""The way of operators in the admin, in a real browser, with the role's rights and no more: a version built, judged,
made live and taken back while people search, and a token for another system from its first call to its last.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.load import Load
from tests.journeys.screen import needs_chromium
from tests.journeys.stack import Stack
from tests.journeys.versions import Versions
from tests.screens.camera import LIGHT, Window, window
from tests.screens.furnish import PASSWORD
from tests.screens.test_accessibility import sign_in

pytestmark = [
    needs_chromium, pytest.mark.journey, pytest.mark.xdist_group("screens"), pytest.mark.timeout(300),
]  # fmt: skip
SLUG, QUESTION = "handbuch", "Wie viele Urlaubstage habe ich?"
WORKER_MS = 90_000


@pytest.fixture
def opened(furnished: tuple[Stack, dict[str, Any]], browser: Browser) -> Iterator[Window]:
    """A window that an operator has signed in with."""
    with window(browser, furnished[0].admin.origin, LIGHT) as opened:
        sign_in(opened, "operator", PASSWORD)
        yield opened
        assert opened.problems == []


def dialog_of(page: Page, button: str) -> Locator:
    """Press a button that asks first; return its dialog, which the keyboard is in."""
    page.get_by_role("link", name=button).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(":focus")).to_have_count(1)
    return dialog


def answer(dialog: Locator, button: str) -> None:
    with dialog.page.expect_event("load"):
        dialog.get_by_role("button", name=button, exact=True).click()


def test_a_version_is_built_judged_made_live_and_the_one_before_taken_back_while_people_search(
    furnished: tuple[Stack, dict[str, Any]], opened: Window
) -> None:
    stack, page = furnished[0], opened.page
    versions = Versions(stack, SLUG)
    first, name = versions.get(versions.live())["id"], f"{SLUG} v{max(versions.all()) + 1}"
    found = stack.found(QUESTION, SLUG)
    origins = [browser.origin for browser in stack.browsers]

    with Load(origins, SLUG, [QUESTION], threads=1) as load:
        page.goto(f"/admin/search/collection/{stack.collection_id(SLUG)}/change/")
        asking = dialog_of(page, "Rebuild the index")
        asking.get_by_text("Make the new version live when it passes its checks").click()
        answer(asking, "Rebuild")
        page.goto("/admin/search/indexversion/")
        page.get_by_role("link", name=name).click()
        gate = page.get_by_role("region", name="Gate")
        expect(gate).to_contain_text("Passed", timeout=WORKER_MS)  # the page renews itself
        expect(page.get_by_role("region", name="State")).to_contain_text("Ready")
        assert stack.found(QUESTION, SLUG) == found
        second = page.url

        answer(dialog_of(page, "Activate"), "Activate")
        expect(page.locator("body")).to_contain_text(f"{name} is live.")
        assert stack.found(QUESTION, SLUG) == found

        page.goto(f"/admin/search/indexversion/{first}/change/")
        asking = dialog_of(page, "Roll back to this version")
        expect(asking).to_contain_text("It has missed nothing.")
        answer(asking, "Roll back")
        expect(page.get_by_role("region", name="State")).to_contain_text("Active", timeout=WORKER_MS)
        page.goto(second)
        expect(page.get_by_role("region", name="State")).to_contain_text("Retired")
        expect(page.get_by_role("region", name="History")).to_contain_text("by operator")
    assert stack.found(QUESTION, SLUG) == found
    assert len(load.answers) > 10 and [answer for answer in load.answers if not answer.fits] == []


def asked(address: str, token: str, payload: Any = None) -> int:
    """Return the status of a call that has this token: GET, or POST with a payload."""
    body = None if payload is None else json.dumps(payload).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_a_token_is_shown_once_does_what_its_scope_allows_and_nothing_once_it_is_revoked(
    furnished: tuple[Stack, dict[str, Any]], opened: Window
) -> None:
    stack, page = furnished[0], opened.page
    api = f"{stack.admin.origin}/api/v1"
    search, documents = f"{api}/search/?q=laptop&collection=handbook", f"{api}/documents/"
    page.goto("/admin/search/apitoken/add/")
    page.fill("[name=name]", "The intranet's search box")
    page.get_by_role("button", name="Save", exact=True).click()
    secret = page.get_by_label("Token", exact=True).input_value()
    assert len(secret) > 40 and secret in page.get_by_label("Try it").input_value()
    page.get_by_role("link", name="I have kept it").click()
    page.get_by_role("link", name="The intranet's search box").click()
    assert secret not in page.content()

    assert asked(search, secret) == 200
    assert (
        asked(
            documents,
            secret,
            {"collection": "handbook", "title": "Smuggled in", "body": "By a token that may only search."},
        )
        == 403
    )
    assert not stack.sql("SELECT id FROM search_document WHERE title = 'Smuggled in'")

    answer(dialog_of(page, "Revoke"), "Revoke")
    expect(page.locator("body")).to_contain_text("The token is revoked.")
    assert asked(search, secret) == 401
