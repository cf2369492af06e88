"""The shape of a search: what is asked and what is answered."""

from typing import Any

from rest_framework import serializers

from search.datatypes import SearchResponse, SearchResult, Timings
from search.query_service import MAX_K, MODES

from .fields import KnownFieldsOnly, StorableText


class SearchRequestSerializer(KnownFieldsOnly[Any]):
    """A query in people's words."""

    q = StorableText(trim_whitespace=False, allow_blank=True, help_text="What to look for.")
    collection = StorableText(
        required=False, allow_blank=True, default="", help_text="Slug of a collection; by default the installation's."
    )
    k = serializers.IntegerField(
        required=False, default=10, min_value=1, max_value=MAX_K, help_text="How many results at most."
    )
    mode = serializers.ChoiceField(choices=MODES, required=False, default=MODES[0])


class TimingsSerializer(serializers.Serializer[Timings]):
    """Milliseconds spent in each stage."""

    parse = serializers.FloatField()
    encode = serializers.FloatField()
    dense = serializers.FloatField()
    lexical = serializers.FloatField()
    fuse = serializers.FloatField()
    fetch = serializers.FloatField()
    total = serializers.FloatField()

    def to_representation(self, instance: Timings) -> dict[str, float]:
        return {stage: round(milliseconds, 2) for stage, milliseconds in super().to_representation(instance).items()}


class ScoresSerializer(serializers.Serializer[SearchResult]):
    """What each retriever gave: a cosine and a BM25 sum."""

    dense = serializers.FloatField(source="dense_score", allow_null=True)
    lexical = serializers.FloatField(source="lexical_score", allow_null=True)


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


class SearchResultSerializer(serializers.Serializer[SearchResult]):
    """One document found."""

    rank = serializers.IntegerField()
    score = serializers.FloatField()
    scores = ScoresSerializer(source="*")
    document = FoundDocumentSerializer(source="*")
    chunk = FoundChunkSerializer(source="*")
    snippet = SnippetSerializer()


class SearchAnswerSerializer(serializers.Serializer[SearchResponse]):
    """The documents found, best first, and how they were found."""

    query = serializers.CharField()
    mode = serializers.ChoiceField(choices=MODES)
    collection = serializers.CharField()
    index_version = serializers.IntegerField()
    total = serializers.IntegerField()
    total_relation = serializers.ChoiceField(choices=["eq", "gte"], help_text="Whether `total` is exact or a minimum.")
    took_ms = TimingsSerializer()
    degraded = serializers.SerializerMethodField(help_text="Whether a part of the search could not take part.")
    degraded_reasons = serializers.ListField(source="degraded", child=serializers.CharField())
    good_match = serializers.BooleanField(help_text="False when everything found is rather distant.")
    pending_documents = serializers.IntegerField(help_text="Documents of the collection not yet indexed.")
    results = SearchResultSerializer(many=True)

    def get_degraded(self, response: SearchResponse) -> bool:
        return bool(response.degraded)
