"""What buttons and programs ask of the index, as rows: they cannot be lost, and the worker does them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from search.models.corpus import DocumentQuerySet
    from search.models.pending_changes import PendingChangeQuerySet

_BATCH = 500
RECIPE_FIELDS = ("encoder_name", "encoder_revision", "encoder_runtime", "chunking", "engine", "engine_options")


def save_collection(
    collection: Collection, *, user: "AbstractBaseUser | None" = None, activate_when_ready: bool = True
) -> bool:
    """Save a collection as people changed it; return whether that asked for a candidate.

    A version's recipe never changes. Other encoder, chunking or engine options make a candidate beside the live one.
    """
    with transaction.atomic():
        stored = Collection.objects.select_for_update().filter(pk=collection.pk).values(*RECIPE_FIELDS).first()
        # What the worker writes into the row meanwhile is not to be overwritten.
        columns = [f.name for f in Collection._meta.concrete_fields if f.editable and not f.primary_key]
        collection.save(update_fields=columns if stored is not None else None)
        changed = stored is not None and any(stored[name] != getattr(collection, name) for name in RECIPE_FIELDS)
        wanted = changed and collection.index_versions.fed().exists()
        if wanted:
            request_rebuild(collection, user=user, activate_when_ready=activate_when_ready)
    return wanted


def request_rebuild(
    collection: Collection, *, user: "AbstractBaseUser | None" = None, activate_when_ready: bool = True
) -> None:
    """Ask the worker for a new version built beside the live one."""
    Collection.objects.filter(pk=collection.pk).update(
        rebuild_requested_at=timezone.now(),
        rebuild_requested_by=user.pk if user is not None else None,
        rebuild_activates=activate_when_ready,
    )


def reindex(documents: "DocumentQuerySet") -> int:
    """Queue documents to be chunked and applied again from nothing; return how many.

    Vectors of unchanged texts are kept: they are keyed by the text.
    """
    ids = list(documents.order_by().values_list("pk", flat=True))
    for at in range(0, len(ids), _BATCH):
        batch = Document.objects.filter(pk__in=ids[at : at + _BATCH])
        with transaction.atomic():
            fed = IndexVersion.objects.fed()
            IndexedDocument.objects.filter(document__in=ids[at : at + _BATCH], version__in=fed.values("pk")).update(
                content_hash=""
            )
            for version in fed.filter(collection__in=batch.values("collection")):
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
