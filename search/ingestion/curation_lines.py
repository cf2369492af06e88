"""Curation rules and synonyms in a collection's bundle, a line of JSON for each. Applies none of them.

Rules name documents by external id, so that they hold wherever the documents are imported again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from search.models import Collection, CurationRule, SynonymSet

_RULE = (
    "match", "queries", "similarity", "action", "external_id", "position", "strength", "valid_from", "valid_to",
    "enabled", "note",
)  # fmt: skip
_SYNONYMS = ("words", "finds", "enabled", "note")
_TIMES = ("valid_from", "valid_to")


class BadCuration(ValueError):
    """The rules or synonyms cannot be taken in; the message says which and why."""


def rules_jsonl(collection: Collection) -> Iterator[bytes]:
    """Yield the curation rules of a collection as JSON Lines, the oldest first."""
    for row in CurationRule.objects.filter(collection=collection).order_by("pk").values(*_RULE).iterator():
        yield _line(row)


def synonyms_jsonl(collection: Collection) -> Iterator[bytes]:
    """Yield the synonyms of a collection as JSON Lines, the oldest first."""
    for row in SynonymSet.objects.filter(collection=collection).order_by("pk").values(*_SYNONYMS).iterator():
        yield _line(row)


def take_in_rules(collection: Collection, lines: Iterable[bytes]) -> int:
    """Store what `rules_jsonl` has written, whole or not at all; return how many are new. Raises BadCuration."""

    def stored(values: Mapping[str, Any]) -> bool:
        rule = CurationRule(collection=collection, **values)
        rule.full_clean()
        if CurationRule.objects.filter(collection=collection, **values).exists():
            return False
        rule.save()
        return True

    return _take_in(lines, _RULE, stored)


def take_in_synonyms(collection: Collection, lines: Iterable[bytes]) -> int:
    """Store what `synonyms_jsonl` has written, whole or not at all; return how many are new. Raises BadCuration."""

    def stored(values: Mapping[str, Any]) -> bool:
        entry = SynonymSet(collection=collection, **values)
        entry.full_clean()
        if SynonymSet.objects.filter(collection=collection, **values).exists():
            return False
        entry.save()
        return True

    return _take_in(lines, _SYNONYMS, stored)


def _take_in(lines: Iterable[bytes], fields: tuple[str, ...], store: Callable[[Mapping[str, Any]], bool]) -> int:
    new = 0
    with transaction.atomic():
        for number, line in enumerate(lines, 1):
            try:
                new += store(_values(json.loads(line), fields))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ValidationError) as error:
                reason = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                raise BadCuration(
                    _("Line %(line)d cannot be taken in: %(reason)s") % {"line": number, "reason": reason}
                ) from error
    return new


def _values(row: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return a line's fields as the models have them."""
    values = {name: row[name] for name in fields}
    return {name: _time(value) if name in _TIMES else value for name, value in values.items()}


def _time(value: str | None) -> datetime | None:
    if value is None:
        return None
    read = parse_datetime(value)
    if read is None or read.tzinfo is None:
        raise ValueError(_("%r is no time with a time zone.") % value)
    return read


def _line(row: Mapping[str, Any]) -> bytes:
    written = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    return json.dumps(written, ensure_ascii=False).encode() + b"\n"
