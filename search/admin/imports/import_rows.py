"""A preview's rows in the form that people read them: what stood in the file, what it becomes, and what is wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from search.ingestion.preview import Preview, PreviewRow

_SHOWN_ENTRIES = 8
_VALUE_CHARS = 120
_BODY_CHARS = 240
_COLOURS = {"created": "success", "updated": "info", "duplicate": "warning", "failed": "danger"}


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One of the first rows. `facts` are the document's small fields, `entries` its metadata."""

    place: str
    outcome: str
    colour: str
    external_id: str
    title: str
    body: str
    facts: tuple[tuple[str, str], ...]
    entries: tuple[tuple[str, str], ...]
    more_entries: int
    columns: tuple[tuple[str, str], ...]
    more_columns: int
    problems: tuple[tuple[str, str], ...]


def preview_rows(preview: Preview) -> list[ShownRow]:
    """Return the first rows of an import as the page shows them."""
    several = len({row.file for row in preview.rows}) > 1
    return [_shown(row, several=several) for row in preview.rows]


def outcome_name(outcome: str) -> str:
    """Return what becomes of a row, in a word."""
    return {
        "created": _("New"),
        "updated": _("Changed"),
        "unchanged": _("Unchanged"),
        "duplicate": _("Duplicate"),
        "failed": _("Fails"),
    }.get(outcome, outcome)


def _shown(row: PreviewRow, *, several: bool) -> ShownRow:
    values = dict(row.values)
    metadata = values.pop("metadata", {})
    title, body = str(values.pop("title", "")), str(values.pop("body", ""))
    values.pop("anchors", None)
    place = row.place
    if several or not place:
        place = f"{row.file}, {place}" if place else row.file
    entries, more_entries = _some(metadata if isinstance(metadata, dict) else {})
    columns, more_columns = _some(row.columns)
    return ShownRow(
        place=place,
        outcome=outcome_name(row.outcome),
        colour=_COLOURS.get(row.outcome, ""),
        external_id=row.external_id,
        title=title,
        body=Truncator(" ".join(body.split())).chars(_BODY_CHARS),
        facts=tuple((name, _text(value)) for name, value in values.items() if value not in ("", None, [])),
        entries=entries,
        more_entries=more_entries,
        columns=columns,
        more_columns=more_columns,
        problems=tuple(row.problems.items()),
    )


def _some(values: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], int]:
    filled = [(str(name), _text(value)) for name, value in values.items() if value not in ("", None)]
    return tuple(filled[:_SHOWN_ENTRIES]), max(0, len(filled) - _SHOWN_ENTRIES)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Truncator(" ".join(text.split())).chars(_VALUE_CHARS)
