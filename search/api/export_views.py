"""Whole collections as files: JSON Lines, CSV, or a bundle with the settings. Streams; changes nothing."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from search.access.scopes import Scope
from search.ingestion.bundles import FORMATS

from .document_answers import collection_at
from .permissions import reads_everything
from .schema import problems
from .token_policies import TokenPolicy, by_slug


class MayExport(BasePermission):
    """An export holds every document, so it is for those who may read every document."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return reads_everything(request.user)


class FileView(APIView):
    """Something as a file to keep."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Let the address alone say what the answer is; problems are what they are everywhere."""
        return super().perform_content_negotiation(request, force=True)

    def file(self, pieces: Iterable[bytes], content_type: str, name: str) -> StreamingHttpResponse:
        """Answer with a file of this name."""
        return StreamingHttpResponse(
            pieces,
            content_type=content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
        )


class _ExportView(FileView):
    """A collection in one format."""

    permission_classes = [MayExport]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ}, by_slug)
    format_name = ""

    def _answer(self, slug: str) -> StreamingHttpResponse:
        collection = collection_at(slug)
        chosen = FORMATS[self.format_name]
        return self.file(chosen.pieces(collection), chosen.content_type, chosen.file_name(collection))


class ExportJsonlView(_ExportView):
    """A collection as JSON Lines."""

    format_name = "jsonl"

    @extend_schema(
        operation_id="collections_export_jsonl",
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, **problems(401, 403, 404)},
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """Export every document, drafts included, one JSON object on each line, as an import reads them."""
        return self._answer(slug)


class ExportCsvView(_ExportView):
    """A collection as CSV."""

    format_name = "csv"

    @extend_schema(
        operation_id="collections_export_csv",
        responses={(200, "text/csv"): OpenApiTypes.STR, **problems(401, 403, 404)},
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """Export every document as a table for people: cells that look like formulas get an apostrophe in front."""
        return self._answer(slug)


class ExportBundleView(_ExportView):
    """A collection as a bundle."""

    format_name = "bundle"

    @extend_schema(
        operation_id="collections_export_bundle",
        responses={(200, "application/zip"): OpenApiTypes.BINARY, **problems(401, 403, 404)},
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """Export the settings and every document as a ZIP file, for `import_collection` on another installation."""
        return self._answer(slug)
