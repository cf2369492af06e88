"""Rows that did not get in, over HTTP: seen, downloaded, mended one by one, dismissed."""

from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from search.ingestion import failures
from search.ingestion.document_writes import Outcome
from search.ingestion.jobs import BadImport
from search.models import ImportFailure, ImportJob

from .document_answers import check_identity
from .document_serializers import DocumentSerializer
from .exceptions import Conflict
from .fields import Choice
from .import_job_requests import import_job_at, refusal
from .ndjson import NdjsonRenderer
from .once import Once
from .parameters import parameters
from .parsers import NDJSON, sent
from .permissions import MayImport, MayViewImports
from .schema import problems
from .token_policies import IMPORTING, TokenPolicy, by_row

_SHOWN_CHARS = 1_000
_READ = problems(400, 401, 403, 404)


class ImportFailureListSerializer(serializers.ModelSerializer[ImportFailure]):
    """A row or a whole file that did not get in, shortened."""

    file = serializers.CharField(source="file.name", read_only=True)
    where = serializers.CharField(
        read_only=True, help_text="`line` in words: with the sheet's name in a workbook of several; empty for a file."
    )
    original = serializers.SerializerMethodField(help_text=f"As it stood; its first {_SHOWN_CHARS} characters.")

    class Meta:
        model = ImportFailure
        fields = ["id", "file", "line", "where", "external_id", "field", "reason", "original", "state"]
        read_only_fields = fields

    def get_original(self, failure: ImportFailure) -> str:
        return failure.original[:_SHOWN_CHARS]


class ImportFailureSerializer(ImportFailureListSerializer):
    """A row that did not get in, whole, and the document that it was meant to be."""

    original = serializers.CharField(read_only=True)  # type: ignore[assignment]
    values = serializers.DictField(read_only=True, allow_null=True, help_text="Its columns, as far as they were read.")
    document = serializers.SerializerMethodField(help_text="Its fields as far as they can be told; mend these.")

    class Meta(ImportFailureListSerializer.Meta):
        fields = [*ImportFailureListSerializer.Meta.fields, "values", "document"]
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_document(self, failure: ImportFailure) -> dict[str, Any]:
        return failures.fields_of(failure)


class ImportFailureFilters(serializers.Serializer[Any]):
    """What the list of failures can be narrowed to."""

    state = Choice(choices=ImportFailure.State.choices, required=False)


_REPLACE = "Also where a document of this external id was written since the import began."


class MendedSerializer(serializers.Serializer[Any]):
    """What became of a mended row."""

    status = Choice(choices=[Outcome.CREATED.value, Outcome.UPDATED.value, Outcome.UNCHANGED.value])
    id = serializers.IntegerField()
    external_id = serializers.CharField()
    failure = ImportFailureSerializer()


class ImportFailuresView(GenericAPIView[ImportFailure]):
    """What did not get in."""

    permission_classes = [MayViewImports]
    token_policy = TokenPolicy(IMPORTING, by_row(ImportJob))
    serializer_class = ImportFailureListSerializer
    queryset = ImportFailure.objects.select_related("file")

    @extend_schema(
        operation_id="import_jobs_failures",
        parameters=[ImportFailureFilters],
        responses={200: ImportFailureListSerializer(many=True), **_READ},
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the rows and files of an import that failed, with their reasons."""
        wanted = parameters(request, ImportFailureFilters(), paged=True)
        found = self.get_queryset().filter(job=import_job_at(pk), **wanted)
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response(ImportFailureListSerializer(page, many=True).data)


class ImportFailuresFileView(GenericAPIView[ImportFailure]):
    """The open failures as a file."""

    permission_classes = [MayViewImports]
    token_policy = TokenPolicy(IMPORTING, by_row(ImportJob))
    renderer_classes = [NdjsonRenderer, JSONRenderer]
    queryset = ImportFailure.objects.all()

    @extend_schema(
        operation_id="import_jobs_failures_file",
        responses={(200, NDJSON): OpenApiResponse(OpenApiTypes.STR, description="A row on each line."), **_READ},
    )
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """Download the open failures, each with its own columns and the reason, to be mended and sent again."""
        job = import_job_at(pk)
        return StreamingHttpResponse(
            failures.as_jsonl(job),
            content_type=NDJSON,
            headers={"Content-Disposition": f'attachment; filename="import-{job.pk}-failures.jsonl"'},
        )


class _FailureView(GenericAPIView[ImportFailure]):
    """An address of one failure."""

    permission_classes = [MayImport]
    token_policy = TokenPolicy(IMPORTING, by_row(ImportJob))
    serializer_class = ImportFailureSerializer
    queryset = ImportFailure.objects.all()


class ImportFailureView(_FailureView):
    """One failure."""

    @extend_schema(operation_id="import_jobs_failure", responses={200: ImportFailureSerializer, **_READ})
    def get(self, request: Request, pk: int, failure_id: int) -> Response:
        """Read a failed row, whole."""
        return Response(ImportFailureSerializer(_failure_at(pk, failure_id)).data)


class MendFailureView(Once, _FailureView):
    """Mending a row."""

    @extend_schema(
        operation_id="import_jobs_failure_mend",
        parameters=[OpenApiParameter("replace", bool, description=_REPLACE)],
        request=DocumentSerializer,
        responses={200: MendedSerializer, **problems(400, 401, 403, 404, 409, 411, 413, 415)},
    )
    def post(self, request: Request, pk: int, failure_id: int) -> Response:
        """Write a failed row with the fields that are sent; those that are not are taken from the row."""
        failure = _failure_at(pk, failure_id)
        given = DocumentSerializer(partial=True).run_validation(sent(request))
        slug = failure.job.collection.slug
        check_identity({"collection": given.pop("collection", {"slug": slug})}, slug, "")
        person = cast(AbstractBaseUser, request.user)
        try:
            values = {**failures.fields_of(failure), **given}
            replace = request.query_params.get("replace", "").lower() in ("1", "true")
            result = failures.mend(failure, values, replace=replace, by=person)
        except BadImport as error:
            raise refusal(error) from error
        answer = {
            "status": result.outcome.value,
            "id": result.document_id,
            "external_id": result.external_id,
            "failure": ImportFailureSerializer(_failure_at(pk, failure_id)).data,
        }
        return Response(answer)


class DismissFailureView(Once, _FailureView):
    """Putting a row aside."""

    @extend_schema(
        operation_id="import_jobs_failure_dismiss",
        request=None,
        responses={200: ImportFailureSerializer, **problems(401, 403, 404, 409)},
    )
    def post(self, request: Request, pk: int, failure_id: int) -> Response:
        """Put a failed row aside: it is not sent again."""
        failure = _failure_at(pk, failure_id)
        if not failures.dismiss(ImportFailure.objects.filter(pk=failure.pk)):
            raise Conflict(_("This row is not open any more: %s.") % failure.get_state_display().lower())
        return Response(ImportFailureSerializer(_failure_at(pk, failure_id)).data)


def _failure_at(pk: int, failure_id: int) -> ImportFailure:
    job = import_job_at(pk)
    found = ImportFailure.objects.select_related("job__collection", "file").filter(job=job, pk=failure_id).first()
    if found is None:
        raise NotFound(_("Import %(job)d has no failure %(failure)d.") % {"job": pk, "failure": failure_id})
    return found
