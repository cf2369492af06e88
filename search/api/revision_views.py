"""What a document was, over HTTP: its changes, its content at a revision, and the way back to it."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.access.scopes import Scope
from search.ingestion import revisions
from search.models import Document, DocumentRevision

from .document_answers import written
from .document_serializers import DocumentSerializer
from .entity_tags import ETAG, IF_MATCH, if_match
from .fields import Choice
from .once import Once
from .pagination import IdCursorPagination
from .parameters import parameters
from .permissions import reads_everything
from .schema import WRITE_PROBLEMS, problems
from .token_policies import TokenPolicy, by_row

_READ = problems(400, 401, 403, 404)


class MayReadHistory(BasePermission):
    """What a document was may have been a draft, or for others: history is for those who read everything."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return reads_everything(request.user)


class MayRestore(BasePermission):
    """Going back is a change."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("search.change_document")


class RevisionSerializer(serializers.ModelSerializer[DocumentRevision]):
    """A change, by the revision that the document had before it."""

    by = serializers.CharField(
        source="by.username", default=None, allow_null=True, help_text="Who made the change; null: nobody known."
    )
    how = Choice(choices=DocumentRevision.How.choices, help_text="By which way; empty: past the application, by SQL.")
    detail = serializers.CharField(help_text="The name of a token, the number of an import or of a bulk change.")
    replaced = serializers.DictField(help_text="The values that the change replaced, by field.")

    class Meta:
        model = DocumentRevision
        fields = ["revision", "at", "by", "how", "detail", "replaced"]


class ContentSerializer(serializers.Serializer[Any]):
    """What a document was; a field that is not named is as it is now."""

    revision = serializers.IntegerField()
    title = serializers.CharField()
    body = serializers.CharField()
    url = serializers.CharField()
    language = serializers.CharField()
    metadata = serializers.DictField()
    state = Choice(choices=Document.State.choices)
    visibility = Choice(choices=Document.Visibility.choices)


class _NewestFirst(IdCursorPagination):
    ordering = "-id"


class RevisionsView(GenericAPIView[DocumentRevision]):
    """All kept changes of a document."""

    permission_classes = [MayReadHistory]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ}, by_row(Document))
    serializer_class = RevisionSerializer
    pagination_class = _NewestFirst
    queryset = DocumentRevision.objects.select_related("by")

    @extend_schema(operation_id="document_revisions_list", responses={200: RevisionSerializer(many=True), **_READ})
    def get(self, request: Request, pk: int) -> Response:
        """List what was changed in a document, the newest change first."""
        parameters(request, serializers.Serializer(), paged=True)
        rows = self.get_queryset().filter(document=_document(pk).pk)
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(RevisionSerializer(page, many=True).data)


class RevisionView(GenericAPIView[DocumentRevision]):
    """A document at one revision."""

    permission_classes = [MayReadHistory]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ}, by_row(Document))
    serializer_class = ContentSerializer
    queryset = DocumentRevision.objects.none()

    @extend_schema(
        operation_id="document_revisions_retrieve",
        responses={200: ContentSerializer, **problems(401, 403, 404)},
    )
    def get(self, request: Request, pk: int, revision: int) -> Response:
        """Read what a document was at a revision."""
        try:
            content = revisions.content_at(_document(pk), revision)
        except revisions.NoRevision:
            raise NotFound(_no_revision(pk, revision)) from None
        return Response({"revision": revision, **content})


class RestoreView(Once, GenericAPIView[Document]):
    """Going back."""

    permission_classes = [MayRestore]
    token_policy = TokenPolicy({"POST": Scope.DOCUMENTS_WRITE}, by_row(Document))
    serializer_class = DocumentSerializer
    queryset = Document.objects.none()

    @extend_schema(
        operation_id="document_revisions_restore",
        parameters=[IF_MATCH, ETAG],
        request=None,
        responses={200: DocumentSerializer, **WRITE_PROBLEMS, **problems(404, 412)},
    )
    def post(self, request: Request, pk: int, revision: int) -> Response:
        """Write what a document was at a revision, as a new change. Its groups stay as they are."""
        document = _document(pk)
        try:
            result = revisions.restore(document, revision, if_match(request))
        except revisions.NoRevision:
            raise NotFound(_no_revision(pk, revision)) from None
        return written(request, document.collection, result)


def _document(pk: int) -> Document:
    document = Document.objects.select_related("collection").filter(pk=pk).first()
    if document is None:
        raise NotFound(_("There is no document %d.") % pk)
    return document


def _no_revision(pk: int, revision: int) -> str:
    text = _("Revision %(revision)d of document %(document)d is not kept; GET …/revisions/ lists those that are.")
    return text % {"revision": revision, "document": pk}
