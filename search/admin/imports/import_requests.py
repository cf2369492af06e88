"""What the admin's import pages ask, as one call each of the use cases: begin, add files, look, start.

Knows requests' values, not requests; renders nothing.
"""

from collections.abc import Iterable, Iterator
from typing import IO, Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from search import tasks
from search.admin import figures
from search.ingestion import jobs
from search.ingestion import preview as previews
from search.ingestion.jobs import BadImport, ImportOptions
from search.models import Collection, ImportFile, ImportJob
from search.readers.child_process.reader_process import ReadersUnavailable

_CHUNK_BYTES = 1 << 20
_SLUG_CHARS = 80


class BrokenOff(ValueError):
    """A file's bytes ended before they were all there."""


class CannotPreview(ValueError):
    """The files cannot be looked into; the message says why."""


def begin(collection: Collection | None, new_collection: str, *, first: str, others: int, by: User) -> ImportJob:
    """Return a new draft into a collection, or into a new one of this name; named after its files."""
    with transaction.atomic():
        made = bool(new_collection) or collection is None
        if made or collection is None:
            collection = Collection(name=new_collection, slug=_free_slug(new_collection))
            tasks.save_collection(collection, user=by)
        return jobs.create(
            collection, source=ImportJob.Source.UPLOAD, name=_name(first, others), by=by, made_collection=made
        )


def add_stream(job: ImportJob, name: str, stream: IO[bytes], size: int) -> ImportFile:
    """Add a file of `size` bytes as it arrives, never held in memory. Raises BadImport and BrokenOff."""
    return jobs.add_file(job, name, _exactly(stream, size))


def has_file(job: ImportJob, name: str, size: int) -> bool:
    """Tell whether this very file arrived already, so that a repeated upload whose answer was lost is no error."""
    return job.files.filter(name=jobs.clean_name(name), size=size).exists()


def add_files(job: ImportJob, files: "Iterable[UploadedFile[Any]]") -> list[str]:
    """Add the files of a plain form; return why some could not be added. The others go on."""
    problems = []
    for file in files:
        try:
            jobs.add_file(job, file.name or "", file.chunks(_CHUNK_BYTES))
        except BadImport as error:
            problems.append(str(error))
    return problems


def look(job: ImportJob, options: ImportOptions | None = None) -> previews.Preview:
    """Return what a draft would do, with these options from now on. Raises BadImport and CannotPreview."""
    if options is not None:
        jobs.set_options(job, options)
    try:
        return previews.preview(job)
    except ReadersUnavailable as error:
        raise CannotPreview(str(error)) from error
    except OSError as error:
        raise CannotPreview(_("The files cannot be looked into: %s.") % error.strerror) from error


def start(job: ImportJob, options: ImportOptions | None = None, *, dry_run: bool = False) -> None:
    """Start an import, with these options when it is a draft. Raises BadImport."""
    if options is not None:
        jobs.set_options(job, options)
    tasks.start_import(job, dry_run=dry_run)


def _exactly(stream: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while left > 0:
        chunk = stream.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise BrokenOff(_("The upload broke off: %(left)s of %(size)s bytes are missing. Send the file again.") % {
                "left": figures.whole(left), "size": figures.whole(size)
            })  # fmt: skip
        left -= len(chunk)
        yield chunk


def _name(first: str, others: int) -> str:
    if others:
        return _("%(first)s and %(others)s more") % {"first": first, "others": figures.whole(others)}
    return first or _("Import")


def _free_slug(name: str) -> str:
    """Return a slug for a name that no collection has yet; names in any script get one."""
    wanted = slugify(name)[: _SLUG_CHARS - 8] or "collection"
    taken = set(Collection.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)
