"""The shape of query sets, judgments, runs and comparisons in the API, in and out."""

from typing import Any

from rest_framework import serializers

from search.evaluation import metrics
from search.evaluation.comparison import Comparison, MetricChange, QueryChange
from search.evaluation.pooling import PooledDocument
from search.ingestion.judgments import Stored
from search.models import EvaluationQuery, EvaluationQuerySet, EvaluationRun, Judgment, RunQuery
from search.models.evaluation import HIGHEST_GRADE
from search.query_service import MAX_K, MODES

from .fields import Choice, KnownFieldsOnly, ObjectField, RowId, StorableText

MOST_QUERIES_AT_ONCE = 1_000


class QuerySetSerializer(serializers.ModelSerializer[EvaluationQuerySet]):
    """Named queries of one collection, with judgments."""

    collection = serializers.CharField(source="collection.slug", read_only=True)
    queries = serializers.IntegerField(source="queries.count", read_only=True)
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True, read_only=True)

    class Meta:
        model = EvaluationQuerySet
        fields = [
            "id", "collection", "name", "description", "source", "guards_gate", "queries", "created_by", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class QuerySetChangeSerializer(KnownFieldsOnly[Any]):
    """What of a set can be changed."""

    name = StorableText(max_length=200, required=False)
    description = StorableText(max_length=10_000, required=False, allow_blank=True)
    guards_gate = serializers.BooleanField(
        required=False, help_text="True takes it over from the set that guards the gate now."
    )


class QuerySetCreateSerializer(KnownFieldsOnly[Any]):
    """A new set."""

    collection = StorableText(help_text="Slug of the collection that is asked.")
    name = StorableText(max_length=200)
    description = StorableText(max_length=10_000, required=False, allow_blank=True, default="")


class OfCollection(serializers.Serializer[Any]):
    """What the list of query sets can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")


class JudgmentSerializer(serializers.ModelSerializer[Judgment]):
    """How relevant one document is."""

    by = serializers.CharField(source="by.username", default=None, allow_null=True, read_only=True)

    class Meta:
        model = Judgment
        fields = ["external_id", "grade", "source", "by", "at"]
        read_only_fields = fields


class QuerySerializer(serializers.ModelSerializer[EvaluationQuery]):
    """A query with its judgments."""

    judgments = JudgmentSerializer(many=True, read_only=True)

    class Meta:
        model = EvaluationQuery
        fields = ["id", "external_id", "text", "judgments"]
        read_only_fields = fields


class QueryWriteSerializer(KnownFieldsOnly[Any]):
    """A query to be stored; one with the same id in the set is replaced, judgments that are not named stay."""

    external_id = StorableText(max_length=500, help_text="Its name in the set.")
    text = StorableText(max_length=100_000)
    judgments = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=HIGHEST_GRADE),
        default=dict,
        help_text="External id of a document → grade.",
    )


class QueriesWriteSerializer(KnownFieldsOnly[Any]):
    """Queries to be stored in a set."""

    queries = serializers.ListField(child=QueryWriteSerializer(), min_length=1, max_length=MOST_QUERIES_AT_ONCE)


class StoredSerializer(serializers.Serializer[Stored]):
    """How much was stored."""

    queries = serializers.IntegerField()
    judgments = serializers.IntegerField()


class JudgeSerializer(KnownFieldsOnly[Any]):
    """What somebody thinks of one document for one query."""

    external_id = StorableText(max_length=500)
    grade = serializers.IntegerField(
        min_value=0,
        max_value=HIGHEST_GRADE,
        allow_null=True,
        help_text="0 not relevant, 1 somewhat, 2 relevant, 3 just what was wanted; null forgets.",
    )


class PooledSerializer(serializers.Serializer[PooledDocument]):
    """A document to be judged, without rank or score."""

    external_id = serializers.CharField()
    document_id = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.CharField()
    text = serializers.CharField(source="snippet.text")
    grade = serializers.IntegerField(allow_null=True, help_text="Null where nobody has judged it.")


class MeanSerializer(serializers.Serializer[Any]):
    """A mean over queries with its 95 % confidence interval."""

    mean = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    count = serializers.IntegerField()


class RunSerializer(serializers.ModelSerializer[EvaluationRun]):
    """A query set asked of one index version with one configuration."""

    query_set = serializers.IntegerField(source="query_set_id", read_only=True)
    index_version = serializers.IntegerField(source="index_version_id", read_only=True, allow_null=True)
    metrics = serializers.SerializerMethodField()
    took_ms = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True, read_only=True)

    class Meta:
        model = EvaluationRun
        fields = [
            "id", "query_set", "index_version", "version_number", "label", "mode", "options", "k", "state", "error",
            "queries_total", "queries_done", "metrics", "took_ms", "created_by", "created_at", "started_at",
            "finished_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_metrics(self, run: EvaluationRun) -> dict[str, dict[str, float]]:
        return {name: value for name, value in run.metrics.items() if "mean" in value}

    def get_took_ms(self, run: EvaluationRun) -> dict[str, float]:
        took: dict[str, float] = run.metrics.get("took_ms", {})
        return took


class RunCreateSerializer(KnownFieldsOnly[Any]):
    """A run to be made by the worker."""

    query_set = RowId()
    index_version = RowId(required=False, help_text="Id; by default the live version.")
    mode = Choice(choices=MODES, default="hybrid")
    options = ObjectField(default=dict, help_text="Retrieval options over those of the collection.")
    label = StorableText(max_length=200, default="", allow_blank=True)  # type: ignore[assignment]
    queries = serializers.IntegerField(
        default=0, min_value=0, max_value=2**31 - 1, help_text="Only the first so many; 0 for all."
    )
    k = serializers.IntegerField(default=MAX_K, min_value=metrics.CUTOFF, max_value=MAX_K)


class RunFilters(serializers.Serializer[Any]):
    """What the list of runs can be narrowed to."""

    query_set = RowId(required=False)
    state = Choice(choices=EvaluationRun.State.choices, required=False)


class RunQuerySerializer(serializers.ModelSerializer[RunQuery]):
    """One query of a run."""

    query = serializers.IntegerField(source="query_id", read_only=True)
    external_id = serializers.CharField(source="query.external_id", read_only=True)
    text = serializers.CharField(source="query.text", read_only=True)
    metrics = serializers.DictField(child=serializers.FloatField(), read_only=True)
    ranked = serializers.ListField(
        child=serializers.ListField(), read_only=True, help_text="[external id, score] each, best first."
    )

    class Meta:
        model = RunQuery
        fields = ["query", "external_id", "text", "metrics", "ranked", "took_ms"]
        read_only_fields = fields


class MetricChangeSerializer(serializers.Serializer[MetricChange]):
    """One metric in both runs; `p_value` by a randomisation test."""

    name = serializers.CharField()
    first = serializers.FloatField()
    second = serializers.FloatField()
    difference = serializers.FloatField(source="difference.difference")
    low = serializers.FloatField(source="difference.low", help_text="Of the 95 % interval of the difference.")
    high = serializers.FloatField(source="difference.high")
    p_value = serializers.FloatField(source="difference.p_value")
    wins = serializers.IntegerField(source="difference.wins", help_text="Of the second run.")
    ties = serializers.IntegerField(source="difference.ties")
    losses = serializers.IntegerField(source="difference.losses")


class QueryChangeSerializer(serializers.Serializer[QueryChange]):
    """nDCG@10 of one query in both runs."""

    query = serializers.IntegerField(source="query_id")
    text = serializers.CharField()
    first = serializers.FloatField()
    second = serializers.FloatField()
    change = serializers.FloatField()


class ComparisonSerializer(serializers.Serializer[Comparison]):
    """Two runs of a set, by the judgments as they are now; queries with the worst losses first."""

    metrics = MetricChangeSerializer(many=True)
    queries = QueryChangeSerializer(many=True)
