"""Same content under another id: found while a batch is written, and dealt with as the job's policy says.

Compares title and body character by character; the hash only finds the candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from search.fingerprints import content_hash
from search.ingestion.document_writes import DocumentWrite
from search.models import Document, DuplicatePair, ImportJob

_BACKFILL = 500


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A write that would make a document with the content of another one, `of`, by its external id."""

    write: DocumentWrite
    of: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch's writes by what may be done with them, each list in the order of the batch."""

    plain: tuple[DocumentWrite, ...]
    duplicates: tuple[Duplicate, ...]


def sort(job: ImportJob, writes: Sequence[DocumentWrite]) -> Sorted:
    """Tell the writes that would create a second document of the same content from all others."""
    known = set(
        Document.objects.filter(
            collection=job.collection_id, external_id__in=[write.external_id for write in writes]
        ).values_list("external_id", flat=True)
    )
    fresh = {write.external_id: _content(write) for write in writes if write.external_id not in known}
    fresh = {external_id: content for external_id, content in fresh.items() if any(content)}
    first = _existing(job, fresh)
    plain: list[DocumentWrite] = []
    duplicates: list[Duplicate] = []
    for write in writes:
        content = fresh.get(write.external_id)
        original = first.setdefault(content, write.external_id) if content else write.external_id
        if original == write.external_id:
            plain.append(write)
        else:
            duplicates.append(Duplicate(write, original))
    return Sorted(tuple(plain), tuple(duplicates))


def with_original(
    job: ImportJob, duplicates: Sequence[Duplicate]
) -> tuple[tuple[Duplicate, ...], tuple[DocumentWrite, ...]]:
    """Return the duplicates whose original was really written, and the writes of those whose original was refused."""
    ids = _ids(job, duplicates)
    return (
        tuple(duplicate for duplicate in duplicates if duplicate.of in ids),
        tuple(duplicate.write for duplicate in duplicates if duplicate.of not in ids),
    )


def linked(job: ImportJob, duplicates: Sequence[Duplicate]) -> list[DocumentWrite]:
    """Return the writes of duplicates that are kept out of the search, each linked to the document it repeats."""
    ids = _ids(job, duplicates)
    return [
        replace(
            duplicate.write,
            values={
                **duplicate.write.values,
                "state": Document.State.ARCHIVED,
                "duplicate_of_id": ids[duplicate.of],
            },
        )
        for duplicate in duplicates
    ]


def note(job: ImportJob, duplicates: Sequence[Duplicate]) -> None:
    """Record the pairs of a batch, after it was written."""
    if not duplicates:
        return
    ids = _ids(job, duplicates)
    state = {
        ImportJob.Duplicates.KEEP.value: DuplicatePair.State.OPEN,
        ImportJob.Duplicates.SKIP.value: DuplicatePair.State.SKIPPED,
        ImportJob.Duplicates.LINK.value: DuplicatePair.State.LINKED,
    }[job.duplicates_policy]
    DuplicatePair.objects.bulk_create(
        [
            DuplicatePair(
                collection_id=job.collection_id,
                first_id=ids[duplicate.of],
                second_id=ids.get(duplicate.write.external_id),
                second_external_id=duplicate.write.external_id,
                kind=DuplicatePair.Kind.EXACT,
                similarity=1.0,
                state=state,
                job_id=job.pk,
            )
            for duplicate in duplicates
        ],
        ignore_conflicts=True,
    )


def decide(pairs: "QuerySet[DuplicatePair]", state: str) -> int:
    """Archive or link the second document of each pair, or keep both, as `state` says; return of how many pairs.

    A pair whose second document was never imported, or is gone, is only marked.
    """
    count = 0
    for pair in pairs.select_related("second"):
        with transaction.atomic():
            if pair.second is not None and state in (DuplicatePair.State.ARCHIVED, DuplicatePair.State.LINKED):
                original = pair.first_id if state == DuplicatePair.State.LINKED else None
                Document.objects.filter(pk=pair.second.pk).update(state=Document.State.ARCHIVED, duplicate_of=original)
            DuplicatePair.objects.filter(pk=pair.pk).update(state=state)
        count += 1
    return count


def fill_hashes(collection_id: int) -> int:
    """Give some documents that were written past the ORM their content's hash; return how many."""
    rows = list(Document.objects.filter(collection=collection_id, content_hash="").order_by()[:_BACKFILL])
    for document in rows:
        digest = content_hash(document.title, document.body)
        Document.objects.filter(pk=document.pk, revision=document.revision).update(content_hash=digest)
    return len(rows)


def _content(write: DocumentWrite) -> tuple[Any, Any]:
    return write.values.get("title", ""), write.values.get("body", "")


def _existing(job: ImportJob, fresh: dict[str, tuple[Any, Any]]) -> dict[tuple[Any, Any], str]:
    """Return the external id of the oldest document with each of these contents."""
    hashes = {content_hash(title, body) for title, body in fresh.values()}
    found = Document.objects.filter(collection=job.collection_id, content_hash__in=hashes).order_by()
    rows = found.only("title", "body", "external_id")  # sorted here: by `id` SQLite would read the whole collection
    return {(row.title, row.body): row.external_id for row in sorted(rows, key=lambda row: -row.pk)}


def _ids(job: ImportJob, duplicates: Sequence[Duplicate]) -> dict[str, int]:
    if not duplicates:
        return {}
    wanted = {item for duplicate in duplicates for item in (duplicate.of, duplicate.write.external_id)}
    rows = Document.objects.filter(collection=job.collection_id, external_id__in=wanted)
    return dict(rows.values_list("external_id", "pk"))
