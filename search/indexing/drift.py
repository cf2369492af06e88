"""Compares the active versions with the database from time to time, a little in each sweep, and keeps the figure.

A comparison lives in the worker's memory: one that a restart cut off begins again. It reports; only damaged files,
which are copies, are marked here to be written again.
"""

import logging
import time
from collections.abc import Generator
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from search.conf import conf
from search.indexing.checking import check_steps
from search.indexing.drift_report import DriftReport
from search.indexing.leases import LeaseBusy, LeaseLost, hold
from search.indexing.version_files import mark_damaged
from search.models import IndexVersion, PendingChange

logger = logging.getLogger(__name__)

_running: dict[int, Generator[None, None, DriftReport]] = {}


def step(*, budget_seconds: float) -> None:
    """Go on with the comparison that is due, until it is finished or the time is up."""
    deadline = time.monotonic() + budget_seconds
    version = _due()
    if version is None:
        _running.clear()
        return
    for pk in set(_running) - {version.pk}:
        del _running[pk]
    steps = _running.setdefault(version.pk, check_steps(version))
    try:
        while time.monotonic() < deadline:
            next(steps)
    except StopIteration as finished:
        del _running[version.pk]
        keep(version, finished.value)
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


def _due() -> IndexVersion | None:
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
