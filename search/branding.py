"""What makes an installation look like its owner's: name, logo, colour, footer and start text, all by settings.

The only reader of the SITE_ settings beside the checks. An accent that could not be read on the page is moved until
it can; nothing here trusts a setting to be right, for a page must be shown in any case.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.templatetags.static import static
from django.urls import reverse

from search.colors import BLACK, WHITE, Color, reaching, shades
from search.conf import conf

LOGO_TYPES = {"image/svg+xml", "image/png", "image/webp", "image/jpeg", "image/gif"}
_PAPER, _DARK_PAPER = Color.read("#fcfbf9"), Color.read("#141513")
_ON_DARK_ACCENT = Color.read("#10110f")
_WASH, _DARK_WASH = 0.07, 0.13  # how much of the accent is in the ground of what is chosen
_EASY_ON_DARK = 7.0


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages show of their owner; addresses are empty where nothing was set."""

    name: str
    logo_url: str
    footer: str
    start_text: str
    theme_url: str


@dataclass(frozen=True, slots=True)
class Theme:
    """The accent as the pages show it, in light and in dark, and the stylesheet that says so."""

    light: Color
    dark: Color

    @property
    def css(self) -> str:
        """A stylesheet that sets the accent's custom properties and nothing else."""
        light = _properties(self.light, WHITE, self.light.mixed(BLACK, 0.22), _PAPER.mixed(self.light, _WASH))
        deep = self.dark.mixed(WHITE, 0.3)
        dark = _properties(self.dark, _ON_DARK_ACCENT, deep, _DARK_PAPER.mixed(self.dark, _DARK_WASH))
        return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"

    @property
    def digest(self) -> str:
        """What names this very stylesheet in its address."""
        return hashlib.sha256(self.css.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class LogoFile:
    """A picture outside of the static files."""

    path: Path
    content_type: str
    digest: str


def site() -> Site:
    """Return what the pages show of their owner."""
    settings = conf()
    colored = theme()
    return Site(
        name=settings.SITE_NAME,
        logo_url=_logo_url(),
        footer=settings.SITE_FOOTER,
        start_text=settings.SITE_START_TEXT,
        theme_url=reverse("web:theme", args=[colored.digest]) if colored is not None else "",
    )


def theme() -> Theme | None:
    """Return the accent of SITE_COLOR as it is shown; None where none is set, or none that can be read."""
    try:
        wanted = accents(conf().SITE_COLOR)
    except ValueError:
        return None
    return _shown(*wanted) if wanted else None


def accents(text: str) -> tuple[Color, Color] | None:
    """Return what SITE_COLOR says of light and dark: `#1f5f4d`, or `#1f5f4d,#93d3ba`. Raises ValueError."""
    colors = [Color.read(each) for each in text.split(",")] if text.strip() else []
    if len(colors) > 2:
        raise ValueError(f"{text!r} has {len(colors)} colours; one for light and one for dark are enough")
    return (colors[0], colors[-1]) if colors else None


def readable_on_light(color: Color) -> Color:
    """Return the nearest darker accent that can be read on the page, on what is chosen, and below white words."""
    return reaching(color, lambda accent: _PAPER.mixed(accent, _WASH), end=0)


def readable_on_dark(color: Color) -> Color:
    """Return the nearest lighter accent that can be read on the dark page, and below dark words."""
    return reaching(color, lambda accent: _DARK_PAPER.mixed(accent, _DARK_WASH), end=1, ratio=_EASY_ON_DARK)


def admin_shades(text: str) -> dict[str, str] | None:
    """Return the admin's shades for a SITE_COLOR; None where it says nothing that can be read."""
    try:
        wanted = accents(text)
    except ValueError:
        return None
    return shades(readable_on_light(wanted[0])) if wanted else None


def logo_file() -> LogoFile | None:
    """Return the picture that SITE_LOGO names by an absolute path; None where it names none that is there."""
    path = Path(conf().SITE_LOGO)
    content_type = logo_type(path.name)
    if not path.is_absolute() or not content_type:
        return None
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return None
    return LogoFile(path, content_type, _digest(path, changed))


def logo_type(name: str) -> str:
    """Return the content type of a picture by its name, empty for what is no picture that browsers show."""
    guessed = mimetypes.guess_type(name)[0] or ""
    return guessed if guessed in LOGO_TYPES else ""


def _logo_url() -> str:
    wanted = conf().SITE_LOGO
    if not wanted:
        return ""
    if not Path(wanted).is_absolute():
        return _static(wanted)
    file = logo_file()
    return reverse("web:logo", args=[file.digest, file.path.suffix.lstrip(".").lower()]) if file else ""


def _static(name: str) -> str:
    try:
        return static(name)
    except ValueError:  # the manifest of the static files does not know it
        return ""


@lru_cache(maxsize=8)
def _shown(light: Color, dark: Color) -> Theme:
    return Theme(readable_on_light(light), readable_on_dark(dark))


@lru_cache(maxsize=8)
def _digest(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _properties(accent: Color, on_accent: Color, deep: Color, wash: Color) -> str:
    return f"--accent: {accent}; --accent-deep: {deep}; --on-accent: {on_accent}; --wash: {wash};"
