"""Compares one version with the database in short steps: documents, chunks and vectors here, files in checking_files.

Changes nothing. Documents with pending work are on their way and count as such, not as drift. The worker may write
meanwhile: whatever differs is looked at twice. A retired version misses changes by design, so it is compared with
its own rows only. Memory holds a block of rows, the ids of differences and nothing else.
"""

from collections.abc import Generator, Iterable

from django.db.models import Count, Exists, OuterRef
from django.db.models.functions import Length

from search.fingerprints import content_hash
from search.indexing.checking_files import lexical_steps, segment_steps
from search.indexing.drift_report import DriftReport
from search.models import Chunk, Document, Embedding, IndexedDocument, IndexVersion, PendingChange

_BLOCK_DOCUMENTS = 500
_BLOCK_CHARS = 4_000_000
_BLOCK_ROWS = 5_000

Steps = Generator[None, None, None]


def check(version: IndexVersion) -> DriftReport:
    """Compare a version in one go."""
    steps = check_steps(version)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            report: DriftReport = finished.value
            return report


def check_steps(version: IndexVersion) -> Generator[None, None, DriftReport]:
    """Compare a version in short steps; return what differs."""
    report = DriftReport(version.collection.slug, version.number, version.state)
    if version.state in IndexVersion.FED_STATES:
        report.failed = sorted(version.pending_changes.failed().values_list("document_id", flat=True))
        report.pending = version.pending_changes.waiting().count()
        if version.filled_to is None:
            yield from _documents(version, report)
    yield from _holdings(version, report)
    yield from _chunks(version, report)
    report.ghosts = sorted(set(report.ghosts) - set(report.missing))
    report.stale = sorted(set(report.stale) - set(report.missing) - set(report.ghosts))
    yield from segment_steps(version, report)
    yield from lexical_steps(version, report)
    return report


def _documents(version: IndexVersion, report: DriftReport) -> Steps:
    """Compare every published document with what the version says that it holds of it."""
    published = Document.objects.published().filter(collection=version.collection_id).order_by("pk")
    after = 0
    while block := list(published.filter(pk__gt=after).values_list("pk", Length("body"))[:_BLOCK_DOCUMENTS]):
        for pks in _bounded(block):
            report.documents += len(pks)
            missing, stale = _differing(version, pks)
            if missing or stale:
                missing, stale = _differing(version, [*missing, *stale])
            report.missing.extend(missing)
            report.stale.extend(stale)
            yield
        after = block[-1][0]


def _bounded(block: Iterable[tuple[int, int]]) -> Generator[list[int], None, None]:
    """Cut (document, characters) pairs into lists that are short enough to be read at once."""
    pks: list[int] = []
    chars = 0
    for pk, length in block:
        if pks and chars + length > _BLOCK_CHARS:
            yield pks
            pks, chars = [], 0
        pks.append(pk)
        chars += length
    yield pks


def _differing(version: IndexVersion, pks: list[int]) -> tuple[list[int], list[int]]:
    """Return which of these documents are missing and which are stale, in this order of reading: see above."""
    columns = ("pk", "revision", "title", "body")
    published = Document.objects.published().filter(pk__in=pks, collection=version.collection_id)
    now = {pk: (revision, content_hash(title, body)) for pk, revision, title, body in published.values_list(*columns)}
    waiting = set(version.pending_changes.filter(document__in=pks).values_list("document_id", flat=True))
    rows = IndexedDocument.objects.filter(version=version, document__in=pks)
    held = {
        pk: (revision, digest) for pk, revision, digest in rows.values_list("document_id", "revision", "content_hash")
    }
    missing = [pk for pk in now if pk not in held and pk not in waiting]
    stale = [pk for pk in now if pk in held and held[pk] != now[pk] and pk not in waiting]
    return missing, stale


def _holdings(version: IndexVersion, report: DriftReport) -> Steps:
    """Compare what the version says that it holds with its chunks, and find what is not published any more."""
    rows = IndexedDocument.objects.filter(version=version).order_by("document_id")
    after = -1
    while pks := list(rows.filter(document_id__gt=after).values_list("document_id", flat=True)[:_BLOCK_DOCUMENTS]):
        ghosts, incomplete = _unfounded(version, pks)
        if ghosts or incomplete:
            ghosts, incomplete = _unfounded(version, [*ghosts, *incomplete])
        report.ghosts.extend(ghosts)
        report.stale.extend(incomplete)
        after = pks[-1]
        yield


def _unfounded(version: IndexVersion, pks: list[int]) -> tuple[list[int], list[int]]:
    """Return which of these held documents are not published, and which have not the chunks they should have."""
    waiting = PendingChange.objects.filter(version=version, document=OuterRef("document_id"))
    published = Document.objects.published().filter(collection=version.collection_id, pk=OuterRef("document_id"))
    held = IndexedDocument.objects.filter(version=version, document__in=pks).exclude(Exists(waiting))
    ghosts: list[int] = []
    if version.state in IndexVersion.FED_STATES:
        ghosts = list(held.exclude(Exists(published)).values_list("document_id", flat=True))
    live = Chunk.objects.filter(version=version, document__in=pks).live().order_by()
    counts = dict(live.values_list("document_id").annotate(count=Count("pk")))
    expected = held.values_list("document_id", "chunk_count")
    return ghosts, [pk for pk, count in expected if counts.get(pk, 0) != count and pk not in set(ghosts)]


def _chunks(version: IndexVersion, report: DriftReport) -> Steps:
    """Find chunks that belong to no document of the version, and chunks without a usable vector."""
    held = IndexedDocument.objects.filter(version=version, document=OuterRef("document_id"))
    waiting = PendingChange.objects.filter(version=version, document=OuterRef("document_id"))
    rows = Chunk.objects.filter(version=version).live().order_by("pk")
    rows_with_flags = rows.annotate(held=Exists(held), waiting=Exists(waiting))
    after = 0
    while block := list(
        rows_with_flags.filter(pk__gt=after).values_list("pk", "document_id", "text_hash", "held", "waiting")[
            :_BLOCK_ROWS
        ]
    ):
        report.chunks += len(block)
        hashes = (text_hash for _, _, text_hash, _, _ in block)
        known = Embedding.objects.known(version.encoder_fingerprint, hashes, version.dimension)
        report.chunks_without_vector.extend(pk for pk, _, text_hash, _, _ in block if text_hash not in known)
        report.ghosts.extend({document for _, document, _, held, waiting in block if not held and not waiting})
        after = block[-1][0]
        yield
