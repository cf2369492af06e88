"""Small files, read one after the other to be written in one transaction: commits and queries cost more than they do.

Reads nothing that is large, begun or an archive, and writes nothing: what is read here and not written is read again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from search.ingestion import leaving_out, unpacking
from search.ingestion.open_files import Workbench
from search.models import ImportFile, ImportJob
from search.readers.base import FileNotes, Record, UnreadableFile

MOST_FILES = 50
MOST_SECONDS = 2.0
_SMALL_BYTES = 256 << 10
_MOST_BYTES = 4 << 20  # of all together


@dataclass(frozen=True, slots=True)
class SmallFile:
    """A file that was read to its end, or `kind`, as which it is left out, or why it cannot be read."""

    file: ImportFile
    records: Sequence[Record] = ()
    notes: FileNotes = field(default_factory=FileNotes)
    kind: str = ""
    error: UnreadableFile | None = None


def read(job: ImportJob, files: Sequence[ImportFile], bench: Workbench) -> list[SmallFile]:
    """Read the small ones among the first files, up to the first that is not; none when that is the first."""
    until = time.monotonic() + MOST_SECONDS
    result: list[SmallFile] = []
    size = 0
    for file in files:
        size += file.size
        begun = file.cursor or file.status != ImportFile.Status.WAITING
        if begun or file.size > _SMALL_BYTES or size > _MOST_BYTES or time.monotonic() > until:
            break
        item = _read(job, file, bench)
        if item is None:
            break
        result.append(item)
    return result


def _read(job: ImportJob, file: ImportFile, bench: Workbench) -> SmallFile | None:
    """Return a file's records; None for an archive, and for one with too many."""
    if kind := leaving_out.kind_by_name(job, file):
        return SmallFile(file, kind=kind)
    if unpacking.is_archive(file):
        return None
    try:
        opened = bench.open(file, job.encoding)
        batches = list(islice(opened.batches(), 2))
        file.format, file.tabular = opened.format, opened.tabular
        notes = opened.notes
    except UnreadableFile as error:
        return SmallFile(file, error=error)
    finally:
        bench.done()
    return SmallFile(file, batches[0] if batches else (), notes) if len(batches) < 2 else None
