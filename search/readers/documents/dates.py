"""Dates as files write them, brought to ISO 8601. Never guesses: what is not clearly a date is none."""

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

_PDF = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?")
_PARTIAL = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
_SLASHES = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})\b")


def iso_date(value: object) -> str:
    """Return a date or a time in ISO 8601, or "" when `value` is neither; a year or a month alone stays one."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if not isinstance(value, str) or not (text := value.strip()):
        return ""
    if _PARTIAL.fullmatch(text):
        return text
    text = _SLASHES.sub(lambda match: f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}", text, count=1)
    for parse in (_from_iso, pdf_date, _from_mail):
        if found := parse(text):
            return found
    return ""


def pdf_date(text: str) -> str:
    """Return the date of a PDF's "D:20240131120000+01'00'" in ISO 8601, or ""."""
    match = _PDF.fullmatch(text.strip())
    if not match:
        return ""
    year, month, day, hour, minute, second, sign, ahead_hours, ahead_minutes = match.groups()
    zone = f"{sign}{ahead_hours}:{ahead_minutes or '00'}" if sign else "+00:00" if "Z" in text else ""
    clock = f"T{hour}:{minute or '00'}:{second or '00'}{zone}" if hour else ""
    return _from_iso(f"{year}-{month or '01'}-{day or '01'}{clock}")


def _from_iso(text: str) -> str:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text).isoformat()
        if re.match(r"\d{4}-\d\d-\d\d[T ]\d", text):
            return datetime.fromisoformat(text.replace(" +", "+").replace(" UTC", "Z")).isoformat()
    except ValueError:
        pass
    return ""


def _from_mail(text: str) -> str:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
