"""Why this, why not that, over HTTP. A document that the asker may not read is absent, as everywhere."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import query_service
from search.access.scopes import Scope
from search.query_service import MAX_K, MODES
from search.retrieval.explanations import explain
from search.retrieval.filtering.filters import InvalidFilter

from .explain_serializers import ExplanationSerializer
from .fields import Choice, KnownFieldsOnly, RowId, StorableText
from .parameters import parameters
from .permissions import MayRead, readable_documents
from .schema import problems
from .token_policies import TokenPolicy, in_view, narrowed, reached


class ExplainRequestSerializer(KnownFieldsOnly[Any]):
    """A query, and the document that it is about."""

    q = StorableText(max_length=2_000, help_text="What was looked for.")
    document = RowId(help_text="`id` of the document.")
    collection = StorableText(
        required=False, allow_blank=True, default="", help_text="Slug of a collection; by default the document's own."
    )
    k = serializers.IntegerField(
        required=False, default=10, min_value=1, max_value=MAX_K, help_text="How many results the first page has."
    )
    mode = Choice(choices=MODES, required=False, default=MODES[0])
    filter = serializers.ListField(
        required=False, default=list, child=StorableText(), help_text="As in a search; several must all hold."
    )


class ExplainView(APIView):
    """Why a document is found where it is, or not at all."""

    permission_classes = [MayRead]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ}, in_view)

    @extend_schema(
        operation_id="search_explain",
        parameters=[ExplainRequestSerializer],
        responses={200: ExplanationSerializer, **problems(400, 401, 404, 503)},
    )
    def get(self, request: Request) -> Response:
        """Return the document's way through one search, as the asker would see it."""
        values = parameters(request, ExplainRequestSerializer(), lists=["filter"])
        document = get_object_or_404(narrowed(request, readable_documents(request.user)), pk=values["document"])
        version = query_service.active_version(reached(request, values["collection"] or document.collection.slug))
        try:
            found = explain(
                version, values["q"], document, user=request.user, mode=values["mode"], k=values["k"],
                filters=values["filter"],
            )  # fmt: skip
        except InvalidFilter as error:
            raise query_service.InvalidQuery("filter", str(error)) from error
        return Response(ExplanationSerializer(found).data)
