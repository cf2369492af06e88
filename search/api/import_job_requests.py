"""What requests ask of imports, as calls of the use cases: make one whole or not at all, change its options."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, NotFound, ValidationError

from search import tasks
from search.ingestion import jobs
from search.ingestion.jobs import BadImport, ImportOptions
from search.models import ImportJob

from .bulk_keys import used_otherwise
from .document_answers import collection_named
from .exceptions import Conflict

_OPTIONS = ("mapping", "key_column", "defaults", "duplicates", "encoding")
_JOBS = ImportJob.objects.select_related("collection", "created_by")


def import_job_at(pk: int) -> ImportJob:
    """Return the import of an address. Raises NotFound."""
    job = _JOBS.filter(pk=pk).first()
    if job is None:
        raise NotFound(_("There is no import %d.") % pk)
    return job


def refusal(error: BadImport) -> APIException:
    """Return what a use case refused: a ValidationError where a field is to blame, else a Conflict."""
    problems = {{"file": "files"}.get(name, name): [reason] for name, reason in error.problems.items() if name}
    return ValidationError(problems) if problems else Conflict(str(error))


def create_import(values: Mapping[str, Any], *, by: AbstractBaseUser, key: str) -> tuple[ImportJob, bool]:
    """Return the import that validated `values` ask for, and whether it is new.

    The key is taken in the transaction that starts it: what a killed process leaves is a draft without one.
    Raises ValidationError, Conflict.
    """
    files, paths = values["files"], values["paths"]
    try:
        job = jobs.create(
            collection_named(values["collection"]),
            source=ImportJob.Source.API,
            name=values.get("name") or _name(files, paths),
            options=_options(values, ImportOptions()),
            by=by,
        )
    except BadImport as error:
        raise refusal(error) from error
    try:
        add_files(job, files, paths)
        request_sha256 = _hash(job, values)
        with transaction.atomic():
            if key:
                ImportJob.objects.filter(pk=job.pk).update(idempotency_key=key, request_sha256=request_sha256)
            if values["start"]:
                tasks.start_import(job, dry_run=values["dry_run"])
    except IntegrityError:
        jobs.discard(job)
        return _known(by, key, request_sha256), False
    except BaseException as error:
        jobs.discard(job)
        raise (refusal(error) if isinstance(error, BadImport) else error) from None
    return import_job_at(job.pk), True


def add_files(job: ImportJob, files: "Sequence[UploadedFile[Any]]", paths: Sequence[str]) -> None:
    """Add files to a draft, under their paths. Raises BadImport."""
    for position, file in enumerate(files):
        with file:
            jobs.add_file(job, paths[position] if paths else file.name or "", file.chunks(1024 * 1024))


def change_options(job: ImportJob, values: Mapping[str, Any]) -> None:
    """Change the options that `values` name, of a draft. Raises BadImport."""
    present = ImportOptions(
        job.mapping, job.key_column, job.defaults, job.duplicates_policy, job.encoding,
        mirror=job.mirror, delete_most=job.delete_most,
    )  # fmt: skip
    jobs.set_options(job, _options(values, present))


def _options(values: Mapping[str, Any], present: ImportOptions) -> ImportOptions:
    given = {name: values.get(name, getattr(present, name)) for name in _OPTIONS}
    return ImportOptions(**given, mirror=present.mirror, delete_most=present.delete_most)


def _name(files: "Sequence[UploadedFile[Any]]", paths: Sequence[str]) -> str:
    first = paths[0] if paths else (files[0].name or "") if files else ""
    if len(files) > 1:
        return _("%(first)s and %(others)d others") % {"first": first, "others": len(files) - 1}
    return first or _("Import")


def _hash(job: ImportJob, values: Mapping[str, Any]) -> str:
    """Return what makes two requests the same: their options and their files' names and contents."""
    options = {name: value for name, value in values.items() if name not in ("files", "paths")}
    files = list(job.files.order_by("pk").values_list("name", "sha256"))
    return hashlib.sha256(json.dumps([options, files], sort_keys=True).encode()).hexdigest()


def _known(by: AbstractBaseUser, key: str, request_sha256: str) -> ImportJob:
    job = _JOBS.filter(created_by_id=by.pk, idempotency_key=key).first()
    if job is None or job.source != ImportJob.Source.API or job.request_sha256 != request_sha256:
        raise used_otherwise(key)
    return job
