"""Pairs of documents that say the same, over HTTP: looked for, listed, decided."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import tasks
from search.access.scopes import Scope
from search.ingestion import deduplication
from search.models import DuplicatePair, DuplicateScan

from .document_answers import collection_at, collection_named
from .fields import Choice, KnownFieldsOnly
from .once import Once
from .parameters import parameters
from .parsers import sent
from .schema import problems
from .token_policies import TokenPolicy, by_row, by_slug, in_view, narrowed

_READ = problems(400, 401, 403, 404)
_WRITE = problems(400, 401, 403, 404, 411, 413, 415)
_DECISIONS = [DuplicatePair.State.ARCHIVED, DuplicatePair.State.LINKED, DuplicatePair.State.KEPT]


class MayHandleDuplicates(BasePermission):
    """As in the admin: looking and looking for, with the list; deciding, with documents."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        decides = request.method not in SAFE_METHODS and "pk" in view.kwargs
        needed = ["search.view_duplicatepair", *(["search.change_document"] if decides else [])]
        return request.user.has_perms(needed)


class DuplicatePairSerializer(serializers.ModelSerializer[DuplicatePair]):
    """Two documents of one collection; `second` is the newer one, and null where it was not imported."""

    collection = serializers.CharField(source="collection.slug")
    first = serializers.IntegerField(source="first_id")
    second = serializers.IntegerField(source="second_id", allow_null=True)

    class Meta:
        model = DuplicatePair
        fields = [
            "id",
            "collection",
            "first",
            "second",
            "second_external_id",
            "kind",
            "similarity",
            "state",
            "found_at",
        ]


class DuplicateFilters(serializers.Serializer[Any]):
    """What the list can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    state = Choice(choices=DuplicatePair.State.choices, required=False)


class DecisionSerializer(KnownFieldsOnly[Any]):
    """What becomes of a pair."""

    state = Choice(
        choices=_DECISIONS,
        help_text="`archived`: nobody finds the second any more; `linked`: the same, and it says which one it repeats; "
        "`kept`: both stay.",
    )


class ScanSerializer(KnownFieldsOnly[Any]):
    """How alike two documents have to be."""

    threshold = serializers.FloatField(default=0.95, min_value=0.5, max_value=1.0, help_text="Least cosine.")


class ScanAnswerSerializer(serializers.ModelSerializer[DuplicateScan]):
    """How far the search for duplicates is."""

    class Meta:
        model = DuplicateScan
        fields = ["status", "threshold", "done", "total", "found", "error", "requested_at", "finished_at"]


class DuplicatesView(GenericAPIView[DuplicatePair]):
    """All pairs."""

    permission_classes = [MayHandleDuplicates]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ}, in_view)
    serializer_class = DuplicatePairSerializer
    queryset = DuplicatePair.objects.select_related("collection")

    @extend_schema(
        operation_id="duplicates_list",
        parameters=[DuplicateFilters],
        responses={200: DuplicatePairSerializer(many=True), **_READ},
    )
    def get(self, request: Request) -> Response:
        """List pairs by ascending id."""
        wanted = parameters(request, DuplicateFilters(), paged=True)
        pairs = narrowed(request, self.get_queryset())
        if "collection" in wanted:
            pairs = pairs.filter(collection=collection_named(wanted["collection"]))
        if "state" in wanted:
            pairs = pairs.filter(state=wanted["state"])
        page = self.paginate_queryset(pairs) or []
        return self.get_paginated_response(DuplicatePairSerializer(page, many=True).data)


class DuplicateView(GenericAPIView[DuplicatePair]):
    """One pair."""

    permission_classes = [MayHandleDuplicates]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ, "PATCH": Scope.DOCUMENTS_WRITE}, by_row(DuplicatePair))
    serializer_class = DuplicatePairSerializer
    queryset = DuplicatePair.objects.select_related("collection")

    @extend_schema(operation_id="duplicates_retrieve", responses={200: DuplicatePairSerializer, **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """Read a pair."""
        return Response(DuplicatePairSerializer(self._pair(pk)).data)

    @extend_schema(
        operation_id="duplicates_decide",
        request=DecisionSerializer,
        responses={200: DuplicatePairSerializer, **_WRITE},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Decide what becomes of a pair."""
        self._pair(pk)
        state = DecisionSerializer().run_validation(sent(request))["state"]
        deduplication.decide(DuplicatePair.objects.filter(pk=pk), state)
        return Response(DuplicatePairSerializer(self._pair(pk)).data)

    def _pair(self, pk: int) -> DuplicatePair:
        pair = self.get_queryset().filter(pk=pk).first()
        if pair is None:
            raise NotFound
        return pair


class FindDuplicatesView(Once, GenericAPIView[DuplicateScan]):
    """Looking for pairs in a collection."""

    permission_classes = [MayHandleDuplicates]
    token_policy = TokenPolicy({"POST": Scope.DOCUMENTS_READ}, by_slug)
    serializer_class = ScanSerializer
    queryset = DuplicateScan.objects.all()

    @extend_schema(
        operation_id="duplicates_find",
        request=ScanSerializer,
        responses={202: ScanAnswerSerializer, **_WRITE},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Have the worker compare the documents of a collection."""
        collection = collection_at(slug)
        wanted = ScanSerializer().run_validation(sent(request))
        tasks.request_duplicates(collection, threshold=wanted["threshold"])
        return Response(ScanAnswerSerializer(DuplicateScan.objects.get(collection=collection)).data, status=202)
