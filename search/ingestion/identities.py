"""Two records of one import with the same identity: the second is refused, saying where the first one stands.

What an import has written is kept in the database until it is over, in the transaction that moves its cursor: memory
does not grow with the file, and what is taken up after a kill meets nothing of its own. Writes no document.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.utils.translation import gettext as _

from search.ingestion.records import Checked
from search.models import ImportFile, ImportIdentity, ImportJob
from search.models.imports import place_in

FIELD = "external_id"
InFile = tuple[ImportFile, Checked]
_WRITTEN = ("created", "updated", "unchanged", "duplicates")


def refuse_used(job: ImportJob, checked: Sequence[InFile]) -> list[InFile]:
    """Return records, each with its file, without the writes of those that an earlier record of this import is."""
    used = _used(job, [item.external_id for _file, item in checked if item.write is not None])
    return refuse_repeated(checked, used)


def refuse_repeated(checked: Iterable[InFile], used: Mapping[str, str] | None = None) -> list[InFile]:
    """Return records without the writes of those whose identity is used: there, or by one before them."""
    seen = dict(used or {})
    result = []
    for file, item in checked:
        if item.write is not None and item.external_id in seen:
            result.append((file, _refused(item, seen[item.external_id])))
            continue
        if item.write is not None:
            seen[item.external_id] = _where(file, item.record.number, item.record.place)
        result.append((file, item))
    return result


def held_by(item: Checked, path: str) -> Checked:
    """Return a record as one whose document came out of another file of the folder, which is as it was."""
    reason = _("The id “%(id)s” is used by %(path)s. Give one of the two another id, or take it out.") % {
        "id": item.external_id, "path": path
    }  # fmt: skip
    return replace(item, write=None, problems={FIELD: reason}, is_second=True)


def _refused(item: Checked, where: str) -> Checked:
    reason = _(
        "The id “%(id)s” was used before in this import, at %(where)s. Give one of the two another id, or take it out."
    ) % {"id": item.external_id, "where": where}
    return replace(item, write=None, problems={FIELD: reason}, is_second=True)


def keep(job: ImportJob, checked: Sequence[InFile], outcomes: Sequence[str]) -> None:
    """Remember the identities of a batch that were written, in the transaction that writes them."""
    ImportIdentity.objects.bulk_create(
        ImportIdentity(
            job=job, file=file, external_id=item.external_id, line=item.record.number, place=item.record.place[:300]
        )
        for (file, item), outcome in zip(checked, outcomes, strict=True)
        if outcome in _WRITTEN
    )


def forget(job: ImportJob) -> None:
    """Remove what was kept of an import that is over, or begins again."""
    rows = ImportIdentity.objects.filter(job=job)
    rows._raw_delete(rows.db)  # nothing refers to them, and there may be a million


def _used(job: ImportJob, external_ids: Sequence[str]) -> dict[str, str]:
    rows = ImportIdentity.objects.filter(job=job, external_id__in=external_ids).values_list(
        "external_id", "file_id", "line", "place"
    )
    found = list(rows)
    files = ImportFile.objects.in_bulk({file_id for _id, file_id, _line, _place in found})
    return {
        external_id: _where(files[file_id], line, place)
        for external_id, file_id, line, place in found
        if file_id in files
    }


def _where(file: ImportFile, line: int, place: str) -> str:
    """Return where a record stands: its file, and its place there when it is not all of it."""
    return _("%(file)s, %(place)s") % {
        "file": file.name, "place": place_in(file.format, line, place)
    } if file.tabular else file.name  # fmt: skip
