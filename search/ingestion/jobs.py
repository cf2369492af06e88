"""What people ask of imports: create one, give it files, say what its columns mean, start it, cancel it.

Reads no file's content and writes no document: that is the runner's work (runner.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from search.ingestion import identities, preview, uploads
from search.ingestion import mapping as columns
from search.ingestion.validation import BadValues, check_defaults
from search.models import Collection, ImportFile, ImportJob
from search.models.imports import COUNTS
from search.readers.text.declared_encoding import UnknownEncoding, encoding_named
from search.storable import storable

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


_OPTIONS = ("mapping", "key_column", "defaults", "duplicates_policy", "encoding", "mirror", "delete_most")


class BadImport(ValueError):
    """What was asked of an import cannot be done; `problems` says why, by field ("" for the whole)."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How rows become documents. An empty mapping: as the columns' names suggest."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    key_column: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    duplicates: str = ImportJob.Duplicates.KEEP
    encoding: str = ""  # of texts that do not declare theirs, by any of its names; "" to find it out
    mirror: bool = False
    delete_most: bool = False  # a mirror of a folder that lost more than half of its files


def create(
    collection: Collection,
    *,
    source: str,
    name: str = "",
    folder: str = "",
    options: ImportOptions | None = None,
    by: "AbstractBaseUser | None" = None,
    idempotency_key: str = "",
    request_sha256: str = "",
    made_collection: bool = False,
) -> ImportJob:
    """Return a new draft; with an idempotency key that `by` has used already, the job that it made.

    A collection that was made for it goes with it, as long as it is empty. Raises BadImport for options that cannot be
    used.
    """
    job = ImportJob(
        collection=collection, source=source, name=storable(name)[:500], folder=folder,
        created_by_id=by.pk if by is not None else None,
        idempotency_key=idempotency_key, request_sha256=request_sha256, made_collection=made_collection,
    )  # fmt: skip
    _apply_options(job, options or ImportOptions())
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError:
        return ImportJob.objects.get(created_by_id=job.created_by_id, idempotency_key=idempotency_key)
    return job


def set_options(job: ImportJob, options: ImportOptions) -> None:
    """Change how a job's rows become documents, before it starts. Raises BadImport."""
    _apply_options(job, options)
    changed = {name: getattr(job, name) for name in _OPTIONS}
    if not ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.DRAFT).update(**changed):
        raise BadImport({"": _("The import has started; its settings cannot be changed any more.")})


def add_file(job: ImportJob, name: str, chunks: Iterable[bytes]) -> ImportFile:
    """Store a file's bytes and add it to a draft; `name` is its path as the sender has it.

    Raises BadImport when it is too large, has no usable name, or another file of the job has it.
    """
    if job.status != ImportJob.Status.DRAFT:
        raise BadImport({"file": _("The import has started; make another one for more files.")})
    label = clean_name(name)
    if job.files.filter(name=label).exists():
        raise BadImport({"file": _taken(label)})
    try:
        stored = uploads.store(job, chunks)
    except uploads.TooLarge as error:
        raise BadImport({"file": f"{label}: {error}"}) from None
    file = ImportFile(job=job, name=label, stored_at=stored.stored_at, size=stored.size, sha256=stored.sha256)
    try:
        with transaction.atomic():
            file.save()
            ImportJob.objects.filter(pk=job.pk).update(
                files_total=F("files_total") + 1, bytes_total=F("bytes_total") + stored.size
            )
    except IntegrityError:
        uploads.remove(file)
        raise BadImport({"file": _taken(label)}) from None
    return file


def remove_file(file: ImportFile) -> None:
    """Take a file out of a draft."""
    with transaction.atomic():
        if file.job.status != ImportJob.Status.DRAFT:
            raise BadImport({"file": _("The import has started; its files cannot be taken out any more.")})
        ImportJob.objects.filter(pk=file.job_id).update(
            files_total=F("files_total") - 1, bytes_total=F("bytes_total") - file.size
        )
        ImportFile.objects.filter(pk=file.pk).delete()
    uploads.remove(file)


def start(job: ImportJob, *, dry_run: bool = False) -> None:
    """Queue a draft, or a dry run that is over. Waking the worker is the caller's work (tasks.start_import).

    Raises BadImport when there is nothing to import, when no file has the columns that it names, or when it has started
    already.
    """
    if not job.files.exists() and job.source != ImportJob.Source.FOLDER:
        raise BadImport({"file": _("There is no file to import yet.")})
    if problem := preview.unknown_columns(job):
        raise BadImport({"mapping": problem})
    identities.forget(job)
    with transaction.atomic():
        after_dry_run = {"dry_run": True, "status": ImportJob.Status.FINISHED}
        startable = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.DRAFT) | ImportJob.objects.filter(
            pk=job.pk, **after_dry_run
        )
        fresh = dict.fromkeys((*COUNTS, "bytes_done", "files_done"), 0)
        if not startable.update(
            **fresh, status=ImportJob.Status.QUEUED, dry_run=dry_run, cancel_requested=False, error="",
            started_at=None, finished_at=None, changed_at=timezone.now(),
        ):  # fmt: skip
            raise BadImport({"": _("The import has been started already.")})
        job.failures.all().delete()
        _forget_entries(job)
        job.files.update(status=ImportFile.Status.WAITING, cursor=0, error="", encoding="", warnings=[])
    job.refresh_from_db()


