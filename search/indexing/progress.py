"""How far collections are, in a fixed number of queries, for everybody who shows it. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Q

from search.indexing.stoppages import kind
from search.models import Collection, Document, IndexVersion, PendingChange

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet


@dataclass(frozen=True, slots=True)
class CollectionProgress:
    """How far the active version of a collection is behind its published documents."""

    version: int | None
    documents: int
    pending: int
    failed: int
    oldest_pending_since: datetime | None
    last_error: str
    stopped: str = ""  # what sort of stoppage there is while something waits (stoppages.kind); may be told to everybody

    @property
    def up_to_date(self) -> bool:
        """True when waiting longer changes nothing."""
        return self.version is not None and self.pending == 0

    @property
    def indexed(self) -> int:
        """Documents whose newest text can be found; pending removals count against it for a moment."""
        return max(0, self.documents - self.pending - self.failed) if self.version is not None else 0

    @property
    def percent(self) -> int:
        """Share of the documents that need not wait any more, rounded down, 0 to 100."""
        if self.documents == 0:
            return 100 if self.up_to_date else 0
        return max(0, min(100, 100 * (self.documents - self.pending) // self.documents))


@dataclass(frozen=True, slots=True)
class PendingWork:
    """What one version has still to apply, and what it has given up on."""

    waiting: int = 0
    failed: int = 0
    oldest: datetime | None = None


def collection_progress(collection: Collection) -> CollectionProgress:
    """Return how far the collection's active version is."""
    return collection_progresses([collection])[collection.pk]


def collection_progresses(
    collections: Sequence[Collection], *, visible: "DocumentQuerySet | None" = None
) -> dict[int, CollectionProgress]:
    """Return how far each collection's active version is, by the collection's id, in three queries.

    With `visible`, only those documents are counted and no error is told, so that no figure betrays anything
    about the others.
    """
    documents = Document.objects.published() if visible is None else visible
    counted = documents.filter(collection__in=collections).order_by().values_list("collection_id")
    published = dict(counted.annotate(count=Count("pk")))
    versions = {v.collection_id: v for v in IndexVersion.objects.active().filter(collection__in=collections)}
    work = pending_work([version.pk for version in versions.values()], visible=visible)
    return {
        collection.pk: _progress(
            collection, published.get(collection.pk, 0), versions.get(collection.pk), work, tell_errors=visible is None
        )
        for collection in collections
    }


def pending_work(version_ids: Sequence[int], *, visible: "DocumentQuerySet | None" = None) -> dict[int, PendingWork]:
    """Return the pending work of each version that has some, in one query; with `visible`, of these documents only."""
    changes = PendingChange.objects.filter(version__in=version_ids).order_by()
    if visible is not None:
        changes = changes.filter(document__in=visible.order_by())
    rows = changes.values_list("version_id").annotate(
        waiting=Count("pk", filter=Q(quarantined=False)),
        failed=Count("pk", filter=Q(quarantined=True)),
        oldest=Min("created_at", filter=Q(quarantined=False)),
    )
    return {version: PendingWork(waiting, failed, oldest) for version, waiting, failed, oldest in rows}


def _progress(
    collection: Collection,
    documents: int,
    version: IndexVersion | None,
    work: Mapping[int, PendingWork],
    *,
    tell_errors: bool,
) -> CollectionProgress:
    todo = work.get(version.pk, PendingWork()) if version else PendingWork(waiting=documents)
    waiting = todo.waiting
    if version is not None and version.filled_to is not None:  # not every document is queued yet
        waiting = max(waiting, documents - version.documents - todo.failed)
    error = (version.last_error if version else "") or collection.last_error
    return CollectionProgress(
        version=version.number if version else None,
        documents=documents,
        pending=waiting,
        failed=todo.failed,
        oldest_pending_since=todo.oldest,
        last_error=error if tell_errors else "",
        stopped=kind(error) if waiting else "",
    )
