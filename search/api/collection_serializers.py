"""The shape of collections in the API."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search import registry, tasks
from search.conf import conf
from search.indexing.progress import CollectionProgress, collection_progresses
from search.models import Collection, Document

from .fields import KnownFieldsOnly, ObjectField, StorableText
from .permissions import User, reads_everything

_OPTIONS = ("chunking", "engine", "engine_options", "retrieval")


class ProgressSerializer(serializers.Serializer[CollectionProgress]):
    """How far the index is. Counts only documents that the asker may see."""

    documents = serializers.IntegerField(help_text="Published documents.")
    indexed = serializers.IntegerField(help_text="Documents whose newest text can be found.")
    pending = serializers.IntegerField(help_text="Changes that the worker has yet to apply.")
    failed = serializers.IntegerField(help_text="Documents that could not be indexed and need somebody.")
    active_version = serializers.IntegerField(source="version", allow_null=True)
    up_to_date = serializers.BooleanField()
    oldest_pending_since = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(help_text="Empty for those who may not read every document.")


class CollectionSerializer(KnownFieldsOnly[Collection], serializers.ModelSerializer[Collection]):
    """A collection. Other encoder, chunking or engine options never touch its live index: they make a new version."""

    name = StorableText(max_length=200)
    description = StorableText(allow_blank=True, required=False)
    encoder_name = StorableText(max_length=500, allow_blank=True, required=False)
    chunking = ObjectField(required=False)
    engine_options = ObjectField(required=False)
    retrieval = ObjectField(required=False)
    activate_when_ready = serializers.BooleanField(
        write_only=True,
        default=True,
        help_text="Whether a version that this change makes goes live by itself once its gate lets it.",
    )
    progress = serializers.SerializerMethodField()

    class Meta:
        model = Collection
        fields = [
            "slug",
            "name",
            "description",
            "encoder_name",
            "encoder_revision",
            "encoder_runtime",
            "chunking",
            "engine",
            "engine_options",
            "retrieval",
            "activate_when_ready",
            "created_at",
            "progress",
        ]
        read_only_fields = ["created_at"]

    def validate_engine(self, value: str) -> str:
        return _one_of(value, conf().ENGINES)

    def validate_encoder_runtime(self, value: str) -> str:
        return _one_of(value, conf().ENCODERS) if value else value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Say of each option what its part of the software would not accept."""
        if any(name in attrs for name in _OPTIONS):
            wanted = {name: attrs.get(name, getattr(self.instance or Collection(), name)) for name in _OPTIONS}
            problems = registry.validate_collection_options(**wanted)
            if problems:
                raise serializers.ValidationError({name: [message] for name, message in problems.items()})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Collection:
        validated_data.pop("activate_when_ready", None)
        return super().create(validated_data)

    def update(self, instance: Collection, validated_data: dict[str, Any]) -> Collection:
        """Save the collection; a changed recipe makes a candidate."""
        goes_live = validated_data.pop("activate_when_ready", True)
        for name, value in validated_data.items():
            setattr(instance, name, value)
        tasks.save_collection(instance, user=self.context["user"], activate_when_ready=goes_live)
        return instance

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, collection: Collection) -> dict[str, Any]:
        return ProgressSerializer(self.context["progress"][collection.pk]).data


def collection_list(collections: Sequence[Collection], user: User) -> list[dict[str, Any]]:
    """Return collections with their progress, as `user` may know it."""
    visible = None if reads_everything(user) else Document.objects.visible_to(user)
    serializer = CollectionSerializer(context={"progress": collection_progresses(collections, visible=visible)})
    return [serializer.to_representation(collection) for collection in collections]


def _one_of(value: str, known: dict[str, str]) -> str:
    if value not in known:
        raise serializers.ValidationError(
            _("%(value)s is not installed here. Installed: %(known)s.")
            % {"value": value, "known": ", ".join(sorted(known))}
        )
    return value
