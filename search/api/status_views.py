"""How the installation is, over HTTP: what needs somebody, each collection, the searches of the last day."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.access.scopes import Scope
from search.status.alarms import Cure, Severity
from search.status.overview import overview

from .fields import Choice
from .schema import problems
from .token_policies import TokenPolicy


class AlarmSerializer(serializers.Serializer[Any]):
    """Something that needs somebody."""

    severity = Choice(choices=[severity.value for severity in Severity])
    code = serializers.CharField(help_text="Stays the same whatever the language.")
    title = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    cure = Choice(choices=[cure.value for cure in Cure], help_text="Where it is mended.")
    what_to_do = serializers.CharField()
    collection = serializers.CharField(allow_null=True, help_text="Slug of the collection that it is about.")
    index_version = serializers.IntegerField(allow_null=True)
    import_job = serializers.IntegerField(allow_null=True)


class StatesSerializer(serializers.Serializer[Any]):
    """Documents by their state."""

    draft = serializers.IntegerField()
    published = serializers.IntegerField()
    archived = serializers.IntegerField()


class CollectionStatusSerializer(serializers.Serializer[Any]):
    """One collection."""

    collection = serializers.CharField(help_text="Its slug.")
    states = StatesSerializer()
    indexed = serializers.IntegerField()
    pending = serializers.IntegerField()
    failed = serializers.IntegerField()
    oldest_pending_since = serializers.DateTimeField(allow_null=True)
    index_version = serializers.IntegerField(allow_null=True, help_text="The live one.")
    recall = serializers.FloatField(allow_null=True)
    disk_bytes = serializers.IntegerField(allow_null=True)
    drift = serializers.IntegerField(allow_null=True)


class SearchStatusSerializer(serializers.Serializer[Any]):
    """Searches of the last 24 hours."""

    searches = serializers.IntegerField()
    zero_results = serializers.IntegerField()
    p50_seconds = serializers.FloatField(allow_null=True)
    p95_seconds = serializers.FloatField(allow_null=True)


class StatusSerializer(serializers.Serializer[Any]):
    """How the installation is."""

    at = serializers.DateTimeField()
    alarms = AlarmSerializer(many=True)
    collections = CollectionStatusSerializer(many=True, help_text="The first 60 by name.")
    searches = SearchStatusSerializer()
    imports_running = serializers.IntegerField()
    disk_free = serializers.IntegerField(help_text="Bytes.")
    disk_total = serializers.IntegerField()
    worker_seen_at = serializers.DateTimeField(allow_null=True)


class MaySeeStatus(BasePermission):
    """As in the admin: for those who may see collections and index versions."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perms(["search.view_collection", "search.view_indexversion"])


class StatusView(APIView):
    """The whole installation, which a token that is limited to collections does not reach."""

    permission_classes = [MaySeeStatus]
    token_policy = TokenPolicy({"GET": Scope.INDEX_MANAGE})

    @extend_schema(operation_id="status", responses={200: StatusSerializer, **problems(401, 403)})
    def get(self, request: Request) -> Response:
        """Say how the installation is, what needs somebody, and what to do about it."""
        return Response(overview(timezone.now()).as_json())
