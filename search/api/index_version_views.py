"""Index versions over HTTP: what each was made with, how far it is, what was measured, what it consists of."""

from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.access.scopes import Scope
from search.models import IndexVersion, VersionEvent

from .document_answers import collection_named
from .index_version_serializers import IndexVersionFilters, IndexVersionSerializer, index_version_list
from .parameters import parameters
from .permissions import MayViewIndexVersions
from .schema import problems
from .token_policies import TokenPolicy, by_row, in_view, narrowed

_PROBLEMS = problems(400, 401, 403, 404)
_VERSIONS = IndexVersion.objects.select_related("collection", "created_by").prefetch_related(
    "segments", Prefetch("events", VersionEvent.objects.select_related("by"))
)


@extend_schema_view(
    get=extend_schema(
        operation_id="index_versions_list",
        parameters=[IndexVersionFilters],
        responses={200: IndexVersionSerializer(many=True), **_PROBLEMS},
    )
)
class IndexVersionsView(GenericAPIView[IndexVersion]):
    """The index versions of all collections."""

    permission_classes = [MayViewIndexVersions]
    token_policy = TokenPolicy({"GET": Scope.INDEX_MANAGE}, in_view)
    serializer_class = IndexVersionSerializer
    queryset = _VERSIONS

    def get(self, request: Request) -> Response:
        """List index versions by ascending id."""
        lookups = parameters(request, IndexVersionFilters(), paged=True)
        if "collection" in lookups:
            lookups["collection"] = collection_named(lookups["collection"])
        page = self.paginate_queryset(narrowed(request, self.get_queryset()).filter(**lookups)) or []
        return self.get_paginated_response(index_version_list(page))


@extend_schema_view(
    get=extend_schema(operation_id="index_versions_retrieve", responses={200: IndexVersionSerializer, **_PROBLEMS})
)
class IndexVersionView(GenericAPIView[IndexVersion]):
    """One index version."""

    permission_classes = [MayViewIndexVersions]
    token_policy = TokenPolicy({"GET": Scope.INDEX_MANAGE}, by_row(IndexVersion))
    serializer_class = IndexVersionSerializer
    queryset = _VERSIONS

    def get(self, request: Request, pk: int) -> Response:
        """Read an index version."""
        return Response(index_version_answer(pk))


def index_version_at(pk: int) -> IndexVersion:
    """Return the version of an address, with all that an answer shows. Raises NotFound."""
    version = _VERSIONS.filter(pk=pk).first()
    if version is None:
        raise NotFound(_("There is no index version %d.") % pk)
    return version


def index_version_answer(pk: int) -> dict[str, Any]:
    """Return a version as it is now. Raises NotFound."""
    return index_version_list([index_version_at(pk)])[0]
