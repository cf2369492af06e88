"""The address that takes many documents at once."""

from collections import Counter
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from .bulk import LINES_PER_TRANSACTION, MAX_LINES, LineResult, Status, write_lines
from .document_answers import collection_at
from .document_serializers import DocumentSerializer
from .external_document_views import ExternalDocumentView
from .parsers import JsonListParser, NdjsonParser, sent
from .permissions import document_rights
from .schema import BULK_ANSWER, BULK_LINES, BULK_LIST, WRITE_PROBLEMS, FieldErrorSerializer


class LineResultSerializer(serializers.Serializer[LineResult]):
    """What became of one line."""

    line = serializers.IntegerField(help_text="Number of the line, or place in the list, from 1.")
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    id = serializers.IntegerField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]


class BulkAnswerSerializer(serializers.Serializer[Any]):
    """What became of all lines."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = LineResultSerializer(many=True)


@extend_schema_view(
    get=extend_schema(exclude=True), put=extend_schema(exclude=True), delete=extend_schema(exclude=True)
)
class BulkView(ExternalDocumentView):
    """POST takes many documents; the other methods serve the one document whose external id is `bulk`."""

    write_actions = {**ExternalDocumentView.write_actions, "POST": ("add", "change")}

    def get_parsers(self) -> list[BaseParser]:
        if self.request is None or self.request.method == "POST":  # none while the schema is made
            return [NdjsonParser(), JsonListParser()]
        return super().get_parsers()

    @extend_schema(
        operation_id="collection_documents_bulk",
        description=(
            "Create or replace many documents: one JSON object on each line (`application/x-ndjson`) or a JSON "
            f"list. At most {MAX_LINES} documents and 64 MiB in a request; written {LINES_PER_TRANSACTION} at a "
            "time. A line that fails stops no other; of two lines with the same external id the later one wins. "
            "200 when every line was written, 207 when some were not."
        ),
        request={
            "application/x-ndjson": OpenApiTypes.STR,
            "application/json": DocumentSerializer(many=True),
        },
        responses={200: BulkAnswerSerializer, 207: BulkAnswerSerializer, **WRITE_PROBLEMS},
        examples=[BULK_LINES, BULK_LIST, BULK_ANSWER],
    )
    def post(self, request: Request, slug: str, external_id: str) -> Response:
        """Create or replace many documents."""
        collection = collection_at(slug)
        results = list(write_lines(collection, sent(request), document_rights(request.user)))
        counts = Counter(result.status for result in results)
        answer = {
            "created": counts[Status.CREATED],
            "updated": counts[Status.UPDATED],
            "unchanged": counts[Status.UNCHANGED],
            "failed": counts[Status.ERROR],
            "results": [_shown(result) for result in results],
        }
        return Response(answer, status=207 if counts[Status.ERROR] else 200)


def _shown(result: LineResult) -> dict[str, Any]:
    return {
        "line": result.line,
        "status": result.status.value,
        "id": result.id,
        "external_id": result.external_id,
        "errors": list(result.errors),
    }
