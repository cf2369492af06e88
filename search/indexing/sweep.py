"""Finds work that no message announced: after a crash, a lost message, a broker that was down, a bulk write."""

import logging
import time

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from search.conf import conf
from search.indexing import builder, drift, retention, segments, version_files
from search.indexing.applier import DrainReport, drain
from search.indexing.leases import LeaseBusy, LeaseLost, hold
from search.lexical.analysis import RECIPE
from search.models import Collection, IndexVersion, PendingChange, Segment

logger = logging.getLogger(__name__)

_TURN_SECONDS = 2.0


def serve(*first: int, budget_seconds: float | None = None) -> DrainReport:
    """Do what is waiting in any collection, in turns, until nothing is left or the budget is spent.

    Turns are short and `first` only go first, so that a few saves never wait for another collection's bulk. They
    get a turn in any case: merging and measuring wait without a row that says so.
    """
    deadline = time.monotonic() + (conf().TASK_BUDGET_SECONDS if budget_seconds is None else budget_seconds)
    applied = 0
    unfinished = list(first)
    while ids := list(dict.fromkeys([*unfinished, *collections_with_work()])):
        turns = {pk: _turn(pk) for pk in ids}
        applied += sum(turn.applied for turn in turns.values())
        if not any(turn.applied or turn.more for turn in turns.values()):
            return DrainReport(applied)  # what is left waits for somebody else, or for its encoder
        unfinished = [pk for pk in ids if turns[pk].more]
        if time.monotonic() > deadline:
            return DrainReport(applied, more=True, unfinished=tuple(unfinished))
    return DrainReport(applied)


def sweep() -> DrainReport:
    """Find work that no message announced, also in missing files; seal and merge; clear away what is old."""
    for version in IndexVersion.objects.fed():
        if version_files.files_are_missing(version):
            _note_missing(version)
    fed = IndexVersion.objects.fed()
    report = serve(*{v.collection_id for v in fed if segments.due(v) is not None or builder.has_next(v)})
    for version in IndexVersion.objects.filter(pruned_at=None):
        segments.remove_orphans(version)
    segments.remove_files_of_deleted_versions()
    retention.clear_away(budget_seconds=_TURN_SECONDS)
    drift.step(budget_seconds=_TURN_SECONDS)
    return report


def collections_with_work() -> list[int]:
    """Return the collections for which something is to be done now."""
    fed = IndexVersion.objects.fed().filter(collection=OuterRef("pk"))
    due = PendingChange.objects.due(timezone.now()).filter(version__in=IndexVersion.objects.fed().values("pk"))
    unfinished = (
        Q(lexical_generation__lt=F("generation"))
        | Q(lexical_files={})
        | Q(lexical_files__recipe__isnull=True)
        | ~Q(lexical_files__recipe=RECIPE)
        | Q(filled_to__isnull=False)
        | Q(state=IndexVersion.State.BUILDING)
        | (~Q(last_error="") & ~Q(state=IndexVersion.State.READY))
    )
    damaged = Segment.objects.filter(state=Segment.State.DAMAGED, version__state__in=IndexVersion.FED_STATES)
    wanted = (
        ~Exists(fed)
        | Q(rebuild_requested_at__isnull=False)
        | Exists(due.filter(version__collection=OuterRef("pk")))
        | Exists(fed.filter(unfinished))
        | Exists(damaged.filter(version__collection=OuterRef("pk")))
    )
    return list(Collection.objects.filter(wanted).order_by("pk").values_list("pk", flat=True))


def _turn(collection_id: int) -> DrainReport:
    try:
        return drain(collection_id, budget_seconds=_TURN_SECONDS)
    except Exception:  # one collection's trouble must not keep the others waiting
        logger.exception("Indexing collection %s failed", collection_id)
        return DrainReport()


def _note_missing(version: IndexVersion) -> None:
    """Mark what is missing, so that the version's next turn writes it again; unless somebody is at it."""
    try:
        with hold(version.collection_id) as lease:
            version_files.mark_missing(version, lease)
    except (LeaseBusy, LeaseLost) as error:
        logger.warning("%s", error)
