"""The address that takes many documents at once."""

import tempfile
from typing import IO, Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import FileResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from search.conf import conf
from search.ingestion.document_writes import Rights
from search.models import Collection

from .bulk import LINES_PER_TRANSACTION, MAX_LINES, LineResult, Status, write_lines
from .bulk_keys import idempotency_key, write_once
from .bulk_results import MOST_ERRORS_SHOWN, MOST_SHOWN, Results, json_answer
from .document_answers import collection_at
from .document_serializers import DocumentSerializer
from .external_document_views import ExternalDocumentView
from .fields import Choice
from .ndjson import NdjsonRenderer
from .parsers import NDJSON, JsonListParser, NdjsonParser, SentLines, sent_lines
from .permissions import document_rights
from .schema import BULK_ANSWER, BULK_LINES, WRITE_PROBLEMS, FieldErrorSerializer

_SPOOL_BYTES = 1024 * 1024  # results above that go to the disk

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="A name for this request, such as a UUID. Sent again under it, it is done once and answered alike.",
)


class LineResultSerializer(serializers.Serializer[LineResult]):
    """What became of one line."""

    line = serializers.IntegerField(help_text="Number of the line, or place in the list, from 1.")
    status = Choice(choices=[status.value for status in Status])
    id = serializers.IntegerField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]


class BulkAnswerSerializer(serializers.Serializer[Any]):
    """What became of all lines."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()
    left_out = serializers.IntegerField(
        help_text=f"How many lines have no entry in `results`: of more than {MOST_SHOWN} lines, only the first "
        f"{MOST_ERRORS_SHOWN} that failed have one. Ask for `application/x-ndjson` to get them all."
    )
    results = LineResultSerializer(many=True)


_JSON = "application/json"
_LINES = OpenApiResponse(OpenApiTypes.STR, description="A result on each line, and a last line with the counts.")


@extend_schema_view(
    get=extend_schema(exclude=True), put=extend_schema(exclude=True), delete=extend_schema(exclude=True)
)
class BulkView(ExternalDocumentView):
    """POST takes many documents; the other methods serve the one document whose external id is `bulk`."""

    write_actions = {**ExternalDocumentView.write_actions, "POST": ("add", "change")}

    def get_parsers(self) -> list[BaseParser]:
        if self._takes_many():
            return [NdjsonParser(), JsonListParser()]
        return super().get_parsers()

    def get_renderers(self) -> list[BaseRenderer]:
        if self._takes_many():
            return [JSONRenderer(), NdjsonRenderer()]
        return super().get_renderers()

    def _takes_many(self) -> bool:
        return self.request is None or self.request.method == "POST"  # there is none while the schema is made

    @extend_schema(
        operation_id="collection_documents_bulk",
        description=(
            "Create or replace many documents: one JSON object on each line (`application/x-ndjson`), however many, "
            f"or a JSON list of at most {MAX_LINES} documents and 64 MiB. Written {LINES_PER_TRANSACTION} at a "
            "time as they come. A line that fails stops no other; of two lines with the same external id the later "
            "one wins. 200 when every line was written, 207 when some were not."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request={
            NDJSON: OpenApiTypes.STR,
            _JSON: DocumentSerializer(many=True),
        },
        responses={
            (200, _JSON): BulkAnswerSerializer,
            (200, NDJSON): _LINES,
            (207, _JSON): BulkAnswerSerializer,
            (207, NDJSON): _LINES,
            **WRITE_PROBLEMS,
        },
        examples=[BULK_LINES, BULK_ANSWER],
    )
    def post(self, request: Request, slug: str, external_id: str) -> HttpResponseBase:
        """Create or replace many documents."""
        collection = collection_at(slug)
        key = idempotency_key(request)
        lines = sent_lines(request)
        most = None if lines.endless else MAX_LINES
        rights = document_rights(request.user)
        if key:
            person = cast(AbstractBaseUser, request.user)  # nobody may write without an account
            file, summary = write_once(collection, lines, rights, key=key, by=person, most=most)
        else:
            file, summary = _write(collection, lines, rights, most)
        return _answer(request, file, summary)


def _write(
    collection: Collection, lines: SentLines, rights: Rights, most: int | None
) -> tuple[IO[bytes], dict[str, int]]:
    file = cast(IO[bytes], tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=str(conf().DATA_DIR)))  # noqa: SIM115
    results = Results(file)
    for batch in write_lines(collection, lines.lines, rights, most=most):
        results.add(result for _line, result in batch)
    results.close()
    return file, results.summary


def _answer(request: Request, file: IO[bytes], summary: dict[str, int]) -> HttpResponseBase:
    status = 207 if summary["failed"] else 200
    if isinstance(request.accepted_renderer, NdjsonRenderer):
        return FileResponse(file, status=status, content_type=NDJSON)
    with file:
        return Response(json_answer(file, summary), status=status)
