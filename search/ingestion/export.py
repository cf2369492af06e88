"""A collection's documents as a file: JSON Lines for machines, CSV for people. Streams; changes nothing.

The lines have exactly the fields that an import understands, so that reading them in again gives the same documents.
Cells of the CSV that a spreadsheet would run as a formula get an apostrophe in front: it is not to be read in again.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Prefetch
from django.db.models.functions import Length

from search.models import Collection, Document

FIELDS = (
    "external_id", "title", "body", "url", "language", "metadata", "state", "visibility", "groups", "anchors",
)  # fmt: skip
_CSV_FIELDS = ("external_id", "title", "url", "language", "state", "visibility", "groups", "metadata", "body")
_LOOKED_UP = 500  # keys at a time
_HELD_CHARS = 2_000_000  # of texts at a time
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BOM = "\ufeff"  # without it, spreadsheets take the file for one in the old encoding of their country


def jsonl(collection: Collection) -> Iterator[bytes]:
    """Yield every document as a line of JSON, in the order of their keys, some at a time."""
    for documents in _batches(collection):
        lines = (json.dumps(fields_of(document), ensure_ascii=False) for document in documents)
        yield "".join(f"{line}\n" for line in lines).encode()


def csv_table(collection: Collection) -> Iterator[bytes]:
    """Yield every document as a row of CSV, after a row of names."""
    yield (_BOM + _rows([_CSV_FIELDS])).encode()
    for documents in _batches(collection):
        yield _rows([_cells(document) for document in documents]).encode()


def fields_of(document: Document) -> dict[str, Any]:
    """Return a document as an import reads it; its groups by name."""
    return {**{name: getattr(document, name) for name in FIELDS}, "groups": _groups(document)}


def harmless(text: str) -> str:
    """Return a cell's text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _batches(collection: Collection) -> Iterator[list[Document]]:
    """Yield documents in the order of their keys, never more text at once than is easily held.

    Goes from key to key and holds no transaction open: a long export hinders nobody, and misses only what comes or
    goes while it runs.
    """
    for keys in _keys(collection):
        rows = Document.objects.filter(pk__in=keys).order_by("pk")
        yield list(rows.prefetch_related(Prefetch("groups", queryset=Group.objects.order_by("name"))))


def _keys(collection: Collection) -> Iterator[list[int]]:
    last = 0
    while True:
        after = Document.objects.filter(collection=collection, pk__gt=last).order_by("pk")
        rows = list(after.annotate(chars=Length("body")).values_list("pk", "chars")[:_LOOKED_UP])
        if not rows:
            return
        last = rows[-1][0]
        keys: list[int] = []
        held = 0
        for key, chars in rows:
            if keys and held + chars > _HELD_CHARS:
                yield keys
                keys, held = [], 0
            keys.append(key)
            held += chars
        yield keys


def _groups(document: Document) -> list[str]:
    return [group.name for group in document.groups.all()]


def _cells(document: Document) -> list[str]:
    cells = {
        **{name: getattr(document, name) for name in _CSV_FIELDS if name != "groups"},
        "groups": ", ".join(_groups(document)),
        "metadata": json.dumps(document.metadata, ensure_ascii=False) if document.metadata else "",
    }
    return [harmless(str(cells[name])) for name in _CSV_FIELDS]


def _rows(rows: Any) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
