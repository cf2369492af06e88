"""The log of searches and its reports over HTTP, for those who read it in the admin. Changes nothing."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.access.scopes import Scope
from search.analytics.reports import QueryFigures, QueryGroup, Report, Totals, report, totals
from search.models import SearchLog

from .document_answers import collection_at, collection_named
from .fields import Choice
from .parameters import parameters
from .schema import problems
from .token_policies import TokenPolicy, by_slug, in_view, narrowed

_MOST_DAYS = 366
_SHOWN_GROUPS = 50
_READ = problems(400, 401, 403, 404)


class MayReadLog(BasePermission):
    """What people searched for may be private."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("search.view_searchlog")


class LoggedSearchSerializer(serializers.ModelSerializer[SearchLog]):
    """One search as it was asked."""

    collection = serializers.CharField(source="collection.slug")

    class Meta:
        model = SearchLog
        fields = ["id", "collection", "text", "mode", "index_version", "source", "total", "good_match", "took_ms", "at"]


class LogFilters(serializers.Serializer[Any]):
    """What the log can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    since = serializers.DateTimeField(required=False, help_text="ISO 8601; write a + as %2B.")


class ReportFilters(serializers.Serializer[Any]):
    """Which report, and on how long a time."""

    report = Choice(
        choices=[kind.value for kind in Report],
        default=Report.NOTHING.value,
        help_text="`nothing`: no good match; `few-clicks`: asked often, opened rarely; `abandoned`: answered, nothing "
        "opened; `reworded`: asked anew in other words; `disliked`: a thumb down; `all`.",
    )
    days = serializers.IntegerField(default=30, min_value=1, max_value=_MOST_DAYS)


class FiguresSerializer(serializers.Serializer[QueryFigures]):
    """One query, and how it fared."""

    text = serializers.CharField()
    searches = serializers.IntegerField()
    nothing = serializers.IntegerField(help_text="How often nothing good was found.")
    clicked = serializers.IntegerField()
    abandoned = serializers.IntegerField()
    reworded = serializers.IntegerField()
    up = serializers.IntegerField()
    down = serializers.IntegerField()
    last_at = serializers.DateTimeField()


class GroupSerializer(serializers.Serializer[QueryGroup]):
    """Queries of one meaning, the most frequent first."""

    searches = serializers.IntegerField()
    click_share = serializers.FloatField()
    queries = FiguresSerializer(many=True)


class TotalsSerializer(serializers.Serializer[Totals]):
    """All searches of the time."""

    searches = serializers.IntegerField()
    nothing = serializers.IntegerField()
    clicked = serializers.IntegerField()
    abandoned = serializers.IntegerField()
    median_ms = serializers.FloatField(allow_null=True)


class ReportSerializer(serializers.Serializer[Any]):
    """A report."""

    totals = TotalsSerializer()
    groups = GroupSerializer(many=True)
    left_out = serializers.IntegerField(help_text=f"Groups after the first {_SHOWN_GROUPS}.")


class SearchLogView(GenericAPIView[SearchLog]):
    """All logged searches."""

    permission_classes = [MayReadLog]
    token_policy = TokenPolicy({"GET": Scope.INDEX_MANAGE}, in_view)
    serializer_class = LoggedSearchSerializer
    queryset = SearchLog.objects.select_related("collection")

    @extend_schema(
        operation_id="search_log_list",
        parameters=[LogFilters],
        responses={200: LoggedSearchSerializer(many=True), **_READ},
    )
    def get(self, request: Request) -> Response:
        """List what was asked, by ascending id."""
        wanted = parameters(request, LogFilters(), paged=True)
        searches = narrowed(request, self.get_queryset())
        if "collection" in wanted:
            searches = searches.filter(collection=collection_named(wanted["collection"]))
        if "since" in wanted:
            searches = searches.filter(at__gte=wanted["since"])
        page = self.paginate_queryset(searches) or []
        return self.get_paginated_response(LoggedSearchSerializer(page, many=True).data)


class SearchReportView(GenericAPIView[SearchLog]):
    """What people did not find in a collection."""

    permission_classes = [MayReadLog]
    token_policy = TokenPolicy({"GET": Scope.INDEX_MANAGE}, by_slug)
    pagination_class = None
    serializer_class = ReportSerializer
    queryset = SearchLog.objects.all()

    @extend_schema(
        operation_id="search_log_report",
        parameters=[ReportFilters],
        responses={200: ReportSerializer, **_READ},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Put what was asked together by meaning, the most frequent first."""
        collection = collection_at(slug)
        wanted = parameters(request, ReportFilters())
        since = timezone.now() - timedelta(days=wanted["days"])
        groups = report(collection, Report(wanted["report"]), since=since)
        answer = {
            "totals": totals(collection, since=since),
            "groups": groups[:_SHOWN_GROUPS],
            "left_out": len(groups[_SHOWN_GROUPS:]),
        }
        return Response(ReportSerializer(answer).data)
