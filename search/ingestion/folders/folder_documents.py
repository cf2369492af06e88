"""Which documents came out of which file of a mirrored folder, and which they are: asked and noted batch by batch.

A document that another file had before is noted as refused, so that it comes in when that one is gone. Writes and
deletes no document.
"""

from collections.abc import Callable, Sequence

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from search.ingestion.folders.folder_sources import holders, root_of, sources, top_of
from search.models import Document, ImportFailure, ImportFile, ImportIdentity, ImportJob, SourceDocument

_ALWAYS = 2**62  # a number that no import reaches


class HeldByAnother(ValueError):
    """A document of this identity came out of another file of the folder, at `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def identities(job: ImportJob, file: ImportFile, external_ids: Sequence[str]) -> Callable[[str], str]:
    """Return what gives one of a file's documents its external id: that of its first sight, where it is named by path.

    That raises ValueError for a document of another folder, HeldByAnother for one of another file of this folder. The
    number of queries is fixed, however many ids there are.
    """
    name = top_of(file).name
    label = sources(job).filter(path=name).values_list("label", flat=True).first() or name
    renamed = {given: _renamed(given, name, label) for given in external_ids}
    siblings = holders(job, file, renamed.values())
    others = dict(
        SourceDocument.objects.filter(file__collection=job.collection_id, external_id__in=renamed.values())
        .exclude(file__root=str(root_of(job)))
        .values_list("external_id", "file__root")
    )

    def identity_of(given: str) -> str:
        external_id = renamed[given]
        if external_id in others:
            raise ValueError(
                _(
                    "The document %(id)r belongs to the folder %(folder)s, which is mirrored into this collection, "
                    "too. Mirror one of the two folders into a collection of its own."
                )
                % {"id": external_id, "folder": others[external_id]}
            )
        if external_id in siblings:
            raise HeldByAnother(siblings[external_id])
        return external_id

    return identity_of


def note(job: ImportJob, file: ImportFile, external_ids: Sequence[str], *, refused: Sequence[str] = ()) -> None:
    """Record which documents came out of a file, inside the transaction that writes them.

    `refused` are those that another record had before: they are remembered, so that they come in once that one is gone.
    """
    source = sources(job).filter(path=top_of(file).name).first()
    if source is None or (source.read_by or 0) > job.pk:
        return  # a newer import of this folder has taken over
    written = Document.objects.filter(collection=job.collection_id, external_id__in=external_ids)
    others = SourceDocument.objects.filter(file__collection=job.collection_id, external_id=OuterRef("external_id"))
    ids = set(written.exclude(Exists(others.exclude(file__root=source.root))).values_list("external_id", flat=True))
    rows = SourceDocument.objects.filter(file=source, external_id__in=ids)
    rows.filter(Q(seen_by__lt=job.pk) | Q(refused=True)).update(seen_by=Greatest("seen_by", job.pk), refused=False)
    SourceDocument.objects.filter(file=source, external_id__in=refused, seen_by__lt=job.pk).update(
        seen_by=job.pk, refused=True
    )
    noted = SourceDocument.objects.filter(file=source, external_id__in=ids | set(refused))
    missing = (ids | set(refused)) - set(noted.values_list("external_id", flat=True))
    SourceDocument.objects.bulk_create(
        SourceDocument(file=source, external_id=external_id, seen_by=job.pk, refused=external_id not in ids)
        for external_id in sorted(missing)
    )


def adopt(job: ImportJob, file: ImportFile, failed_id: str, external_id: str) -> None:
    """Record that a document was made of a row of the folder that had failed, by mending it or sending it again.

    Under another id than its row has it goes with the file, and stays when the file is read again.
    """
    source = sources(job).filter(path=top_of(file).name).first()
    if source is not None:
        seen_by = max(job.pk, source.read_by or 0) if external_id == failed_id else _ALWAYS
        values = {"seen_by": seen_by, "refused": False}
        SourceDocument.objects.update_or_create(file=source, external_id=external_id, defaults=values)


def rows_gone(job: ImportJob) -> int:
    """Return how many documents' rows are no longer in the files that a dry run has read to their end."""
    failures = ImportFailure.objects.filter(job=job)
    unsure = failures.filter(Q(line=None) | Q(external_id="")).values("file__name")
    read = job.files.filter(parent=None, status=ImportFile.Status.FINISHED).exclude(name__in=unsure)
    still = ImportIdentity.objects.filter(job=job, external_id=OuterRef("external_id"))
    failed = failures.filter(external_id=OuterRef("external_id"))
    elsewhere = SourceDocument.objects.filter(
        ~Q(file=OuterRef("file")),
        file__collection=job.collection_id,
        external_id=OuterRef("external_id"),
        refused=False,
    )
    there = Document.objects.filter(collection=job.collection_id, external_id=OuterRef("external_id"))
    rows = SourceDocument.objects.filter(file__in=sources(job).filter(path__in=read.values("name")), refused=False)
    rows = (
        rows.exclude(seen_by=_ALWAYS).filter(Exists(there)).exclude(Exists(still) | Exists(failed) | Exists(elsewhere))
    )
    return rows.count()


def _renamed(external_id: str, name: str, label: str) -> str:
    """Return an id with the file's first path in place of its present one, where it is made of that."""
    rest = external_id.removeprefix(name)
    return label + rest if rest != external_id and rest[:1] in ("", "/", "#") else external_id
