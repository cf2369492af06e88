"""Imports over HTTP: sending files, and seeing how far each import is."""

from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.ingestion import jobs
from search.ingestion.jobs import BadImport
from search.models import ImportFile, ImportJob

from .bulk_keys import idempotency_key
from .bulk_views import IDEMPOTENCY_KEY
from .document_answers import collection_named
from .import_job_requests import add_files, change_options, create_import, import_job_at, refusal
from .import_job_serializers import (
    FilesSerializer,
    ImportFileSerializer,
    ImportJobCreateSerializer,
    ImportJobFilters,
    ImportJobListSerializer,
    ImportJobSerializer,
    ImportOptionsSerializer,
)
from .import_job_uploads import MULTIPART, MultipartParser
from .parameters import parameters
from .parsers import LimitedJsonParser, sent
from .permissions import MayImport
from .schema import problems
from .token_policies import IMPORTING, TokenPolicy, by_row, in_view, narrowed, reached

_READ = problems(400, 401, 403, 404)
_WRITE = problems(400, 401, 403, 404, 409, 411, 413, 415, 507)


class ImportJobsView(GenericAPIView[ImportJob]):
    """The imports of all collections."""

    permission_classes = [MayImport]
    token_policy = TokenPolicy(IMPORTING, in_view)
    parser_classes = [MultipartParser, LimitedJsonParser]
    serializer_class = ImportJobListSerializer
    queryset = ImportJob.objects.select_related("collection", "created_by")

    @extend_schema(
        operation_id="import_jobs_list",
        parameters=[ImportJobFilters],
        responses={200: ImportJobListSerializer(many=True), **_READ},
    )
    def get(self, request: Request) -> Response:
        """List imports by ascending id."""
        lookups = parameters(request, ImportJobFilters(), paged=True)
        if "collection" in lookups:
            lookups["collection"] = collection_named(lookups["collection"])
        page = self.paginate_queryset(narrowed(request, self.get_queryset()).filter(**lookups)) or []
        return self.get_paginated_response(ImportJobListSerializer(page, many=True).data)

    @extend_schema(
        operation_id="import_jobs_create",
        parameters=[IDEMPOTENCY_KEY],
        request={MULTIPART: ImportJobCreateSerializer, "application/json": ImportJobCreateSerializer},
        responses={200: ImportJobSerializer, 201: ImportJobSerializer, **_WRITE},
    )
    def post(self, request: Request) -> Response:
        """Send files to be imported (201). The same request under the same Idempotency-Key gives its import (200)."""
        key = idempotency_key(request)
        values = ImportJobCreateSerializer().run_validation(sent(request))
        values["collection"] = reached(request, values["collection"])
        job, is_new = create_import(values, by=cast(AbstractBaseUser, request.user), key=key)
        answer = ImportJobSerializer(job).data
        if not is_new:
            return Response(answer)
        return Response(answer, status=201, headers={"Location": reverse("api:import-job", args=[job.pk])})


class ImportJobView(GenericAPIView[ImportJob]):
    """One import."""

    permission_classes = [MayImport]
    token_policy = TokenPolicy(IMPORTING, by_row(ImportJob))
    serializer_class = ImportJobSerializer
    queryset = ImportJob.objects.all()

    @extend_schema(operation_id="import_jobs_retrieve", responses={200: ImportJobSerializer, **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """Read how far an import is."""
        return Response(ImportJobSerializer(import_job_at(pk)).data)

    @extend_schema(
        operation_id="import_jobs_update",
        request=ImportOptionsSerializer,
        responses={200: ImportJobSerializer, **_WRITE},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change options of an import that has not started."""
        job = import_job_at(pk)
        try:
            change_options(job, ImportOptionsSerializer().run_validation(sent(request)))
        except BadImport as error:
            raise refusal(error) from error
        return Response(ImportJobSerializer(import_job_at(pk)).data)

    @extend_schema(operation_id="import_jobs_delete", responses={204: None, **problems(401, 403, 404, 409)})
    def delete(self, request: Request, pk: int) -> Response:
        """Remove an import that is over or has not started, with its files and failures. Documents stay."""
        try:
            jobs.discard(import_job_at(pk))
        except BadImport as error:
            raise refusal(error) from error
        return Response(status=204)


class ImportFilesView(GenericAPIView[ImportFile]):
    """The files of an import."""

    permission_classes = [MayImport]
    token_policy = TokenPolicy(IMPORTING, by_row(ImportJob))
    parser_classes = [MultipartParser]
    serializer_class = ImportFileSerializer
    queryset = ImportFile.objects.all()

    @extend_schema(operation_id="import_jobs_files", responses={200: ImportFileSerializer(many=True), **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """List an import's files, an archive's entries among them."""
        page = self.paginate_queryset(import_job_at(pk).files.all()) or []
        return self.get_paginated_response(ImportFileSerializer(page, many=True).data)

    @extend_schema(
        operation_id="import_jobs_add_files",
        request={MULTIPART: FilesSerializer},
        responses={201: ImportJobSerializer, **_WRITE},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Add files to an import that has not started."""
        job = import_job_at(pk)
        values: dict[str, Any] = FilesSerializer().run_validation(sent(request))
        try:
            add_files(job, values["files"], values["paths"])
        except BadImport as error:
            raise refusal(error) from error
        return Response(ImportJobSerializer(import_job_at(pk)).data, status=201)
