"""The shape of a search: what is asked and what is answered."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.datatypes import Facet, SearchResponse, SearchResult, Timings
from search.query_service import MAX_K, MODES
from search.retrieval.filtering.facets import FIXED, is_facet
from search.retrieval.filtering.filters import filter_for
from search.retrieval.result_set import SORTS
from search.retrieval_options import RERANKERS

from .explain_serializers import ExplanationSerializer
from .fields import Choice, KnownFieldsOnly, StorableText
from .problems import shortened

AUTO = "auto"
SNIPPET_KINDS = ("words", "meaning", "beginning")
STRENGTHS = ("strong", "possible", "weak")


class SearchRequestSerializer(KnownFieldsOnly[Any]):
    """A query in people's words."""

    q = StorableText(trim_whitespace=False, allow_blank=True, help_text="What to look for.")
    collection = StorableText(
        required=False,
        allow_blank=True,
        default="",
        help_text="Slug of a collection; by default the installation's. Several with commas, or repeated.",
    )
    k = serializers.IntegerField(
        required=False, default=10, min_value=1, max_value=MAX_K, help_text="How many results at most."
    )
    mode = Choice(choices=MODES, required=False, default=MODES[0])
    filter = serializers.ListField(
        child=StorableText(trim_whitespace=False),
        required=False,
        default=list,
        help_text="Conditions that documents must fulfil, all of them: `tag:news`, `-language:de`, `created:>=2024`.",
    )
    sort = Choice(choices=SORTS, required=False, default=SORTS[0], help_text="The order of the result set.")
    weak = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Of another order than by relevance: with the weak matches, which it leaves out otherwise.",
    )
    rerank = Choice(
        choices=RERANKERS,
        required=False,
        allow_blank=True,
        default="",
        help_text="Look at the first results once more; by default as the collection has set it.",
    )
    explain = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Have each result say why it is where it is; of the first page, in one collection.",
    )
    facets = serializers.ListField(
        child=StorableText(),
        required=False,
        allow_null=True,
        default=None,
        help_text="Fields of which to count the values; `auto` for those that tell the documents apart.",
    )
    cursor = StorableText(
        required=False, allow_blank=True, default="", help_text="`next_cursor` of the page before, all else as it was."
    )

    def validate_facets(self, names: list[str] | None) -> list[str] | None:
        unknown = [name for name in names or () if name != AUTO and not is_facet(name)]
        if unknown:
            raise serializers.ValidationError(
                _("%(name)s cannot be counted. Known: %(known)s.")
                % {"name": shortened(unknown[0]), "known": ", ".join((AUTO, *FIXED, "metadata.NAME"))}
            )
        return None if names is None else [name for name in names if name != AUTO]


class TimingsSerializer(serializers.Serializer[Timings]):
    """Milliseconds spent in each stage."""

    parse = serializers.FloatField()
    encode = serializers.FloatField()
    filter = serializers.FloatField()
    dense = serializers.FloatField()
    lexical = serializers.FloatField()
    fuse = serializers.FloatField()
    rerank = serializers.FloatField()
    fetch = serializers.FloatField()
    total = serializers.FloatField()

    def to_representation(self, instance: Timings) -> dict[str, float]:
        return {stage: round(milliseconds, 2) for stage, milliseconds in super().to_representation(instance).items()}


class ScoresSerializer(serializers.Serializer[SearchResult]):
    """What each retriever gave: a cosine and a BM25 sum; and the reranker, where one has looked at the document."""

    dense = serializers.FloatField(source="dense_score", allow_null=True)
    lexical = serializers.FloatField(source="lexical_score", allow_null=True)
    rerank = serializers.FloatField(source="rerank_score", allow_null=True)


class FoundDocumentSerializer(serializers.Serializer[SearchResult]):
    """The document that was found."""

    id = serializers.IntegerField(source="document_id")
    external_id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    metadata = serializers.DictField()


class FoundChunkSerializer(serializers.Serializer[SearchResult]):
    """The document's best chunk, in characters of its body."""

    id = serializers.IntegerField(source="chunk_id")
    start = serializers.IntegerField(source="chunk_start")
    end = serializers.IntegerField(source="chunk_end")
    place = serializers.CharField(help_text="The page or chapter in which it begins; empty where none is known.")


