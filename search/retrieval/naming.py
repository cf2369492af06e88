"""The stage at which a document that the query names, by its id or by its whole title, comes first.

Somebody who types `INV-2024-17` or `os.path.join` wants that document, whatever others say about it. Decides nothing
about who may see it.
"""

from typing import TYPE_CHECKING

from search.models import Document
from search.retrieval.query import Query
from search.retrieval.visible_hits import nearest_of

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

_LOOKED_AT = 20  # of the best documents: one whose whole title is the query is among them
_NAMESAKES = 3  # a title that more documents have names none of them
_LONGEST_NAME = Document._meta.get_field("title").max_length


def named_first(query: Query, allowed: "DocumentQuerySet") -> None:
    """Put documents whose id or title is the query before all others, in their order, and note which they are."""
    name = query.parsed.plain.strip()
    if not name or (_LONGEST_NAME is not None and len(name) > _LONGEST_NAME):
        return
    best = [hit.document_id for hit in query.found[:_LOOKED_AT]]
    rows = allowed.order_by().filter(pk__in=best).values_list("pk", "title", "external_id")
    named = {pk for pk, *names in rows if _folded(name) in map(_folded, names)}
    if len(named) > _NAMESAKES:
        named = set()
    for document_id in _called(query, name, allowed) if not query.parsed.excluded else ():
        if document_id not in named:
            named.add(document_id)
            _bring_in(query, allowed, document_id)
    if not named:
        return
    query.named = frozenset(named)
    top = query.found[0].hit.score if query.found else 1.0
    first = [hit.scored(top) for hit in query.found if hit.document_id in named]
    query.found = first + [hit for hit in query.found if hit.document_id not in named]


def _called(query: Query, name: str, allowed: "DocumentQuerySet") -> list[int]:
    """Return the allowed documents whose id is the name.

    In two steps: asked for both at once, SQLite walks through all documents that are published.
    """
    collection_id = query.opened.version.collection_id
    of_that_id = Document.objects.filter(collection_id=collection_id, external_id__in=_spellings(name))
    there = list(of_that_id.order_by().values_list("pk", flat=True))
    return list(allowed.order_by().filter(pk__in=there).values_list("pk", flat=True)[:_NAMESAKES]) if there else []


def _spellings(name: str) -> set[str]:
    """Return the ways in which the id that somebody types may be stored; the index of ids knows exact texts only."""
    written = {separator.join(name.split()) for separator in (" ", "-", "_", "")}
    return {way for each in written for way in (each, each.upper(), each.lower())}


def _bring_in(query: Query, allowed: "DocumentQuerySet", document_id: int) -> None:
    """Add a document that neither leg has found; one that is not indexed yet stays away."""
    if all(hit.document_id != document_id for hit in query.found):
        query.found.extend(nearest_of(query.opened.version, allowed, [document_id], query.near))


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
