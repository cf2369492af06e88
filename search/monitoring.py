"""What Prometheus is told of this installation: what its processes have counted, and what the rows say now.

Reads only, a handful of queries however large the corpus is. No value tells of a document or of a query; collections
go by their slugs, which whoever may read the metrics learns.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Count, Min, Q
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from search import metrics
from search.conf import conf
from search.models import ImportJob, IndexVersion, PendingChange

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is read when somebody asks; its name lacks the prefix."""

    name: str
    help: str
    labels: tuple[str, ...] = ("collection",)

    @property
    def full_name(self) -> str:
        """Return the name as Prometheus shows it."""
        return metrics.PREFIX + self.name


GAUGES = (
    Gauge("database_up", "1 when the database answered; without it the other gauges are missing.", ()),
    Gauge("disk_free_bytes", "Free room where the data folder is.", ()),
    Gauge("lag_seconds", "How long the oldest waiting change of the live version has waited."),
    Gauge("pending_documents", "Changes that the live version has not applied yet: the queue."),
    Gauge("failed_documents", "Documents in quarantine, which need somebody."),
    Gauge("drift", "Differences that the last comparison of the live version with the database found."),
    Gauge("checked_seconds_ago", "How long ago the live version was compared with the database."),
    Gauge("index_documents", "Documents in the live version."),
    Gauge("index_chunks", "Chunks in the live version."),
    Gauge("index_bytes", "Bytes of the live version's files."),
    Gauge("index_recall", "Recall@10 of the live version, measured against exact search."),
    Gauge("index_stopped", "1 while something stops the live version or a build from being brought up to date."),
    Gauge("index_versions", "Index versions by state.", ("collection", "state")),
    Gauge("import_jobs", "Imports by status.", ("status",)),
)


def exposition(*, now: datetime) -> bytes:
    """Return everything in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Everything(now))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True)
class _Everything:
    now: datetime

    def collect(self) -> Iterable[Any]:
        yield from metrics.collected()
        values = _values(self.now)
        for gauge in GAUGES:
            family = GaugeMetricFamily(gauge.full_name, gauge.help, labels=gauge.labels)
            for labels, value in values.get(gauge.name, ()):
                family.add_metric(labels, value)
            yield family

    def describe(self) -> Iterable[Any]:
        """Return nothing, so that registering reads nothing."""
        return ()


Values = dict[str, list[tuple[Sequence[str], float]]]


def _values(now: datetime) -> Values:
    free = float(shutil.disk_usage(conf().DATA_DIR).free)
    values: Values = {"disk_free_bytes": [((), free)], "database_up": [((), 0.0)]}
    read: Values = {}
    try:
        for name, labels, value in (*_of_live_versions(now), *_of_all_versions(), *_of_imports()):
            if value is not None:
                read.setdefault(name, []).append((labels, float(value)))
    except DatabaseError as error:
        logger.warning("The metrics are without what the database knows: %s", error)
        return values
    return {**values, **read, "database_up": [((), 1.0)]}


_Row = tuple[str, tuple[str, ...], float | None]


def _of_live_versions(now: datetime) -> Iterator[_Row]:
    live = {version.pk: version for version in IndexVersion.objects.active().select_related("collection")}
    changes = PendingChange.objects.filter(version__in=live).order_by().values("version")
    waiting: dict[int, dict[str, Any]] = {row["version"]: dict(row) for row in changes.annotate(
        waiting=Count("pk", filter=Q(quarantined=False)),
        failed=Count("pk", filter=Q(quarantined=True)),
        since=Min("not_before", filter=Q(quarantined=False)),
    )}  # fmt: skip
    for pk, version in live.items():
        labels = (version.collection.slug,)
        queue = waiting.get(pk, {"waiting": 0, "failed": 0, "since": None})
        yield "lag_seconds", labels, _seconds(queue["since"], now) or 0.0
        yield "pending_documents", labels, queue["waiting"]
        yield "failed_documents", labels, queue["failed"]
        yield "drift", labels, version.drift
        yield "checked_seconds_ago", labels, _seconds(version.checked_at, now)
        yield "index_documents", labels, version.documents
        yield "index_chunks", labels, version.chunks
        yield "index_bytes", labels, version.disk_bytes
        yield "index_recall", labels, version.recall


def _of_all_versions() -> Iterator[_Row]:
    versions = IndexVersion.objects.order_by()
    for slug, state, number in versions.values_list("collection__slug", "state").annotate(Count("pk")):
        yield "index_versions", (slug, state), number
    served = versions.filter(state__in=(IndexVersion.State.ACTIVE, IndexVersion.State.BUILDING))
    for slug, stopped in served.values_list("collection__slug").annotate(stopped=Count("pk", filter=~Q(last_error=""))):
        yield "index_stopped", (slug,), min(1, stopped)


def _of_imports() -> Iterator[_Row]:
    for status, number in ImportJob.objects.order_by().values_list("status").annotate(Count("pk")):
        yield "import_jobs", (status,), number


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return max(0.0, (now - since).total_seconds()) if since else None
