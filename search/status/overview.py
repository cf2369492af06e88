"""The whole answer to "how is it?", for the admin's first page, the API and the command alike. Reads only."""

import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from search.conf import conf
from search.indexing.progress import CollectionProgress, collection_progresses
from search.models import Collection, Document, ImportJob, IndexVersion
from search.status import samples
from search.status.alarms import Alarm, alarms

MOST_COLLECTIONS = 60


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """One collection: how many documents in which state, how far its index is, and its live version."""

    collection: Collection
    states: dict[str, int]
    progress: CollectionProgress
    version: IndexVersion | None


@dataclass(frozen=True, slots=True)
class SearchStatus:
    """Searches of the last 24 hours, those of all collections together, as the worker sampled them."""

    searches: int
    zero_results: int
    p50_seconds: float | None
    p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """How the installation is."""

    at: datetime
    alarms: list[Alarm]
    collections: list[CollectionStatus]
    searches: SearchStatus
    imports_running: int
    disk_free: int
    disk_total: int
    worker_seen_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return what the API and the command say of it."""
        return {
            "at": self.at.isoformat(),
            "alarms": [_alarm(alarm) for alarm in self.alarms],
            "collections": [_collection(one) for one in self.collections],
            "searches": asdict(self.searches),
            "imports_running": self.imports_running,
            "disk_free": self.disk_free,
            "disk_total": self.disk_total,
            "worker_seen_at": self.worker_seen_at.isoformat() if self.worker_seen_at else None,
        }


def overview(now: datetime) -> Overview:
    """Return how the installation is, in a fixed number of queries."""
    disk = shutil.disk_usage(conf().DATA_DIR)
    (day,) = samples.columns(now, hours=24, count=1)
    return Overview(
        at=now,
        alarms=alarms(now),
        collections=of_collections(list(Collection.objects.order_by("name")[:MOST_COLLECTIONS])),
        searches=SearchStatus(day.searches or 0, day.zero_results or 0, day.p50_seconds, day.p95_seconds),
        imports_running=ImportJob.objects.unfinished().count(),
        disk_free=disk.free,
        disk_total=disk.total,
        worker_seen_at=samples.worker_seen_at(),
    )


def of_collections(collections: list[Collection]) -> list[CollectionStatus]:
    """Return how these collections are."""
    progresses = collection_progresses(collections)
    live = {
        version.collection_id: version for version in IndexVersion.objects.active().filter(collection__in=collections)
    }
    states: dict[int, dict[str, int]] = {
        collection.pk: dict.fromkeys(Document.State.values, 0) for collection in collections
    }
    counted = Document.objects.filter(collection__in=collections).order_by().values_list("collection_id", "state")
    for collection_id, state, count in counted.annotate(count=Count("pk")):
        states[collection_id][state] = count
    return [
        CollectionStatus(collection, states[collection.pk], progresses[collection.pk], live.get(collection.pk))
        for collection in collections
    ]


def _alarm(alarm: Alarm) -> dict[str, Any]:
    about = alarm.about
    return {
        "severity": alarm.severity.value,
        "code": alarm.code,
        "title": str(alarm.title),
        "reasons": [str(reason) for reason in alarm.reasons],
        "cure": alarm.cure.value,
        "what_to_do": str(alarm.what_to_do),
        "collection": None if about is None else (about if isinstance(about, Collection) else about.collection).slug,
        "index_version": about.pk if isinstance(about, IndexVersion) else None,
        "import_job": about.pk if isinstance(about, ImportJob) else None,
    }


def _collection(one: CollectionStatus) -> dict[str, Any]:
    version, progress = one.version, one.progress
    return {
        "collection": one.collection.slug,
        "states": one.states,
        "indexed": progress.indexed,
        "pending": progress.pending,
        "failed": progress.failed,
        "oldest_pending_since": progress.oldest_pending_since.isoformat() if progress.oldest_pending_since else None,
        "index_version": version.pk if version else None,
        "recall": version.recall if version else None,
        "disk_bytes": version.disk_bytes if version else None,
        "drift": version.drift if version else None,
    }
