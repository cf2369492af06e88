"""What axe finds on every page of visitors and of the admin, light and dark: nothing but what is listed with a reason.

An entry of the list that is not found any more fails, too: it is to be taken off.
"""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.journeys.screen import needs_chromium
from tests.journeys.stack import ADMIN, Stack
from tests.screens.camera import DARK, LIGHT, PHONE, Look, Window, window
from tests.screens.pages import Shown, admin_pages, visitors_pages

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
                for one in opened.violations():
                    found.setdefault((one.rule, one.selector), f"{shown.name} {look.name} {one.html}")
                found |= {("complaint", problem): f"{shown.name} {look.name}" for problem in opened.problems}
                opened.problems.clear()
    return found


def test_axe_finds_nothing_on_the_pages_of_visitors(furnished: tuple[Stack, dict[str, Any]], browser: Browser) -> None:
    stack, ids = furnished
    assert found_on(browser, stack, visitors_pages(ids), (LIGHT, DARK, PHONE)) == {}


def test_axe_finds_nothing_of_ours_in_the_admin(furnished: tuple[Stack, dict[str, Any]], browser: Browser) -> None:
    stack, ids = furnished
    found = found_on(browser, stack, admin_pages(ids), (LIGHT, DARK))

    assert {place: where for place, where in found.items() if not not_ours(*place)} == {}
    assert set(NOT_OURS) == {not_ours(*place) for place in found}
