"""How measured figures are written for people: a number, a unit that fits its size, a dash for what is unknown."""

import math

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext as _

NOTHING = "–"


def whole(number: float | None) -> str:
    """Return a count with thousands separators."""
    return NOTHING if number is None else number_format(round(number), decimal_pos=0, force_grouping=True)


def recall(value: float | None) -> str:
    """Return a recall so that 0.9999 does not look like 1."""
    if value is None:
        return NOTHING
    return "1.00" if value == 1 else f"{min(value, 0.9999):.4f}"


def covered(share: float | None) -> str:
    """Return how much of a text its chunks hold, so that 0.99999 does not look like all of it."""
    if share is None:
        return NOTHING
    return "100 %" if share >= 1 else f"{math.floor(share * 10_000) / 100:.2f} %"


def microseconds(value: float | None) -> str:
    """Return the time of one query."""
    if value is None:
        return NOTHING
    return f"{value:.0f} µs" if value < 10_000 else f"{value / 1000:.1f} ms"


def milliseconds(value: float | None) -> str:
    """Return a time that is given in seconds."""
    return NOTHING if value is None else _("%s ms") % whole(value * 1_000)


def seconds(value: float | None) -> str:
    """Return a length of time."""
    if value is None:
        return NOTHING
    if value < 10:
        return f"{value:.2f} s"
    if value < 90:
        return f"{value:.0f} s"
    minutes = round(value / 60)
    if minutes < 90:
        return _("%d min") % minutes
    return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def size(count: int | None) -> str:
    """Return a number of bytes, a dash for none."""
    return filesizeformat(count) if count else NOTHING


def megabytes(value: float | None) -> str:
    """Return a size in memory."""
    return NOTHING if value is None else filesizeformat(value * 2**20)


def per_vector(value: float | None) -> str:
    """Return the bytes that one vector takes."""
    return NOTHING if value is None else _("%s bytes") % whole(value)


def per_second(value: float | None) -> str:
    """Return a rate."""
    if value is None:
        return NOTHING
    return whole(value) if value >= 10 else f"{value:.1f}"
