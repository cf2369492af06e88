"""What needs somebody: each a sentence, its reasons, and the place where it is mended. Reads only."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from search.conf import conf
from search.health import FREE_WARNING_BYTES, LAG_WARNING_SECONDS
from search.indexing.gate import report_of
from search.indexing.progress import PendingWork, pending_work
from search.models import Collection, Document, ImportJob, IndexVersion, Segment
from search.status import samples

SILENT_AFTER = timedelta(minutes=5)
_RECENT = timedelta(days=1)


class Severity(StrEnum):
    """How much it matters, the worst first."""

    CRITICAL = "critical"  # something that people rely on does not work
    WARNING = "warning"  # it works, and somebody should look


class Cure(StrEnum):
    """Where it is mended; the admin has an address for each."""

    WORKER = "worker"
    DISK = "disk"
    VERSION = "index-version"
    FAILED_DOCUMENTS = "failed-documents"
    QUEUE = "pending-changes"
    COLLECTION = "collection"
    IMPORT = "import-job"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that needs somebody. `about` is what the place of the cure is of, if it is of something."""

    severity: Severity
    code: str
    title: str
    cure: Cure
    what_to_do: str
    reasons: tuple[str, ...] = ()
    about: Collection | IndexVersion | ImportJob | None = None


def alarms(now: datetime) -> list[Alarm]:
    """Return what needs somebody, the worst first."""
    collections = list(Collection.objects.order_by("name"))
    versions = list(IndexVersion.objects.fed().select_related("collection").order_by("pk"))
    found = [
        *_of_the_machine(now),
        *_without_version(collections, versions),
        *_of_versions(versions, now),
        *_of_imports(now),
    ]
    return sorted(found, key=lambda alarm: list(Severity).index(alarm.severity))


def _of_the_machine(now: datetime) -> Iterator[Alarm]:
    free = shutil.disk_usage(conf().DATA_DIR).free
    if free < FREE_WARNING_BYTES:
        title = _("The disk is nearly full: %d MB are free") % (free >> 20)
        cure = _("Delete what retired versions hold, or make room")
        yield Alarm(Severity.CRITICAL, "disk-nearly-full", title, Cure.DISK, cure)
    seen = samples.worker_seen_at()
    if seen is not None and now - seen > SILENT_AFTER:
        at = date_format(localtime(seen), "DATETIME_FORMAT")
        title = _("The worker has given no sign of life since %s") % at
        reason = _("What is saved now is stored, and found only once a worker runs again.")
        cure = _("Start the worker again; see what waits for it")
        yield Alarm(Severity.CRITICAL, "worker-silent", title, Cure.WORKER, cure, (reason,))


def _without_version(collections: Sequence[Collection], versions: Sequence[IndexVersion]) -> Iterator[Alarm]:
    served = {version.collection_id for version in versions}
    bare = [collection.pk for collection in collections if collection.pk not in served]
    published = Document.objects.published().filter(collection__in=bare).order_by()
    with_documents = set(published.values_list("collection_id", flat=True).distinct()) if bare else set()
    for collection in collections:
        reasons = (collection.last_error,) if collection.last_error else ()
        if collection.pk in with_documents:
            title = _("%s has documents and no index version: nobody finds them") % collection
            cure = _("See the collection; the worker makes the first version by itself")
            yield Alarm(Severity.CRITICAL, "no-index-version", title, Cure.COLLECTION, cure, reasons, collection)
        elif reasons:
            title = _("%s: the last thing that was tried did not work") % collection
            cure = _("See the collection")
            yield Alarm(Severity.WARNING, "collection-error", title, Cure.COLLECTION, cure, reasons, collection)


def _of_versions(versions: Sequence[IndexVersion], now: datetime) -> Iterator[Alarm]:
    damaged = set(
        Segment.objects.filter(version__in=versions, state=Segment.State.DAMAGED).values_list("version_id", flat=True)
    )
    work = pending_work([version.pk for version in versions])
    for version in versions:
        yield from _of_queue(version, work.get(version.pk, PendingWork()), now)
        yield from _of_files(version, version.pk in damaged)
        yield from _of_gate(version)


def _of_queue(version: IndexVersion, work: PendingWork, now: datetime) -> Iterator[Alarm]:
    if version.last_error:
        title = _("%s cannot be brought up to date") % version
        reasons = (version.last_error,)
        yield Alarm(
            Severity.CRITICAL, "index-stopped", title, Cure.VERSION, _("See the version"), reasons, version
        )  # fmt: skip
    seconds = 0 if work.oldest is None else round((now - work.oldest).total_seconds())
    going_on = version.changed_at is not None and (now - version.changed_at).total_seconds() < LAG_WARNING_SECONDS
    if version.state == IndexVersion.State.ACTIVE and seconds > LAG_WARNING_SECONDS and not going_on:
        title = ngettext(
            "%(version)s: %(count)d change waits, the oldest for %(minutes)d min",
            "%(version)s: %(count)d changes wait, the oldest for %(minutes)d min",
            work.waiting,
        ) % {"version": version, "count": work.waiting, "minutes": seconds // 60}
        yield Alarm(Severity.WARNING, "lag", title, Cure.QUEUE, _("See what waits"), (), version)
    if version.state == IndexVersion.State.ACTIVE and work.failed:
        title = ngettext(
            "%(collection)s: %(count)d document could not be indexed",
            "%(collection)s: %(count)d documents could not be indexed",
            work.failed,
        ) % {"collection": version.collection, "count": work.failed}
        cure = _("See them with their reasons, and try again")
        yield Alarm(Severity.WARNING, "failed-documents", title, Cure.FAILED_DOCUMENTS, cure, (), version.collection)


def _of_files(version: IndexVersion, damaged: bool) -> Iterator[Alarm]:
    if version.drift:
        title = ngettext(
            "%(version)s: %(count)d difference between database and index",
            "%(version)s: %(count)d differences between database and index",
            version.drift,
        ) % {"version": version, "count": version.drift}
        cure = _("See the version; manage.py check_index --repair mends what can be mended")
        yield Alarm(Severity.WARNING, "drift", title, Cure.VERSION, cure, (), version)
    if damaged:
        reason = _("The worker writes it again from the database; searches leave it out until then.")
        title = _("%s: a file is damaged") % version
        yield Alarm(Severity.CRITICAL, "damaged-file", title, Cure.VERSION, _("See its files"), (reason,), version)


def _of_gate(version: IndexVersion) -> Iterator[Alarm]:
    report = report_of(version) if version.state == IndexVersion.State.READY else None
    if report is not None and not report.passed:
        title = _("%s is ready and may not go live") % version
        reasons = tuple(check.found for check in report.checks if not check.passed)
        cure = _("See its checks, and what to do")
        yield Alarm(Severity.WARNING, "gate-refused", title, Cure.VERSION, cure, reasons, version)


def _of_imports(now: datetime) -> Iterator[Alarm]:
    failed = ImportJob.objects.filter(status=ImportJob.Status.FAILED, changed_at__gt=now - _RECENT)
    for job in failed.select_related("collection").order_by("-pk")[:5]:
        title = _("An import into %s failed") % job.collection
        reasons = (job.error,) if job.error else ()
        yield Alarm(Severity.WARNING, "import-failed", title, Cure.IMPORT, _("See the import"), reasons, job)
