"""Compares the active versions with the database from time to time, a little in each sweep, and keeps the figure.

A comparison lives in the worker's memory: one that a restart cut off begins again. It reports; only damaged files,
which are copies, are marked here to be written again. A comparison that somebody asked for comes first, and mends
what differs where that was asked for, too.
"""

import logging
import time
from collections.abc import Generator
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from search.conf import conf
from search.indexing import reconcile
from search.indexing.checking import check_steps
from search.indexing.drift_report import DriftReport
from search.indexing.leases import LeaseBusy, LeaseLost, hold
from search.indexing.version_files import mark_damaged
from search.models import IndexVersion, PendingChange

logger = logging.getLogger(__name__)

_running: dict[int, tuple[datetime, Generator[None, None, DriftReport]]] = {}
"""Comparisons that have begun, by version, with the time when they did."""


def request(version: IndexVersion, *, repair: bool = False) -> None:
    """Ask for a comparison; with `repair`, what differs is mended and compared once more."""
    now = timezone.now()
    asked = {"check_requested_at": now, **({"repair_requested_at": now} if repair else {})}
    IndexVersion.objects.filter(pk=version.pk).update(**asked)


def step(*, budget_seconds: float) -> None:
    """Go on with the comparison that is due, until it is finished or the time is up."""
    deadline = time.monotonic() + budget_seconds
    version = _due()
    if version is None:
        _running.clear()
        return
    for pk in set(_running) - {version.pk}:
        del _running[pk]
    begun_at, steps = _running.setdefault(version.pk, (timezone.now(), check_steps(version)))
    try:
        while time.monotonic() < deadline:
            next(steps)
    except StopIteration as finished:
        del _running[version.pk]
        keep(version, finished.value)
        _answer_request(version, finished.value, begun_at)
    except BaseException:
        del _running[version.pk]
        raise


def keep(version: IndexVersion, report: DriftReport) -> None:
    """Write a comparison's outcome down, and have damaged files written again."""
    IndexVersion.objects.filter(pk=version.pk).update(
        drift=report.drift, drift_report=report.as_json(), checked_at=timezone.now()
    )
    if report.drift:
        logger.error("%s differs from the database in %d places; run check_index --repair.", version, report.drift)
    if report.damaged_files:
        try:
            with hold(version.collection_id) as lease:
                mark_damaged(version, lease)
        except (LeaseBusy, LeaseLost) as error:
            logger.warning("%s", error)


def _answer_request(version: IndexVersion, report: DriftReport, begun_at: datetime) -> None:
    """Close what was asked for before the comparison began; a repair that had something to mend asks for another one.

    Where the collection is at work, the request stays, and the next sweep begins anew.
    """
    mine = IndexVersion.objects.filter(pk=version.pk)
    repairing = mine.filter(repair_requested_at__lte=begun_at)
    if repairing.exists():
        if report.drift:
            try:
                reconcile.mend(version, report)
            except (LeaseBusy, LeaseLost) as error:
                logger.warning("%s", error)
                return
            repairing.update(repair_requested_at=None, check_requested_at=timezone.now())
            return
        repairing.update(repair_requested_at=None)
    mine.filter(check_requested_at__lte=begun_at).update(check_requested_at=None)


def _due() -> IndexVersion | None:
    """Return the version that is to be compared next: one that somebody asked for, else by `_due_by_itself`."""
    asked_for = IndexVersion.objects.filter(check_requested_at__isnull=False, pruned_at=None)
    return asked_for.order_by("check_requested_at", "pk").first() or _due_by_itself()


def _due_by_itself() -> IndexVersion | None:
    """Return an active version that has not been compared for long; a first time once it has applied everything."""
    seconds = conf().CHECK_SECONDS
    if not seconds:
        return None
    waiting = PendingChange.objects.waiting().filter(version=OuterRef("pk"))
    long_ago = Q(checked_at__lt=timezone.now() - timedelta(seconds=seconds))
    never = Q(checked_at=None, filled_to=None) & ~Exists(waiting)
    candidates = IndexVersion.objects.active().filter(long_ago | never)
    begun = candidates.filter(pk__in=list(_running)).first()
    return begun or candidates.order_by("checked_at", "pk").first()
