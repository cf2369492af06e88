"""Brings index versions up to date with the corpus: takes pending changes, does what the plan says, publishes.

The only writer of chunks, embeddings and index files, and only while holding the collection's lease. Each
step can be killed at any point and done again. Attempts are counted before the work, so that a document that
kills the worker ends in quarantine; a document that was being worked on when that happened is tried alone.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Length
from django.utils import timezone

from search import registry
from search.chunking.coverage import coverage
from search.conf import conf
from search.datatypes import TextChunk
from search.embedding.base import EncoderUnavailable
from search.engines.base import IndexDamaged
from search.failpoints import failpoint
from search.fingerprints import content_hash
from search.indexing import builder, chunk_rows, lexical_feed, segments, version_files
from search.indexing.encoding import encode_missing
from search.indexing.leases import Lease, LeaseBusy, LeaseLost, hold
from search.indexing.plan import DocumentNow, Outcome, decide
from search.indexing.stoppages import STOPPAGES, in_words
from search.lexical.tantivy_index import LexicalDamaged
from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange

if TYPE_CHECKING:
    from search.models.pending_changes import PendingChangeQuerySet

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What was done: changes applied, whether more is waiting that can be done now, and in which collections."""

    applied: int = 0
    more: bool = False
    unfinished: tuple[int, ...] = ()


@dataclass(slots=True)
class Work:
    """One pending change on its way through a batch."""

    pending: PendingChange
    document: Document | None
    outcome: Outcome
    content_hash: str = ""
    encoded_at: datetime | None = None
    chunks: list[TextChunk] = field(default_factory=list)
    error: str = ""
    again: bool = False  # whatever the indexes hold of it is not to be relied on


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
    fed = IndexVersion.objects.fed().filter(collection=collection_id, last_error="")
    return PendingChange.objects.due(timezone.now()).filter(version__in=fed).exists()


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
        claimed = _claim(version)
        if claimed:
            count = _apply(version, claimed, lease)
            if version.state == IndexVersion.State.ACTIVE:  # a candidate is compacted as a whole at its end
                segments.step(version, lease, urgent_only=True)
            return count, True
        if not version.lexical_files or version.lexical_generation < version.generation:
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


def _claim(version: IndexVersion) -> list[PendingChange]:
    """Take the next changes to work on, counting the attempt first."""
    settings = conf()
    now = timezone.now()
    due = version.pending_changes.due(now).order_by("pk")
    if due.filter(attempts__gte=settings.MAX_ATTEMPTS).exists():
        _quarantine(due.filter(attempts__gte=settings.MAX_ATTEMPTS))
    fresh = list(due.filter(attempts=0)[: settings.APPLY_BATCH_DOCUMENTS])
    claimed = _bounded(fresh, settings.APPLY_BATCH_CHARS) or list(due.filter(attempts__gt=0)[:1])
    if claimed:
        version.pending_changes.filter(pk__in=[row.pk for row in claimed]).update(attempts=F("attempts") + 1)
        for row in claimed:
            row.attempts += 1
        failpoint("apply.claimed")
    return claimed


def _quarantine(exhausted: "PendingChangeQuerySet") -> None:
    """Stop trying documents whose every attempt ended without even an error: they end the worker itself."""
    reason = Case(
        When(last_error="", then=Value("The worker stopped each time while it was indexing this document.")),
        default=F("last_error"),
        output_field=TextField(),
    )
    exhausted.update(quarantined=True, last_error=reason)


def _bounded(rows: list[PendingChange], most_chars: int) -> list[PendingChange]:
    """Return as many of the first rows as have `most_chars` of text together, but at least one."""
    documents = Document.objects.filter(pk__in=[row.document_id for row in rows])
    lengths = dict(documents.values_list("pk", Length("body")))
    total = 0
    for count, row in enumerate(rows):
        total += lengths.get(row.document_id, 0)
        if total > most_chars and count:
            return rows[:count]
    return rows


def _apply(version: IndexVersion, claimed: Sequence[PendingChange], lease: Lease) -> int:
    """Apply one batch and publish it; return how many of its changes are done."""
    try:
        return _apply_claimed(version, claimed, lease)
    except OSError:  # a full disk is no document's fault, however often it is met
        _unclaim(version, claimed)
        raise


