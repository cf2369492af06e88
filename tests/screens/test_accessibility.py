"""What axe finds on every page of visitors and of the admin, light and dark: nothing but what is listed with a reason.

An entry of the list that is not found any more fails, too: it is to be taken off.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.journeys.screen import needs_chromium
from tests.journeys.stack import ADMIN, Stack
from tests.screens.camera import DARK, FORCED, GERMAN_PHONE, LIGHT, PHONE, PHONE_DARK, Look, Window, window
from tests.screens.pages import Shown, admin_pages, visitors_pages
from tests.screens.states import State, states

pytestmark = [
    needs_chromium, pytest.mark.journey, pytest.mark.xdist_group("screens"), pytest.mark.timeout(600),
]  # fmt: skip
NOT_OURS = {
    ("landmark-unique", ".simplebar-content-wrapper"): "unfold's page and sidebar scroll in regions of one name",
}


def not_ours(rule: str, selector: str) -> tuple[str, str] | None:
    """Return the entry of the list that a finding falls under."""
    return next((known for known in NOT_OURS if known[0] == rule and known[1] in selector), None)


def sign_in(opened: Window, name: str = ADMIN[0], password: str = ADMIN[1]) -> None:
    opened.page.goto("/admin/login/?next=/admin/")
    opened.page.fill("[name=username]", name)
    opened.page.fill("[name=password]", password)
    opened.page.press("[name=password]", "Enter")
    opened.page.wait_for_url("**/admin/")


def found_on(browser: Browser, stack: Stack, pages: list[Shown], looks: tuple[Look, ...]) -> dict[tuple[str, str], str]:
    """Return where rules are broken, by rule and selector; what else a page complains of counts as a rule."""
    found: dict[tuple[str, str], str] = {}
    for look in looks:
        with window(browser, stack.admin.origin, look) as opened:
            if pages[0].signed_in:
                sign_in(opened)
            opened.problems.clear()
            for shown in pages:
                opened.go(shown.path)
                found |= noticed(opened, shown.name)
    return found


def noticed(opened: Window, name: str) -> dict[tuple[str, str], str]:
    """Return what is wrong with the page as it stands, and where."""
    where = f"{name} {opened.look.name}"
    found = {(one.rule, one.selector): f"{where} {one.html}" for one in opened.violations()}
    found |= {("complaint", problem): where for problem in opened.problems}
    if wider := opened.wider_by():
        found["wider than the window", where] = f"{where} by {wider} px"
    opened.problems.clear()
    return found


def test_axe_finds_nothing_on_the_pages_of_visitors(furnished: tuple[Stack, dict[str, Any]], browser: Browser) -> None:
    stack, ids = furnished
    assert found_on(browser, stack, visitors_pages(ids), (LIGHT, DARK, GERMAN_PHONE, FORCED)) == {}


def test_axe_finds_nothing_of_ours_in_the_admin(furnished: tuple[Stack, dict[str, Any]], browser: Browser) -> None:
    stack, ids = furnished
    found = found_on(browser, stack, admin_pages(ids), (LIGHT, DARK, PHONE))

    assert {place: where for place, where in found.items() if not not_ours(*place)} == {}
    assert set(NOT_OURS) == {not_ours(*place) for place in found}


def test_axe_finds_nothing_in_states_that_no_address_leads_to(
    furnished: tuple[Stack, dict[str, Any]], browser: Browser
) -> None:
    stack, ids = furnished
    found: dict[tuple[str, str], str] = {}
    with states(stack, ids, ADMIN) as all_states:
        for state in all_states:
            for look in (LIGHT, PHONE_DARK):
                with in_state(browser, stack, state, look) as opened:
                    found |= {
                        place: where
                        for place, where in noticed(opened, state.name).items()
                        if not not_ours(*place) and not (state.noisy and place[0] == "complaint")
                    }
    assert found == {}


@contextmanager
def in_state(browser: Browser, stack: Stack, state: State, look: Look) -> Iterator[Window]:
    """Open a window in a state; what the way into it made the console say is not held against it."""
    with window(browser, state.origin or stack.admin.origin, look) as opened:
        if state.user:
            sign_in(opened, *state.user)
        state.bring(opened)
        opened.problems.clear()
        yield opened
