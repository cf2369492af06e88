"""Brings versions into being: the first one, and candidates built beside the live one, in short steps.

Fill the queue; then, once the applier has applied it: compact, measure, judge, go live. Every step can be
repeated; a killed build goes on where it was. Applying the queue is the applier's work.
"""

import contextlib
import logging
from collections.abc import Iterator

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from search.chunking.base import BadChunkingOptions
from search.embedding.base import EncoderUnavailable
from search.engines.base import BadEngineOptions, IndexDamaged
from search.failpoints import failpoint
from search.files import folder_bytes
from search.indexing import calibrating, gate, gate_checks, lifecycle, measuring, segments, version_files
from search.indexing.leases import Lease, LeaseLost
from search.indexing.stoppages import STOPPAGES
from search.lexical.tantivy_index import LexicalDamaged
from search.models import Collection, IndexVersion, PendingChange, VersionEvent

logger = logging.getLogger(__name__)

_FILL_DOCUMENTS = 2_000
_MOST_CUT_SHORT = 20
_CUT_SHORT = (
    "The worker ended {times} times in the middle of this build (step: {step}). Most likely memory ran out: "
    "give it more, or choose an index type that needs less (docs/index-types.md), and build again. The log says more."
)


def ensure_versions(collection: Collection) -> None:
    """Create the first version, or the candidate that was asked for. A failure is noted on the collection."""
    missing = not collection.index_versions.fed().exists()
    if not missing and collection.rebuild_requested_at is None:
        return
    try:
        lifecycle.create_version(
            collection, user=collection.rebuild_requested_by, activate_when_ready=collection.rebuild_activates
        )
    except (EncoderUnavailable, BadChunkingOptions, BadEngineOptions) as error:
        logger.error("No index version for collection %s: %s", collection.slug, error)
        Collection.objects.filter(pk=collection.pk).update(last_error=str(error))
        return
    failpoint("version.created")
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
    failpoint("fill.committed")
    return True


def finish(version: IndexVersion, lease: Lease) -> bool:
    """Do the next step of a version that has applied everything: compact, measure, judge, go live.

    Returns False when there is nothing left to do, or when changes wait and come first.
    """
    if version.filled_to is not None or version.pending_changes.waiting().exists():
        return False
    if version.state == IndexVersion.State.ACTIVE:
        return _finish_live(version, lease)
    if version.steps_cut_short >= _MOST_CUT_SHORT:
        lifecycle.give_up(version, reason=_CUT_SHORT.format(times=version.steps_cut_short, step=version.step or "-"))
        return False
    with _counted(version):
        return _finish_fed(version, lease)


@contextlib.contextmanager
def _counted(version: IndexVersion) -> Iterator[None]:
    """Count a step as cut short before it is done, and take that back at its end; a killed worker takes nothing back.

    An error that has a way out of its own is an end, too; one that nobody expected is not. The count is of the whole
    build: between two kills in the same place, saves bring small steps that succeed.
    """
    row, count = IndexVersion.objects.filter(pk=version.pk), F("steps_cut_short")
    row.update(steps_cut_short=count + 1)
    try:
        yield
    except (*STOPPAGES, IndexDamaged, LexicalDamaged, LeaseLost):
        row.filter(steps_cut_short__gt=0).update(steps_cut_short=count - 1)
        raise
    row.filter(steps_cut_short__gt=0).update(steps_cut_short=count - 1)


def _finish_fed(version: IndexVersion, lease: Lease) -> bool:
    """Do the next step of a candidate."""
    if version.state == IndexVersion.State.BUILDING:
        if segments.compact_step(version, lease) or _measured_step(version, lease):
            return True
        _become_ready(version, lease)
        return True
    return _finish_candidate(version, lease)


def has_next(version: IndexVersion) -> bool:
    """Tell whether a version that has applied everything has steps before it, which a crash may have cut short."""
    if version.state == IndexVersion.State.ACTIVE:
        return (version.ready_at is None and version.documents > 0) or _unmeasured(version)
    if version.state != IndexVersion.State.READY:
        return version.state == IndexVersion.State.BUILDING
    report = gate.report_of(version)
    return report is None or (report.passed and version.activate_when_ready) or _unmeasured(version)


def _measured_step(version: IndexVersion, lease: Lease) -> bool:
    """Do a step of measuring or calibrating; False when there is none to do."""
    return measuring.step(version, lease) or calibrating.step(version, lease)


def _unmeasured(version: IndexVersion) -> bool:
    return measuring.wanted(version) or calibrating.wanted(version)


def _finish_live(version: IndexVersion, lease: Lease) -> bool:
    """Bring a version that was live from its first document into the shape that a candidate would have."""
    if version.ready_at is None and version.segments.count() > 1 and segments.compact_step(version, lease):
        return True
    if _measured_step(version, lease):
        return True
    if version.ready_at is None and version.documents:
        IndexVersion.objects.filter(pk=version.pk).update(ready_at=timezone.now())
    return False


def _become_ready(version: IndexVersion, lease: Lease) -> None:
    building = IndexVersion.objects.filter(pk=version.pk, state=IndexVersion.State.BUILDING)
    disk_bytes = folder_bytes(version.folder)
    with transaction.atomic():
        lease.renew()
        ready = building.update(
            state=IndexVersion.State.READY, ready_at=timezone.now(), disk_bytes=disk_bytes,
            step="", step_done=0, step_total=0, steps_cut_short=0,
        )  # fmt: skip
        version.refresh_from_db()
        if ready:  # nobody has cancelled it meanwhile
            recall = None if version.recall is None else round(version.recall, 4)
            VersionEvent.objects.record(version, VersionEvent.Kind.READY, recall=recall, rows=version.chunks)
    failpoint("ready.committed")


def _finish_candidate(version: IndexVersion, lease: Lease) -> bool:
    """Judge a ready version that changed since it was judged; let it go live when it was asked to and may."""
    if _measured_step(version, lease):
        return True
    report = gate.report_of(version)
    if report is None and gate_checks.step(version):
        lease.renew()
        return True
    changed = version.changed_at is not None and report is not None and version.changed_at > report.at
    if report is None or (changed and not report.passed):
        report = gate.assess(version)
        failpoint("gate.judged")
        error = "" if report.passed else f"It may not go live: {' '.join(report.refusals)}"
        candidate = IndexVersion.objects.filter(pk=version.pk, state=version.state)  # it may have been given up
        candidate.update(gate=report.as_json(), last_error=error)
        version.refresh_from_db()
        if "files" in report.failed and version_files.mark_damaged(version, lease):
            return True  # written again by the next steps, and judged again
    return report.passed and version.activate_when_ready and _go_live(version)


def _go_live(version: IndexVersion) -> bool:
    """Activate a ready version; False when a change came in between, after which it is tried again."""
    failpoint("publish.before_commit")
    try:
        if not lifecycle.activate(version):
            return False
    except lifecycle.CannotActivate as error:
        logger.info("%s", error)
        return False
    failpoint("publish.committed")
    return True
