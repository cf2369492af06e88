"""Writes one batch of an import: documents, failures, cursor and counts in one transaction, or nothing of it.

A dry run does the same and takes the documents back, so that its counts are those of the real thing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from search.ingestion import deduplication, identities, row_marks
from search.ingestion.document_writes import DocumentWrite, Outcome, Rights, WriteResult, write_documents
from search.ingestion.folders import folder_documents
from search.ingestion.job_leases import JobLease
from search.ingestion.records import Checked, check
from search.models import ImportFailure, ImportFile, ImportJob
from search.models.corpus import NO_AUDIENCE
from search.readers.base import Record
from search.storable import storable

_RIGHTS = Rights(create=True, replace=True)
_KEPT_CHARS = 200_000  # of a failed row's original and of its values


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of each record of a batch, in order: an outcome's name and, where it failed, why."""

    outcomes: tuple[str, ...]
    problems: tuple[dict[str, str], ...]
    duplicates: int  # how many repeat another document's content, kept or not


def apply(job: ImportJob, read: Sequence[tuple[ImportFile, Sequence[Record]]], lease: JobLease) -> None:
    """Write records of one file, or of several, and move the files' cursors past them. Raises JobLost."""
    checked = [
        (file, item)
        for file, records in read
        for item in _identified(job, file, [check(job, file, record) for record in records])
    ]
    with transaction.atomic():
        lease.write()
        checked = identities.refuse_used(job, checked)
        report = judge(job, [item for _file, item in checked], keep=not job.dry_run)
        identities.keep(job, checked, report.outcomes)
        if not job.dry_run:
            if job.source == ImportJob.Source.FOLDER:
                _note_documents(job, checked)
            row_marks.close(job, _written_rows(checked, report))
        _keep_failures(job, checked, report)
        counts = Counter(report.outcomes)
        counts["duplicates"] = report.duplicates
        lease.write(
            **{name: F(name) + counts[name] for name in counts},
            read=F("read") + len(checked),
            bytes_done=F("bytes_done") + sum(len(item.record.original) for _file, item in checked),
        )
        for number, files in groupby(read, key=lambda piece: len(piece[1])):
            ImportFile.objects.filter(pk__in=[file.pk for file, _records in files]).update(cursor=F("cursor") + number)
    for file, records in read:
        file.cursor += len(records)


def judge(job: ImportJob, checked: Sequence[Checked], *, keep: bool) -> BatchReport:
    """Write what can be written and say what became of each record; without `keep`, take it all back."""
    outcomes: list[str] = ["failed"] * len(checked)
    problems: list[dict[str, str]] = [dict(item.problems) for item in checked]
    at = [position for position, item in enumerate(checked) if item.write is not None]
    writes = [item.write for item in checked if item.write is not None]
    with transaction.atomic():
        results, duplicates = _written(job, writes)
        if not keep:
            transaction.set_rollback(True)
    for position, result in zip(at, results, strict=True):
        if result is None:
            outcomes[position] = "duplicates"
        elif result.outcome is Outcome.UNKNOWN_GROUPS:
            problems[position] = {"groups": _unknown_groups(result)}
        elif result.outcome is Outcome.NO_AUDIENCE:
            problems[position] = {"groups": str(NO_AUDIENCE)}
        else:
            outcomes[position] = result.outcome.value
    return BatchReport(tuple(outcomes), tuple(problems), duplicates)


def _written(job: ImportJob, writes: Sequence[DocumentWrite]) -> tuple[list[WriteResult | None], int]:
    """Return the result of each write (None for one that was skipped as a duplicate) and how many are duplicates."""
    found = deduplication.sort(job, writes)
    results: dict[int, WriteResult | None] = {}

    def put(originals: Sequence[DocumentWrite], changed: Sequence[DocumentWrite]) -> None:
        for original, result in zip(originals, write_documents(job.collection, changed, _RIGHTS), strict=True):
            results[id(original)] = result

    put(found.plain, found.plain)
    duplicates, others = deduplication.with_original(job, found.duplicates)
    again = [duplicate.write for duplicate in duplicates]
    put(others, others)
    if job.duplicates_policy == ImportJob.Duplicates.KEEP:
        put(again, again)
    elif job.duplicates_policy == ImportJob.Duplicates.LINK:
        put(again, deduplication.linked(job, duplicates))
    deduplication.note(job, duplicates)
    return [results.get(id(write)) for write in writes], len(duplicates)


def _identified(job: ImportJob, file: ImportFile, checked: list[Checked]) -> list[Checked]:
    """Give documents of a mirrored folder the ids that they had when their file was first seen."""
    if job.source != ImportJob.Source.FOLDER:
        return checked
    identity = folder_documents.identities(job, file, [item.external_id for item in checked if item.external_id])
    result = []
    for item in checked:
        if not item.external_id:
            result.append(item)
            continue
        try:
            external_id = identity(item.external_id)
        except folder_documents.HeldByAnother as error:
            result.append(identities.held_by(item, error.path))
            continue
        except ValueError as error:
            result.append(Checked(item.record, item.external_id, problems={"external_id": str(error)}))
            continue
        write = item.write and DocumentWrite(external_id, item.write.values, item.write.groups)
        result.append(Checked(item.record, external_id, write, item.problems))
    return result


def _note_documents(job: ImportJob, checked: Sequence[tuple[ImportFile, Checked]]) -> None:
    for file, pieces in groupby(checked, key=lambda piece: piece[0]):
        named = [item for _file, item in pieces if item.external_id]
        folder_documents.note(
            job,
            file,
            [item.external_id for item in named if not item.is_second],
            refused=[item.external_id for item in named if item.is_second],
        )


def _written_rows(checked: Sequence[tuple[ImportFile, Checked]], report: BatchReport) -> list[tuple[Record, str]]:
    """Return the records that got in, each with its document's external id."""
    outcomes = zip(checked, report.outcomes, strict=True)
    return [(item.record, item.external_id) for (_file, item), outcome in outcomes if outcome != "failed"]


def _keep_failures(job: ImportJob, checked: Sequence[tuple[ImportFile, Checked]], report: BatchReport) -> None:
    rows = []
    for (file, item), problems in zip(checked, report.problems, strict=True):
        if problems:
            name, reason = next(iter(problems.items()))
            rows.append(
                ImportFailure(
                    job=job,
                    file=file,
                    line=item.record.number,
                    place=item.record.place,
                    external_id=storable(item.external_id)[:500],
                    field=name,
                    reason="; ".join(f"{field}: {text}" if field else text for field, text in problems.items())
                    if len(problems) > 1
                    else reason,
                    original=item.record.original[:_KEPT_CHARS],
                    values=_kept_values(item.record),
                )
            )
    ImportFailure.objects.bulk_create(rows)


def _kept_values(record: Record) -> dict[str, Any] | None:
    if not record.values or sum(len(str(value)) for value in record.values.values()) > _KEPT_CHARS:
        return None
    return dict(record.values)


def _unknown_groups(result: WriteResult) -> str:
    names = ", ".join(result.unknown_groups)
    return _("No group is called %(names)s. Create it in the admin, or leave it out.") % {"names": names}
