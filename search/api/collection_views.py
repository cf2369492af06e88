"""Collections over HTTP."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.access.scopes import Scope
from search.models import Collection

from .collection_serializers import CollectionSerializer, collection_list
from .document_answers import collection_at
from .once import Once
from .parsers import sent
from .permissions import MayReadAndWrite
from .schema import READ_PROBLEMS, WRITE_PROBLEMS
from .token_policies import TokenPolicy, by_slug, in_view, narrowed


@extend_schema_view(
    get=extend_schema(
        operation_id="collections_list", responses={200: CollectionSerializer(many=True), **READ_PROBLEMS}
    ),
    post=extend_schema(operation_id="collections_create", responses={201: CollectionSerializer, **WRITE_PROBLEMS}),
)
class CollectionsView(Once, GenericAPIView[Collection]):
    """All collections, with how far their indexes are."""

    permission_classes = [MayReadAndWrite]
    token_policy = TokenPolicy(
        {"GET": Scope.SEARCH_READ, "POST": Scope.INDEX_MANAGE}, in_view, not_limited=frozenset({"POST"})
    )
    permission_model = Collection
    serializer_class = CollectionSerializer
    queryset = Collection.objects.all()

    def get(self, request: Request) -> Response:
        """List the collections."""
        page = self.paginate_queryset(narrowed(request, self.get_queryset(), "pk")) or []
        return self.get_paginated_response(collection_list(page, request.user))

    def post(self, request: Request) -> Response:
        """Create a collection; its first index version is built by the worker."""
        collection = _saved(CollectionSerializer(data=sent(request)))
        return Response(collection_list([collection], request.user)[0], status=201)


@extend_schema_view(
    get=extend_schema(operation_id="collections_retrieve", responses={200: CollectionSerializer, **READ_PROBLEMS}),
    put=extend_schema(operation_id="collections_replace", responses={200: CollectionSerializer, **WRITE_PROBLEMS}),
    patch=extend_schema(operation_id="collections_update", responses={200: CollectionSerializer, **WRITE_PROBLEMS}),
    delete=extend_schema(operation_id="collections_delete", responses={204: None, **READ_PROBLEMS}),
)
class CollectionView(GenericAPIView[Collection]):
    """One collection."""

    permission_classes = [MayReadAndWrite]
    token_policy = TokenPolicy(
        {
            "GET": Scope.SEARCH_READ,
            "PUT": Scope.INDEX_MANAGE,
            "PATCH": Scope.INDEX_MANAGE,
            "DELETE": Scope.INDEX_MANAGE,
        },
        by_slug,
    )
    permission_model = Collection
    serializer_class = CollectionSerializer
    queryset = Collection.objects.all()

    def get(self, request: Request, slug: str) -> Response:
        """Read a collection."""
        return Response(collection_list([collection_at(slug)], request.user)[0])

    def put(self, request: Request, slug: str) -> Response:
        """Change a collection, checking that all required fields are there."""
        return self._write(request, slug, partial=False)

    def patch(self, request: Request, slug: str) -> Response:
        """Change some fields of a collection."""
        return self._write(request, slug, partial=True)

    def delete(self, request: Request, slug: str) -> Response:
        """Delete a collection with all its documents and index versions."""
        collection_at(slug).delete()
        return Response(status=204)

    def _write(self, request: Request, slug: str, *, partial: bool) -> Response:
        serializer = CollectionSerializer(
            collection_at(slug), data=sent(request), partial=partial, context={"user": request.user}
        )
        collection = _saved(serializer)
        return Response(collection_list([collection], request.user)[0])


def _saved(serializer: CollectionSerializer) -> Collection:
    serializer.is_valid(raise_exception=True)
    return serializer.save()
