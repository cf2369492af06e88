"""What is known of a mirrored folder's files and their documents. Reads rows, writes none."""

import json
from pathlib import Path

from django.db.models import Count, F, Q, QuerySet

from search.fingerprints import recipe_fingerprint
from search.models import ImportFile, ImportJob, SourceDocument, SourceFile


def root_of(job: ImportJob) -> Path:
    """Return the folder that a job mirrors, however it was written."""
    return Path(job.folder).resolve()


def sources(job: ImportJob) -> QuerySet[SourceFile]:
    """Return the files that were imported from the job's folder into its collection."""
    return SourceFile.objects.filter(collection=job.collection_id, root=str(root_of(job)))


def documents_of(job: ImportJob) -> dict[int, int]:
    """Return how many documents each of these files has, by the file's key; none for those without."""
    rows = SourceDocument.objects.filter(file__in=sources(job)).values("file").annotate(count=Count("pk")).order_by()
    return {row["file"]: row["count"] for row in rows}


def stale() -> Q:
    """Documents that are no longer in the folder: their file is gone, or was read to its end without them."""
    return Q(file__gone=True) | Q(seen_by__lt=F("file__read_by"))


def recipe(job: ImportJob) -> str:
    """Return the fingerprint of what decides how a file's rows become documents."""
    options = [job.mapping, job.key_column, job.defaults, job.duplicates_policy]
    options += [job.encoding] if job.encoding else []
    return recipe_fingerprint(json.dumps(options, sort_keys=True))


def top_of(file: ImportFile) -> ImportFile:
    """Return the file itself, or the archive in the folder that it is in."""
    while file.parent is not None:
        file = file.parent
    return file
