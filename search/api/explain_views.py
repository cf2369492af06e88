"""Why this, why not that, over HTTP. A document that the asker may not read is absent, as everywhere."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import query_service
from search.query_service import MAX_K, MODES
from search.retrieval.explanations import Explanation, Leg, Stage, explain
from search.retrieval.filtering.filters import InvalidFilter

from .fields import KnownFieldsOnly, StorableText
from .permissions import MayRead, readable_documents
from .schema import problems


class ExplainRequestSerializer(KnownFieldsOnly[Any]):
    """A query, and the document that it is about."""

    q = StorableText(max_length=2_000, help_text="What was looked for.")
    document = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="`id` of the document.")
    collection = StorableText(
        required=False, allow_blank=True, default="", help_text="Slug of a collection; by default the document's own."
    )
    k = serializers.IntegerField(
        required=False, default=10, min_value=1, max_value=MAX_K, help_text="How many results the first page has."
    )
    mode = serializers.ChoiceField(choices=MODES, required=False, default=MODES[0])
    filter = serializers.ListField(
        required=False, default=list, child=StorableText(), help_text="As in a search; several must all hold."
    )


class TermSerializer(serializers.Serializer[Any]):
    """What a word of the query adds to the score by words."""

    term = serializers.CharField()
    field = serializers.CharField()
    frequency = serializers.IntegerField()
    idf = serializers.FloatField()
    score = serializers.FloatField()

    class Meta:
        ref_name = "ExplainedTerm"


class LegSerializer(serializers.Serializer[Leg]):
    """What one leg says of the document: its best chunk, and that chunk's place among the leg's candidates."""

    score = serializers.FloatField()
    rank = serializers.IntegerField(allow_null=True, help_text="null: it is not among the candidates.")
    candidates = serializers.IntegerField()
    chunk = serializers.IntegerField(source="chunk_id")
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    place = serializers.CharField()
    terms = TermSerializer(many=True)


class RuleEffectSerializer(serializers.Serializer[Any]):
    """What a curation rule did to the document."""

    rule = serializers.IntegerField(source="rule.rule_id")
    action = serializers.CharField(source="rule.action")
    rank_before = serializers.IntegerField(allow_null=True)
    rank_after = serializers.IntegerField(allow_null=True)


class ExplanationSerializer(serializers.Serializer[Explanation]):
    """How far the document came in this search, and why."""

    query = serializers.CharField()
    document = serializers.IntegerField(source="document_id")
    title = serializers.CharField()
    stage = serializers.ChoiceField(choices=[stage.value for stage in Stage])
    reason = serializers.CharField()
    dense = LegSerializer(allow_null=True)
    lexical = LegSerializer(allow_null=True)
    fusion = serializers.CharField()
    dense_weight = serializers.FloatField()
    fused_rank = serializers.IntegerField(allow_null=True)
    fused_score = serializers.FloatField(allow_null=True)
    rules = RuleEffectSerializer(source="effects", many=True)
    rank = serializers.IntegerField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    found = serializers.IntegerField(help_text="How many documents were ranked.")
    degraded_reasons = serializers.ListField(source="degraded", child=serializers.CharField())


class ExplainView(APIView):
    """Why a document is found where it is, or not at all."""

    permission_classes = [MayRead]

    @extend_schema(
        operation_id="search_explain",
        parameters=[ExplainRequestSerializer],
        responses={200: ExplanationSerializer, **problems(400, 401, 404, 503)},
    )
    def get(self, request: Request) -> Response:
        """Return the document's way through one search, as the asker would see it."""
        names = ExplainRequestSerializer().fields
        asked: dict[str, Any] = {name: value for name, value in request.query_params.items() if name in names}
        asked["filter"] = request.query_params.getlist("filter")
        values = ExplainRequestSerializer().run_validation(asked)
        document = get_object_or_404(readable_documents(request.user), pk=values["document"])
        version = query_service.active_version(values["collection"] or document.collection.slug)
        try:
            found = explain(
                version, values["q"], document, user=request.user, mode=values["mode"], k=values["k"],
                filters=values["filter"],
            )  # fmt: skip
        except InvalidFilter as error:
            raise query_service.InvalidQuery("filter", str(error)) from error
        return Response(ExplanationSerializer(found).data)
