"""What a document was before: its changes, its content at a revision, and the way back. The rows are the triggers'."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from search.conf import conf
from search.ingestion.document_writes import DocumentWrite, Rights, WriteResult, write_documents
from search.models import Document, DocumentRevision
from search.models.triggers import KEPT

_LOOKED_AT = 5_000  # of the newest revisions, in each round, for documents that have too many
_AT_ONCE = 1_000


class NoRevision(LookupError):
    """The document has no such revision, or it is not kept any more."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a document: which one, and each field that it changed, as it was and as it became."""

    row: DocumentRevision
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def changes(document: Document, *, most: int) -> list[Change]:
    """Return the newest changes, newest first."""
    return [change for change, _content in _backwards(document, most)]


def content_at(document: Document, revision: int) -> dict[str, Any]:
    """Return the content that the document had at a revision, by field. Raises NoRevision."""
    for change, content in _backwards(document, None):
        if change.row.revision == revision:
            return content
        if change.row.revision < revision:
            break
    raise NoRevision(f"Revision {revision} of document {document.pk} is not kept.")


def restore(document: Document, revision: int, expected: tuple[str, ...] = ()) -> WriteResult:
    """Write the content of a revision as a new change; its groups, and its place in a text, are not part of it.

    `expected` is as of DocumentWrite. Raises NoRevision.
    """
    write = DocumentWrite(document.external_id, content_at(document, revision), expected=expected)
    return write_documents(document.collection, [write], Rights(create=False, replace=True))[0]


def forget_old() -> int:
    """Remove revisions that are older, or more, than the settings keep; some in each round. Return how many."""
    settings = conf()
    limit = timezone.now() - timedelta(days=settings.DOCUMENT_REVISIONS_DAYS)
    old = DocumentRevision.objects.filter(at__lt=limit).order_by("at").values_list("pk", flat=True)[:_AT_ONCE]
    gone = _delete(list(old))
    newest = list(DocumentRevision.objects.values_list("document_id", flat=True)[:_LOOKED_AT])
    counted = DocumentRevision.objects.filter(document__in=set(newest)).order_by().values("document_id")
    too_many = counted.annotate(count=Count("pk")).filter(count__gt=settings.DOCUMENT_REVISIONS)
    for pk in too_many.values_list("document_id", flat=True)[:_AT_ONCE]:
        rows = DocumentRevision.objects.filter(document=pk).values_list("pk", flat=True)
        gone += _delete(list(rows[settings.DOCUMENT_REVISIONS : settings.DOCUMENT_REVISIONS + _AT_ONCE]))
    return gone


def _backwards(document: Document, most: int | None) -> Iterator[tuple[Change, dict[str, Any]]]:
    """Yield the changes, newest first, each with the content before it."""
    content = {name: getattr(document, name) for name in KEPT}
    rows = DocumentRevision.objects.filter(document=document.pk).select_related("by")[:most]
    for row in rows:
        before = row.replaced
        after = {name: content[name] for name in before}
        content = {**content, **before}
        yield Change(row, before, after), content


def _delete(ids: list[int]) -> int:
    return DocumentRevision.objects.filter(pk__in=ids).delete()[0] if ids else 0
