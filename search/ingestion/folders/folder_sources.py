"""What is known of a mirrored folder's files and their documents. Reads rows, writes none."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from django.db.models import Count, F, Q, QuerySet

from search.fingerprints import recipe_fingerprint
from search.ingestion.folders.folder_scan import look
from search.ingestion.limits import limits
from search.models import ImportFile, ImportJob, SourceDocument, SourceFile


def root_of(job: ImportJob) -> Path:
    """Return the folder that a job mirrors, however it was written."""
    return Path(job.folder).resolve()


def sources(job: ImportJob) -> QuerySet[SourceFile]:
    """Return the files that were imported from the job's folder into its collection."""
    return SourceFile.objects.filter(collection=job.collection_id, root=str(root_of(job)))


def documents_of(job: ImportJob) -> dict[int, int]:
    """Return how many documents each of these files has, by the file's key; none for those that were never read.

    Those that another file had before are not counted.
    """
    own = Count("pk", filter=Q(refused=False))
    rows = SourceDocument.objects.filter(file__in=sources(job)).values("file").annotate(count=own).order_by()
    return {row["file"]: row["count"] for row in rows}


def holders(job: ImportJob, file: ImportFile, external_ids: Iterable[str]) -> dict[str, str]:
    """Return which of these documents came out of other files of the folder that stay as they are, with their paths.

    What the files of this import have between them is another matter (identities.py).
    """
    in_this_import = job.files.filter(parent=None).exclude(status=ImportFile.Status.FAILED)
    rows = (
        SourceDocument.objects.filter(file__in=sources(job), external_id__in=external_ids, refused=False)
        .filter(live())
        .exclude(file__path=top_of(file).name)
        .exclude(file__path__in=in_this_import.values("name"))
    )
    root = root_of(job)
    found = dict(rows.values_list("external_id", "file__path"))
    return {external_id: path for external_id, path in found.items() if look(root, path) is not None}


def waiting(job: ImportJob, steady: Collection[str]) -> set[str]:
    """Return the files with a document that another one had before, unless that is `steady`: unchanged in its place."""
    refused = SourceDocument.objects.filter(file__in=sources(job), refused=True)
    others = SourceDocument.objects.filter(
        file__in=sources(job), refused=False, external_id__in=refused.values("external_id")
    ).filter(live())
    held = {external_id for external_id, path in others.values_list("external_id", "file__path") if path in steady}
    return {path for path, external_id in refused.values_list("file__path", "external_id") if external_id not in held}


def stale() -> Q:
    """Documents that are no longer in the folder: their file is gone, or was read to its end without them."""
    return Q(file__gone=True) | Q(seen_by__lt=F("file__read_by"))


def live() -> Q:
    """All others."""
    return Q(file__gone=False) & (Q(file__read_by=None) | Q(seen_by__gte=F("file__read_by")))


def recipe(job: ImportJob) -> str:
    """Return the fingerprint of what decides how a file's rows become documents."""
    options = [job.mapping, job.key_column, job.defaults, job.duplicates_policy]
    options += [job.encoding] if job.encoding else []
    return recipe_fingerprint(json.dumps(options, sort_keys=True))


def tried(job: ImportJob) -> str:
    """Return the fingerprint of what decides whether a file can be read: it marks files that could not be.

    Where it is the same and the file is, too, another attempt would end as the last one did.
    """
    return recipe_fingerprint(recipe(job), repr(limits()))


def top_of(file: ImportFile) -> ImportFile:
    """Return the file itself, or the archive in the folder that it is in."""
    while file.parent is not None:
        file = file.parent
    return file
