"""Does an import's work in slices: reads each file in the sandbox, hands its records on batch by batch.

Whatever kills it, the next slice goes on behind the last batch that was written: a file's cursor counts the records
that are done, and they are read past. A file that cannot be read fails by itself, with its reason.
"""

import logging
import time
from collections.abc import Callable, Sequence

from django.db import DataError, IntegrityError, transaction
from django.db.models import F, Sum
from django.utils import timezone

from search.authorship import Author, written_by
from search.conf import conf
from search.ingestion import batches, file_checks, identities, leaving_out, open_files, small_files, unpacking, uploads
from search.ingestion.folders import folder_sync
from search.ingestion.job_leases import JobBusy, JobLease, JobLost, hold
from search.ingestion.limits import limits
from search.ingestion.open_files import OpenFile, Workbench
from search.ingestion.small_files import SmallFile
from search.models import DocumentRevision, ImportFailure, ImportFile, ImportJob, corpus_changed
from search.readers.base import FileNotes, NoDocument, Record, UnreadableFile
from search.readers.child_process.reader_process import ReadersUnavailable

logger = logging.getLogger(__name__)

_REFUSALS = (DataError, IntegrityError, ValueError, TypeError)
"""How a database says that it does not take a row."""

OnBatch = Callable[[ImportJob], None]


def run(job_id: int, *, budget_seconds: float | None = None, on_batch: OnBatch | None = None) -> bool:
    """Work on an import until it is over or the budget is spent; return whether there is more to do.

    Returns False at once when another process is at it, or when it is gone. `on_batch` is called with the job's fresh
    row after each batch.
    """
    deadline = time.monotonic() + (conf().TASK_BUDGET_SECONDS if budget_seconds is None else budget_seconds)
    try:
        with hold(job_id) as lease:
            return _Run(lease, deadline, on_batch).go()
    except (JobBusy, JobLost, ImportJob.DoesNotExist) as error:
        logger.info("Import %s was left: %s", job_id, error)
        return False


