"""What can be done with an import over HTTP: look at its first rows, start it, cancel it, send its failures again.

Each address makes one call; a refusal is 409 with the reason.
"""

from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search import tasks
from search.ingestion import jobs, preview
from search.ingestion.jobs import BadImport
from search.models import ImportJob
from search.readers.child_process.reader_process import ReadersUnavailable
from search.storable import storable_json

from .exceptions import Conflict, Unavailable
from .import_job_requests import import_job_at, refusal
from .import_job_serializers import ImportJobSerializer, StartSerializer
from .once import Once
from .parameters import parameters
from .parsers import sent
from .permissions import MayImport, MayViewImports
from .schema import problems
from .token_policies import IMPORTING, TokenPolicy, by_row

_PROBLEMS = problems(401, 403, 404, 409)
_BODY = problems(400, 401, 403, 404, 409, 411, 413, 415)


class _ImportAction(Once, GenericAPIView[ImportJob]):
    """An address below one import."""

    permission_classes = [MayImport]
    token_policy = TokenPolicy(IMPORTING, by_row(ImportJob))
    serializer_class = ImportJobSerializer
    queryset = ImportJob.objects.all()


class StartImportView(_ImportAction):
    """Starting an import."""

    @extend_schema(
        operation_id="import_jobs_start", request=StartSerializer, responses={202: ImportJobSerializer, **_BODY}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Start an import that is a draft, or whose dry run is over; go on with one that failed as a whole."""
        values = StartSerializer().run_validation(sent(request) if request.stream is not None else {})
        job = import_job_at(pk)
        try:
            if job.status == ImportJob.Status.FAILED:
                tasks.resume_import(job)
            else:
                tasks.start_import(job, dry_run=values["dry_run"])
        except BadImport as error:
            raise Conflict(str(error)) from error
        return Response(ImportJobSerializer(import_job_at(pk)).data, status=202)


class CancelImportView(_ImportAction):
    """Stopping an import."""

    @extend_schema(operation_id="import_jobs_cancel", request=None, responses={202: ImportJobSerializer, **_PROBLEMS})
    def post(self, request: Request, pk: int) -> Response:
        """Stop an import after its present rows. What is in stays in."""
        try:
            jobs.cancel(import_job_at(pk))
        except BadImport as error:
            raise Conflict(str(error)) from error
        return Response(ImportJobSerializer(import_job_at(pk)).data, status=202)


class RetryImportView(_ImportAction):
    """Sending failed rows again."""

    @extend_schema(operation_id="import_jobs_retry", request=None, responses={201: ImportJobSerializer, **_PROBLEMS})
    def post(self, request: Request, pk: int) -> Response:
        """Make and start a new import of the rows and files that failed; nothing else of this one is read again."""
        try:
            again = tasks.retry_import(import_job_at(pk), by=cast(AbstractBaseUser, request.user))
        except BadImport as error:
            raise refusal(error) from error
        return Response(ImportJobSerializer(import_job_at(again.pk)).data, status=201)


class FilePreviewSerializer(serializers.Serializer[preview.FilePreview]):
    """A file as far as its first records tell."""

    name = serializers.CharField()
    format = serializers.CharField()
    tabular = serializers.BooleanField()
    columns = serializers.ListField(child=serializers.CharField())
    encoding = serializers.CharField(source="notes.encoding")
    warnings = serializers.ListField(child=serializers.CharField(), source="notes.warnings")
    error = serializers.CharField()


class PreviewRowSerializer(serializers.Serializer[preview.PreviewRow]):
    """A record as the document that it would become; long texts are shortened."""

    file = serializers.CharField()
    number = serializers.IntegerField()
    place = serializers.CharField()
    outcome = serializers.CharField()
    external_id = serializers.CharField()
    values = serializers.DictField()
    columns = serializers.DictField()
    problems = serializers.DictField(child=serializers.CharField())


class PreviewSerializer(serializers.Serializer[preview.Preview]):
    """The first rows of an import, with the mapping that would be used."""

    files = FilePreviewSerializer(many=True)
    more_files = serializers.IntegerField()
    columns = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(child=serializers.CharField(allow_blank=True))
    rows = PreviewRowSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class PreviewParameters(serializers.Serializer[Any]):
    """How much of it to look at."""

    rows = serializers.IntegerField(default=10, min_value=1, max_value=100, help_text="Of each file.")
    files = serializers.IntegerField(default=5, min_value=1, max_value=20)


class PreviewImportView(GenericAPIView[Any]):
    """What an import would do."""

    permission_classes = [MayViewImports]
    token_policy = TokenPolicy(IMPORTING, by_row(ImportJob))
    serializer_class = PreviewSerializer
    queryset = ImportJob.objects.all()

    @extend_schema(
        operation_id="import_jobs_preview",
        parameters=[PreviewParameters],
        responses={200: PreviewSerializer, **problems(400, 401, 403, 404, 409, 503)},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show what the first rows of the first files would become. Writes nothing."""
        wanted = parameters(request, PreviewParameters())
        job = import_job_at(pk)
        if job.is_over and not job.dry_run:
            raise Conflict(_("The import is over, and its files are removed. What failed is in its failures."))
        try:
            shown = preview.preview(job, **wanted)
        except ReadersUnavailable as error:
            raise Unavailable(str(error)) from error
        return Response(storable_json(PreviewSerializer(shown).data))  # its columns are as they were sent
