"""Where each document is on its way into the index, for the admin and the API. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange


class Stage(StrEnum):
    """Where a document is."""

    INDEXED = "indexed"  # the active version holds its newest revision
    QUEUED = "queued"  # the worker has not come to it yet
    ENCODING = "encoding"  # the worker is at it now, or was when it stopped
    RETRYING = "retrying"  # an attempt did not finish; another follows by itself
    FAILED = "failed"  # in quarantine after the last attempt; needs `retry failed`
    UNPUBLISHED = "unpublished"  # draft or archived: not meant to be found
    WAITING = "waiting"  # the collection has no active version yet


@dataclass(frozen=True, slots=True)
class Way:
    """When the newest revision reached each place; None for a place that it has not reached, or did not need."""

    queued_at: datetime | None = None
    encoded_at: datetime | None = None
    indexed_at: datetime | None = None
    visible_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """From being queued to being found by every search."""
        return seconds_between(self.queued_at, self.visible_at)


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """One document's indexing state; `reason` says why when it is not simply indexed or queued.

    `revision`, `chunks`, `tokens`, `coverage` and `indexed_at` are what the version holds; `way` is that of the newest
    revision. `coverage` is the share of the text that lies in chunks, 1 for all of it.
    """

    stage: Stage
    reason: str = ""
    version: int | None = None
    revision: int | None = None
    chunks: int = 0
    tokens: int | None = None
    coverage: float | None = None
    indexed_at: datetime | None = None
    way: Way = Way()


def seconds_between(earlier: datetime | None, later: datetime | None) -> float | None:
    """Return how long it took from one moment to the next; None while one of them is not known."""
    return max(0.0, (later - earlier).total_seconds()) if earlier and later else None


def document_statuses(documents: Sequence[Document]) -> dict[int, DocumentStatus]:
    """Return the status of each document by its id, in four queries however many there are."""
    collections = {document.collection_id for document in documents}
    versions = {v.collection_id: v for v in IndexVersion.objects.active().filter(collection__in=collections)}
    ids = [document.pk for document in documents]
    active = [version.pk for version in versions.values()]
    pending = {
        (p.version_id, p.document_id): p for p in PendingChange.objects.filter(version__in=active, document__in=ids)
    }
    indexed = {
        (i.version_id, i.document_id): i for i in IndexedDocument.objects.filter(version__in=active, document__in=ids)
    }
    result = {}
    troubles = dict(Collection.objects.filter(pk__in=collections).values_list("pk", "last_error"))
    for document in documents:
        version = versions.get(document.collection_id)
        if version is None:
            result[document.pk] = _without_version(troubles.get(document.collection_id, ""))
        else:
            key = (version.pk, document.pk)
            result[document.pk] = _status(document, version, pending.get(key), indexed.get(key))
    return result


def _without_version(trouble: str) -> DocumentStatus:
    return DocumentStatus(Stage.WAITING, trouble or _("The collection has no active index version yet."))


def _status(
    document: Document, version: IndexVersion, pending: PendingChange | None, indexed: IndexedDocument | None
) -> DocumentStatus:
    held = DocumentStatus(
        Stage.INDEXED,
        version=version.number,
        revision=indexed.revision if indexed else None,
        chunks=indexed.chunk_count if indexed else 0,
        tokens=indexed.tokens if indexed else None,
        coverage=indexed.coverage if indexed else None,
        indexed_at=indexed.indexed_at if indexed else None,
        way=_way(pending, indexed),
    )
    stage, reason = _stage(document, version, pending, indexed)
    return replace(held, stage=stage, reason=reason)


def _way(pending: PendingChange | None, indexed: IndexedDocument | None) -> Way:
    """Return the way of the newest change: that of its pending row, until the index holds what it asks for."""
    if indexed is not None and (pending is None or indexed.queued_at == pending.created_at):
        return Way(indexed.queued_at, indexed.encoded_at, indexed.indexed_at, indexed.visible_at)
    return Way(pending.created_at) if pending is not None else Way()


def _stage(
    document: Document, version: IndexVersion, pending: PendingChange | None, indexed: IndexedDocument | None
) -> tuple[Stage, str]:
    if pending is not None and pending.quarantined:
        return Stage.FAILED, pending.last_error
    if document.state != Document.State.PUBLISHED:
        return Stage.UNPUBLISHED, ""
    if pending is not None:
        return _waiting_stage(pending, version)
    if indexed is None:
        return Stage.FAILED, _("Not in the index and not queued. Run check_index --repair.")
    return Stage.INDEXED, "" if indexed.chunk_count else _("It has neither a title nor text: nothing to find.")


def _waiting_stage(pending: PendingChange, version: IndexVersion) -> tuple[Stage, str]:
    reason = pending.last_error or version.last_error
    if not pending.attempts:
        return Stage.QUEUED, reason
    # The attempt is counted before the work; one that failed has left its reason.
    return (Stage.RETRYING if pending.last_error else Stage.ENCODING), reason
