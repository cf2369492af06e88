"""Keeps a test collection as a collection of its own, so that a second measurement of it encodes nothing.

What was read last time is named by its hash in the descriptions; what has not changed is not read again. A collection
with documents that the test collection does not have is somebody's, and never touched.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.utils.text import slugify
from django.utils.translation import gettext as _

from search.evaluation.datasets import BadDataset, BeirFolder, SourceText
from search.indexing import applier
from search.ingestion import judgments
from search.ingestion.document_writes import DocumentWrite, Rights, write_documents
from search.models import Collection, Document, EvaluationQuerySet, IndexVersion
from search.retrieval.open_index import open_version

_AT_ONCE = 500
_MENDING_SECONDS = 30.0
_READ_FROM = "SHA-256 "


@dataclass(frozen=True, slots=True)
class Prepared:
    """A test collection, ready to be indexed and asked."""

    collection: Collection
    query_set: EvaluationQuerySet
    documents: int


def prepare(folder: BeirFolder, *, slug: str = "", encoder: str = "", runtime: str = "") -> Prepared:
    """Store a test collection's documents and judged queries, by default under the folder's name.

    `encoder` and `runtime` are those of the collection that is made; one that is there keeps its own. Raises
    BadDataset.
    """
    name = slug or slugify(folder.path.resolve().name)[:80]
    if not name:
        raise BadDataset(_("The folder's name makes no slug; name one with --collection."))
    chosen = {"encoder_name": encoder} if encoder else {}
    chosen |= {"encoder_runtime": runtime} if runtime else {}
    collection = Collection.objects.get_or_create(slug=name, defaults={"name": name, **chosen})[0]
    if other := next((field for field, value in chosen.items() if getattr(collection, field) != value), ""):
        raise BadDataset(
            _("Collection %(slug)s is there with %(own)r, not %(asked)r. Name another with --collection.")
            % {"slug": name, "own": getattr(collection, other), "asked": chosen[other]}
        )
    mark = _READ_FROM + folder.corpus_digest()
    if collection.description != mark:
        _store_documents(collection, folder)
        Collection.objects.filter(pk=collection.pk).update(description=mark)
    return Prepared(collection, _query_set(collection, folder), collection.documents.count())


def index(collection: Collection) -> Iterator[int]:
    """Apply what is pending, some seconds at a time; yield how many documents each time, until all is searchable.

    Files that cannot be opened any more are written anew. Raises BadDataset where the collection cannot be indexed.
    """
    until = time.monotonic() + _MENDING_SECONDS
    while True:
        report = applier.drain_wait(collection.pk, budget_seconds=2)
        yield report.applied
        collection.refresh_from_db()
        version = collection.active_version()
        problem = collection.last_error or (version.last_error if version else "")
        if problem:
            raise BadDataset(
                _("%(collection)s cannot be indexed: %(why)s") % {"collection": collection, "why": problem}
            )
        if version is None or report.more or version.pending_changes.waiting().exists():
            until = time.monotonic() + _MENDING_SECONDS
        elif not (problem := _cannot_be_opened(version)):
            return
        elif time.monotonic() > until:
            raise BadDataset(
                _("%(collection)s cannot be searched: %(why)s") % {"collection": collection, "why": problem}
            )


def _cannot_be_opened(version: IndexVersion) -> str:
    """Return which part cannot be opened and why; trying to has told the worker's code to write it anew."""
    opened = open_version(version)
    return (opened.lexical_problem or opened.dense_problem) if version.chunks else ""


def _store_documents(collection: Collection, folder: BeirFolder) -> None:
    there = set(collection.documents.values_list("external_id", flat=True))
    strangers = there - {document.external_id for document in folder.documents()} if there else set()
    if strangers:
        raise BadDataset(
            _("Collection %(slug)s has documents that %(folder)s has not, %(one)s for one. Name another collection.")
            % {"slug": collection.slug, "folder": folder.path, "one": min(strangers)}
        )
    rows = folder.documents()
    while batch := list(islice(rows, _AT_ONCE)):
        write_documents(collection, [_write(row) for row in batch], Rights(create=True, replace=True))


def _write(row: SourceText) -> DocumentWrite:
    title = row.title[: Document._meta.get_field("title").max_length]
    return DocumentWrite(row.external_id, {"title": title, "body": row.body})


def _query_set(collection: Collection, folder: BeirFolder) -> EvaluationQuerySet:
    values = {"source": EvaluationQuerySet.Source.IMPORT}
    query_set = EvaluationQuerySet.objects.get_or_create(collection=collection, name=folder.path.name, defaults=values)[
        0
    ]
    mark = _READ_FROM + folder.queries_digest()
    if query_set.description != mark:
        query_set.queries.all().delete()
        judgments.store(query_set, (query for query in folder.queries() if query.text.strip()))
        query_set.description = mark
        query_set.save(update_fields=["description"])
    return query_set
