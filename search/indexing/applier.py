"""Brings index versions up to date with the corpus: takes pending changes, does what the plan says, publishes.

The only writer of chunks, embeddings and index files, and only while holding the collection's lease. Each
step can be killed at any point and done again. Attempts are counted before the work, so that a document that
kills the worker ends in quarantine; a document that was being worked on when that happened is tried alone.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from search import metrics
from search.chunking.coverage import coverage
from search.conf import conf
from search.embedding.base import EncoderUnavailable
from search.engines.base import IndexDamaged
from search.failpoints import failpoint
from search.indexing import batches, builder, chunk_rows, claiming, lexical_feed, segments, version_files
from search.indexing.batches import Work
from search.indexing.encoding import encode_missing
from search.indexing.leases import Lease, LeaseBusy, LeaseLost, hold
from search.indexing.plan import Outcome
from search.indexing.stoppages import STOPPAGES, in_words
from search.lexical.tantivy_index import LexicalDamaged
from search.models import Collection, IndexedDocument, IndexVersion, PendingChange

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 30.0
_NOTED = [
    "revision", "content_hash", "chunk_count", "tokens", "coverage",
    "queued_at", "encoded_at", "indexed_at", "visible_at",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What was done: changes applied, whether more is waiting that can be done now, and in which collections."""

    applied: int = 0
    more: bool = False
    unfinished: tuple[int, ...] = ()


def drain(collection_id: int, *, budget_seconds: float | None = None) -> DrainReport:
    """Apply what is pending for a collection until nothing is left or the budget is spent.

    Returns at once when another worker holds the lease: that worker looks again after letting it go.
    """
    deadline = time.monotonic() + (conf().TASK_BUDGET_SECONDS if budget_seconds is None else budget_seconds)
    applied = 0
    while True:
        try:
            with hold(collection_id) as lease:
                count, more = _drain_held(collection_id, lease, deadline)
        except LeaseBusy:
            return DrainReport(applied)
        except LeaseLost as error:
            logger.warning("%s", error)
            return DrainReport(applied, more=True)
        applied += count
        if more or time.monotonic() > deadline or not _has_due(collection_id):
            return DrainReport(applied, more or _has_due(collection_id))


def drain_wait(collection_id: int, *, budget_seconds: float) -> DrainReport:
    """Do as `drain`; when another worker is at it already, give it half a second instead of returning at once."""
    report = drain(collection_id, budget_seconds=budget_seconds)
    if not report.applied and not report.more:
        time.sleep(0.5)
    return report


def _has_due(collection_id: int) -> bool:
    return claiming.is_due(IndexVersion.objects.fed().filter(collection=collection_id, last_error=""), timezone.now())


def _drain_held(collection_id: int, lease: Lease, deadline: float) -> tuple[int, bool]:
    """Return how many changes were applied, and whether the deadline cut it short."""
    collection = Collection.objects.filter(pk=collection_id).first()
    if collection is None:
        return 0, False
    builder.ensure_versions(collection)
    left = collection.index_versions.exclude(state__in=IndexVersion.FED_STATES)
    segments.drop_jobs(left.values_list("pk", flat=True))
    applied = 0
    while True:
        late, unfinished = time.monotonic() > deadline, False
        for version in _fed_active_first(collection_id):
            count, more = _advance(version, lease)
            applied += count
            unfinished = unfinished or more
            if more and not late:
                break  # the live version first, at every step but the last: builds go on however many saves come
        if late or not unfinished:
            return applied, unfinished


def _fed_active_first(collection_id: int) -> list[IndexVersion]:
    active_first = Case(When(state=IndexVersion.State.ACTIVE, then=Value(0)), default=Value(1))
    return list(IndexVersion.objects.fed().filter(collection=collection_id).order_by(active_first, "number"))


def _advance(version: IndexVersion, lease: Lease) -> tuple[int, bool]:
    """Do one step for one version: a piece of its filling, else a batch, else its finish.

    Returns how many changes were applied, and whether there may be another step.
    """
    try:
        if builder.fill(version, lease):
            return 0, True
        claimed = claiming.claim(version, lease)
        if claimed.rows:
            count = _apply(version, claimed, lease)
            if version.state == IndexVersion.State.ACTIVE:  # a candidate is compacted as a whole at its end
                segments.step(version, lease, urgent_only=True)
            return count, True
        if lexical_feed.is_behind(version):
            lexical_feed.catch_up(version, lease)
        segments.forget_removed_tail(version)
        if version.last_error and version.state != IndexVersion.State.READY:
            IndexVersion.objects.filter(pk=version.pk).update(last_error="")
        building = version.state == IndexVersion.State.BUILDING
        return 0, (not building and segments.step(version, lease)) or builder.finish(version, lease)
    except (IndexDamaged, LexicalDamaged) as error:
        logger.error("%s: %s", version, error)
        if version_files.mark_damaged(version, lease):
            return 0, True
        return _stopped(version, error)
    except STOPPAGES as error:
        return _stopped(version, error)


def _stopped(version: IndexVersion, error: Exception) -> tuple[int, bool]:
    """Say what stopped a version through no document's fault; the queue stays, and the sweep tries again."""
    logger.error("Indexing of %s stopped", version, exc_info=error)
    IndexVersion.objects.filter(pk=version.pk).update(last_error=in_words(error))
    return 0, False


