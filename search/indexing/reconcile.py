"""Mends what a comparison of database and index finds, and encodes no text that has a vector already.

Documents are queued again, manifests are counted again, files are written again from the database's vectors.
Nothing here decides what differs: that is the comparison's work.
"""

from collections.abc import Iterable

from django.db.models import Max

from search.indexing import lexical_feed, segments
from search.indexing.applier import drain
from search.indexing.checking import check as check_version
from search.indexing.drift_report import DriftReport
from search.indexing.leases import Lease, hold
from search.indexing.requests import enqueue
from search.models import Chunk, Collection, Document, IndexedDocument, IndexVersion, Segment

_BUDGET_SECONDS = 3600.0


class NoSuchVersion(Exception):
    """The collection has no version of that number whose rows are still there."""


def check_all(collection: Collection, *, number: int | None = None) -> list[DriftReport]:
    """Compare the active version and every candidate, or the version `number`. Raises NoSuchVersion."""
    versions = _chosen(collection, number)
    return [check_version(version) for version in versions] or [_without_version(collection)]


def repair_all(collection: Collection, *, number: int | None = None) -> list[DriftReport]:
    """Mend the active version and every candidate, or the version `number`. Raises NoSuchVersion and LeaseBusy."""
    if number is None:
        drain(collection.pk, budget_seconds=_BUDGET_SECONDS)  # which may bring a first version
    reports = []
    for version in _chosen(collection, number):
        version.refresh_from_db()
        reports.append(repair_version(version))
    return reports or [_without_version(collection)]


def check(collection: Collection) -> DriftReport:
    """Compare the collection's active version with its documents."""
    version = collection.active_version()
    return check_version(version) if version is not None else _without_version(collection)


def repair(collection: Collection) -> DriftReport:
    """Mend what a check of the active version finds and return the report of another one. Raises LeaseBusy."""
    drain(collection.pk, budget_seconds=_BUDGET_SECONDS)
    version = collection.active_version()
    return repair_version(version) if version is not None else _without_version(collection)


def repair_version(version: IndexVersion) -> DriftReport:
    """Mend what a check of this version finds and return the report of another one. Raises LeaseBusy.

    A retired version has its files written again; documents that it lacks come with a rollback.
    """
    fed = version.state in IndexVersion.FED_STATES
    with hold(version.collection_id) as lease:
        _mend_manifest(version, lease)
    if fed:
        drain(version.collection_id, budget_seconds=_BUDGET_SECONDS)
        version.refresh_from_db()
    report = check_version(version)
    if report.clean:
        return report
    if fed:
        with hold(version.collection_id):
            _requeue(version, report)
        drain(version.collection_id, budget_seconds=_BUDGET_SECONDS)
        version.refresh_from_db()
    with hold(version.collection_id) as lease:
        _write_again(version, report, lease)
    if fed:
        drain(version.collection_id, budget_seconds=_BUDGET_SECONDS)
    version.refresh_from_db()
    with hold(version.collection_id) as lease:
        _recount(version, lease)
    return check_version(version)


def mend(version: IndexVersion, report: DriftReport) -> None:
    """Mend what a comparison has found, but leave it to the worker to apply what is queued. Raises LeaseBusy."""
    with hold(version.collection_id) as lease:
        version.refresh_from_db()
        _mend_manifest(version, lease)
        if version.state in IndexVersion.FED_STATES:
            _requeue(version, report)
        version.refresh_from_db()
        _write_again(version, report, lease)
        _recount(version, lease)


def _chosen(collection: Collection, number: int | None) -> list[IndexVersion]:
    if number is None:
        return list(collection.index_versions.fed().order_by("number"))
    version = collection.index_versions.filter(number=number, pruned_at=None).first()
    if version is None:
        raise NoSuchVersion(f"Collection {collection.slug} has no version {number}, or it has been pruned.")
    return [version]


def _without_version(collection: Collection) -> DriftReport:
    report = DriftReport(collection.slug)
    if collection.documents.published().exists():
        report.problems.append("There is no active index version.")
    return report


def _requeue(version: IndexVersion, report: DriftReport) -> None:
    """Queue documents that differ, and forget what the version claims to hold of them."""
    wanted = {*report.missing, *report.stale, *report.ghosts, *_documents_of(report.chunks_without_vector)}
    ids = sorted(wanted)
    held = IndexedDocument.objects.filter(version=version)
    for at in range(0, len(ids), 500):
        part = ids[at : at + 500]
        revisions = dict(Document.objects.filter(pk__in=part).values_list("pk", "revision"))
        held.filter(document__in=part).update(content_hash="")
        for pk in part:
            held.get_or_create(
                version=version, document_id=pk, defaults={"revision": 0, "content_hash": "", "chunk_count": 0}
            )
        enqueue(version, [(pk, revisions.get(pk, 0)) for pk in part])


def _documents_of(chunk_ids: Iterable[int]) -> set[int]:
    pks = list(chunk_ids)
    found: set[int] = set()
    for at in range(0, len(pks), 500):
        found.update(Chunk.objects.filter(pk__in=pks[at : at + 500]).values_list("document_id", flat=True))
    return found


def _mend_manifest(version: IndexVersion, lease: Lease) -> None:
    """Let the tail begin where the segments end."""
    lease.renew()
    chunks = Chunk.objects.filter(version=version)
    sealed_to = version.segments.aggregate(last=Max("last_id"))["last"] or 0
    lost = chunks.live().filter(pk__gt=sealed_to, pk__lte=version.sealed_to)
    if version.sealed_to < sealed_to or lost.exists():
        IndexVersion.objects.filter(pk=version.pk).update(sealed_to=sealed_to)
        segments.next_generation(version)


def _recount(version: IndexVersion, lease: Lease) -> None:
    """Count anew what is otherwise counted change by change."""
    lease.renew()
    chunks = Chunk.objects.filter(version=version)
    IndexVersion.objects.filter(pk=version.pk).update(
        chunks=chunks.live().count(),
        removed_chunks=Chunk.objects.dead(version).count(),
        documents=IndexedDocument.objects.filter(version=version).count(),
    )
    version.refresh_from_db()


def _write_again(version: IndexVersion, report: DriftReport, lease: Lease) -> None:
    """Write segments and the lexical index anew where the report says so, all from the database."""
    # A row that says nothing true must not keep a name that another segment turns out to have.
    for first_id, last_id in report.intervals:
        for segment in version.segments.filter(last_id__gte=first_id, first_id__lte=last_id):
            version.segments.filter(pk=segment.pk).update(sha256=f"-{segment.pk}", state=Segment.State.DAMAGED)
    for first_id, last_id in report.intervals:
        segments.rewrite(version, lease, first_id, last_id)
    if report.lexical_anew:
        IndexVersion.objects.filter(pk=version.pk).update(lexical_files={})
    version.refresh_from_db()
    if lexical_feed.is_behind(version):
        lexical_feed.catch_up(version, lease)
