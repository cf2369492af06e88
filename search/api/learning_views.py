"""Learning a collection's weight of meaning from judgments, over HTTP: measured first, applied when told to."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.evaluation import weights
from search.evaluation.learning import CannotLearn, LearnedWeight, learn_dense_weight
from search.models import EvaluationQuerySet

from .evaluation_views import query_set_at
from .exceptions import Conflict
from .fields import KnownFieldsOnly
from .once import Once
from .parsers import sent
from .permissions import MayEvaluate, MayRebuild
from .schema import problems
from .token_policies import MANAGING, TokenPolicy, by_row


class LearnSerializer(KnownFieldsOnly[Any]):
    """What becomes of what was learned."""

    apply = serializers.BooleanField(
        default=False, help_text="Rank by it from now on, where it is better for queries that it was not learned from."
    )


class LearnedWeightSerializer(serializers.Serializer[LearnedWeight]):
    """The best weight, and what it is worth for queries that it was not learned from."""

    dense_weight = serializers.FloatField(source="value")
    baseline = serializers.FloatField(help_text="The weight that the collection had.")
    queries = serializers.IntegerField()
    ndcg = serializers.FloatField(help_text="nDCG@10 of held-out queries with what was learned from the others.")
    baseline_ndcg = serializers.FloatField()
    difference = serializers.FloatField(source="change.difference")
    low = serializers.FloatField(source="change.low", help_text="Of its 95 % confidence interval.")
    high = serializers.FloatField(source="change.high")
    p_value = serializers.FloatField(source="change.p_value")
    is_better = serializers.BooleanField(help_text="The gain is hardly chance.")
    applied = serializers.SerializerMethodField(help_text="The collection ranks by it now.")

    def get_applied(self, learned: LearnedWeight) -> bool:
        return bool(self.context["applied"])


class LearnWeightsView(Once, GenericAPIView[EvaluationQuerySet]):
    """Learning from one query set."""

    permission_classes = [MayEvaluate, MayRebuild]
    token_policy = TokenPolicy(MANAGING, by_row(EvaluationQuerySet))
    serializer_class = LearnSerializer

    @extend_schema(
        operation_id="evaluation_learn_weights",
        request=LearnSerializer,
        responses={200: LearnedWeightSerializer, **problems(400, 401, 403, 404, 409, 411, 413, 415)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask up to 500 judged queries, once each, and say which weight of meaning is best and what it is worth."""
        query_set = query_set_at(pk)
        wanted = LearnSerializer().run_validation(sent(request))
        try:
            learned = learn_dense_weight(query_set)
        except CannotLearn as error:
            raise Conflict(str(error)) from error
        applied = wanted["apply"] and learned.is_better
        if applied:
            weights.use(query_set.collection, learned.value)
        return Response(LearnedWeightSerializer(learned, context={"applied": applied}).data)
