"""Documents over HTTP by the identity that they have in the system they come from: what connectors use."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from search.access.scopes import Scope
from search.ingestion.document_writes import delete_document, write_documents
from search.models import Document

from .document_answers import check_identity, collection_at, written
from .document_serializers import DocumentSerializer, document_answer, document_write
from .entity_tags import ETAG, IF_MATCH, changed_since, etag, if_match
from .parsers import sent
from .permissions import MayReadAndWrite, document_rights, readable_documents
from .problems import shortened
from .schema import READ_PROBLEMS, WRITE_PROBLEMS, problems
from .token_policies import TokenPolicy, by_slug

_EXTERNAL_ID = OpenApiParameter(
    "external_id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="The document's external id, percent-encoded; it may contain slashes.",
)


@extend_schema_view(
    get=extend_schema(
        operation_id="collection_documents_retrieve",
        parameters=[ETAG],
        responses={200: DocumentSerializer, **READ_PROBLEMS},
    ),
    put=extend_schema(
        operation_id="collection_documents_put",
        parameters=[IF_MATCH, ETAG],
        request=DocumentSerializer,
        responses={200: DocumentSerializer, 201: DocumentSerializer, **WRITE_PROBLEMS, **problems(412)},
    ),
    delete=extend_schema(
        operation_id="collection_documents_delete",
        parameters=[IF_MATCH],
        responses={204: None, **READ_PROBLEMS, **problems(412)},
    ),
)
@extend_schema(parameters=[_EXTERNAL_ID])
class ExternalDocumentView(GenericAPIView[Document]):
    """One document by the identity that it has in the system it comes from."""

    permission_classes = [MayReadAndWrite]
    token_policy = TokenPolicy(
        {
            "GET": Scope.DOCUMENTS_READ,
            "PUT": Scope.DOCUMENTS_WRITE,
            "DELETE": Scope.DOCUMENTS_WRITE,
            "POST": Scope.DOCUMENTS_WRITE,
        },
        by_slug,
    )
    permission_model = Document
    write_actions = {"PUT": ("add", "change")}
    serializer_class = DocumentSerializer
    queryset = Document.objects.none()

    def get(self, request: Request, slug: str, external_id: str) -> Response:
        """Read a document."""
        document = self._document(request, slug, external_id)
        return Response(document_answer(document, request.user), headers=etag(document))

    def put(self, request: Request, slug: str, external_id: str) -> Response:
        """Create a document (201) or replace the one that is there (200)."""
        collection = collection_at(slug)
        values = DocumentSerializer().run_validation({"external_id": external_id, **_object(sent(request))})
        check_identity(values, slug, external_id)
        write = document_write(values, external_id, if_match(request))
        return written(request, collection, write_documents(collection, [write], document_rights(request.user))[0])

    def delete(self, request: Request, slug: str, external_id: str) -> Response:
        """Delete a document; it is gone from search at once."""
        if delete_document(self._document(request, slug, external_id).pk, if_match(request)):
            found = readable_documents(request.user).filter(collection__slug=slug, external_id=external_id)
            raise changed_since(found.first())
        return Response(status=204)

    def _document(self, request: Request, slug: str, external_id: str) -> Document:
        documents = readable_documents(request.user)
        document = documents.filter(collection__slug=slug, external_id=external_id).first()
        if document is None:
            raise NotFound(
                _("Collection %(slug)s has no document %(id)s.") % {"slug": slug, "id": shortened(external_id)}
            )
        return document


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ValidationError(_("Expected a JSON object."))
    return body
