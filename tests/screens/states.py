"""States that no address leads to: open dialogs, a form that is refused, a network or a server that fails.

Each is brought about in a window as a person would meet it, by what really fails.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from playwright.sync_api import Page, expect

from semsearch_project.launch import installation
from tests.journeys.browser import Browser
from tests.journeys.stack import Stack
from tests.screens.camera import Window
from tests.screens.furnish import PASSWORD
from tests.servers import Server, free_port

ASK = "/?collection=handbook&q=how+many+days+off"
REQUESTS_PER_MINUTE = 60
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class State:
    """A state by the name that its pictures have, and the way into it."""

    name: str
    bring: Callable[[Window], object]
    user: tuple[str, str] | None = None
    origin: str = ""
    """Of a server of its own, that is as the state needs it."""
    noisy: bool = False
    """Whether the console goes on to complain for as long as the state lasts."""


@contextmanager
def states(stack: Stack, ids: dict[str, Any], admin: tuple[str, str]) -> Iterator[list[State]]:
    """Yield every state, while the servers run that some of them need."""
    empty = f"sqlite:///{stack.folder / 'empty.sqlite3'}"
    no_encoder = {"SEMSEARCH_ENCODER_DEVICE": "nowhere", "SEMSEARCH_REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE)}
    with another_server(stack, no_encoder) as hampered, another_server(stack, {"DATABASE_URL": empty}) as broken:
        collection, version = f"search/collection/{ids['handbook']}", "search/indexversion/1"
        yield [
            State("help", _help),
            State("offline", _offline, noisy=True),
            State("right-to-left", _right_to_left),
            State("degraded", lambda opened: opened.page.goto(ASK), origin=hampered),
            State("429", _throttled, origin=hampered),
            State("500", lambda opened: opened.page.goto(ASK), origin=broken),
            State("403", lambda opened: opened.page.goto("/admin/search/document/add/"), user=("viewer", PASSWORD)),
            State("403-csrf", _forged),
            State("admin-dialog", _dialog(collection, "rebuild"), user=admin),
            State("admin-dialog-of-duplicates", _dialog(collection, "duplicates"), user=admin),
            State("admin-unseen-change", _unseen_change(stack), user=admin),
            State("admin-no-such-page", lambda opened: opened.page.goto(f"/admin/{version}000/change/"), user=admin),
        ]


@contextmanager
def another_server(stack: Stack, env: dict[str, str]) -> Iterator[str]:
    """Run one more web server of the installation, with other settings; yield its origin."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    command = installation("127.0.0.1", port)[0].command
    server = Server(f"web{port}", command, log=stack.folder / f"web{port}.log", env=stack.env | env)
    server.start(lambda: _answers(origin))
    try:
        yield origin
    finally:
        server.stop()


def _answers(origin: str) -> bool:
    try:
        return Browser(origin).get("/health/live").status == 200
    except OSError:
        return False


def _help(opened: Window) -> None:
    opened.page.goto(ASK)
    opened.page.locator("#main").focus()
    opened.page.keyboard.press("?")
    expect(opened.page.locator("dialog#keys")).to_be_visible()


def _offline(opened: Window) -> None:
    opened.page.goto(ASK)
    opened.page.context.set_offline(True)
    opened.page.locator("#q").press_sequentially(" in a year")
    expect(opened.page.locator("#answer [data-state=offline]")).to_be_visible()


def _right_to_left(opened: Window) -> None:
    """The page as it is in a language that is written from the right, which a translation may bring."""
    opened.page.goto(ASK)
    opened.page.evaluate("document.documentElement.dir = 'rtl'")


def _throttled(opened: Window) -> None:
    for _ in range(REQUESTS_PER_MINUTE):
        if opened.page.request.get(ASK).status == 429:
            break
    answer = opened.page.goto(ASK)
    assert answer is not None and answer.status == 429


def _forged(opened: Window) -> None:
    """A form that was sent without its CSRF token."""
    opened.page.goto("/admin/login/")
    opened.page.locator("[name=csrfmiddlewaretoken]").first.evaluate("field => field.remove()")
    opened.page.fill("[name=username]", "somebody")
    opened.page.fill("[name=password]", "something")
    opened.page.press("[name=password]", "Enter")
    opened.page.get_by_text("403").wait_for()


def _dialog(of: str, action: str) -> Callable[[Window], None]:
    def bring(opened: Window) -> None:
        opened.page.goto(f"/admin/{of}/change/")
        # On a phone the buttons are behind another; what they do is the same.
        opened.page.locator(f"a[hx-get$='/admin/{of}/{action}/']").first.evaluate("button => button.click()")
        expect(opened.page.get_by_role("dialog").locator(":focus")).to_have_count(1)

    return bring


def _unseen_change(stack: Stack) -> Callable[[Window], None]:
    def put(body: str) -> int:
        stack.put("handbook", "two-editors", title="Opening hours", body=body, state="draft")
        return int(stack.sql("SELECT id FROM search_document WHERE external_id = 'two-editors'")[0][0])

    def bring(opened: Window) -> None:
        page: Page = opened.page
        page.goto(f"/admin/search/document/{put('We open at eight.')}/change/")
        put(f"We open at {next(_numbers)} past eight.")
        page.fill("[name=body]", "We open at nine.")
        page.locator("[name=_continue]").click()
        expect(page.locator("#sem-unseen-title")).to_be_visible()

    return bring