def _apply(version: IndexVersion, claimed: claiming.Claimed, lease: Lease) -> int:
    """Apply one batch and publish it; return how many of its changes are done."""
    begun = time.monotonic()
    try:
        count = _apply_claimed(version, claimed.rows, lease)
    except OSError:  # a full disk is no document's fault, however often it is met
        claiming.give_back(version, claimed.rows)
        raise
    claiming.pace.note(version, claimed.chars, time.monotonic() - begun)
    metrics.count("changes_applied", count)
    return count


def _apply_claimed(version: IndexVersion, claimed: Sequence[PendingChange], lease: Lease) -> int:
    batch = batches.planned(version, claimed)
    content = [work for work in batch if work.outcome is Outcome.CONTENT]
    unavailable: EncoderUnavailable | None = None
    try:
        batches.chunk(version, content)
        failpoint("apply.chunked")
        _encode(version, content, lease)
        failpoint("apply.encoded")
    except EncoderUnavailable as error:
        unavailable = error
        claiming.give_back(version, [work.pending for work in content])
        batch = [work for work in batch if work.outcome is not Outcome.CONTENT]
    _note_failures(version, [work for work in batch if work.error])
    good = [work for work in batch if not work.error]
    if good:
        _commit(version, good, lease)
        lexical_feed.catch_up(version, lease, done={work.pending.pk: work.pending.document_id for work in good})
        failpoint("apply.done")
    if unavailable is not None:
        raise unavailable
    return len(good)


def _encode(version: IndexVersion, content: Iterable[Work], lease: Lease) -> None:
    works = [work for work in content if not work.error]
    failed = encode_missing(version, batches.texts_of(works), lease.renew)
    now = timezone.now()
    for work in works:
        work.encoded_at = now
        work.error = next((failed[chunk.text_hash] for chunk in work.chunks if chunk.text_hash in failed), "")


def _commit(version: IndexVersion, batch: Sequence[Work], lease: Lease) -> None:
    """Write the batch's chunks and documents in one transaction, as the version's next generation."""
    failpoint("apply.before_commit")
    wanted = {work.pending.document_id: work.chunks for work in batch if work.outcome is Outcome.CONTENT}
    wanted |= {work.pending.document_id: [] for work in batch if work.outcome is Outcome.REMOVE}
    with transaction.atomic():
        lease.renew()
        step = 1 if wanted else 0
        IndexVersion.objects.filter(pk=version.pk).update(
            generation=F("generation") + step,
            documents_per_second=_rate(version, len(batch)),
            changed_at=timezone.now(),
        )
        version.refresh_from_db()
        if version.state not in IndexVersion.FED_STATES:
            raise LeaseLost(f"{version} has left service.")
        chunk_rows.replace(version, wanted, again={work.pending.document_id for work in batch if work.again})
        _note_documents(version, batch)
    failpoint("apply.committed")


def _rate(version: IndexVersion, count: int) -> float | None:
    """Return documents a second, smoothed over the last batches; a pause begins anew."""
    if version.changed_at is None:
        return None
    seconds = (timezone.now() - version.changed_at).total_seconds()
    if not 0 < seconds < _PAUSE_SECONDS:
        return version.documents_per_second
    before = version.documents_per_second
    return count / seconds if before is None else 0.8 * before + 0.2 * count / seconds


def _note_documents(version: IndexVersion, batch: Sequence[Work]) -> None:
    gone = [work.pending.document_id for work in batch if work.outcome in (Outcome.REMOVE, Outcome.NOTHING)]
    rows = IndexedDocument.objects.filter(version=version)
    change = -rows.filter(document__in=gone).delete()[0]
    stay = [work for work in batch if work.outcome in (Outcome.METADATA, Outcome.CONTENT)]
    held = {row.document_id: row for row in rows.filter(document__in=[work.pending.document_id for work in stay])}
    now = timezone.now()
    noted = [row for work in stay if (row := _noted(version, work, held.get(work.pending.document_id), now))]
    IndexedDocument.objects.bulk_create(
        noted, batch_size=500, update_conflicts=True, unique_fields=["version", "document"], update_fields=_NOTED
    )
    # Counted by what changes: counting the rows would cost more with every document.
    change += len({row.document_id for row in noted} - held.keys())
    IndexVersion.objects.filter(pk=version.pk).update(documents=F("documents") + change)


def _noted(version: IndexVersion, work: Work, held: IndexedDocument | None, now: datetime) -> IndexedDocument | None:
    """Return what the version holds of a document from now on; None if it has nothing of it to begin with."""
    if work.document is None or (work.outcome is Outcome.METADATA and held is None):
        return None
    row = IndexedDocument(
        version=version,
        document_id=work.document.pk,
        revision=work.document.revision,
        content_hash=work.content_hash,
        queued_at=work.pending.created_at,
        encoded_at=work.encoded_at,
        indexed_at=now,
    )
    if work.outcome is Outcome.CONTENT:
        row.chunk_count = len(work.chunks)
        row.tokens = sum(chunk.tokens for chunk in work.chunks)
        row.coverage = coverage(work.document.body, ((chunk.start, chunk.end) for chunk in work.chunks))
    elif held is not None:
        row.chunk_count, row.tokens, row.coverage = held.chunk_count, held.tokens, held.coverage
    return row


def _note_failures(version: IndexVersion, failures: Iterable[Work]) -> None:
    settings = conf()
    for work in failures:
        last = work.pending.attempts >= settings.MAX_ATTEMPTS
        wait = timedelta(seconds=settings.RETRY_SECONDS * 2 ** (work.pending.attempts - 1))
        version.pending_changes.filter(pk=work.pending.pk).update(
            last_error=work.error, quarantined=last, not_before=timezone.now() + wait
        )
