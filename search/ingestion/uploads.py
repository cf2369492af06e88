"""The files of imports on disk: written once, under numbers, and removed when nobody needs them any more.

No name that came with a file ever becomes a path. What a folder import reads stays where it is.
"""

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from search.conf import conf
from search.files import move_into_place, scratch_file
from search.models import ImportFile, ImportJob


class TooLarge(ValueError):
    """The file has more bytes than an import takes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is on disk: where, relative to the folder of imports, its bytes and their hash."""

    stored_at: str
    size: int
    sha256: str


def folder_of(job: ImportJob) -> Path:
    """Return the folder of a job's own files."""
    return conf().DATA_DIR / "imports" / str(job.pk)


def path_of(file: ImportFile) -> Path:
    """Return where a file's bytes are."""
    # An absolute path stays what it is. Reading follows no links, but our own folder may be one.
    return (conf().DATA_DIR / "imports").resolve() / file.stored_at


def store(job: ImportJob, chunks: Iterable[bytes]) -> Stored:
    """Write a file's bytes below the job's folder, complete or not at all. Raises TooLarge."""
    folder = folder_of(job)
    most = conf().IMPORT_MAX_FILE_MB << 20
    digest, size = hashlib.sha256(), 0
    with scratch_file(folder, ".part") as scratch:
        with scratch.open("wb") as handle:
            for chunk in chunks:
                size += len(chunk)
                if size > most:
                    limit = conf().IMPORT_MAX_FILE_MB
                    raise TooLarge(
                        _("The file has more than %(limit)d MB, the most an import takes.") % {"limit": limit}
                    )
                digest.update(chunk)
                handle.write(chunk)
        target = folder / scratch.stem.removeprefix(".writing-")
        move_into_place(scratch, target)
    return Stored(f"{job.pk}/{target.name}", size, digest.hexdigest())


def is_own(file: ImportFile) -> bool:
    """Tell whether the file is a copy that belongs to the job, and not somebody's own."""
    return bool(file.stored_at) and not file.stored_at.startswith("/")


def remove(file: ImportFile) -> None:
    """Remove a file's bytes, if they are the job's own."""
    if is_own(file):
        path_of(file).unlink(missing_ok=True)


def remove_all(job_id: int) -> None:
    """Remove whatever a job has on disk."""
    shutil.rmtree(conf().DATA_DIR / "imports" / str(job_id), ignore_errors=True)


def clear(job: ImportJob) -> None:
    """Remove what an import that is over needs no more: everything but the files that could not be read."""
    if not job.files.filter(status=ImportFile.Status.FAILED).exists():
        remove_all(job.pk)
        return
    for file in job.files.exclude(status=ImportFile.Status.FAILED).iterator():
        remove(file)
