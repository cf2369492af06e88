"""The shape of curation rules, synonym groups and what trying them shows in the API, in and out."""

import copy
from typing import Any, TypeVar

from django.core.exceptions import ValidationError as ModelError
from django.db.models import Model
from rest_framework import serializers

from search.datatypes import SearchResult
from search.evaluation.trials import Trial
from search.models import CurationRule, SynonymSet
from search.models.curation import EXTERNAL_ID_CHARS

from .document_answers import collection_named
from .fields import KnownFieldsOnly, StorableText

_Entry = TypeVar("_Entry", bound=Model)
_QUERY_CHARS = 10_000


class _EntrySerializer(KnownFieldsOnly[_Entry], serializers.ModelSerializer[_Entry]):
    """An entry of one collection, checked as the admin's form checks it; its collection stays what it was."""

    collection = StorableText(source="collection.slug", help_text="Slug of its collection; cannot be changed.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Say of each field what the model would not accept."""
        named = attrs.pop("collection", None)
        if self.instance is None:
            attrs["collection"] = collection_named(named["slug"])
        elif named is not None and named["slug"] != self.instance.collection.slug:  # type: ignore[attr-defined]
            raise serializers.ValidationError({"collection": ["It cannot be changed. Make a new entry there."]})
        self.proposed(attrs)
        return attrs

    def proposed(self, attrs: dict[str, Any]) -> _Entry:
        """Return the entry as it would be, unsaved. Raises ValidationError."""
        model: type[_Entry] = self.Meta.model
        entry = model() if self.instance is None else copy.copy(self.instance)
        for name, value in attrs.items():
            setattr(entry, name, value)
        try:
            entry.full_clean()
        except ModelError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return entry


class CurationRuleSerializer(_EntrySerializer[CurationRule]):
    """What happens to one document when a query is asked that the rule is about."""

    queries = StorableText(help_text="One on each line. Case and spaces make no difference.")
    external_id = StorableText(
        max_length=EXTERNAL_ID_CHARS, help_text="The document's external id. One that is not there may be named."
    )
    document_id = serializers.IntegerField(
        source="id_of_document",
        read_only=True,
        allow_null=True,
        help_text="The document of that name; null while there is none, and the rule does nothing.",
    )
    note = StorableText(required=False, allow_blank=True)
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True, read_only=True)

    class Meta:
        model = CurationRule
        fields = [
            "id", "collection", "match", "queries", "similarity", "action", "external_id", "document_id", "position",
            "strength", "valid_from", "valid_to", "enabled", "note", "created_by", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]


class SynonymGroupSerializer(_EntrySerializer[SynonymSet]):
    """Words that a collection's searches take for one another."""

    words = StorableText(help_text="Words or short phrases with commas between them.")
    finds = StorableText(
        required=False,
        allow_blank=True,
        help_text="Empty: each of the words finds all the others. Otherwise the words find these, one way.",
    )
    note = StorableText(required=False, allow_blank=True)

    class Meta:
        model = SynonymSet
        fields = ["id", "collection", "words", "finds", "enabled", "note", "updated_at"]
        read_only_fields = ["id", "updated_at"]


class TrySerializer(KnownFieldsOnly[Any]):
    """A query to try an entry on."""

    q = StorableText(
        required=False,
        allow_blank=True,
        default="",
        max_length=_QUERY_CHARS,
        help_text="Empty: the first query, or the first word, of the entry.",
    )
    entry = serializers.DictField(
        required=False, default=dict, help_text="The fields that would be changed, or those of a new entry."
    )


class PlaceSerializer(serializers.Serializer[SearchResult]):
    """A document in a ranking."""

    rank = serializers.IntegerField()
    id = serializers.IntegerField(source="document_id")
    external_id = serializers.CharField()
    title = serializers.CharField()
    pinned = serializers.BooleanField()


class TrialSerializer(serializers.Serializer[Trial]):
    """The first results of a query without the entry and with it."""

    q = serializers.CharField(source="query")
    applies = serializers.SerializerMethodField(help_text="Whether the query meets the rule; null for synonyms.")
    before = PlaceSerializer(many=True)
    after = PlaceSerializer(many=True)

    def get_applies(self, trial: Trial) -> bool | None:
        return trial.met is not None if self.context["is_rule"] else None
