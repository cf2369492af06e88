"""Rows that say of which import's failure they are the mended form: when they get in, that failure is closed.

A downloaded or resent row carries its import, file and line as columns that no document keeps. Whatever a file claims,
only failures of imports into the same collection are closed. Reads no file.
"""

from collections.abc import Sequence
from typing import Any

from search.ingestion.folders import folder_documents
from search.models import ImportFailure, ImportJob
from search.readers.base import Record

IMPORT, FILE, LINE = "_import", "_file", "_line"
_Row = tuple[int, str, int]


def mark_of(failure: ImportFailure) -> dict[str, Any]:
    """Return the columns by which a row is recognised when it comes back; the file's name has to be loaded."""
    return {IMPORT: failure.job_id, FILE: failure.file.name, LINE: failure.line}


def close(job: ImportJob, written: Sequence[tuple[Record, str]]) -> None:
    """Close the failures of the rows that got in, in the transaction that writes them; each with its external id."""
    marked = {row: external_id for record, external_id in written if (row := _row(record)) is not None}
    if not marked:
        return
    failures = ImportFailure.objects.filter(
        job__collection=job.collection_id,
        job__in={number for number, _name, _line in marked},
        line__in={line for _number, _name, line in marked},
    )
    found = [failure for failure in failures.select_related("job", "file") if _place(failure) in marked]
    for failure in found:
        adopt(failure, marked[_place(failure)])
    open_ones = [failure.pk for failure in found if failure.state == ImportFailure.State.OPEN]
    ImportFailure.objects.filter(pk__in=open_ones).update(state=ImportFailure.State.SENT)


def adopt(failure: ImportFailure, external_id: str) -> None:
    """Let the document of a mended row belong to the folder that the row came from, if it came from one."""
    if failure.job.source == ImportJob.Source.FOLDER:
        folder_documents.adopt(failure.job, failure.file, failure.external_id, external_id)


def _place(failure: ImportFailure) -> _Row:
    return failure.job_id, failure.file.name, failure.line or 0


def _row(record: Record) -> _Row | None:
    number, name, line = (record.values.get(column) for column in (IMPORT, FILE, LINE))
    try:
        row = int(number), str(name), int(line)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return row if 0 < row[0] < 2**62 and 0 < row[2] < 2**62 else None
