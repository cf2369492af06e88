"""Files that are being read: their records in batches, and the reading itself kept from one slice to the next.

A big file is worked on in many slices of some seconds. Reading it again up to the cursor each time would cost more
and more, so the process keeps sandbox and reading where they stopped; a process that has none reads past the cursor.
"""

import contextlib
from collections.abc import Iterator

from search.ingestion import uploads
from search.models import ImportFile
from search.readers.base import FileNotes, Limits, Record
from search.readers.child_process.sandbox import Sandbox

BATCH_RECORDS = 500
_BATCH_CHARS = 4_000_000
_MOST_KEPT = 2

_kept: dict[int, "Workbench"] = {}


class OpenFile:
    """One file on its way through a sandbox. Raises UnreadableFile, here and while it is read."""

    def __init__(self, file: ImportFile, sandbox: Sandbox, encoding: str) -> None:
        self._reading = reading = sandbox.read(uploads.path_of(file), file.name, skip=file.cursor, encoding=encoding)
        self.file_id = file.pk
        self.cursor = file.cursor
        self.format, self.tabular = reading.format, reading.tabular
        self._records = reading.records

    def batches(self) -> Iterator[list[Record]]:
        """Yield the records from the cursor on, some hundred at a time, and fewer where they are long."""
        batch: list[Record] = []
        chars = 0
        for record in self._records:
            batch.append(record)
            chars += len(record.original) + sum(len(v) for v in record.values.values() if isinstance(v, str))
            if len(batch) >= BATCH_RECORDS or chars > _BATCH_CHARS:
                self.cursor += len(batch)
                yield batch
                batch, chars = [], 0
        if batch:
            self.cursor += len(batch)
            yield batch

    @property
    def notes(self) -> FileNotes:
        """What the records so far have shown of the file, from its beginning on."""
        return self._reading.notes

    def close(self) -> None:
        """End the reading."""
        close = getattr(self._records, "close", None)
        if close is not None:
            close()


class Workbench:
    """What one process has open for one job: a sandbox, and the file that it stopped in."""

    def __init__(self, limits: Limits) -> None:
        self._stack = contextlib.ExitStack()
        self.sandbox = self._stack.enter_context(Sandbox(limits))
        self._open: OpenFile | None = None

    def open(self, file: ImportFile, encoding: str) -> OpenFile:
        """Return the file at its cursor; `encoding` as the job has it. Raises UnreadableFile."""
        if self._open is not None and (self._open.file_id, self._open.cursor) != (file.pk, file.cursor):
            self.done()
        if self._open is None:
            self._open = OpenFile(file, self.sandbox, encoding)
        return self._open

    def done(self) -> None:
        """End the reading of the open file, if there is one."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def close(self) -> None:
        """End everything, the child processes too."""
        self.done()
        self._stack.close()


def take(job_id: int, limits: Limits) -> Workbench:
    """Return what the process has kept of a job, or a new workbench."""
    return _kept.pop(job_id, None) or Workbench(limits)


def keep(job_id: int, bench: Workbench) -> None:
    """Keep a workbench for the job's next slice; of too many, the one kept longest is closed."""
    _kept[job_id] = bench
    while len(_kept) > _MOST_KEPT:
        _kept.pop(next(iter(_kept))).close()
