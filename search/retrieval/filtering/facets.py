"""How many of the documents that were found have which value: by language, tag, year and the keys of their metadata.

The counts belong to exactly the result set that is shown. Choosing a value adds the filter that it stands for, so a
value's count is the number of those documents that this filter selects.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.text import capfirst
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from search.datatypes import Facet, FacetValue
from search.models import Document
from search.retrieval.filtering.date_values import own_date
from search.retrieval.filtering.document_conditions import NUMBER
from search.retrieval.filtering.filters import METADATA, Filters, canonical, is_field

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

FIXED = ("collection", "language", "tag", "date", "visibility")
_OWN = ("tags", "tag", "date")
_MOST_FACETS = 8
_MOST_VALUES = 20  # shown of one facet
_MOST_DISTINCT = 60  # of a key that is offered unasked
_MOST_CHARS = 60
_WRITABLE = re.compile(r'[^\s:"\\](?:[^:"\\]*[^\s:"\\])?')  # keys that a filter can name
_LARGEST_SHARE = 0.5  # of distinct values among the documents that have the key; above it, it names documents


@dataclass(frozen=True, slots=True)
class _Row:
    """What is counted of a document."""

    pk: int
    fixed: dict[str, str]
    metadata: dict[str, Any]


def is_facet(name: str) -> bool:
    """Tell whether the values of a field can be counted."""
    return canonical(name) in FIXED or (is_field(name) and canonical(name).startswith(METADATA))


def facets_of(
    documents: "DocumentQuerySet",
    document_ids: Sequence[int],
    filters: Filters,
    *,
    exact: bool = True,
    fields: Iterable[str] = (),
) -> tuple[Facet, ...]:
    """Return the facets of a result set: those of `fields`, or without any those that tell its documents apart."""
    rows = _rows(documents, document_ids)
    wanted = tuple(dict.fromkeys(map(canonical, fields)))
    names = wanted or (*FIXED, *_telling_keys(rows))
    found = [_facet(name, _counted(rows, name), filters, exact) for name in names]
    if wanted:
        return tuple(found)
    useful = [facet for facet in found if facet.distinct > 1 or any(value.selected for value in facet.values)]
    return tuple(useful[:_MOST_FACETS])


def _rows(documents: "DocumentQuerySet", document_ids: Sequence[int]) -> list[_Row]:
    columns = ("pk", "language", "visibility", "collection__slug", "created_at", "metadata")
    values = documents.order_by().filter(pk__in=list(document_ids)).values_list(*columns)
    return [
        _Row(
            pk,
            {
                "language": language,
                "visibility": visibility,
                "collection": collection,
                "date": (own_date(metadata) or str(created_at.year))[:4],
            },
            metadata if isinstance(metadata, dict) else {},
        )
        for pk, language, visibility, collection, created_at, metadata in values
    ]


def _counted(rows: Sequence[_Row], field: str) -> dict[str, int]:
    """Return how many of the documents the filter `field:value` selects, for each value that they have."""
    if field in FIXED and field != "tag":
        counts: defaultdict[str, int] = defaultdict(int)
        for row in rows:
            if row.fixed[field]:
                counts[row.fixed[field]] += 1
        return counts
    keys = ("tags", "tag") if field == "tag" else (field.removeprefix(METADATA),)
    texts: defaultdict[str, set[int]] = defaultdict(set)
    numbers: defaultdict[float, set[int]] = defaultdict(set)
    for row in rows:
        for value in _elements(row.metadata, keys):
            text = _text(value)
            texts[text].add(row.pk)
            if not isinstance(value, str | bool):
                numbers[float(value)].add(row.pk)
    for text in texts:  # a filter for 5.0 selects the number 5, too
        if re.match(NUMBER, text):
            texts[text] |= numbers.get(float(text), set())
    return {text: len(pks) for text, pks in texts.items()}


def _elements(metadata: dict[str, Any], keys: Iterable[str]) -> Iterator[str | int | float]:
    """Yield the values that can be filtered by."""
    for key in keys:
        for place in _places(metadata, key):
            for value in place if isinstance(place, list) else [place]:
                if isinstance(value, str | bool):
                    if value != "":
                        yield value
                elif isinstance(value, int | float) and re.match(NUMBER, _text(value)):
                    yield value


def _places(metadata: dict[str, Any], key: str) -> Iterator[Any]:
    if key in metadata:
        yield metadata[key]
    inner: Any = metadata
    steps = key.split(".")
    if len(steps) > 1 and all(steps):
        for step in steps:
            inner = inner.get(step) if isinstance(inner, dict) else None
        yield inner


def _text(value: str | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _telling_keys(rows: Sequence[_Row]) -> list[str]:
    """Return the keys of metadata with few and short values, those that most documents have first."""
    found = []
    keys = dict.fromkeys(key for row in rows for key in row.metadata)
    for key in keys:
        if key in _OWN or not _WRITABLE.fullmatch(key):
            continue
        counts = _counted(rows, METADATA + key)
        having = sum(1 for row in rows if key in row.metadata)
        short = all(len(value) <= _MOST_CHARS for value in counts)
        if short and 1 < len(counts) <= min(_MOST_DISTINCT, max(2, having * _LARGEST_SHARE)):
            found.append((-having, METADATA + key))
    return [key for _having, key in sorted(found)]


def _facet(field: str, counts: dict[str, int], filters: Filters, exact: bool) -> Facet:
    chosen = filters.chosen(field)
    order = sorted(counts, key=lambda value: (value not in chosen, -counts[value], value))
    if field == "date":
        order = sorted(counts, reverse=True)
    values = tuple(
        FacetValue(value, value_label(field, value), counts[value], value in chosen) for value in order[:_MOST_VALUES]
    )
    return Facet(field, field_label(field), values, len(counts), exact)


def field_label(field: str) -> str:
    """Return what people call a field."""
    names = {"collection": _("Collection"), "language": _("Language"), "tag": _("Tag"), "date": _("Year"),
             "visibility": _("Visible to"), "created": _("Created"), "updated": _("Updated"), "title": _("Title"),
             "url": _("Address"), "external_id": _("External id")}  # fmt: skip
    return names.get(field) or capfirst(" ".join(re.split(r"[_\s]+", field.removeprefix(METADATA))).strip())


def value_label(field: str, value: str) -> str:
    """Return what people call a value of a field."""
    if field == "visibility":
        return str(dict(Document.Visibility.choices).get(value, value))
    if field == "language":
        try:
            return str(get_language_info(value.lower())["name_translated"])
        except KeyError:
            return value
    return value
