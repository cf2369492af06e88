"""Rows that did not get in: mended one by one, downloaded, sent again, or dismissed."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from search.ingestion import identities, jobs, mapping, row_marks, uploads
from search.ingestion.document_writes import DocumentWrite, Outcome, Rights, WriteResult, write_documents
from search.ingestion.jobs import BadImport, ImportOptions
from search.ingestion.validation import BadValues, check_document
from search.models import ImportFailure, ImportFile, ImportJob
from search.models.corpus import NO_AUDIENCE

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

_MENDABLE = ("external_id", "title", "body", "url", "language", "metadata", "state", "visibility", "groups")


def fields_of(failure: ImportFailure) -> dict[str, Any]:
    """Return a failed row's values as fields of a document, as far as they can be told: what mending begins with."""
    job, file = failure.job, failure.file
    values = dict(failure.values or {})
    if not file.tabular:
        return {"external_id": failure.external_id or file.name, **values}
    fallback = failure.external_id or f"{file.name}#{failure.line}"
    try:
        mapped = mapping.apply(job.mapping, values, key_column=job.key_column, fallback_id=fallback)
    except ValueError:
        return {"external_id": fallback}
    groups = {} if mapped.groups is None else {"groups": list(mapped.groups)}
    return {"external_id": mapped.external_id, **mapped.values, **groups}


def mend(
    failure: ImportFailure,
    values: Mapping[str, Any],
    *,
    replace: bool = False,
    by: "AbstractBaseUser | None" = None,
) -> WriteResult:
    """Write a row with the values that a curator gave it, as fields of a document. Raises BadImport.

    A document of this identity that was written since the import began stays, unless told to `replace` it.
    """
    given = {name: value for name, value in values.items() if name in _MENDABLE}
    external_id = str(given.pop("external_id", "") or fields_of(failure)["external_id"])
    groups = given.pop("groups", None)
    defaults = {name: value for name, value in failure.job.defaults.items() if name != "groups"}
    given = {**defaults, **{name: value for name, value in given.items() if value or name not in defaults}}
    try:
        check_document(external_id, given)
    except BadValues as error:
        raise BadImport(error.problems) from None
    with transaction.atomic():
        if (
            not ImportFailure.objects.filter(pk=failure.pk)
            .exclude(state=ImportFailure.State.SENT)
            .update(state=ImportFailure.State.SENT)
        ):
            raise BadImport({"": _("This row has been sent again already.")})
        if not replace:
            _refuse_newer(failure.job, external_id)
        write = DocumentWrite(external_id, given, None if groups is None else tuple(groups))
        (result,) = write_documents(failure.job.collection, [write], Rights(create=True, replace=True))
        if result.outcome is Outcome.UNKNOWN_GROUPS:
            names = ", ".join(result.unknown_groups)
            raise BadImport({"groups": _("No group is called %(names)s.") % {"names": names}})
        if result.outcome is Outcome.NO_AUDIENCE:
            raise BadImport({"groups": str(NO_AUDIENCE)})
        row_marks.adopt(failure, external_id)
    return result


def _refuse_newer(job: ImportJob, external_id: str) -> None:
    """Raise BadImport where mending a row would undo what was written after it."""
    begun = job.started_at or job.created_at
    newer = job.collection.documents.filter(external_id=external_id, updated_at__gte=begun).first()
    if newer is None:
        return
    message = _(
        "Document %(id)s (%(title)s) was written since this import began, by another row or by somebody. Give another "
        "external id, or say that it is to be replaced."
    )
    raise BadImport({"external_id": message % {"id": external_id, "title": newer.title or newer.body[:60]}})


def dismiss(failures: "QuerySet[ImportFailure]") -> int:
    """Put open failures aside; return how many."""
    return failures.filter(state=ImportFailure.State.OPEN).update(state=ImportFailure.State.DISMISSED)


def retry(job: ImportJob, *, by: "AbstractBaseUser | None" = None) -> ImportJob:
    """Return a new, queued import of the rows and files of `job` that failed. Raises BadImport when none can be sent.

    Rows that could not be read at all, and those whose identity is missing or another's, have to be mended first: they
    stay open.
    """
    open_failures = job.failures.filter(state=ImportFailure.State.OPEN)
    rows = open_failures.exclude(values=None).exclude(line=None).exclude(field=identities.FIELD)
    files = job.files.filter(pk__in=open_failures.filter(line=None).values("file"), status=ImportFile.Status.FAILED)
    sendable = [file for file in files if uploads.path_of(file).is_file()]
    if not rows.exists() and not sendable:
        raise BadImport({"": _("No failed row or file of this import can be sent again; mend them one by one.")})
    options = ImportOptions(job.mapping, job.key_column, job.defaults, job.duplicates_policy, job.encoding)
    again = jobs.create(
        job.collection, source=ImportJob.Source.RETRY, name=_("%s, failed rows") % job.name, options=options, by=by
    )
    ImportJob.objects.filter(pk=again.pk).update(retry_of=job)
    if rows.exists():
        jobs.add_file(again, f"failed-rows-of-{job.pk}.jsonl", _lines(rows, job))
    for file in sendable:
        _add_again(again, file)
    jobs.start(again)
    open_failures.filter(pk__in=rows.values("pk")).update(state=ImportFailure.State.SENT)
    open_failures.filter(line=None, file__in=sendable).update(state=ImportFailure.State.SENT)
    return again


def as_jsonl(job: ImportJob) -> Iterator[bytes]:
    """Yield the open failures as lines to be mended by hand: each row with where it stood and why.

    A row has its own columns, or where the import was told what they are, the fields of a document: the file is then
    imported as it is, without saying all that again.
    """
    for failure in job.failures.filter(state=ImportFailure.State.OPEN).select_related("file", "job").iterator():
        line = _as_fields(failure) or _row(failure, job)
        if failure.values is None and failure.original:
            line["_original"] = failure.original
        line |= {**row_marks.mark_of(failure), "_reason": failure.reason}
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _as_fields(failure: ImportFailure) -> dict[str, Any]:
    """Return a row as fields of a document, with its import's defaults; nothing where it speaks for itself."""
    job = failure.job
    if failure.values is None or not failure.file.tabular or not (job.mapping or job.key_column or job.defaults):
        return {}
    fields = fields_of(failure)
    return {**job.defaults, **fields} if fields.keys() != {"external_id"} else {}


def _row(failure: ImportFailure, job: ImportJob) -> dict[str, Any]:
    """Return a failed row's columns, with its identity where no column holds it."""
    row = dict(failure.values or {})
    if failure.external_id and failure.line is not None and not mapping.identifies(job.mapping, row):
        row[mapping.ROW_ID] = failure.external_id
    return row


def _lines(rows: "QuerySet[ImportFailure]", job: ImportJob) -> Iterator[bytes]:
    for failure in rows.select_related("file").iterator():
        yield json.dumps(_row(failure, job) | row_marks.mark_of(failure), ensure_ascii=False).encode() + b"\n"


def _add_again(job: ImportJob, file: ImportFile) -> None:
    with uploads.path_of(file).open("rb") as handle:
        jobs.add_file(job, file.name, iter(lambda: handle.read(1 << 20), b""))
