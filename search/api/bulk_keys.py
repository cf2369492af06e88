"""Bulk requests with an Idempotency-Key: done once, answered alike however often they are sent.

Such a request is a row among the imports, with its counts and the lines that failed. One that broke off, or whose
process was killed, is done again as a whole: what is there already is left as it is.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from search.files import move_into_place, scratch_file
from search.ingestion import jobs, uploads
from search.ingestion.document_writes import Rights
from search.ingestion.job_leases import JobBusy, JobLease, JobLost, hold
from search.ingestion.mapping import FIELDS
from search.models import Collection, ImportFailure, ImportFile, ImportJob
from search.models.imports import COUNTS
from search.storable import storable, storable_json

from .bulk import Batch, LineResult, write_lines
from .bulk_results import SUMMARY, Results
from .exceptions import Conflict
from .json_reading import Line
from .parsers import SentLines

MAX_KEY_CHARS = 255
_BUSY_SECONDS = 5.0
_KEPT_CHARS = 200_000  # of a failed line
_ANSWER = "answer.ndjson"


def idempotency_key(request: Request) -> str:
    """Return the request's Idempotency-Key, empty where it has none. Raises ValidationError."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "")
    if len(key) > MAX_KEY_CHARS or not all("!" <= character <= "~" for character in key):
        detail = _("An Idempotency-Key has 1 to %d visible ASCII characters, such as a UUID.") % MAX_KEY_CHARS
        raise ValidationError({"Idempotency-Key": [detail]})
    return str(key)


def write_once(
    collection: Collection, sent: SentLines, rights: Rights, *, key: str, by: AbstractBaseUser, most: int | None
) -> tuple[IO[bytes], dict[str, int]]:
    """Write the lines, unless the same request has been done; return the results' file and their counts.

    Raises Conflict when the key belongs to another request, or when the same one is being done at this moment.
    """
    job = jobs.create(collection, source=ImportJob.Source.STREAM, name=_("Stream %s") % key, by=by, idempotency_key=key)
    if job.source != ImportJob.Source.STREAM or job.collection_id != collection.pk:
        raise used_otherwise(key)
    try:
        with hold(job.pk) as lease:
            job.refresh_from_db()
            if job.status == ImportJob.Status.FINISHED and _answer(job).exists():
                return _repeated(job, sent, key)
            return _Writing(job, lease, sent).go(collection, rights, most)
    except (JobBusy, JobLost):
        detail = _("A request with the Idempotency-Key %s is being worked on. Send it again in a moment.") % key
        raise Conflict(detail, wait=_BUSY_SECONDS) from None


def used_otherwise(key: str) -> Conflict:
    """Return the refusal of a key that another request has taken."""
    return Conflict(
        _("The Idempotency-Key %s has been used for another request. Choose a new one for each new request.") % key
    )


def _repeated(job: ImportJob, sent: SentLines, key: str) -> tuple[IO[bytes], dict[str, int]]:
    sent.body.read_through()
    if sent.body.sha256 != job.request_sha256:
        raise used_otherwise(key)
    return _answer(job).open("rb"), _summary(job)


class _Writing:
    """One attempt at a request, from its first line to its last."""

    def __init__(self, job: ImportJob, lease: JobLease, sent: SentLines) -> None:
        self.job = job
        self.lease = lease
        self.sent = sent

    def go(self, collection: Collection, rights: Rights, most: int | None) -> tuple[IO[bytes], dict[str, int]]:
        file = self._begin()
        folder = uploads.folder_of(self.job)
        try:
            with scratch_file(folder, ".answer") as scratch:
                with scratch.open("r+b") as handle:
                    results = Results(handle)
                    for batch in write_lines(collection, self.sent.lines, rights, most=most):
                        self._note(file, batch, results.add(result for _line, result in batch))
                    results.close()
                move_into_place(scratch, folder / _ANSWER)
        except BaseException as error:
            self._end(ImportJob.Status.FAILED, file, error=str(error) or type(error).__name__)
            raise
        self._end(ImportJob.Status.FINISHED, file, request_sha256=self.sent.body.sha256)
        return _answer(self.job).open("rb"), results.summary

    def _begin(self) -> ImportFile:
        with transaction.atomic():
            self.lease.write(
                **dict.fromkeys(COUNTS, 0), status=ImportJob.Status.RUNNING, started_at=timezone.now(),
                finished_at=None, error="", cancel_requested=False, files_total=1, files_done=0, bytes_done=0,
                bytes_total=self.sent.body.announced, mapping={name: name for name in FIELDS},
            )  # fmt: skip
            self.job.files.all().delete()
            return ImportFile.objects.create(
                job=self.job, name="lines.jsonl", format="jsonl", tabular=True, status=ImportFile.Status.RUNNING
            )

    def _note(self, file: ImportFile, batch: Batch, counts: Mapping[str, int]) -> None:
        with transaction.atomic():
            ImportFailure.objects.bulk_create(_failure(file, line, result) for line, result in batch if result.errors)
            self.lease.write(
                **{name: F(name) + count for name, count in counts.items()},
                read=F("read") + len(batch),
                bytes_done=self.sent.body.bytes_read,
            )
        if ImportJob.objects.filter(pk=self.job.pk, cancel_requested=True).exists():
            raise Conflict(_("The import was cancelled after line %d. What was written stays.") % batch[-1][0].number)

    def _end(self, status: str, file: ImportFile, *, error: str = "", **values: Any) -> None:
        cancelled = ImportJob.objects.filter(pk=self.job.pk, cancel_requested=True).exists()
        with transaction.atomic():
            ImportFile.objects.filter(pk=file.pk).update(
                status=ImportFile.Status.FAILED if error else ImportFile.Status.FINISHED, error=error,
                size=self.sent.body.bytes_read, sha256=self.sent.body.sha256,
            )  # fmt: skip
            self.lease.write(
                status=ImportJob.Status.CANCELLED if cancelled and error else status, error=error,
                finished_at=timezone.now(), files_done=1, **values,
            )  # fmt: skip


def _failure(file: ImportFile, line: Line, result: LineResult) -> ImportFailure:
    values = line.value if isinstance(line.value, dict) and len(line.raw) <= _KEPT_CHARS else None
    return ImportFailure(
        job_id=file.job_id,
        file=file,
        line=line.number,
        external_id=(result.external_id or "")[:500],
        field=result.errors[0]["pointer"].removeprefix("#").removeprefix("/")[:500],
        reason=" ".join(error["detail"] for error in result.errors),
        original=storable(line.raw[:_KEPT_CHARS].decode(errors="replace")),
        values=storable_json(values),
    )


def _answer(job: ImportJob) -> Path:
    return uploads.folder_of(job) / _ANSWER


def _summary(job: ImportJob) -> dict[str, int]:
    return {name: getattr(job, name) for name in SUMMARY}
