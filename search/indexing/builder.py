"""Brings versions into being: the first one, and candidates built beside the live one, in short steps.

Every step can be repeated; a killed build goes on where it was. Applying the queue is the applier's work.
"""

import logging

from django.db import transaction
from django.utils import timezone

from search.chunking.base import BadChunkingOptions
from search.embedding.base import EncoderUnavailable
from search.engines.base import BadEngineOptions
from search.failpoints import failpoint
from search.indexing import lifecycle, segments
from search.indexing.leases import Lease
from search.models import Collection, IndexVersion, PendingChange

logger = logging.getLogger(__name__)

_FILL_DOCUMENTS = 2_000


def ensure_versions(collection: Collection) -> None:
    """Create the first version, or the candidate that was asked for. A failure is noted on the collection."""
    missing = not collection.index_versions.fed().exists()
    if not missing and collection.rebuild_requested_at is None:
        return
    try:
        lifecycle.create_version(collection, user=collection.rebuild_requested_by)
    except (EncoderUnavailable, BadChunkingOptions, BadEngineOptions) as error:
        logger.error("No index version for collection %s: %s", collection.slug, error)
        Collection.objects.filter(pk=collection.pk).update(last_error=str(error))
        return
    Collection.objects.filter(pk=collection.pk, rebuild_requested_at=collection.rebuild_requested_at).update(
        last_error="", rebuild_requested_at=None, rebuild_requested_by=None
    )


def fill(version: IndexVersion, lease: Lease) -> bool:
    """Queue the next documents that existed before the version did; return False once all are queued."""
    if version.filled_to is None:
        return False
    published = version.collection.documents.published().filter(pk__gt=version.filled_to)
    rows = list(published.order_by("pk").values_list("pk", "revision")[:_FILL_DOCUMENTS])
    with transaction.atomic():
        lease.renew()
        PendingChange.objects.bulk_create(
            [PendingChange(version=version, document_id=pk, revision=revision) for pk, revision in rows],
            ignore_conflicts=True,
            batch_size=500,
        )
        version.filled_to = rows[-1][0] if rows else None
        version.save(update_fields=["filled_to"])
    return True


def finish(version: IndexVersion, lease: Lease) -> bool:
    """Make a candidate that has applied everything ready, and live if it was asked to be; tell whether it changed.

    A change that arrives meanwhile keeps it ready; it goes live when that has been applied, too.
    """
    candidate = version.state in (IndexVersion.State.BUILDING, IndexVersion.State.READY)
    if not candidate or version.filled_to is not None or version.pending_changes.waiting().exists():
        return False
    built = version.state == IndexVersion.State.BUILDING
    if built:
        segments.merge(version, lease)
        IndexVersion.objects.filter(pk=version.pk).update(state=IndexVersion.State.READY, ready_at=timezone.now())
        version.refresh_from_db()
    failed = version.pending_changes.failed().count()
    if failed:
        IndexVersion.objects.filter(pk=version.pk).update(
            last_error=f"{failed} documents could not be indexed; retry them or activate the version by hand."
        )
        return built
    return _go_live(version) or built


def _go_live(version: IndexVersion) -> bool:
    """Activate a ready version that was asked to be live; False when it was not, or a change came in between."""
    if not version.activate_when_ready:
        return False
    failpoint("publish.before_commit")
    try:
        lifecycle.activate(version)
    except lifecycle.CannotActivate as error:
        logger.info("%s", error)
        return False
    failpoint("publish.committed")
    return True
