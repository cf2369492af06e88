"""Documents over HTTP by their ids. Each method makes one call into reading or writing."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.access.scopes import Scope
from search.ingestion.document_writes import Outcome, Rights, delete_document, write_documents
from search.models import Document
from search.models.corpus import new_external_id

from .document_answers import check_identity, collection_named, document_address, written
from .document_serializers import (
    DocumentCreateSerializer,
    DocumentFilters,
    DocumentListSerializer,
    DocumentSerializer,
    document_answer,
    document_list,
    document_write,
)
from .entity_tags import ETAG, IF_MATCH, changed_since, etag, if_match
from .exceptions import Conflict
from .once import Once
from .parameters import parameters
from .parsers import sent
from .permissions import MayReadAndWrite, readable_documents
from .problems import shortened
from .schema import READ_PROBLEMS, WRITE_PROBLEMS, problems
from .token_policies import TokenPolicy, by_row, in_view, narrowed, reached


class DocumentsView(Once, GenericAPIView[Document]):
    """All documents that the asker may read."""

    permission_classes = [MayReadAndWrite]
    token_policy = TokenPolicy({"GET": Scope.DOCUMENTS_READ, "POST": Scope.DOCUMENTS_WRITE}, in_view)
    permission_model = Document
    serializer_class = DocumentSerializer
    queryset = Document.objects.none()

    @extend_schema(
        operation_id="documents_list",
        parameters=[DocumentFilters],
        responses={200: DocumentListSerializer(many=True), **READ_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """List documents, without their texts, by ascending id."""
        wanted = parameters(request, DocumentFilters(), paged=True)
        documents = narrowed(request, readable_documents(request.user)).filter(**_lookups(wanted))
        page = self.paginate_queryset(documents.defer("body", "anchors")) or []
        return self.get_paginated_response(document_list(page, request.user))

    @extend_schema(
        operation_id="documents_create",
        request=DocumentCreateSerializer,
        responses={201: DocumentSerializer, **WRITE_PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Create a document. One that exists already is a conflict: replace it by PUT."""
        values = DocumentCreateSerializer().run_validation(sent(request))
        collection = collection_named(reached(request, values["collection"]["slug"]))
        write = document_write(values, values.get("external_id") or new_external_id())
        result = write_documents(collection, [write], Rights(create=True, replace=False))[0]
        if result.outcome is Outcome.MAY_NOT_REPLACE:
            raise Conflict(
                _("Collection %(slug)s already has a document %(id)s. Replace it by PUT at %(address)s.")
                % {
                    "slug": collection.slug,
                    "id": shortened(write.external_id),
                    "address": document_address(collection, write.external_id),
                }
            )
        return written(request, collection, result)


@extend_schema_view(
    get=extend_schema(
        operation_id="documents_retrieve", parameters=[ETAG], responses={200: DocumentSerializer, **READ_PROBLEMS}
    ),
    put=extend_schema(
        operation_id="documents_replace",
        parameters=[IF_MATCH, ETAG],
        request=DocumentSerializer,
        responses={200: DocumentSerializer, **WRITE_PROBLEMS, **problems(412)},
    ),
    patch=extend_schema(
        operation_id="documents_update",
        parameters=[IF_MATCH, ETAG],
        request=DocumentSerializer,
        responses={200: DocumentSerializer, **WRITE_PROBLEMS, **problems(412)},
    ),
    delete=extend_schema(
        operation_id="documents_delete",
        parameters=[IF_MATCH],
        responses={204: None, **READ_PROBLEMS, **problems(412)},
    ),
)
class DocumentView(GenericAPIView[Document]):
    """One document by its id."""

    permission_classes = [MayReadAndWrite]
    token_policy = TokenPolicy(
        {
            "GET": Scope.DOCUMENTS_READ,
            "PUT": Scope.DOCUMENTS_WRITE,
            "PATCH": Scope.DOCUMENTS_WRITE,
            "DELETE": Scope.DOCUMENTS_WRITE,
        },
        by_row(Document),
    )
    permission_model = Document
    serializer_class = DocumentSerializer
    queryset = Document.objects.none()

    def get(self, request: Request, pk: int) -> Response:
        """Read a document."""
        document = self._document(request, pk)
        return Response(document_answer(document, request.user), headers=etag(document))

    def put(self, request: Request, pk: int) -> Response:
        """Replace a document's content; its identity stays."""
        return self._write(request, pk, partial=False)

    def patch(self, request: Request, pk: int) -> Response:
        """Change some of a document's fields."""
        return self._write(request, pk, partial=True)

    def delete(self, request: Request, pk: int) -> Response:
        """Delete a document; it is gone from search at once."""
        if delete_document(self._document(request, pk).pk, if_match(request)):
            raise changed_since(readable_documents(request.user).filter(pk=pk).first())
        return Response(status=204)

    def _write(self, request: Request, pk: int, *, partial: bool) -> Response:
        document = self._document(request, pk)
        values = DocumentSerializer(partial=partial).run_validation(sent(request))
        check_identity(values, document.collection.slug, document.external_id)
        write = document_write(values, document.external_id, if_match(request))
        result = write_documents(document.collection, [write], Rights(create=False, replace=True))[0]
        if result.outcome is Outcome.MAY_NOT_CREATE:  # deleted since it was read above
            raise NotFound(_no_document(pk))
        return written(request, document.collection, result)

    def _document(self, request: Request, pk: int) -> Document:
        document = readable_documents(request.user).filter(pk=pk).first()
        if document is None:
            raise NotFound(_no_document(pk))
        return document


def _no_document(pk: int) -> str:
    return _("There is no document %d.") % pk


def _lookups(filters: dict[str, Any]) -> dict[str, Any]:
    lookups: dict[str, Any] = {name: filters[name] for name in ("state", "external_id") if name in filters}
    if "collection" in filters:
        lookups["collection"] = collection_named(filters["collection"])
    if "updated_since" in filters:
        lookups["updated_at__gte"] = filters["updated_since"]
    return lookups
