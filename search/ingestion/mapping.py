"""Which column is which field: guessed from names, applied to rows. Pure: touches no database and no file.

The fields are those of a document, `metadata.<name>` for one entry of its metadata, `metadata` for an object that is
merged into it, and the empty name for a column that is left out.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

FIELDS = (
    "external_id", "title", "body", "url", "language", "state", "visibility", "groups", "anchors", "metadata",
)  # fmt: skip
_TEXTS = ("external_id", "title", "body", "url", "language", "state", "visibility")
_KEPT_WHEN_BLANK = ("language", "state", "visibility", "groups", "anchors")
_NAMES = {
    "external_id": ("external_id", "_row_id", "_id", "id", "uuid", "guid", "key", "doc_id", "docid", "document_id",
                    "identifier", "sku", "isbn", "message_id", "nummer", "kennung"),
    "title": ("title", "name", "headline", "heading", "subject", "titel", "label", "question", "betreff"),
    "body": ("body", "text", "content", "contents", "description", "abstract", "article", "answer", "summary",
             "message", "inhalt", "beschreibung", "passage", "document", "note", "notes"),
    "url": ("url", "link", "href", "uri", "source_url", "web", "website", "permalink", "adresse"),
    "language": ("language", "lang", "locale", "sprache"),
    "state": ("state", "publication_state"),
    "visibility": ("visibility",),
    "groups": ("groups",),
    "anchors": ("anchors",),
    "metadata": ("metadata", "meta", "attributes", "properties"),
}  # fmt: skip
ROW_ID = "_row_id"
"""The column under which a failed row that is sent again carries its identity."""

NOTES = (
    "_import",
    "_file",
    "_line",
    "_reason",
    "_original",
)  # what a download of failed rows says beside their columns
_SEVERAL = ("body",)  # fields that may be joined from several columns


class BadMapping(ValueError):
    """A mapping names an unknown field, or one field twice; the message says which and what would do."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A row as the fields of a document; `values` leaves out what the row says nothing of."""

    external_id: str
    values: Mapping[str, Any]
    groups: tuple[str, ...] | None = None


def guess(columns: Iterable[str]) -> dict[str, str]:
    """Return for each column the field that its name suggests; `metadata.<name>` for those that suggest none."""
    given = list(dict.fromkeys(columns))
    plain = {column: re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_") for column in given}
    plain |= {column: column for column in given if column in ("_id", ROW_ID)}
    found: dict[str, str] = {column: "" for column in given if column in NOTES}
    for field, names in _NAMES.items():
        best = [column for name in names for column in given if plain[column] == name and column not in found]
        for column in best[:1]:
            found[column] = field
    for column in given:  # entries that an exporter flattened
        if column.startswith("metadata.") and column not in found:
            found[column] = column
    return {column: found.get(column, f"metadata.{column}") for column in given}


def check(mapping: Mapping[str, str]) -> None:
    """Raise BadMapping unless every field is known and only `body` and entries of metadata have several columns."""
    seen: dict[str, str] = {}
    for column, field in mapping.items():
        if not isinstance(field, str) or not (field == "" or field in FIELDS or _metadata_name(field)):
            raise BadMapping(
                f"Column {column!r} is mapped to {field!r}; known fields: {', '.join(FIELDS)}, metadata.<name>, "
                "or nothing to leave the column out."
            )
        if field and field in seen and field not in _SEVERAL:
            raise BadMapping(f"Columns {seen[field]!r} and {column!r} are both mapped to {field!r}; one is enough.")
        seen[field] = column


def apply(mapping: Mapping[str, str], row: Mapping[str, Any], *, key_column: str, fallback_id: str) -> Mapped:
    """Return a row as the fields of a document.

    Identified by the column mapped to `external_id`, else by `key_column`, else as `fallback_id`. Columns that the
    mapping does not know are treated as their names suggest. Raises ValueError, saying what is wrong with the row.
    """
    fields: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    full = _completed(tuple(mapping.items()), tuple(row))
    for column, value in row.items():
        _put(full[column], column, value, fields, metadata)
    if metadata or _says_empty(full, row):
        fields["metadata"] = metadata
    groups = fields.pop("groups", None)
    external_id = fields.pop("external_id", "") or _text(key_column, row.get(key_column)) or fallback_id
    return Mapped(external_id, fields, groups)


def identifies(mapping: Mapping[str, str], columns: Iterable[str]) -> bool:
    """Tell whether one of these columns is the external id."""
    given = list(columns)
    return any(column in given for column in identifying(mapping, given))


def identifying(mapping: Mapping[str, str], columns: Iterable[str]) -> list[str]:
    """Return the column that is the external id, if there is one; the mapping may mean one that the row lacks."""
    given = tuple(columns)
    full = _completed(tuple(mapping.items()), given)
    return [column for column in {**dict.fromkeys(given), **mapping} if full[column] == "external_id"]


def guess_rest(mapping: Mapping[str, str], columns: Iterable[str]) -> dict[str, str]:
    """Return the fields of columns that a mapping does not know, without taking a field that it has given away."""
    taken = set(mapping.values()) - {""}
    return {
        column: field if field not in taken or field in _SEVERAL or column == ROW_ID else f"metadata.{column}"
        for column, field in guess(columns).items()
    }


@lru_cache(maxsize=256)
def _completed(mapping: tuple[tuple[str, str], ...], columns: tuple[str, ...]) -> dict[str, str]:
    known = dict(mapping)
    return {**known, **guess_rest(known, [column for column in columns if column not in known])}


def _put(field: str, column: str, value: Any, fields: dict[str, Any], metadata: dict[str, Any]) -> None:
    name = _metadata_name(field)
    if name:
        if value not in (None, ""):
            metadata[name] = value
    elif field == "metadata":
        metadata.update(_object(column, value))
    elif field == "groups":
        if value not in (None, ""):
            fields["groups"] = _names(column, value)
    elif field == "anchors":
        if value not in (None, ""):
            fields["anchors"] = value
    elif field in _TEXTS:
        text = _text(column, value)
        if text or field not in _KEPT_WHEN_BLANK:
            before = fields.get(field, "")
            fields[field] = f"{before}\n\n{text}" if before and text else before or text


def _says_empty(full: Mapping[str, str], row: Mapping[str, Any]) -> bool:
    """Tell whether a row says that there is no metadata, as {} does and a blank does not."""
    return any(full[column] == "metadata" and value == {} for column, value in row.items())


def _metadata_name(field: str) -> str:
    return field.removeprefix("metadata.") if field.startswith("metadata.") else ""


def _text(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValueError(f"Column {column!r} holds {_kind(value)}; a text is needed. Map it to metadata.{column} instead.")


def _object(column: str, value: Any) -> dict[str, Any]:
    if value in (None, ""):
        return {}
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, dict):
        raise ValueError(f"Column {column!r} holds {_kind(value)}; metadata must be a JSON object.")
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _names(column: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",") if name.strip()]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"Column {column!r} holds {_kind(value)}; a list of group names is needed.")
    return tuple(dict.fromkeys(value))


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else f"{type(value).__name__} {str(value)[:40]!r}"
