"""The judgments of one query set as files: lines as `POST …/queries/` takes them, or qrels for tools of the trade."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from search.ingestion import judgments
from search.models import EvaluationQuerySet

from .evaluation_views import query_set_at
from .export_views import FileView
from .parsers import NDJSON
from .permissions import MayEvaluate
from .schema import problems
from .token_policies import MANAGING, TokenPolicy, by_row


class _JudgmentsFileView(FileView):
    """A query set in one format."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, by_row(EvaluationQuerySet))


class JudgmentsJsonlView(_JudgmentsFileView):
    """A query set as JSON Lines."""

    @extend_schema(
        operation_id="evaluation_export_jsonl",
        responses={(200, NDJSON): OpenApiTypes.STR, **problems(401, 403, 404)},
    )
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """Export a query set: its settings on the first line, then each query with its judgments and their source."""
        query_set = query_set_at(pk)
        return self.file(judgments.lines_of(query_set), NDJSON, f"queries-{pk}.jsonl")


class JudgmentsQrelsView(_JudgmentsFileView):
    """A query set's judgments in TREC's form."""

    @extend_schema(
        operation_id="evaluation_export_qrels",
        responses={(200, "text/tab-separated-values"): OpenApiTypes.STR, **problems(401, 403, 404)},
    )
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """Export judgments as qrels: query, 0, external id of the document and grade, with tabs between."""
        query_set = query_set_at(pk)
        pieces: Iterator[bytes] = (line.encode() for line in judgments.qrels(query_set))
        return self.file(pieces, "text/tab-separated-values", f"queries-{pk}.qrels")
