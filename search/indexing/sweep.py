"""Finds work that no message announced: after a crash, a lost message, a broker that was down, a bulk write."""

import logging

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from search.indexing import reconcile, segments
from search.indexing.applier import DrainReport, drain
from search.indexing.leases import LeaseBusy, LeaseLost, hold
from search.models import Collection, IndexVersion, PendingChange, Segment

logger = logging.getLogger(__name__)


def sweep() -> DrainReport:
    """Do whatever is waiting in any collection, mend damage that was noticed, and clear away old files."""
    reports = [_sweep_collection(pk) for pk in collections_with_work()]
    segments.remove_files_of_deleted_versions()
    for version in IndexVersion.objects.all():
        segments.remove_orphans(version)
    return DrainReport(sum(report.applied for report in reports), any(report.more for report in reports))


def collections_with_work() -> list[int]:
    """Return the collections for which something is to be done now."""
    fed = IndexVersion.objects.fed().filter(collection=OuterRef("pk"))
    due = PendingChange.objects.due(timezone.now()).filter(version__in=IndexVersion.objects.fed().values("pk"))
    unfinished = (
        Q(lexical_generation__lt=F("generation"))
        | Q(lexical_files={})
        | Q(filled_to__isnull=False)
        | Q(state=IndexVersion.State.BUILDING)
        | (~Q(last_error="") & ~Q(state=IndexVersion.State.READY))
    )
    damaged = Segment.objects.filter(state=Segment.State.DAMAGED, version__state=IndexVersion.State.ACTIVE)
    wanted = (
        ~Exists(fed)
        | Q(rebuild_requested_at__isnull=False)
        | Exists(due.filter(version__collection=OuterRef("pk")))
        | Exists(fed.filter(unfinished))
        | Exists(damaged.filter(version__collection=OuterRef("pk")))
    )
    return list(Collection.objects.filter(wanted).order_by("pk").values_list("pk", flat=True))


def _sweep_collection(collection_id: int) -> DrainReport:
    try:
        _mend(collection_id)
        return drain(collection_id)
    except LeaseBusy:
        return DrainReport()
    except Exception:  # one collection's trouble must not keep the others waiting
        logger.exception("Sweeping collection %s failed", collection_id)
        return DrainReport()


def _mend(collection_id: int) -> None:
    """Restore files that a reader has found damaged."""
    version = IndexVersion.objects.active().filter(collection=collection_id).first()
    if version is None or not version.segments.filter(state=Segment.State.DAMAGED).exists():
        return
    try:
        with hold(collection_id) as lease:
            reconcile.restore_files(version, lease)
    except LeaseLost as error:
        logger.warning("%s", error)