class SnippetSerializer(serializers.Serializer[Any]):
    """Text from the document and the character ranges of it that match."""

    text = serializers.CharField()
    highlights = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2)
    )
    kind = Choice(
        choices=SNIPPET_KINDS,
        help_text="Why this part of the text: for its words, for its meaning, or as the beginning.",
    )


class SearchResultSerializer(serializers.Serializer[SearchResult]):
    """One document found."""

    rank = serializers.IntegerField()
    score = serializers.FloatField()
    strength = Choice(choices=STRENGTHS, help_text="How sure one may be that it answers the query.")
    pinned = serializers.BooleanField(help_text="True when a curator's rule put it where it is.")
    collection = serializers.CharField(help_text="Slug of the collection that it was found in.")
    scores = ScoresSerializer(source="*")
    document = FoundDocumentSerializer(source="*")
    chunk = FoundChunkSerializer(source="*")
    snippet = SnippetSerializer()
    explanation = ExplanationSerializer(required=False, help_text="Only where it was asked for.")

    def to_representation(self, instance: SearchResult) -> dict[str, Any]:
        found: dict[str, Any] = super().to_representation(instance)
        if instance.explanation is None:
            del found["explanation"]
        return found


class FacetValueSerializer(serializers.Serializer[Any]):
    """A value, and how many documents of the result set have it."""

    value = serializers.CharField()
    label = serializers.CharField(help_text="What people call it.")  # type: ignore[assignment]
    count = serializers.IntegerField()
    selected = serializers.BooleanField(help_text="Whether a filter asks for it already.")
    filter = serializers.CharField(help_text="The `filter` that narrows the search down to it.")


class FacetSerializer(serializers.Serializer[Facet]):
    """The most frequent values of a field."""

    field = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    values = serializers.SerializerMethodField()
    distinct = serializers.IntegerField(help_text="How many values there are; at most 20 are listed.")
    exact = serializers.BooleanField(help_text="False when more documents match than the result set holds.")

    @extend_schema_field(FacetValueSerializer(many=True))
    def get_values(self, facet: Facet) -> list[dict[str, Any]]:
        values = [{**asdict(value), "filter": filter_for(facet.field, value.value)} for value in facet.values]
        return list(FacetValueSerializer(values, many=True).data)


class SearchAnswerSerializer(serializers.Serializer[SearchResponse]):
    """The documents found, best first, and how they were found."""

    query = serializers.CharField()
    mode = Choice(choices=MODES)
    collection = serializers.CharField(help_text="Slug of what was searched; several with commas between them.")
    index_version = serializers.IntegerField(help_text="Number of the version that answered; of several, the first's.")
    total = serializers.IntegerField()
    total_relation = Choice(choices=["eq", "gte"], help_text="Whether `total` is exact or a minimum.")
    took_ms = TimingsSerializer()
    degraded = serializers.SerializerMethodField(help_text="Whether a part of the search could not take part.")
    degraded_reasons = serializers.ListField(source="degraded", child=serializers.CharField())
    good_match = serializers.BooleanField(help_text="False when everything found is rather distant.")
    pending_documents = serializers.IntegerField(
        help_text="Documents that the asker may see and that are not in the index yet."
    )
    filters = serializers.ListField(child=serializers.CharField(), help_text="Every filter that held, the query's too.")
    sort = Choice(choices=SORTS)
    weak_left_out = serializers.IntegerField(
        help_text="Documents that another order than by relevance left out: weak ones, and those beyond the 200 judged."
    )
    facets = FacetSerializer(many=True)
    results = SearchResultSerializer(many=True)
    did_you_mean = serializers.CharField(
        help_text="The query with mistyped words corrected; empty when there are none."
    )
    next_cursor = serializers.CharField(help_text="For the next page of this very result set; empty on the last one.")
    query_id = serializers.CharField(help_text="Names the search in the log; empty when none is kept.")

    def get_degraded(self, response: SearchResponse) -> bool:
        return bool(response.degraded)
