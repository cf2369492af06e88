"""Suggestions over HTTP, for search fields of other systems."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import query_service
from search.access.scopes import Scope
from search.retrieval.suggestions import Suggestion, suggestions

from .fields import Choice, KnownFieldsOnly, StorableText
from .parameters import parameters
from .permissions import MayRead
from .schema import problems
from .token_policies import TokenPolicy, in_view, reached

_MOST = 20


class SuggestRequestSerializer(KnownFieldsOnly[Any]):
    """What has been typed so far."""

    q = StorableText(trim_whitespace=False, allow_blank=True, max_length=200, help_text="What has been typed so far.")
    collection = StorableText(
        required=False, allow_blank=True, default="", help_text="Slug of a collection; by default the installation's."
    )
    k = serializers.IntegerField(
        required=False, default=8, min_value=1, max_value=_MOST, help_text="How many suggestions at most."
    )


class SuggestionSerializer(serializers.Serializer[Suggestion]):
    """Something to search for."""

    text = serializers.CharField()
    kind = Choice(choices=["title", "query"], help_text="A document's title or a past query.")
    document = serializers.IntegerField(source="document_id", allow_null=True, help_text="`id` of a title's document.")


class SuggestAnswerSerializer(serializers.Serializer[Any]):
    """What may be meant, likeliest first."""

    suggestions = SuggestionSerializer(many=True)


class SuggestView(APIView):
    """Titles and past queries while somebody types."""

    permission_classes = [MayRead]
    token_policy = TokenPolicy({"GET": Scope.SEARCH_READ}, in_view)

    @extend_schema(
        operation_id="search_suggest",
        parameters=[SuggestRequestSerializer],
        responses={200: SuggestAnswerSerializer, **problems(400, 401, 404, 503)},
    )
    def get(self, request: Request) -> Response:
        """Return what may be meant by the beginning of a query."""
        values = parameters(request, SuggestRequestSerializer())
        version = query_service.active_version(reached(request, values["collection"]))
        found = suggestions(version, values["q"], user=request.user, k=values["k"])
        return Response(SuggestAnswerSerializer({"suggestions": found}).data)
