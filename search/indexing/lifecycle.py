"""The life of index versions: created, activated, retired; and what buttons ask of the index.

Creating a version reads the encoder's files and belongs into the worker; the `request_…` functions only write
a row and are safe in a web request.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from search import registry
from search.conf import conf
from search.indexing.fingerprints import recipe_fingerprint
from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from search.models.corpus import DocumentQuerySet
    from search.models.pending_changes import PendingChangeQuerySet

_BATCH = 500


class CannotActivate(Exception):
    """The version may not go live; the message says what is missing."""


def create_version(
    collection: Collection, *, user: "AbstractBaseUser | None" = None, activate_when_ready: bool = True
) -> IndexVersion:
    """Create the collection's next version; a collection's first is active at once, since it hides nothing.

    Raises EncoderUnavailable, BadChunkingOptions or BadEngineOptions, and then changes nothing.
    """
    settings = conf()
    runtime = collection.encoder_runtime or settings.ENCODER_RUNTIME
    encoder = registry.encoder(collection.encoder_name, collection.encoder_revision, runtime)
    chunker = registry.chunker_for(encoder, collection.chunking)
    registry.engine_for(collection.engine, collection.engine_options)
    recipe = recipe_fingerprint(encoder.fingerprint, chunker.fingerprint)
    with transaction.atomic():
        _wait_for_writers()
        last = collection.index_versions.aggregate(last=Max("number"))["last"] or 0
        first = not collection.index_versions.active().exists()
        now = timezone.now()
        _abandon_candidates(collection, successor=last + 1)
        return IndexVersion.objects.create(
            collection=collection,
            number=last + 1,
            state=IndexVersion.State.ACTIVE if first else IndexVersion.State.BUILDING,
            encoder_name=encoder.name,
            encoder_revision=collection.encoder_revision,
            encoder_runtime=runtime,
            encoder_fingerprint=encoder.fingerprint,
            dimension=encoder.dimension,
            chunking=collection.chunking,
            chunking_fingerprint=recipe,
            engine=collection.engine,
            engine_options=collection.engine_options,
            activate_when_ready=activate_when_ready,
            created_by_id=user.pk if user is not None else None,
            activated_at=now if first else None,
        )


def _abandon_candidates(collection: Collection, *, successor: int) -> None:
    """Give up older candidates: two builds at once would only slow each other down."""
    candidates = collection.index_versions.filter(state__in=[IndexVersion.State.BUILDING, IndexVersion.State.READY])
    PendingChange.objects.filter(version__in=candidates).delete()
    candidates.update(state=IndexVersion.State.FAILED, last_error=f"Superseded by version {successor}.")


def _wait_for_writers() -> None:
    """Let no write slip between a new version and the filling of its queue.

    A transaction that changed a document before this version existed has written no pending row for it, and
    filling the queue would not see the change before it commits. SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE search_document IN SHARE MODE")


def activate(version: IndexVersion) -> None:
    """Put a version live and retire the one before it, in one transaction. Raises CannotActivate."""
    with transaction.atomic():
        current = IndexVersion.objects.select_for_update().get(pk=version.pk)
        if current.state == IndexVersion.State.ACTIVE:
            return
        if current.state not in (IndexVersion.State.BUILDING, IndexVersion.State.READY):
            raise CannotActivate(f"{current} is {current.get_state_display()}; only a ready version can go live.")
        if current.filled_to is not None or current.pending_changes.waiting().exists():
            raise CannotActivate(f"{current} has changes waiting; it can go live when it has applied them all.")
        now = timezone.now()
        current.collection.index_versions.active().update(state=IndexVersion.State.RETIRED, retired_at=now)
        IndexVersion.objects.filter(pk=current.pk).update(state=IndexVersion.State.ACTIVE, activated_at=now)
        retired = PendingChange.objects.filter(
            version__collection=current.collection_id, version__state=IndexVersion.State.RETIRED
        )
        retired.delete()
    version.refresh_from_db()


def request_rebuild(collection: Collection, *, user: "AbstractBaseUser | None" = None) -> None:
    """Ask the worker for a new version built beside the live one. The request is a row and cannot be lost."""
    Collection.objects.filter(pk=collection.pk).update(
        rebuild_requested_at=timezone.now(), rebuild_requested_by=user.pk if user is not None else None
    )


def reindex(documents: "DocumentQuerySet") -> int:
    """Queue documents to be chunked and applied again from nothing; return how many.

    Vectors of unchanged texts are kept: they are keyed by the text.
    """
    ids = list(documents.order_by().values_list("pk", flat=True))
    for at in range(0, len(ids), _BATCH):
        batch = Document.objects.filter(pk__in=ids[at : at + _BATCH])
        with transaction.atomic():
            IndexedDocument.objects.filter(document__in=ids[at : at + _BATCH]).update(content_hash="")
            versions = IndexVersion.objects.fed().filter(collection__in=batch.values("collection"))
            for version in versions:
                mine = batch.filter(collection=version.collection_id).values_list("pk", "revision")
                enqueue(version, mine)
    return len(ids)


def enqueue(version: IndexVersion, documents: Iterable[tuple[int, int]]) -> None:
    """Replace the pending rows of (document id, revision) pairs by fresh ones."""
    rows = [PendingChange(version=version, document_id=pk, revision=revision) for pk, revision in documents]
    with transaction.atomic():
        version.pending_changes.filter(document__in=[row.document_id for row in rows]).delete()
        PendingChange.objects.bulk_create(rows, ignore_conflicts=True)


def retry_failed(pending: "PendingChangeQuerySet") -> int:
    """Take documents out of quarantine and queue them again; return how many."""
    return pending.failed().update(quarantined=False, attempts=0, last_error="", not_before=timezone.now())
