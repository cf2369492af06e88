"""The shape of an explanation: how far a document came in a search, and why."""

from typing import Any

from rest_framework import serializers

from search.retrieval.explanations import Explanation, Leg, Stage

from .fields import Choice


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


class RerankedSerializer(serializers.Serializer[Any]):
    """What a reranker made of the document: its score there, and its places before and after."""

    by = serializers.CharField()
    score = serializers.FloatField()
    rank_before = serializers.IntegerField()
    rank_after = serializers.IntegerField()


class ExplanationSerializer(serializers.Serializer[Explanation]):
    """How far the document came in this search, and why."""

    query = serializers.CharField()
    document = serializers.IntegerField(source="document_id")
    title = serializers.CharField()
    stage = Choice(choices=[stage.value for stage in Stage])
    reason = serializers.CharField()
    dense = LegSerializer(allow_null=True)
    lexical = LegSerializer(allow_null=True)
    fusion = serializers.CharField()
    dense_weight = serializers.FloatField()
    fused_rank = serializers.IntegerField(allow_null=True)
    fused_score = serializers.FloatField(allow_null=True)
    rerank = RerankedSerializer(allow_null=True)
    rules = RuleEffectSerializer(source="effects", many=True)
    rank = serializers.IntegerField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    found = serializers.IntegerField(help_text="How many documents were ranked.")
    degraded_reasons = serializers.ListField(source="degraded", child=serializers.CharField())
