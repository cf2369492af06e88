"""Writes the sample corpus into a collection, in short transactions, and never twice against a curator's will.

What a curator deleted stays deleted: a collection that has been loaded once is left alone unless the caller
insists. Waking the worker is the business of the document QuerySet, encoding that of the worker.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from search.models import Collection, Document
from search.sample.docstrings import Entry
from search.sample.stdlib_reader import read_entries

SLUG = "python-docs"
NAME = "Python standard library"
DESCRIPTION = "Documentation of Python's standard library, read from the interpreter's own docstrings."
LOADING = "The sample is being loaded into this collection."
"""The description until everything is in: how a later start knows that an earlier one was interrupted."""

BATCH_DOCUMENTS = 200
_WRITTEN = ("title", "body", "url", "language", "metadata")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did; `loaded` is False when the collection was there already and nothing was touched."""

    collection: Collection
    loaded: bool
    created: int = 0
    changed: int = 0
    unchanged: int = 0


def load(
    *,
    slug: str = SLUG,
    limit: int | None = None,
    force: bool = False,
    progress: Callable[[Sequence[Entry]], Iterator[Entry]] = iter,
) -> LoadReport:
    """Create the sample collection and its documents; with `force`, also into a collection that is there already.

    Documents are matched by external id; an unchanged one is not written, and a curator's choice of state and
    visibility is kept. `progress` is handed all entries and returns an iterator over them (a progress bar).
    Raises SampleUnreadable.
    """
    collection = Collection.objects.filter(slug=slug).first()
    if collection is not None and collection.description != LOADING and not force:
        return LoadReport(collection, loaded=False)
    entries = read_entries(limit)
    if collection is None:
        collection = Collection.objects.create(slug=slug, name=NAME, description=LOADING)
    created = changed = 0
    for batch in _batches(progress(entries)):
        new, different = _write(collection, batch)
        created, changed = created + new, changed + different
    Collection.objects.filter(pk=collection.pk, description=LOADING).update(description=DESCRIPTION)
    return LoadReport(collection, True, created, changed, len(entries) - created - changed)


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH_DOCUMENTS:
            yield batch
            batch = []
    if batch:
        yield batch


@transaction.atomic
def _write(collection: Collection, entries: Sequence[Entry]) -> tuple[int, int]:
    """Insert or update the documents of `entries`; return how many are new and how many were different."""
    known = {
        document.external_id: document
        for document in collection.documents.filter(external_id__in=[entry.name for entry in entries])
    }
    new: list[Document] = []
    different: list[Document] = []
    for entry in entries:
        document = known.get(entry.name)
        if document is None:
            new.append(Document(collection=collection, external_id=entry.name, **_values(entry)))
        elif _values(entry) != {field: getattr(document, field) for field in _WRITTEN}:
            for field, value in _values(entry).items():
                setattr(document, field, value)
            different.append(document)
    Document.objects.bulk_create(new)
    Document.objects.bulk_update(different, _WRITTEN)
    return len(new), len(different)


def _values(entry: Entry) -> dict[str, object]:
    return {
        "title": entry.title,
        "body": entry.body,
        "url": entry.url,
        "language": "en",
        "metadata": {"module": entry.module, "kind": entry.kind, "name": entry.name},
    }
