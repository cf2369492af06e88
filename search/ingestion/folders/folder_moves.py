"""Files of a mirrored folder that are somewhere else now: their rows and their documents' places follow them.

Reads no file: the content is the same, so only what a reader takes from the path changes.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from search.ingestion.document_writes import DocumentWrite, Rights, write_documents
from search.ingestion.folders.folder_plan import Move, suffix
from search.ingestion.folders.folder_sources import sources
from search.ingestion.job_leases import JobLease
from search.models import Document, ImportJob, SourceDocument, SourceFile

_BATCH = 200
_RIGHTS = Rights(create=False, replace=True)


def move(job: ImportJob, moves: Sequence[Move], lease: JobLease) -> None:
    """Record moved files, some hundred in a transaction, and count their documents. Raises JobLost."""
    for start in range(0, len(moves), _BATCH):
        homes = {item.old: item.new for item in moves[start : start + _BATCH]}
        with transaction.atomic():
            lease.write()
            files = list(sources(job).filter(path__in=homes))
            count = SourceDocument.objects.filter(file__in=files, refused=False).count()
            _follow(job, files, homes)
            for file in files:
                if suffix(file.path) != suffix(homes[file.path]):  # another reader's, perhaps
                    file.read_with = ""
                file.path, file.gone, file.stamp, file.moved_by = homes[file.path], False, "", job.pk
            SourceFile.objects.bulk_update(files, ["path", "gone", "stamp", "read_with", "moved_by"])
            lease.write(moved=F("moved") + count)


def _follow(job: ImportJob, files: Sequence[SourceFile], homes: dict[str, str]) -> None:
    """Write the new places into the documents that name their file's path."""
    writes = []
    for file in files:
        named = SourceDocument.objects.filter(file=file).filter(
            Q(external_id=file.label) | Q(external_id__startswith=f"{file.label}/")
        )
        documents = Document.objects.filter(
            collection=job.collection_id, external_id__in=named.values("external_id")
        ).values_list("external_id", "title", "metadata")
        for external_id, title, metadata in documents.iterator():
            values = _moved(title, metadata, file.path, homes[file.path])
            if values:
                writes.append(DocumentWrite(external_id, values))
    write_documents(job.collection, writes, _RIGHTS)


def _moved(title: str, metadata: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return the fields that name the old path, with the new one in its place."""
    path = metadata.get("path")
    if not isinstance(path, str) or not (path == old or path.startswith(f"{old}/")):
        return {}
    values: dict[str, Any] = {"metadata": {**metadata, "path": new + path.removeprefix(old)}}
    if path == old and title == PurePosixPath(old).stem:  # readers name a document without a title after its file
        values["title"] = PurePosixPath(new).stem
    return values