class _Run:
    """One slice of work, under the job's lease."""

    def __init__(self, lease: JobLease, deadline: float, on_batch: OnBatch | None) -> None:
        self.lease = lease
        self.deadline = deadline
        self.on_batch = on_batch
        self.job = ImportJob.objects.select_related("collection").get(pk=lease.job_id)

    def go(self) -> bool:
        """Return whether there is more to do."""
        if self.job.is_over or self.job.status == ImportJob.Status.DRAFT or self._cancelled():
            return False
        author = Author(DocumentRevision.How.IMPORT, self.job.created_by_id, str(self.job.pk))
        try:
            with written_by(lambda: author):
                return self._go()
        except (folder_sync.CannotSync, ReadersUnavailable) as error:
            self._end(ImportJob.Status.FAILED, error=str(error))
        except OSError as error:  # a full disk, an unmounted folder: no row is to blame
            logger.exception("Import %s cannot go on", self.job.pk)
            self._end(ImportJob.Status.FAILED, error=f"{type(error).__name__}: {error.strerror or error}")
        return False

    def _go(self) -> bool:
        self._begin()
        bench = open_files.take(self.job.pk, limits())
        more = False
        try:
            more = self._work_on_files(bench)
        finally:
            if more:
                open_files.keep(self.job.pk, bench)
            else:
                bench.close()
        return more

    def _work_on_files(self, bench: Workbench) -> bool:
        """Return whether there is more to do."""
        while files := self._next_files():
            if self._cancelled():
                return False
            small = small_files.read(self.job, files, bench)
            if not (self._write_together(small, bench) if small else self._work(files[0], bench)):
                return not self.job.is_over
            if time.monotonic() > self.deadline:
                return True
        if self.job.source == ImportJob.Source.FOLDER:
            folder_sync.finish(self.job)
        self._end(ImportJob.Status.FINISHED)
        return False

    def _begin(self) -> None:
        if self.job.status == ImportJob.Status.QUEUED:
            if self.job.source == ImportJob.Source.FOLDER:
                folder_sync.prepare(self.job)
            self.lease.write(status=ImportJob.Status.RUNNING, started_at=timezone.now())
            self.job.refresh_from_db()

    def _next_files(self) -> list[ImportFile]:
        todo = self.job.files.filter(status__in=(ImportFile.Status.RUNNING, ImportFile.Status.WAITING))
        return list(todo.select_related("parent").order_by("pk")[: small_files.MOST_FILES])

    def _write_together(self, small: Sequence[SmallFile], bench: Workbench) -> bool:
        """Write small files in one transaction; where the database refuses one of them, each by itself.

        Returns whether they are done with, as `_work`.
        """
        try:
            with transaction.atomic():
                self.lease.write(current_file=small[-1].file.name)
                good = [item for item in small if self._is_good(item)]
                batches.apply(self.job, [(item.file, item.records) for item in good], self.lease)
                self._finish_files([(item.file, item.notes) for item in good])
        except _REFUSALS:
            again = self.job.files.filter(pk__in=[item.file.pk for item in small]).order_by("pk")
            return all(self._work(file, bench) for file in again)
        for item in small:
            self._clear(item.file)
        self._tell()
        return True

    def _is_good(self, item: SmallFile) -> bool:
        """Tell whether a file has something to be written; settle it otherwise."""
        try:
            if item.error is not None:
                raise item.error
            if item.kind:
                self._leave_out(item.file, item.kind)
                return False
            file_checks.check(self.job, item.file, item.records)
            if not item.records:
                file_checks.check_end(item.file)
        except UnreadableFile as error:
            self._give_up(item.file, error)
            return False
        return True

    def _work(self, file: ImportFile, bench: Workbench) -> bool:
        """Return whether the file is done with; False when the budget or the curator's patience ended first."""
        self.lease.write(current_file=file.name)
        if kind := leaving_out.kind_by_name(self.job, file):
            self._leave_out(file, kind)
            self._clear(file)
            self._tell()
            return True
        try:
            if unpacking.is_archive(file):
                unpacking.unpack(self.job, file, bench.sandbox, self.lease, limits())
                return True
            return self._read(file, bench)
        except UnreadableFile as error:
            bench.done()
            self._give_up(file, error)
            self._clear(file)
            self._tell()
            return True

    def _give_up(self, file: ImportFile, error: UnreadableFile) -> None:
        if isinstance(error, NoDocument) and leaving_out.came_with_others(self.job, file):
            self._leave_out(file, error.kind)
        else:
            self._fail(file, str(error))

    def _clear(self, file: ImportFile) -> None:
        """Remove an entry of an archive from the disk, once nothing can bring it back to be read again."""
        kept = self.job.dry_run or file.parent_id is None or file.status == ImportFile.Status.FAILED
        if not kept:
            uploads.remove(file)

    def _read(self, file: ImportFile, bench: Workbench) -> bool:
        opened = bench.open(file, self.job.encoding)
        self._note_format(file, opened)
        for records in opened.batches():
            file_checks.check(self.job, file, records)
            self._apply(file, records)
            self._tell()
            if self._cancelled():
                return False
            if time.monotonic() > self.deadline:
                return False
        file_checks.check_end(file)
        notes = opened.notes
        bench.done()
        self._finish_files([(file, notes)])
        self._clear(file)
        return True

    def _apply(self, file: ImportFile, records: Sequence[Record]) -> None:
        """Write a batch; one that the database refuses is written row by row, so that only the bad ones fail."""
        try:
            batches.apply(self.job, [(file, records)], self.lease)
        except _REFUSALS as error:
            if len(records) > 1:
                for record in records:
                    self._apply(file, [record])
                return
            logger.exception("A row of import %s was refused", self.job.pk)
            reason = f"The database does not take it: {type(error).__name__}: {error}"
            refused = Record(records[0].number, original=records[0].original, error=reason)
            batches.apply(self.job, [(file, [refused])], self.lease)

    def _note_format(self, file: ImportFile, opened: OpenFile) -> None:
        file.format, file.tabular = opened.format, opened.tabular
        ImportFile.objects.filter(pk=file.pk).update(
            format=file.format, tabular=file.tabular, status=ImportFile.Status.RUNNING
        )

    def _finish_files(self, read: Sequence[tuple[ImportFile, FileNotes]]) -> None:
        with transaction.atomic():
            for file, notes in read:
                file.status, file.encoding, file.warnings = (
                    ImportFile.Status.FINISHED,
                    notes.encoding,
                    [*notes.warnings],
                )
                if self.job.source == ImportJob.Source.FOLDER and not self.job.dry_run:
                    folder_sync.file_done(self.job, file)
            files = [file for file, _notes in read]
            ImportFile.objects.bulk_update(files, ["status", "format", "tabular", "encoding", "warnings"])
            self.lease.write(files_done=F("files_done") + len(files), bytes_done=self._bytes_of_done_files())

    def _fail(self, file: ImportFile, reason: str) -> None:
        with transaction.atomic():
            self._mark(file, ImportFile.Status.FAILED, reason)
            ImportFailure.objects.create(job=self.job, file=file, line=None, external_id=file.name, reason=reason)
            self._count_one("failed")

    def _leave_out(self, file: ImportFile, kind: str) -> None:
        with transaction.atomic():
            self._mark(file, ImportFile.Status.LEFT_OUT, kind)
            self._count_one("left_out")

    def _count_one(self, name: str) -> None:
        done = self._bytes_of_done_files()
        self.lease.write(files_done=F("files_done") + 1, bytes_done=done, **{name: F(name) + 1})

    def _mark(self, file: ImportFile, status: str, reason: str) -> None:
        if self.job.source == ImportJob.Source.FOLDER and not self.job.dry_run:
            folder_sync.file_tried(self.job, file)
        file.status = status
        ImportFile.objects.filter(pk=file.pk).update(status=status, error=reason)

    def _bytes_of_done_files(self) -> int:
        over = (ImportFile.Status.FINISHED, ImportFile.Status.FAILED, ImportFile.Status.LEFT_OUT)
        return self.job.files.filter(status__in=over, parent=None).aggregate(bytes=Sum("size"))["bytes"] or 0

    def _cancelled(self) -> bool:
        if not ImportJob.objects.filter(pk=self.job.pk, cancel_requested=True).exists():
            return False
        self._end(ImportJob.Status.CANCELLED)
        return True

    def _end(self, status: str, error: str = "") -> None:
        self.lease.write(status=status, error=error, finished_at=timezone.now(), current_file="")
        self.job.refresh_from_db()
        if status != ImportJob.Status.FAILED:  # that one may be taken up again
            identities.forget(self.job)
        if status == ImportJob.Status.CANCELLED:
            undone = (ImportFile.Status.WAITING, ImportFile.Status.RUNNING)
            self.job.files.filter(status__in=undone).update(status=ImportFile.Status.CANCELLED)
        if not self.job.dry_run:
            if status != ImportJob.Status.FAILED:
                uploads.clear(self.job)
            corpus_changed.send(sender=ImportJob, collection_ids={self.job.collection_id}, using="default")
        if self.on_batch:
            self.on_batch(self.job)

    def _tell(self) -> None:
        if self.on_batch:
            self.job.refresh_from_db()
            self.on_batch(self.job)