def _forget_entries(job: ImportJob) -> None:
    """Remove what archives were unpacked to; they are unpacked anew."""
    job.files.filter(parent__isnull=False).delete()
    ImportJob.objects.filter(pk=job.pk).update(files_total=job.files.count())


def resume(job: ImportJob) -> None:
    """Queue an import that failed as a whole (a full disk, say), to go on where it stopped. Raises BadImport."""
    if job.source == ImportJob.Source.STREAM:
        raise BadImport({"": _("A stream cannot be taken up again; send it again under the same Idempotency-Key.")})
    failed = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.FAILED)
    if not failed.update(status=ImportJob.Status.QUEUED, error="", finished_at=None, changed_at=timezone.now()):
        raise BadImport({"": _("Only an import that failed as a whole can be taken up again.")})
    job.refresh_from_db()


def reopen(job: ImportJob) -> None:
    """Make a dry run that is over a draft again, so that its settings can be changed. Raises BadImport."""
    over = (ImportJob.Status.FINISHED, ImportJob.Status.FAILED, ImportJob.Status.CANCELLED)
    with transaction.atomic():
        if not ImportJob.objects.filter(pk=job.pk, dry_run=True, status__in=over).update(
            status=ImportJob.Status.DRAFT, dry_run=False, changed_at=timezone.now()
        ):
            raise BadImport({"": _("Only a dry run that is over can be changed; make a new import.")})
        job.failures.all().delete()
        _forget_entries(job)
    job.refresh_from_db()


def discard(job: ImportJob) -> None:
    """Remove an import that nobody works on, with its files and failures. Raises BadImport."""
    if not ImportJob.objects.filter(pk=job.pk).exclude(pk__in=ImportJob.objects.unfinished()).delete()[0]:
        status = job.get_status_display().lower()
        raise BadImport({"": _("The import is %(status)s; cancel it first.") % {"status": status}})
    _clear(job)


def give_up(job: ImportJob) -> None:
    """Remove a draft with its files. Raises BadImport when it has started: then there is something to look at."""
    if not ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.DRAFT).delete()[0]:
        raise BadImport({"": _("The import has started already; cancel it instead.")})
    _clear(job)


def cancel(job: ImportJob) -> None:
    """Stop an import after its present batch; what is in stays in. Raises BadImport when it is over already."""
    unfinished = ImportJob.objects.filter(pk=job.pk)
    if unfinished.filter(status=ImportJob.Status.DRAFT).update(
        status=ImportJob.Status.CANCELLED, finished_at=timezone.now()
    ):
        uploads.remove_all(job.pk)
    elif not unfinished.unfinished().update(cancel_requested=True):
        raise BadImport({"": _("The import is over; there is nothing to cancel.")})
    job.refresh_from_db()


def _clear(job: ImportJob) -> None:
    """Remove what only a job that is gone needed: its files, and the collection made for it that it never filled."""
    uploads.remove_all(job.pk)
    if job.made_collection and (job.dry_run or not job.created):
        Collection.objects.filter(pk=job.collection_id, documents=None, import_jobs=None).delete()


def clean_name(name: str) -> str:
    """Return a file's path as a label: relative, with forward slashes. Raises BadImport when nothing is left."""
    parts = [part for part in storable(name).replace("\\", "/").split("/") if part not in ("", ".", "..")]
    label = "/".join(parts)
    if not label or len(label) > 500:
        raise BadImport({"file": _("A file needs a name of 1 to 500 characters; this one has %d.") % len(label)})
    return label


def _taken(name: str) -> str:
    return _("This import already has a file %(name)s. Rename one of the two, or import it by itself.") % {"name": name}


def _apply_options(job: ImportJob, options: ImportOptions) -> None:
    if options.duplicates not in ImportJob.Duplicates.values:
        known = ", ".join(ImportJob.Duplicates.values)
        raise BadImport({"duplicates": _("%(value)r is not known; known: %(known)s.") % {
            "value": options.duplicates, "known": known
        }})  # fmt: skip
    try:
        columns.check(options.mapping)
        check_defaults(options.defaults)
        job.encoding = encoding_named(options.encoding)
    except columns.BadMapping as error:
        raise BadImport({"mapping": str(error)}) from None
    except BadValues as error:
        raise BadImport({"defaults": str(error)}) from None
    except UnknownEncoding as error:
        raise BadImport({"encoding": str(error)}) from None
    job.mapping = dict(options.mapping)
    job.key_column = options.key_column
    job.defaults = dict(options.defaults)
    job.duplicates_policy = options.duplicates
    job.mirror = options.mirror
    job.delete_most = options.delete_most
