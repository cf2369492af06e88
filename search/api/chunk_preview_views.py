"""What a collection's chunking makes of a text, before anything is saved. Writes nothing."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.access.scopes import Scope
from search.chunking.base import BadChunkingOptions
from search.embedding.base import EncoderUnavailable
from search.indexing.chunk_preview import MOST_CHARS, ChunkPreview, PreviewedChunk, preview_chunks

from .document_answers import collection_at
from .exceptions import Unavailable
from .fields import KnownFieldsOnly, ObjectField, StorableText
from .parsers import sent
from .schema import problems
from .token_policies import TokenPolicy, by_slug


class ChunkTextSerializer(KnownFieldsOnly[Any]):
    """A text to be cut, and how."""

    title = StorableText(required=False, allow_blank=True, default="", max_length=1_000)
    body = StorableText(max_length=MOST_CHARS, allow_blank=True, trim_whitespace=False)
    chunking = ObjectField(required=False, help_text="Options instead of those that the collection has.")


class PreviewedChunkSerializer(serializers.Serializer[PreviewedChunk]):
    """One chunk. `start` and `end` are characters of the body."""

    ordinal = serializers.IntegerField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    tokens = serializers.IntegerField(help_text="Of what is encoded, with what is carried.")
    overlap = serializers.IntegerField(help_text="Characters that it shares with the chunk before.")
    carried = serializers.ListField(
        child=serializers.CharField(), help_text="Lines that are encoded before its text: title and headings."
    )
    text = serializers.CharField(help_text="Its text without what it shares with the chunk before.")


class ChunkPreviewSerializer(serializers.Serializer[ChunkPreview]):
    """The first chunks, and what holds for all."""

    count = serializers.IntegerField(help_text="How many chunks there are; the first 50 are shown.")
    tokens = serializers.IntegerField()
    coverage = serializers.FloatField(help_text="Share of the text that lies in chunks: 1, all of it.")
    window = serializers.IntegerField(help_text="How many tokens the encoder reads at once.")
    chunks = PreviewedChunkSerializer(many=True)


class MayLookAtChunking(BasePermission):
    """As in the admin: whoever may look at collections."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return any(request.user.has_perm(f"search.{action}_collection") for action in ("view", "change"))


class ChunkPreviewView(APIView):
    """Trying the chunking of a collection."""

    permission_classes = [MayLookAtChunking]
    token_policy = TokenPolicy({"POST": Scope.DOCUMENTS_READ}, by_slug)

    @extend_schema(
        operation_id="chunks_preview",
        request=ChunkTextSerializer,
        responses={200: ChunkPreviewSerializer, **problems(400, 401, 403, 404, 411, 413, 415, 503)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Cut a text as the collection would, or with other options. Nothing is saved, nothing is encoded."""
        collection = collection_at(slug)
        values = ChunkTextSerializer().run_validation(sent(request))
        try:
            found = preview_chunks(
                encoder_name=collection.encoder_name,
                encoder_revision=collection.encoder_revision,
                encoder_runtime=collection.encoder_runtime,
                chunking=values.get("chunking", collection.chunking),
                title=values["title"],
                body=values["body"],
            )
        except BadChunkingOptions as error:
            raise ValidationError({"chunking": [str(error)]}) from error
        except EncoderUnavailable as error:
            raise Unavailable(_("The encoder cannot be loaded: %s") % error) from error
        return Response(ChunkPreviewSerializer(found).data)
