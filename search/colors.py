"""Colours that people can read: contrast as WCAG 2 defines it, and the nearest colour that has enough of it. Pure.

Knows nothing of pages or settings; `branding` decides which colour stands on which.
"""

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass

ENOUGH = 4.5  # WCAG 2.2, 1.4.3: text of any size
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_STEPS = 100
# How far the admin's shades are from the colour itself, which is its 600: towards white, then towards black.
_LIGHTER = {"50": 0.93, "100": 0.84, "200": 0.68, "300": 0.48, "400": 0.3, "500": 0.12}
_DARKER = {"700": 0.18, "800": 0.34, "900": 0.48, "950": 0.7}


@dataclass(frozen=True, slots=True)
class Color:
    """An sRGB colour, each part from 0 to 255."""

    red: int
    green: int
    blue: int

    @classmethod
    def read(cls, text: str) -> "Color":
        """Read `#rgb` or `#rrggbb`. Raises ValueError."""
        written = text.strip()
        if not _HEX.fullmatch(written):
            raise ValueError(f"{text!r} is no colour such as #1f5f4d")
        digits = written[1:] if len(written) == 7 else "".join(each * 2 for each in written[1:])
        return cls(*(int(digits[at : at + 2], 16) for at in (0, 2, 4)))

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    def mixed(self, other: "Color", share: float) -> "Color":
        """Return this colour with a share of another, 0 to 1."""
        pairs = ((self.red, other.red), (self.green, other.green), (self.blue, other.blue))
        return Color(*(round(ours + (theirs - ours) * share) for ours, theirs in pairs))

    def lit(self, lightness: float) -> "Color":
        """Return this colour with another lightness, 0 for black to 1 for white, in the same hue."""
        hue, _, saturation = colorsys.rgb_to_hls(self.red / 255, self.green / 255, self.blue / 255)
        return Color(*(round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, saturation)))

    @property
    def lightness(self) -> float:
        """Lightness, 0 for black to 1 for white, as `lit` takes it."""
        return (max(self.red, self.green, self.blue) + min(self.red, self.green, self.blue)) / 510

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 for black to 1 for white."""
        parts = [part / 255 for part in (self.red, self.green, self.blue)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue


BLACK, WHITE = Color(0, 0, 0), Color(255, 255, 255)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((one.luminance, other.luminance))
    return (lighter + 0.05) / (darker + 0.05)


def reaching(color: Color, ground: Callable[[Color], Color], *, end: float, ratio: float = ENOUGH) -> Color:
    """Return `color`, made darker (`end` 0) or lighter (1) only so far that it has this contrast on its ground.

    The ground may depend on the colour, as a pale wash of it does.
    """
    for step in range(_STEPS + 1):
        moved = color.lit(color.lightness + (end - color.lightness) * step / _STEPS) if step else color
        if contrast(moved, ground(moved)) >= ratio:
            return moved
    return color.lit(end)


def shades(color: Color) -> dict[str, str]:
    """Return a colour as the admin wants it: eleven shades by name, the colour itself being 600."""
    lighter = {name: str(color.mixed(WHITE, share)) for name, share in _LIGHTER.items()}
    darker = {name: str(color.mixed(BLACK, share)) for name, share in _DARKER.items()}
    return {**lighter, "600": str(color), **darker}
