"""From the outcome of a write to its answer or its problem, the same for every address that writes documents."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from search.ingestion.document_writes import Outcome, WriteResult
from search.models import Collection, Document
from search.models.corpus import NO_AUDIENCE

from .document_serializers import document_answer
from .entity_tags import changed_since, etag
from .exceptions import Conflict
from .permissions import readable_documents, showable
from .problems import no_collection


def collection_at(slug: str) -> Collection:
    """Return the collection of an address. Raises NotFound."""
    collection = Collection.objects.filter(slug=slug).first()
    if collection is None:
        raise NotFound(no_collection(slug))
    return collection


def collection_named(slug: str) -> Collection:
    """Return the collection that a body or a filter names. Raises ValidationError."""
    collection = Collection.objects.filter(slug=slug).first()
    if collection is None:
        raise ValidationError({"collection": [no_collection(slug)]})
    return collection


def document_address(collection: Collection, external_id: str) -> str:
    """Return the address of a document by its external id."""
    return reverse("api:external-document", kwargs={"slug": collection.slug, "external_id": external_id})


def written(request: Request, collection: Collection, result: WriteResult) -> Response:
    """Return the answer to the write of one document. Raises what its refusal means."""
    if result.outcome is Outcome.CHANGED_SINCE:
        readable = readable_documents(request.user)
        raise changed_since(readable.filter(collection=collection, external_id=result.external_id).first())
    if result.outcome is Outcome.UNKNOWN_GROUPS:
        raise ValidationError({"groups": [unknown_groups(result)]})
    if result.outcome is Outcome.NO_AUDIENCE:
        raise ValidationError({"groups": [NO_AUDIENCE]})
    if result.outcome in (Outcome.MAY_NOT_CREATE, Outcome.MAY_NOT_REPLACE):
        raise PermissionDenied(refusal(result))
    stored = Document.objects.filter(pk__in=[result.document_id])
    document = showable(stored, request.user).first()
    if document is None:
        raise Conflict(_("Another request deleted the document right after it had been written."))
    answer = document_answer(document, request.user)
    headers = etag(document)
    if result.outcome is not Outcome.CREATED:
        return Response(answer, headers=headers)
    headers["Location"] = document_address(collection, result.external_id)
    return Response(answer, status=201, headers=headers)


def refusal(result: WriteResult) -> str:
    """Return in words why the user's permissions do not cover a write."""
    if result.outcome is Outcome.MAY_NOT_CREATE:
        return _("There is no such document yet, and you may not add documents.")
    return _("The document exists already, and you may not change documents.")


def unknown_groups(result: WriteResult) -> str:
    """Return in words which groups a write named that do not exist."""
    return _("There is no group %s. Groups are made in the admin.") % ", ".join(result.unknown_groups)


def check_identity(values: dict[str, Any], slug: str, external_id: str) -> None:
    """Raise ValidationError when `values` name another document than the address does."""
    given = {"collection": values.get("collection", {}).get("slug", slug), "external_id": values.get("external_id")}
    message = _("A document's identity does not change. Create the other document and delete this one.")
    if given["collection"] != slug:
        raise ValidationError({"collection": [message]})
    if given["external_id"] not in (None, external_id):
        raise ValidationError({"external_id": [message]})
