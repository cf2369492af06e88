"""What waits for the index and what it gave up on, over HTTP, and the way to try again."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import tasks
from search.access.scopes import Scope
from search.models import PendingChange
from search.models.pending_changes import PendingChangeQuerySet

from .document_answers import collection_named
from .fields import KnownFieldsOnly, RowId
from .once import Once
from .parameters import parameters
from .parsers import sent
from .schema import problems
from .token_policies import TokenPolicy, in_view, narrowed

_MOST_DOCUMENTS = 1_000


class MaySeeWhatWaits(BasePermission):
    """Reasons may quote documents, so this is for those who see the same list in the admin."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return any(request.user.has_perm(f"search.{action}_pendingchange") for action in ("view", "change"))


class MayRetry(BasePermission):
    """As the button in the admin."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("search.change_pendingchange")


class PendingChangeSerializer(serializers.ModelSerializer[PendingChange]):
    """A change that one index version has not applied."""

    collection = serializers.CharField(source="version.collection.slug")
    index_version = serializers.IntegerField(source="version.number")
    document = serializers.IntegerField(source="document_id", help_text="It may be deleted by now.")
    failed = serializers.BooleanField(source="quarantined", help_text="Not tried again until somebody says so.")
    reason = serializers.CharField(source="last_error", help_text="Of the last attempt; empty before the first.")
    since = serializers.DateTimeField(source="created_at")

    class Meta:
        model = PendingChange
        fields = [
            "id", "collection", "index_version", "document", "failed", "reason", "attempts", "not_before", "since",
        ]  # fmt: skip


class PendingChangeFilters(serializers.Serializer[Any]):
    """What the list can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    failed = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="`true`: only what needs somebody."
    )


class RetrySerializer(KnownFieldsOnly[Any]):
    """Which of the failed documents are tried again: those named, of one collection, or all."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    documents = serializers.ListField(required=False, child=RowId(), max_length=_MOST_DOCUMENTS)


class RetriedSerializer(serializers.Serializer[Any]):
    """How many documents are queued again."""

    queued = serializers.IntegerField()


class PendingChangesView(GenericAPIView[PendingChange]):
    """All pending changes."""

    permission_classes = [MaySeeWhatWaits]
    token_policy = TokenPolicy({"GET": Scope.INDEX_MANAGE}, in_view)
    serializer_class = PendingChangeSerializer
    queryset = PendingChange.objects.select_related("version__collection")

    @extend_schema(
        operation_id="pending_changes_list",
        parameters=[PendingChangeFilters],
        responses={200: PendingChangeSerializer(many=True), **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        """List what has yet to be applied, by ascending id."""
        wanted = parameters(request, PendingChangeFilters(), paged=True)
        changes = narrowed(request, self.get_queryset(), "version__collection")
        if "collection" in wanted:
            changes = changes.filter(version__collection=collection_named(wanted["collection"]))
        if wanted["failed"] is not None:
            changes = changes.filter(quarantined=wanted["failed"])
        page = self.paginate_queryset(changes) or []
        return self.get_paginated_response(PendingChangeSerializer(page, many=True).data)


class RetryPendingView(Once, GenericAPIView[PendingChange]):
    """Trying again what failed."""

    permission_classes = [MayRetry]
    token_policy = TokenPolicy({"POST": Scope.INDEX_MANAGE}, in_view)
    serializer_class = RetrySerializer
    queryset = PendingChange.objects.all()

    @extend_schema(
        operation_id="pending_changes_retry",
        request=RetrySerializer,
        responses={200: RetriedSerializer, **problems(400, 401, 403, 404, 411, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Queue failed documents again."""
        wanted = RetrySerializer().run_validation(sent(request))
        changes = narrowed(request, PendingChange.objects.all(), "version__collection")
        if "collection" in wanted:
            changes = changes.filter(version__collection=collection_named(wanted["collection"]))
        if "documents" in wanted:
            changes = changes.filter(document__in=wanted["documents"])
        return Response({"queued": tasks.retry_failed(cast(PendingChangeQuerySet, changes))})
