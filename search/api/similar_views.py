"""More like this over HTTP: documents like a document, or like a text that is sent."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import query_service
from search.access.scopes import Scope
from search.datatypes import SearchResult
from search.models import Document
from search.query_service import MAX_K
from search.retrieval.filtering.filters import InvalidFilter
from search.retrieval.similar import CannotCompare, similar_to_document, similar_to_text

from .exceptions import Unavailable
from .fields import KnownFieldsOnly, StorableText
from .parameters import parameters
from .parsers import sent
from .permissions import MayRead
from .schema import problems
from .search_serializers import SearchResultSerializer
from .token_policies import TokenPolicy, by_row, in_view, reached

_MOST_CHARS = 100_000


class SimilarToDocumentSerializer(KnownFieldsOnly[Any]):
    """How many documents like this one."""

    k = serializers.IntegerField(
        required=False, default=10, min_value=1, max_value=MAX_K, help_text="How many results at most."
    )
    filter = serializers.ListField(
        required=False, default=list, child=StorableText(), help_text="As in a search; several must all hold."
    )


class SimilarToTextSerializer(SimilarToDocumentSerializer):
    """A text, and where to look for documents like it."""

    text = StorableText(max_length=_MOST_CHARS, help_text="What documents are to be like; long texts are fine.")
    collection = StorableText(
        required=False, allow_blank=True, default="", help_text="Slug of a collection; by default the installation's."
    )


class SimilarAnswerSerializer(serializers.Serializer[Any]):
    """The documents that are most alike, best first; `score` is a mean cosine."""

    results = SearchResultSerializer(many=True)


class SimilarToDocumentView(APIView):
    """Documents like a document."""

    permission_classes = [MayRead]
    token_policy = TokenPolicy({"GET": Scope.SEARCH_READ}, by_row(Document))

    @extend_schema(
        operation_id="document_similar",
        parameters=[SimilarToDocumentSerializer],
        responses={200: SimilarAnswerSerializer, **problems(400, 401, 404, 503)},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return what is most like a document, without the document itself."""
        values = parameters(request, SimilarToDocumentSerializer(), lists=["filter"])
        visible = Document.objects.visible_to(request.user).select_related("collection")
        document = get_object_or_404(visible, pk=pk)
        try:
            found = similar_to_document(document, user=request.user, k=values["k"], filters=values["filter"])
        except (InvalidFilter, CannotCompare) as error:
            raise refusal(error) from error
        return _answer(found)


class SimilarToTextView(APIView):
    """Documents like a text."""

    permission_classes = [MayRead]
    token_policy = TokenPolicy({"POST": Scope.SEARCH_READ}, in_view)
    max_body_bytes = 1024 * 1024

    @extend_schema(
        operation_id="search_similar",
        request=SimilarToTextSerializer,
        responses={200: SimilarAnswerSerializer, **problems(400, 401, 404, 411, 413, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        """Return what is most like the text sent."""
        values = SimilarToTextSerializer().run_validation(sent(request))
        version = query_service.active_version(reached(request, values["collection"]))
        try:
            found = similar_to_text(version, values["text"], user=request.user, k=values["k"], filters=values["filter"])
        except (InvalidFilter, CannotCompare) as error:
            raise refusal(error) from error
        return _answer(found)


def refusal(error: Exception) -> Exception:
    """Return an error of retrieval as the API says it."""
    return (
        query_service.InvalidQuery("filter", str(error))
        if isinstance(error, InvalidFilter)
        else Unavailable(str(error))
    )


def _answer(found: tuple[SearchResult, ...]) -> Response:
    return Response(SimilarAnswerSerializer({"results": found}).data)