def _apply_claimed(version: IndexVersion, claimed: Sequence[PendingChange], lease: Lease) -> int:
    batch = _planned(version, claimed)
    content = [work for work in batch if work.outcome is Outcome.CONTENT]
    unavailable: EncoderUnavailable | None = None
    try:
        _chunk(version, content)
        failpoint("apply.chunked")
        _encode(version, content, lease)
        failpoint("apply.encoded")
    except EncoderUnavailable as error:
        unavailable = error
        _unclaim(version, [work.pending for work in content])
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


def _planned(version: IndexVersion, claimed: Sequence[PendingChange]) -> list[Work]:
    ids = [row.document_id for row in claimed]
    documents = Document.objects.in_bulk(ids)
    held = dict(
        IndexedDocument.objects.filter(version=version, document__in=ids).values_list("document_id", "content_hash")
    )
    batch = []
    for row in claimed:
        document = documents.get(row.document_id)
        digest = content_hash(document.title, document.body) if document else ""
        published = document is not None and document.state == Document.State.PUBLISHED
        now = DocumentNow(document.collection_id, published, digest) if document else None
        outcome = decide(now, collection_id=version.collection_id, held_content_hash=held.get(row.document_id))
        batch.append(Work(row, document, outcome, digest, again=held.get(row.document_id) == ""))
    return batch


def _chunk(version: IndexVersion, content: Iterable[Work]) -> None:
    chunker = None
    for work in content:
        if chunker is None:
            encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
            chunker = registry.chunker_for(encoder, version.chunking)
        if work.document is None:
            continue
        most = conf().MAX_DOCUMENT_CHARS
        if len(work.document.body) > most:
            work.error = f"The text has {len(work.document.body):,} characters; at most {most:,} are indexed."
            continue
        try:
            work.chunks = chunker.split(work.document.title, work.document.body)
        except EncoderUnavailable:
            raise
        except Exception as error:  # one bad document must not stop the others
            logger.exception("Chunking of document %s failed", work.pending.document_id)
            work.error = f"Chunking failed: {type(error).__name__}: {error}"


def _encode(version: IndexVersion, content: Iterable[Work], lease: Lease) -> None:
    works = [work for work in content if not work.error]
    texts = {chunk.text_hash: chunk.encoded_text for work in works for chunk in work.chunks}
    failed = encode_missing(version, texts, lease)
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
    now = timezone.now()
    for work in batch:
        if work.document is None or work.outcome not in (Outcome.METADATA, Outcome.CONTENT):
            continue
        values = {
            "revision": work.document.revision,
            "content_hash": work.content_hash,
            "queued_at": work.pending.created_at,
            "encoded_at": work.encoded_at,
            "indexed_at": now,
            "visible_at": None,
        }
        if work.outcome is Outcome.CONTENT:
            values["chunk_count"] = len(work.chunks)
            values["tokens"] = sum(chunk.tokens for chunk in work.chunks)
            values["coverage"] = coverage(work.document.body, ((chunk.start, chunk.end) for chunk in work.chunks))
            _, created = rows.update_or_create(version=version, document_id=work.document.pk, defaults=values)
            change += created
        else:
            rows.filter(document=work.document.pk).update(**values)
    # Counted by what changes: counting the rows would cost more with every document.
    IndexVersion.objects.filter(pk=version.pk).update(documents=F("documents") + change)


def _note_failures(version: IndexVersion, failures: Iterable[Work]) -> None:
    settings = conf()
    for work in failures:
        last = work.pending.attempts >= settings.MAX_ATTEMPTS
        wait = timedelta(seconds=settings.RETRY_SECONDS * 2 ** (work.pending.attempts - 1))
        version.pending_changes.filter(pk=work.pending.pk).update(
            last_error=work.error, quarantined=last, not_before=timezone.now() + wait
        )


def _unclaim(version: IndexVersion, claimed: Iterable[PendingChange]) -> None:
    """Give back an attempt that did not begin, or that ended through no fault of its document."""
    rows = version.pending_changes.filter(pk__in=[row.pk for row in claimed], attempts__gt=0)
    rows.update(attempts=F("attempts") - 1)
