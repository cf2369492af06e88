"""What is like a document, for its page. Never shows one that the reader may not see, and fails without a fuss."""

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from search.datatypes import SearchResult
from search.models import Document
from search.retrieval.similar import CannotCompare, similar_to_document

HOW_MANY = 6


@dataclass(frozen=True, slots=True)
class Likeness:
    """A document and what is like it; `problem` says why nothing can be compared."""

    document: Document
    results: tuple[SearchResult, ...] = ()
    problem: str = ""


def read_similar(document_id: int, user: AbstractBaseUser | AnonymousUser) -> Likeness:
    """Return what is like document `document_id`. Raises Document.DoesNotExist as `read_document` does."""
    document = Document.objects.visible_to(user).select_related("collection").get(pk=document_id)
    try:
        return Likeness(document, similar_to_document(document, user=user, k=HOW_MANY))
    except CannotCompare as error:
        return Likeness(document, problem=str(error))
