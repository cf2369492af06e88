"""Dates as people write them → the span of time that they mean. Pure; the same for filters, facets and sorting.

A date of a document's own is text in its metadata (`2024`, `2024-05`, `2024-05-17`, `2024-05-17T10:00`), compared as it
is written: nobody knows its time zone. The database's own times are compared in UTC.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OWN_DATE = r"\A[0-9]{4}(-[0-9]{2}|\Z)"
OWN_DATE_KEYS = ("date", "published")  # of the metadata, the first that has a date; readers write the second
"""What the text of a document's own date begins with; SQLite, PostgreSQL and Python read it alike."""

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](.+))?)?)?", re.ASCII)


class NotADate(ValueError):
    """A text means no date."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to just before `end`, in UTC."""

    start: datetime
    end: datetime


def date_span(text: str) -> Span:
    """Return the year, month, day or second that a text means. Raises NotADate."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise NotADate(text)
    year, month, day, clock = match.groups()
    try:
        if clock:
            start = datetime.fromisoformat(text.strip())
            start = start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)
            return Span(start, start + timedelta(seconds=1))
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        if day:
            return Span(start, start + timedelta(days=1))
        after = (start.year + (start.month == 12), start.month % 12 + 1) if month else (start.year + 1, 1)
        return Span(start, datetime(*after, 1, tzinfo=UTC))
    except (ValueError, OverflowError):
        raise NotADate(text) from None


def written(text: str) -> str:
    """Return a date as documents write it, with two digits for month and day: what texts are compared with."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise NotADate(text)
    year, month, day, clock = match.groups()
    parts = [year, *(f"{int(part):02d}" for part in (month, day) if part)]
    return "-".join(parts) + (f"T{clock}" if clock else "")


def own_date(metadata: object) -> str:
    """Return a document's own date as it is written, or nothing where it has none."""
    if not isinstance(metadata, dict):
        return ""
    for key in OWN_DATE_KEYS:
        value = metadata.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and re.match(OWN_DATE, str(value)):
            return str(value)
    return ""
