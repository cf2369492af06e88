"""The shape of index versions in the API. Their facts are only read; what can be asked for is in the last classes."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.indexing.gate import GateReport, report_of
from search.indexing.lifecycle import Missed
from search.indexing.version_progress import Phase, VersionProgress, version_progresses
from search.models import IndexVersion, Segment, VersionEvent

from .fields import Choice, KnownFieldsOnly, StorableText


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    """An immutable part of the version on disk."""

    index_type = serializers.CharField(
        read_only=True, help_text="What was really built: Flat where there were too few vectors for the type asked for."
    )
    parameters = serializers.DictField(child=serializers.FloatField(), read_only=True, help_text="Used by searches.")

    class Meta:
        model = Segment
        fields = ["sha256", "rows", "size_bytes", "index_type", "parameters", "state", "created_at"]
        read_only_fields = fields


class VersionProgressSerializer(serializers.Serializer[VersionProgress]):
    """What is being done with the version, and how much of it: documents, vectors or queries, as the phase says."""

    phase = Choice(choices=[phase.value for phase in Phase])
    words = serializers.CharField(help_text="The same for people.")
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    percent = serializers.IntegerField()
    per_second = serializers.FloatField(allow_null=True, help_text="Null while it cannot be told.")
    remaining_seconds = serializers.FloatField(allow_null=True, help_text="Of this phase; null while unknown.")
    pending = serializers.IntegerField(source="waiting", help_text="Changes that the worker has yet to apply.")
    failed = serializers.IntegerField(help_text="Documents that could not be indexed and need somebody.")
    all_queued = serializers.BooleanField(help_text="False while a build still queues the collection's documents.")


class MeasuresSerializer(serializers.Serializer[IndexVersion]):
    """What was measured on the finished index; null where nothing was."""

    recall = serializers.FloatField(
        allow_null=True, help_text="Share of the true 10 nearest neighbours that a search finds."
    )
    recall_target = serializers.FloatField(allow_null=True)
    median_us = serializers.FloatField(allow_null=True, help_text="Microseconds of one query of the dense index.")
    p95_us = serializers.FloatField(allow_null=True)
    queries = serializers.IntegerField(source="measurements.queries", default=None, allow_null=True)
    logged_queries = serializers.IntegerField(
        source="measurements.logged_queries",
        default=None,
        allow_null=True,
        help_text="Those of them that people really asked.",
    )
    bytes_per_vector = serializers.FloatField(allow_null=True)
    build_seconds = serializers.FloatField(allow_null=True)
    peak_memory_mb = serializers.FloatField(allow_null=True)
    disk_bytes = serializers.IntegerField()
    measured_at = serializers.DateTimeField(allow_null=True)


class GateCheckSerializer(serializers.Serializer[Any]):
    """One condition, and in words what was found."""

    name = serializers.CharField()
    passed = serializers.BooleanField()
    found = serializers.CharField()


class GateSerializer(serializers.Serializer[GateReport]):
    """Whether the version may go live, as it was last judged."""

    passed = serializers.BooleanField()
    current = serializers.BooleanField(default=False, help_text="False when the version has changed since.")
    at = serializers.DateTimeField()
    checks = GateCheckSerializer(many=True)


class VersionEventSerializer(serializers.ModelSerializer[VersionEvent]):
    """What was done with the version, by whom and why."""

    by = serializers.CharField(source="by.username", default=None, allow_null=True, read_only=True)
    details = serializers.DictField(read_only=True)

    class Meta:
        model = VersionEvent
        fields = ["kind", "at", "by", "reason", "details"]
        read_only_fields = fields


class IndexVersionSerializer(serializers.ModelSerializer[IndexVersion]):
    """One generation of a collection's index."""

    collection = serializers.CharField(source="collection.slug", read_only=True)
    created_by = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    measures = serializers.SerializerMethodField()
    gate = serializers.SerializerMethodField()
    drift = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Differences to the database at `checked_at`; 0 is clean."
    )
    segments = SegmentSerializer(many=True, read_only=True)
    events = VersionEventSerializer(many=True, read_only=True)

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
            "pruned_at",
            "checked_at",
            "drift",
            "progress",
            "measures",
            "gate",
            "segments",
            "events",
        ]
        read_only_fields = fields

    def get_created_by(self, version: IndexVersion) -> str | None:
        return version.created_by.get_username() if version.created_by else None

    @extend_schema_field(VersionProgressSerializer)
    def get_progress(self, version: IndexVersion) -> dict[str, Any]:
        return VersionProgressSerializer(self.context["progress"][version.pk]).data

    @extend_schema_field(MeasuresSerializer)
    def get_measures(self, version: IndexVersion) -> dict[str, Any]:
        return MeasuresSerializer(version).data

    @extend_schema_field(GateSerializer(allow_null=True))
    def get_gate(self, version: IndexVersion) -> dict[str, Any] | None:
        report = GateReport.from_json(version.gate)
        if report is None:
            return None
        return {**GateSerializer(report).data, "current": report_of(version) is not None}


class IndexVersionFilters(serializers.Serializer[Any]):
    """What the list of index versions can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    state = Choice(choices=IndexVersion.State.choices, required=False)


def index_version_list(versions: Sequence[IndexVersion]) -> list[dict[str, Any]]:
    """Return index versions with their progress; the number of queries is constant."""
    serializer = IndexVersionSerializer(context={"progress": version_progresses(versions)})
    return [serializer.to_representation(version) for version in versions]


class MissedSerializer(serializers.Serializer[Missed]):
    """What a version does not know of the corpus as it is now, in documents."""

    changed = serializers.IntegerField(help_text="New or changed since.")
    gone = serializers.IntegerField(help_text="Deleted or no longer published since.")
    total = serializers.IntegerField()


class RolledBackSerializer(serializers.Serializer[Any]):
    """What the version had missed, and how it is now."""

    missed = MissedSerializer()
    index_version = IndexVersionSerializer()


class ActivationSerializer(KnownFieldsOnly[Any]):
    """How to activate a version."""

    override_reason = StorableText(
        required=False,
        allow_blank=True,
        default="",
        max_length=500,
        help_text="Why it goes live although its gate refuses it; needs the permission `override_gate`.",
    )


class RebuildSerializer(KnownFieldsOnly[Any]):
    """How to build a new version."""

    activate_when_ready = serializers.BooleanField(
        default=True, help_text="Whether it goes live by itself once its gate lets it."
    )


class RebuildRequestedSerializer(serializers.Serializer[Any]):
    """The request that the worker will follow."""

    collection = serializers.CharField(source="slug")
    rebuild_requested_at = serializers.DateTimeField()
    activate_when_ready = serializers.BooleanField(source="rebuild_activates")
