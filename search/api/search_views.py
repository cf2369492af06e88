"""Searching over HTTP: one call into the query service."""

from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import query_service
from search.access.scopes import Scope

from .parameters import known_parameters
from .parsers import sent
from .permissions import MayRead
from .schema import problems
from .search_serializers import SearchAnswerSerializer, SearchRequestSerializer
from .token_policies import TokenPolicy, in_view, reached

# One of each for all requests: making their fields anew takes longer than using them, and they keep nothing.
_REQUEST = SearchRequestSerializer()
_ANSWER = SearchAnswerSerializer()


class SearchView(APIView):
    """Documents by meaning and by words."""

    permission_classes = [MayRead]
    token_policy = TokenPolicy({"GET": Scope.SEARCH_READ, "POST": Scope.SEARCH_READ}, in_view)
    max_body_bytes = 1024 * 1024

    @extend_schema(
        operation_id="search",
        parameters=[SearchRequestSerializer],
        responses={200: SearchAnswerSerializer, **problems(400, 401, 404, 503)},
    )
    def get(self, request: Request) -> Response:
        """Search with a query in the address."""
        return _answer(request, _asked(known_parameters(request, _REQUEST)))

    @extend_schema(
        operation_id="search_post",
        request=SearchRequestSerializer,
        responses={200: SearchAnswerSerializer, **problems(400, 401, 404, 411, 413, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        """Search with a query in the body, for long ones and for those that no log should keep."""
        return _answer(request, sent(request))


def _asked(parameters: QueryDict) -> dict[str, Any]:
    """Return what an address asks; what is a list may be repeated, and facets also be named in one, with commas."""
    asked: dict[str, Any] = {name: value for name, value in parameters.items() if name != "format"}
    if "collection" in asked:
        asked["collection"] = ",".join(parameters.getlist("collection"))
    if "filter" in asked:
        asked["filter"] = parameters.getlist("filter")
    if "facets" in asked:
        asked["facets"] = [name for value in parameters.getlist("facets") for name in value.split(",") if name.strip()]
    return asked


def _answer(request: Request, asked: Any) -> Response:
    values = _REQUEST.run_validation(asked)
    response = query_service.search(
        values["q"],
        user=request.user,
        collection=reached(request, values["collection"]),
        k=values["k"],
        mode=values["mode"],
        filters=values["filter"],
        sort=values["sort"],
        weak=values["weak"],
        cursor=values["cursor"],
        facets=values["facets"],
        rerank=values["rerank"],
        explain=values["explain"],
        source="api",
    )
    return Response(_ANSWER.to_representation(response), headers={"Server-Timing": response.took_ms.header})
