"""Evaluation runs over HTTP: ask for one, see how far it is and what came out, hold two against each other."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search import tasks
from search.evaluation import comparison, runner
from search.models import EvaluationQuerySet, EvaluationRun, IndexVersion, RunQuery

from .evaluation_serializers import (
    ComparisonSerializer,
    RunCreateSerializer,
    RunFilters,
    RunQuerySerializer,
    RunSerializer,
)
from .evaluation_views import person
from .exceptions import Conflict
from .once import Once
from .parameters import parameters
from .parsers import sent
from .permissions import MayEvaluate
from .schema import problems
from .token_policies import MANAGING, TokenPolicy, by_row, in_view, narrowed

_OF_RUN = by_row(EvaluationRun, "query_set__collection")
_READ = problems(400, 401, 403, 404)
_WRITE = problems(400, 401, 403, 404, 409, 411, 413, 415)


class _Runs(GenericAPIView[EvaluationRun]):
    """Addresses of runs."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, _OF_RUN)
    serializer_class = RunSerializer
    queryset = EvaluationRun.objects.select_related("created_by")


class RunsView(Once, _Runs):
    """The runs of all query sets."""

    token_policy = TokenPolicy(MANAGING, in_view)

    @extend_schema(
        operation_id="evaluation_runs_list", parameters=[RunFilters], responses={200: RunSerializer(many=True), **_READ}
    )
    def get(self, request: Request) -> Response:
        """List runs by ascending id."""
        wanted = parameters(request, RunFilters(), paged=True)
        runs = narrowed(request, self.get_queryset(), "query_set__collection").filter(**wanted)
        page = self.paginate_queryset(runs) or []
        return self.get_paginated_response(RunSerializer(page, many=True).data)

    @extend_schema(
        operation_id="evaluation_runs_create", request=RunCreateSerializer, responses={202: RunSerializer, **_WRITE}
    )
    def post(self, request: Request) -> Response:
        """Ask the worker for a run."""
        values = RunCreateSerializer().run_validation(sent(request))
        query_set = narrowed(request, EvaluationQuerySet.objects.all()).filter(pk=values["query_set"]).first()
        if query_set is None:
            raise ValidationError({"query_set": [_("There is no query set %d.") % values["query_set"]]})
        version = _version(values["index_version"]) if "index_version" in values else None
        try:
            run = tasks.start_evaluation(
                query_set,
                version=version,
                mode=values["mode"],
                options=values["options"],
                label=values["label"],
                most=values["queries"],
                k=values["k"],
                by=person(request),
            )
        except runner.BadRun as error:
            raise Conflict(str(error)) from error
        return Response(RunSerializer(run).data, status=202)


class RunView(_Runs):
    """One run."""

    @extend_schema(operation_id="evaluation_runs_retrieve", responses={200: RunSerializer, **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """Read how far a run is, and what came out."""
        return Response(RunSerializer(run_at(pk)).data)

    @extend_schema(operation_id="evaluation_runs_delete", responses={204: None, **problems(401, 403, 404)})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a run with its rankings."""
        run_at(pk).delete()
        return Response(status=204)


class CancelRunView(Once, _Runs):
    """Stopping a run."""

    @extend_schema(
        operation_id="evaluation_runs_cancel", request=None, responses={200: RunSerializer, **problems(401, 403, 404)}
    )
    def post(self, request: Request, pk: int) -> Response:
        """Stop a run; one that is over stays as it is."""
        runner.cancel(run_at(pk))
        return Response(RunSerializer(run_at(pk)).data)


class RescoreRunView(Once, _Runs):
    """New judgments for an old run."""

    @extend_schema(
        operation_id="evaluation_runs_rescore",
        request=None,
        responses={200: RunSerializer, **problems(401, 403, 404, 409)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Work the metrics out anew, by the judgments as they are now; rankings stay."""
        try:
            runner.rescore(run_at(pk))
        except runner.BadRun as error:
            raise Conflict(str(error)) from error
        return Response(RunSerializer(run_at(pk)).data)


class RunQueriesView(GenericAPIView[RunQuery]):
    """The queries of a run."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, _OF_RUN)
    serializer_class = RunQuerySerializer
    queryset = RunQuery.objects.select_related("query")

    @extend_schema(operation_id="evaluation_runs_queries", responses={200: RunQuerySerializer(many=True), **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """List what each query found, and what that was worth by the judgments of that moment."""
        page = self.paginate_queryset(self.get_queryset().filter(run=run_at(pk))) or []
        return self.get_paginated_response(RunQuerySerializer(page, many=True).data)


class CompareRunsView(GenericAPIView[Any]):
    """Two runs of one set."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, _OF_RUN)
    serializer_class = ComparisonSerializer
    queryset = EvaluationRun.objects.all()

    @extend_schema(
        operation_id="evaluation_runs_compare",
        responses={200: ComparisonSerializer, **problems(401, 403, 404, 409)},
    )
    def get(self, request: Request, pk: int, other: int) -> Response:
        """Compare a second run with this first one, query by query."""
        try:
            found = comparison.compare(run_at(pk), run_at(other))
        except ValueError as error:
            raise Conflict(str(error)) from error
        return Response(ComparisonSerializer(found).data)


def run_at(pk: int) -> EvaluationRun:
    """Return the run of an address. Raises NotFound."""
    found = EvaluationRun.objects.select_related("query_set", "created_by").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no run %d.") % pk)
    return found


def _version(pk: int) -> IndexVersion:
    found = IndexVersion.objects.filter(pk=pk).first()
    if found is None:
        raise ValidationError({"index_version": [_("There is no index version %d.") % pk]})
    return found
