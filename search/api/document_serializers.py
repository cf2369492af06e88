"""The shape of documents in the API, in and out. Decides nothing about who may see or write them."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from search.conf import conf
from search.indexing.status import DocumentStatus, Stage, Way, document_statuses
from search.ingestion.document_writes import DocumentWrite
from search.models import Document
from search.models.corpus import validate_address, validate_anchors, validate_language
from search.storable import storable, storable_json

from .fields import Choice, KnownFieldsOnly, ObjectField, StorableText, Text
from .permissions import User, reads_everything


class WaySerializer(serializers.Serializer[Way]):
    """A change on its way into the index."""

    queued_at = serializers.DateTimeField(read_only=True, allow_null=True)
    encoded_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Null also where nothing had to be encoded."
    )
    indexed_at = serializers.DateTimeField(read_only=True, allow_null=True)
    visible_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="From then on every search could find it."
    )
    seconds = serializers.FloatField(read_only=True, allow_null=True, help_text="From `queued_at` to `visible_at`.")


class IndexingSerializer(serializers.Serializer[DocumentStatus]):
    """Where a document is on its way into the index."""

    stage = Choice(choices=[stage.value for stage in Stage], read_only=True)
    reason = serializers.CharField(read_only=True, help_text="Why it is not simply indexed or queued.")
    version = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Number of the collection's active index version."
    )
    revision = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The document's revision that this version holds."
    )
    indexed_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When the revision that this version holds was written into it."
    )
    chunks = serializers.IntegerField(read_only=True)
    tokens = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Of all chunks, with the title and the overlap that they share."
    )
    coverage = serializers.FloatField(
        read_only=True, allow_null=True, help_text="Share of the text that lies in chunks; 1: all of it."
    )
    way = WaySerializer(read_only=True, help_text="When the newest change reached each place; null: not yet.")


class GroupNames(serializers.ListField):
    """Groups by name."""

    def to_representation(self, data: Any) -> list[str]:
        return [group.name for group in data.all()]


@extend_schema_field({"type": "array", "items": {"type": "array", "items": {}}, "example": [[0, "page 1"]]})
class AnchorsField(serializers.JSONField):
    """Places in a text."""

    def to_internal_value(self, data: Any) -> Any:
        validate_anchors(data)
        return storable_json(data)


class DocumentSerializer(KnownFieldsOnly[Document]):
    """A document. A write that leaves out `state`, `visibility` or `groups` keeps them as they are."""

    id = serializers.IntegerField(read_only=True)
    collection = Text(
        source="collection.slug", required=False, help_text="The collection's slug; fixed once the document exists."
    )
    external_id = Text(
        max_length=500,
        required=False,
        trim_whitespace=False,
        help_text="The document's identity in the system it comes from; unique in its collection.",
    )
    title = StorableText(max_length=1000, allow_blank=True, default="", trim_whitespace=False)
    body = StorableText(allow_blank=True, default="", trim_whitespace=False)
    url = StorableText(
        max_length=2000,
        allow_blank=True,
        default="",
        validators=[validate_address],
        help_text="Where people read the original: with `https://` or `http://`, or a path.",
    )
    language = StorableText(
        max_length=35,
        allow_blank=True,
        default="",
        validators=[validate_language],
        help_text="A tag as in BCP 47, for example `en` or `pt-BR`.",
    )
    metadata = ObjectField(default=dict)
    state = Choice(choices=Document.State.choices, required=False, help_text="Only published documents can be found.")
    visibility = Choice(choices=Document.Visibility.choices, required=False)
    groups = GroupNames(
        child=Text(max_length=150),
        required=False,
        max_length=100,
        help_text="Names of the groups that find it when `visibility` is `groups`.",
    )
    anchors = AnchorsField(
        required=False,
        help_text="Where pages or chapters begin in the body: [[offset in characters, label], …]. Left out where the "
        "body changes: there are none.",
    )
    revision = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    indexing = serializers.SerializerMethodField()

    def validate_body(self, value: str) -> str:
        limit = conf().MAX_DOCUMENT_CHARS
        if len(value) > limit:
            raise serializers.ValidationError(
                _("The text has %(chars)d characters; the limit is %(limit)d. Split the document.")
                % {"chars": len(value), "limit": limit}
            )
        return value

    def validate_external_id(self, value: str) -> str:
        if storable(value) != value:  # replacing characters could make two ids one
            raise serializers.ValidationError(_("NUL characters and lone surrogates cannot be part of an id."))
        return value

    @extend_schema_field(IndexingSerializer)
    def get_indexing(self, document: Document) -> dict[str, Any]:
        status: DocumentStatus = self.context["statuses"][document.pk]
        return {
            **IndexingSerializer(status).data,
            "reason": status.reason if self.context["with_reasons"] else "",
        }


class DocumentCreateSerializer(DocumentSerializer):
    """A new document; without `external_id` it gets one."""

    collection = Text(source="collection.slug", help_text="The slug of the collection it goes into.")


class DocumentListSerializer(DocumentSerializer):
    """A document in a list: everything but its text."""

    body = None  # type: ignore[assignment]
    anchors = None  # type: ignore[assignment]


class DocumentFilters(serializers.Serializer[Any]):
    """What the list of documents can be narrowed to."""

    collection = serializers.SlugField(required=False, help_text="Slug of a collection.")
    state = Choice(choices=Document.State.choices, required=False)
    external_id = serializers.CharField(required=False, trim_whitespace=False)
    updated_since = serializers.DateTimeField(
        required=False, help_text="ISO 8601; write a + as %2B. Documents changed at this time or later."
    )


def document_write(values: dict[str, Any], external_id: str, expected: tuple[str, ...] = ()) -> DocumentWrite:
    """Return the write that validated `values` ask for, of a document that is in one of the `expected` states."""
    given = {name: value for name, value in values.items() if name not in ("collection", "external_id", "groups")}
    groups = values.get("groups")
    return DocumentWrite(external_id, given, None if groups is None else tuple(dict.fromkeys(groups)), expected)


def document_answer(document: Document, user: User) -> dict[str, Any]:
    """Return one document as `user` may read it."""
    return DocumentSerializer(document, context=_context([document], user)).data


def document_list(documents: Sequence[Document], user: User) -> list[dict[str, Any]]:
    """Return documents as `user` may read them, without their texts; the number of queries is constant."""
    serializer = DocumentListSerializer(context=_context(documents, user))
    return [serializer.to_representation(document) for document in documents]


def _context(documents: Sequence[Document], user: User) -> dict[str, Any]:
    # A failure's reason may name files and hosts: it is for those who can do something about it.
    return {"statuses": document_statuses(documents), "with_reasons": reads_everything(user)}
