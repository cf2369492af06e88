"""The shape of imports in the API, in and out."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.models import ImportFile, ImportJob

from .fields import Choice, KnownFieldsOnly, ObjectField, StorableText

MOST_FILES_SHOWN = 100
ACTIONS = ("start", "cancel", "retry", "preview", "files", "failures")


class CountsSerializer(serializers.Serializer[dict[str, int]]):
    """What became of the rows so far."""

    read = serializers.IntegerField(help_text="Rows and documents that were read.")
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="What is stored is the same; nothing was written.")
    failed = serializers.IntegerField(help_text="Rows and whole files that did not get in.")
    duplicates = serializers.IntegerField(help_text="Same content as a document with another id.")
    moved = serializers.IntegerField(help_text="Files of a mirrored folder that were found at another path.")
    deleted = serializers.IntegerField(help_text="Documents whose file or row is gone from a mirrored folder.")


class ImportFileSerializer(serializers.ModelSerializer[ImportFile]):
    """One file of an import; an archive's entries are files of their own."""

    bytes = serializers.IntegerField(source="size", read_only=True)
    records = serializers.IntegerField(source="cursor", read_only=True, help_text="How many records of it are done.")
    encoding = serializers.CharField(
        read_only=True, help_text="In which its text was read, by Python's name; empty where the format has its own."
    )
    warnings = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="What may not be as it was meant: a guess at the encoding, characters that could not be read, …",
    )

    class Meta:
        model = ImportFile
        fields = [
            "id", "name", "bytes", "sha256", "format", "tabular", "status", "records", "encoding", "warnings", "error",
        ]  # fmt: skip
        read_only_fields = fields


class LinksSerializer(serializers.Serializer[Any]):
    """Where to go from here."""

    self = serializers.CharField()
    start = serializers.CharField()
    cancel = serializers.CharField()
    retry = serializers.CharField()
    preview = serializers.CharField()
    files = serializers.CharField()
    failures = serializers.CharField()
    failures_jsonl = serializers.CharField(help_text="The open failures as lines, to be mended and sent again.")


class ImportJobListSerializer(serializers.ModelSerializer[ImportJob]):
    """An import and how far it is."""

    collection = serializers.CharField(source="collection.slug", read_only=True)
    duplicates = Choice(source="duplicates_policy", choices=ImportJob.Duplicates.choices, read_only=True)
    counts = CountsSerializer(read_only=True)
    rows_per_second = serializers.SerializerMethodField()
    remaining_seconds = serializers.SerializerMethodField()
    created_by = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = ImportJob
        fields = [
            "id",
            "collection",
            "source",
            "name",
            "status",
            "dry_run",
            "mapping",
            "key_column",
            "defaults",
            "duplicates",
            "encoding",
            "mirror",
            "counts",
            "files_total",
            "files_done",
            "bytes_total",
            "bytes_done",
            "current_file",
            "rows_per_second",
            "remaining_seconds",
            "error",
            "cancel_requested",
            "retry_of",
            "created_by",
            "created_at",
            "started_at",
            "finished_at",
            "links",
        ]
        read_only_fields = fields

    def get_rows_per_second(self, job: ImportJob) -> float | None:
        return rows_per_second(job, timezone.now())

    def get_remaining_seconds(self, job: ImportJob) -> float | None:
        seconds = job.remaining_seconds(timezone.now())
        return None if seconds is None else round(seconds, 1)

    def get_created_by(self, job: ImportJob) -> str | None:
        return job.created_by.get_username() if job.created_by else None

    @extend_schema_field(LinksSerializer)
    def get_links(self, job: ImportJob) -> dict[str, str]:
        names = {"self": "import-job", **{name: f"import-job-{name}" for name in (*ACTIONS, "failures_jsonl")}}
        return {name: reverse(f"api:{view}", args=[job.pk]) for name, view in names.items()}


class ImportJobSerializer(ImportJobListSerializer):
    """An import with its first files."""

    files = serializers.SerializerMethodField(help_text=f"The first {MOST_FILES_SHOWN}; the others at `links.files`.")

    class Meta(ImportJobListSerializer.Meta):
        fields = [*ImportJobListSerializer.Meta.fields, "files"]
        read_only_fields = fields

    @extend_schema_field(ImportFileSerializer(many=True))
    def get_files(self, job: ImportJob) -> list[dict[str, Any]]:
        files = job.files.order_by("pk")[:MOST_FILES_SHOWN]
        return [ImportFileSerializer(file).data for file in files]


class ImportJobFilters(serializers.Serializer[Any]):
    """What the list of imports can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    status = Choice(choices=ImportJob.Status.choices, required=False)


class ImportOptionsSerializer(KnownFieldsOnly[Any]):
    """How rows become documents. Each can be left out."""

    mapping = ObjectField(
        required=False, help_text="Column → field of the document. Left out or empty: as the columns' names suggest."
    )
    key_column = StorableText(
        required=False, allow_blank=True, max_length=500, help_text="Identifies a row; or map it to `external_id`."
    )
    defaults = ObjectField(required=False, help_text='Of documents whose rows say nothing: {"state": "draft"}.')
    duplicates = Choice(
        choices=ImportJob.Duplicates.choices,
        required=False,
        help_text="What to do with a document whose content is there already under another id.",
    )
    encoding = StorableText(
        required=False,
        allow_blank=True,
        max_length=40,
        help_text="Of texts that do not declare theirs, such as `windows-1252`. Left out or empty: it is found out.",
    )


class FilesSerializer(KnownFieldsOnly[Any]):
    """Files to be added to an import."""

    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), default=list)
    paths = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False, max_length=2_000),
        default=list,
        help_text="The path of each file, in their order; by default its name. It identifies a file's document.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        files, paths = len(attrs["files"]), len(attrs["paths"])
        if paths and paths != files:
            message = _("There are %(paths)d paths for %(files)d files; send one for each, or none.")
            raise serializers.ValidationError({"paths": [message % {"paths": paths, "files": files}]})
        return attrs


class ImportJobCreateSerializer(ImportOptionsSerializer, FilesSerializer):
    """A new import."""

    collection = StorableText(help_text="Slug of the collection that the documents go into.")
    name = StorableText(required=False, allow_blank=True, max_length=500, help_text="By default its first file's.")
    dry_run = serializers.BooleanField(default=False, help_text="Count what would happen; write nothing.")
    start = serializers.BooleanField(default=True, help_text="False leaves it a draft, to look at it or add files.")


class StartSerializer(KnownFieldsOnly[Any]):
    """How to start an import."""

    dry_run = serializers.BooleanField(default=False, help_text="Count what would happen; write nothing.")


def rows_per_second(job: ImportJob, now: datetime) -> float | None:
    """Return an import's speed, over all of its time; None before its first row."""
    if job.started_at is None or not job.read:
        return None
    seconds = ((job.finished_at or now) - job.started_at).total_seconds()
    return round(job.read / seconds, 1) if seconds > 0 else None
