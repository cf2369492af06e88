"""One document for a reader: its text, the passage that a search found in it, and its place in the index.

Never shows a document that the reader may not see, and says so in the same way as for one that does not exist.
"""

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import F

from search.datatypes import Snippet
from search.indexing.status import DocumentStatus, document_statuses
from search.models import Chunk, Document

FIRST_CHARS = 200_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document page shows. `status` is for staff only."""

    document: Document
    text: Snippet
    hidden_chars: int = 0
    status: DocumentStatus | None = None


def read_document(
    document_id: int, user: AbstractBaseUser | AnonymousUser, *, chunk_id: int | None = None, whole: bool = False
) -> Reading:
    """Return document `document_id` for `user`, with the text of chunk `chunk_id` marked unless that is all of it.

    Texts longer than FIRST_CHARS are cut there unless `whole`. Raises Document.DoesNotExist where there is no
    such document that `user` may see.
    """
    document = Document.objects.visible_to(user).select_related("collection").get(pk=document_id)
    shown = document.body if whole else document.body[:FIRST_CHARS]
    start, end = _passage(document, chunk_id)
    end = min(end, len(shown))
    is_part = bool(shown[:start].strip() or document.body[end:].strip())
    is_staff = bool(getattr(user, "is_staff", False))
    return Reading(
        document=document,
        text=Snippet(shown, ((start, end),) if start < end and is_part else ()),
        hidden_chars=len(document.body) - len(shown),
        status=document_statuses([document])[document.pk] if is_staff else None,
    )


def _passage(document: Document, chunk_id: int | None) -> tuple[int, int]:
    """Return where the chunk lies in the text as it is now; (0, 0) once the document has changed since."""
    if chunk_id is None:
        return 0, 0
    chunk = (
        Chunk.objects.live()
        .filter(
            pk=chunk_id,
            document=document,
            version__indexed_documents__document=F("document"),
            version__indexed_documents__revision=document.revision,
        )
        .first()
    )
    return (chunk.start, chunk.end) if chunk else (0, 0)
