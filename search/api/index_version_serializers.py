"""The shape of index versions in the API: facts only, there is nothing to write."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.indexing.progress import PendingWork, pending_work
from search.models import IndexVersion, Segment


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    """An immutable part of the version on disk."""

    class Meta:
        model = Segment
        fields = ["sha256", "rows", "size_bytes", "state", "created_at"]
        read_only_fields = fields


class VersionProgressSerializer(serializers.Serializer[Any]):
    """How far the version is behind its collection."""

    pending = serializers.IntegerField(help_text="Changes that the worker has yet to apply.")
    failed = serializers.IntegerField(help_text="Documents that could not be indexed and need somebody.")
    all_queued = serializers.BooleanField(help_text="False while a build still queues the collection's documents.")


class IndexVersionSerializer(serializers.ModelSerializer[IndexVersion]):
    """One generation of a collection's index."""

    collection = serializers.CharField(source="collection.slug", read_only=True)
    created_by = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    segments = SegmentSerializer(many=True, read_only=True)

    class Meta:
        model = IndexVersion
        fields = [
            "id",
            "collection",
            "number",
            "state",
            "encoder_name",
            "encoder_revision",
            "encoder_runtime",
            "encoder_fingerprint",
            "dimension",
            "chunking",
            "chunking_fingerprint",
            "engine",
            "engine_options",
            "generation",
            "lexical_generation",
            "documents",
            "chunks",
            "encoded_chunks",
            "activate_when_ready",
            "last_error",
            "created_by",
            "created_at",
            "ready_at",
            "activated_at",
            "retired_at",
            "changed_at",
            "progress",
            "segments",
        ]
        read_only_fields = fields

    def get_created_by(self, version: IndexVersion) -> str | None:
        return version.created_by.get_username() if version.created_by else None

    @extend_schema_field(VersionProgressSerializer)
    def get_progress(self, version: IndexVersion) -> dict[str, Any]:
        work: PendingWork = self.context["pending"].get(version.pk, PendingWork())
        return {
            "pending": work.waiting,
            "failed": work.failed,
            "all_queued": version.filled_to is None,
        }


class IndexVersionFilters(serializers.Serializer[Any]):
    """What the list of index versions can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    state = serializers.ChoiceField(choices=IndexVersion.State.choices, required=False)


def index_version_list(versions: Sequence[IndexVersion]) -> list[dict[str, Any]]:
    """Return index versions with their progress; the number of queries is constant."""
    pending = pending_work([version.pk for version in versions])
    serializer = IndexVersionSerializer(context={"pending": pending})
    return [serializer.to_representation(version) for version in versions]
