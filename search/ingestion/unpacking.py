"""Archives among the files of an import: each entry becomes a file of its own, named by its path in the archive."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from search.ingestion import uploads
from search.ingestion.job_leases import JobLease
from search.models import ImportFailure, ImportFile, ImportJob
from search.readers.base import Limits, UnreadableFile
from search.readers.child_process.sandbox import Sandbox

_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def is_archive(file: ImportFile) -> bool:
    """Tell whether a file's name says that it is an archive."""
    return file.name.lower().endswith(_SUFFIXES)


def unpack(job: ImportJob, file: ImportFile, sandbox: Sandbox, lease: JobLease, limits: Limits) -> None:
    """Add an archive's entries to the job, all or none of them. Raises UnreadableFile, JobLost.

    What an earlier, interrupted unpacking left on disk is overwritten.
    """
    if file.depth >= limits.archive_depth:
        raise UnreadableFile(
            _("It is an archive in an archive in an archive; at most %d levels are unpacked. Unpack it first.")
            % limits.archive_depth
        )
    folder = uploads.folder_of(job) / f"entries-{file.pk}"
    folder.mkdir(parents=True, exist_ok=True)
    files: list[ImportFile] = []
    problems: list[tuple[str, str]] = []
    taken: set[str] = set(job.files.values_list("name", flat=True))
    for entry in sandbox.unpack(uploads.path_of(file), file.name, folder):
        name = _name(file, entry.name)
        if entry.error or entry.path is None:
            problems.append((name, entry.error))
        elif name in taken:
            problems.append((name, _("The import already has a file of this name.")))
        else:
            taken.add(name)
            stored_at = f"{job.pk}/{folder.name}/{entry.path.name}"
            files.append(
                ImportFile(job=job, parent=file, depth=file.depth + 1, name=name, stored_at=stored_at, size=entry.size)
            )
    _add(job, file, files, problems, lease)


def _add(
    job: ImportJob, file: ImportFile, files: list[ImportFile], problems: list[tuple[str, str]], lease: JobLease
) -> None:
    with transaction.atomic():
        values: dict[str, Any] = {"files_total": F("files_total") + len(files), "files_done": F("files_done") + 1}
        if problems:
            values["failed"] = F("failed") + len(problems)
        lease.write(**values)
        ImportFile.objects.bulk_create(files, batch_size=500)
        ImportFailure.objects.bulk_create(
            ImportFailure(job=job, file=file, line=None, external_id=name[:500], reason=f"{name}: {reason}")
            for name, reason in problems
        )
        kind = "zip" if file.name.lower().endswith(".zip") else "tar"
        ImportFile.objects.filter(pk=file.pk).update(status=ImportFile.Status.FINISHED, format=kind)


def _name(file: ImportFile, entry: str) -> str:
    """Return an entry's path: below the archive's path in full, for there may be several archives, and other files.

    An archive that is all of an upload stands for the folder that was packed: its entries have their own paths.
    """
    job = file.job
    alone = job.source != ImportJob.Source.FOLDER and file.parent_id is None and job.files.filter(depth=0).count() == 1
    return entry if alone else f"{file.name}/{entry}"
