"""Query sets and judgments over HTTP. What is measured with them is in `evaluation_run_views`."""

from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.evaluation import pooling, query_sets
from search.evaluation.query_sets import BadQuerySet
from search.ingestion import judgments
from search.ingestion.judgments import BadJudgments, JudgedQuery
from search.models import EvaluationQuery, EvaluationQuerySet
from search.query_service import NotReady

from .document_answers import collection_named
from .evaluation_serializers import (
    JudgeSerializer,
    JudgmentSerializer,
    OfCollection,
    PooledSerializer,
    QueriesWriteSerializer,
    QuerySerializer,
    QuerySetChangeSerializer,
    QuerySetCreateSerializer,
    QuerySetSerializer,
    StoredSerializer,
)
from .exceptions import Conflict, Unavailable
from .once import Once
from .parameters import parameters
from .parsers import sent
from .permissions import MayEvaluate
from .schema import problems
from .token_policies import MANAGING, TokenPolicy, by_row, in_view, narrowed, reached

_READ = problems(400, 401, 403, 404)
_WRITE = problems(400, 401, 403, 404, 409, 411, 413, 415)


class _QuerySets(GenericAPIView[EvaluationQuerySet]):
    """Addresses of query sets."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, by_row(EvaluationQuerySet))
    serializer_class = QuerySetSerializer
    queryset = EvaluationQuerySet.objects.select_related("collection", "created_by")


class QuerySetsView(Once, _QuerySets):
    """The query sets of all collections."""

    token_policy = TokenPolicy(MANAGING, in_view)

    @extend_schema(
        operation_id="evaluation_query_sets_list",
        parameters=[OfCollection],
        responses={200: QuerySetSerializer(many=True), **_READ},
    )
    def get(self, request: Request) -> Response:
        """List query sets by ascending id."""
        wanted = parameters(request, OfCollection(), paged=True)
        found = narrowed(request, self.get_queryset())
        if "collection" in wanted:
            found = found.filter(collection=collection_named(wanted["collection"]))
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response(QuerySetSerializer(page, many=True).data)

    @extend_schema(
        operation_id="evaluation_query_sets_create",
        request=QuerySetCreateSerializer,
        responses={201: QuerySetSerializer, **_WRITE},
    )
    def post(self, request: Request) -> Response:
        """Make an empty query set."""
        values = QuerySetCreateSerializer().run_validation(sent(request))
        collection = collection_named(reached(request, values["collection"]))
        try:
            made = query_sets.create(collection, values["name"], description=values["description"], by=person(request))
        except BadQuerySet as error:
            raise Conflict(str(error)) from error
        return Response(QuerySetSerializer(made).data, status=201)


class QuerySetView(_QuerySets):
    """One query set."""

    @extend_schema(operation_id="evaluation_query_sets_retrieve", responses={200: QuerySetSerializer, **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """Read a query set."""
        return Response(QuerySetSerializer(query_set_at(pk)).data)

    @extend_schema(
        operation_id="evaluation_query_sets_update",
        request=QuerySetChangeSerializer,
        responses={200: QuerySetSerializer, **_WRITE},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Rename a query set, or let it guard the gate."""
        values = QuerySetChangeSerializer().run_validation(sent(request))
        try:
            changed = query_sets.change(query_set_at(pk), **values)
        except BadQuerySet as error:
            raise Conflict(str(error)) from error
        return Response(QuerySetSerializer(changed).data)

    @extend_schema(operation_id="evaluation_query_sets_delete", responses={204: None, **problems(401, 403, 404)})
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a query set with its judgments and runs."""
        query_set_at(pk).delete()
        return Response(status=204)


class QueriesView(Once, GenericAPIView[EvaluationQuery]):
    """The queries of a set."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, by_row(EvaluationQuerySet))
    serializer_class = QuerySerializer
    queryset = EvaluationQuery.objects.prefetch_related("judgments__by")

    @extend_schema(operation_id="evaluation_queries_list", responses={200: QuerySerializer(many=True), **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """List queries with their judgments."""
        page = self.paginate_queryset(self.get_queryset().filter(query_set=query_set_at(pk))) or []
        return self.get_paginated_response(QuerySerializer(page, many=True).data)

    @extend_schema(
        operation_id="evaluation_queries_store",
        request=QueriesWriteSerializer,
        responses={200: StoredSerializer, **_WRITE},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Store queries with judgments; what is not named stays."""
        query_set = query_set_at(pk)
        values = QueriesWriteSerializer().run_validation(sent(request))
        queries = [JudgedQuery(q["external_id"], q["text"], q["judgments"]) for q in values["queries"]]
        try:
            stored = judgments.store(query_set, queries, by=person(request))
        except BadJudgments as error:
            raise ValidationError({"queries": [str(error)]}) from error
        return Response(StoredSerializer(stored).data)


class JudgmentsView(GenericAPIView[Any]):
    """What is thought of documents for one query."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, by_row(EvaluationQuery, "query_set__collection"))
    serializer_class = JudgmentSerializer
    queryset = EvaluationQuery.objects.all()

    @extend_schema(
        operation_id="evaluation_judge",
        request=JudgeSerializer,
        responses={200: JudgmentSerializer, 204: None, **_WRITE},
    )
    def put(self, request: Request, pk: int) -> Response:
        """Judge one document; the newest word counts."""
        query = query_at(pk)
        values = JudgeSerializer().run_validation(sent(request))
        if values["grade"] is None:
            judgments.forget(query, values["external_id"])
            return Response(status=204)
        try:
            judged = judgments.judge(query, values["external_id"], values["grade"], by=person(request))
        except BadJudgments as error:
            raise ValidationError({"external_id": [str(error)]}) from error
        return Response(JudgmentSerializer(judged).data)


class PoolView(GenericAPIView[Any]):
    """What is to be judged."""

    permission_classes = [MayEvaluate]
    token_policy = TokenPolicy(MANAGING, by_row(EvaluationQuery, "query_set__collection"))
    serializer_class = PooledSerializer
    pagination_class = None
    queryset = EvaluationQuery.objects.all()

    @extend_schema(
        operation_id="evaluation_pool",
        responses={200: PooledSerializer(many=True), **problems(401, 403, 404, 503)},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Show the best documents of several systems in an order that says nothing, for one query."""
        try:
            pooled = pooling.pool(query_at(pk), user=person(request))
        except NotReady as error:
            raise Unavailable(str(error)) from error
        return Response([PooledSerializer(document).data for document in pooled])


def person(request: Request) -> AbstractBaseUser:
    """Return who asks; the permissions let nobody else through."""
    return cast(AbstractBaseUser, request.user)


def query_set_at(pk: int) -> EvaluationQuerySet:
    """Return the query set of an address. Raises NotFound."""
    found = EvaluationQuerySet.objects.select_related("collection", "created_by").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no query set %d.") % pk)
    return found


def query_at(pk: int) -> EvaluationQuery:
    """Return the query of an address. Raises NotFound."""
    found = EvaluationQuery.objects.select_related("query_set").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no query %d.") % pk)
    return found
