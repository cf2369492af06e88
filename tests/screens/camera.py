"""A window on the installation that takes pictures and notices what nobody sees on them: what a page's console says,
requests to other hosts, violations of the content policy, and what axe finds. Never judges: it reports.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, Page

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_TOLD_BY_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (400|404|429|500|503)")


@dataclass(frozen=True, slots=True)
class Look:
    """How a person has set up the browser. `zoom` is of the text and all; the window stays as wide as it is."""

    name: str
    width: int = 1280
    height: int = 860
    scheme: Literal["light", "dark"] = "light"
    contrast: Literal["no-preference", "more"] = "no-preference"
    forced: Literal["none", "active"] = "none"
    reduced: Literal["no-preference", "reduce"] = "reduce"  # pictures are of pages that stand still
    zoom: float = 1.0
    locale: str = "en"
    scripts: bool = True


LIGHT, DARK = Look("light"), Look("dark", scheme="dark")
PHONE = Look("phone", width=400, height=860)
PHONE_DARK = Look("phone-dark", width=400, height=860, scheme="dark")
FOUR = (LIGHT, DARK, PHONE, PHONE_DARK)
GERMAN_PHONE = Look("german-phone", width=390, locale="de")
"""The longest words in the narrowest window."""
FORCED, MOVING = Look("forced-colours", forced="active"), Look("moving", reduced="no-preference")


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of axe that a page breaks at one place."""

    rule: str
    impact: str
    selector: str
    html: str
    advice: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was taken, with what was noticed."""

    name: str
    look: str
    file: str
    address: str
    violations: tuple[Violation, ...] = ()
    problems: tuple[str, ...] = ()
    wider_by: int = 0


@dataclass
class Window:
    """An open page, and what it complained of since the last picture."""

    page: Page
    look: Look
    origin: str
    problems: list[str] = field(default_factory=list)

    def violations(self) -> tuple[Violation, ...]:
        """Run axe on the page as it stands."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(
            "tags => axe.run({runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
            ".then(found => found.violations)",
            list(TAGS),
        )
        return tuple(
            Violation(
                rule=rule["id"],
                impact=rule["impact"] or "",
                selector=" ".join(str(part) for part in node["target"]),
                html=node["html"][:300],
                advice=node["failureSummary"],
            )
            for rule in found
            for node in rule["nodes"]
        )

    def picture(self, name: str, folder: Path, *, whole: bool = False) -> Picture:
        """Take a picture, with everything that was noticed until now."""
        file = f"{name}.{self.look.name}.png"
        if whole:
            self.page.screenshot(path=folder / file, full_page=True, animations="disabled")
        else:
            self.page.screenshot(path=folder / file, animations="disabled")
        violations, problems = self.violations(), tuple(self.problems)
        self.problems.clear()
        address = self.page.url.removeprefix(self.origin)
        return Picture(name, self.look.name, file, address, violations, problems, self.wider_by())

    def wider_by(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        wider: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return max(wider, 0)

    def go(self, path: str) -> None:
        """Open a page; being led to another one is noted, for its picture would be of something else."""
        self.page.goto(path)
        if urlsplit(self.page.url).path != urlsplit(path).path:
            self.problems.append(f"led elsewhere: {path} to {self.page.url.removeprefix(self.origin)}")

    def note(self, kind: str, text: str) -> None:
        """Remember something that a page complained of."""
        if not _TOLD_BY_STATUS.search(text):
            self.problems.append(f"{kind}: {text}")


@contextmanager
def window(browser: Browser, origin: str, look: Look, cookies: Sequence[Any] = ()) -> Iterator[Window]:
    """Open a window with a look; `cookies` are those of somebody who has signed in elsewhere."""
    context = _context(browser, origin, look)
    context.add_cookies(list(cookies))
    page = context.new_page()
    page.set_default_timeout(20_000)
    opened = Window(page, look, origin)
    _listen(page, opened.note, origin)
    try:
        yield opened
    finally:
        context.close()


def _context(browser: Browser, origin: str, look: Look) -> BrowserContext:
    return browser.new_context(
        base_url=origin,
        # Zooming in makes the window smaller in the pages' own units, and each of these units larger.
        viewport={"width": round(look.width / look.zoom), "height": round(look.height / look.zoom)},
        device_scale_factor=look.zoom,
        color_scheme=look.scheme,
        contrast=look.contrast,
        forced_colors=look.forced,
        reduced_motion=look.reduced,
        locale=look.locale,
        java_script_enabled=look.scripts,
    )


def _listen(page: Page, note: Callable[[str, str], None], origin: str) -> None:
    def on_request(address: str) -> None:
        if not address.startswith((origin, "data:", "blob:", "about:")):
            note("foreign request", address)

    page.on("console", lambda message: note(f"console {message.type}", message.text) if message.type in
            ("error", "warning") else None)  # fmt: skip
    page.on("pageerror", lambda error: note("script", str(error)))
    page.on("request", lambda request: on_request(request.url))
    page.on("response", lambda answer: note("status", f"{answer.status} {answer.url}") if answer.status >= 500
            and answer.status != 503 else None)  # fmt: skip
