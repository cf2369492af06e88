"""Where in one document a query is answered: the chunks that would be an answer by themselves, and the words meant.

For the page of a document that its reader is allowed to see, which the caller has checked. Never ranks documents.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.datatypes import Hit
from search.models import Chunk, Document, IndexVersion
from search.retrieval import candidates, pipeline
from search.retrieval.answers import telling_terms
from search.retrieval.calibration import Calibration, Strength
from search.retrieval.filtering.filters import InvalidFilter
from search.retrieval.good_match import strength_of
from search.retrieval.open_index import open_version
from search.retrieval.query import Asked, Query
from search.retrieval.query_words import joined
from search.retrieval.visible_hits import VisibleHit
from search.retrieval_options import RetrievalOptions

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

_MOST_CHUNKS = 2_000  # of a document that are looked at
_MOST_JUDGED = 50
_MOST = 12


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the text, `body[start:end]`, that answers a query, and where in it the query's words stand."""

    start: int
    end: int
    words: tuple[tuple[int, int], ...] = ()


def matching_passages(
    document: Document,
    text: str,
    *,
    user: "AbstractBaseUser | AnonymousUser | None",
    mode: str,
    first: int | None = None,
) -> tuple[Passage, ...]:
    """Return the passages that answer `text`, the best first; that of the chunk `first` before all others.

    None where the document has changed since it was indexed, or nothing can be searched.
    """
    version = document.collection.active_version()
    rows = _chunks(version, document, first) if version is not None else {}
    if version is None or not rows:
        return ()
    query = _prepared(version, text, user, mode) if text else None
    order = ([first] if first in rows else []) + [pk for pk in _matching(query, rows, document) if pk != first]
    places = [rows[pk] for pk in order[:_MOST]]
    return tuple(Passage(found.start, found.end, _words(query, document, found)) for found in places)


def _chunks(version: IndexVersion, document: Document, first: int | None) -> dict[int, VisibleHit]:
    """Return the chunks of the document as it is now, by id: so many as are looked at, and `first`."""
    rows = Chunk.objects.live().filter(
        version=version,
        document=document,
        version__indexed_documents__document=document,
        version__indexed_documents__revision=document.revision,
    )
    values = rows.order_by("ordinal").values_list("pk", "start", "end", "ordinal")
    found = [*values[:_MOST_CHUNKS], *(values.filter(pk=first) if first is not None else ())]
    return {pk: VisibleHit(Hit(pk, 0.0), document.pk, start, end, False, at) for pk, start, end, at in found}


def _prepared(
    version: IndexVersion, text: str, user: "AbstractBaseUser | AnonymousUser | None", mode: str
) -> Query | None:
    """Return the query with its words and vector; None where it cannot be understood or nothing is open."""
    opened = open_version(version)
    if not opened.usable:
        return None
    ranking = RetrievalOptions.over_defaults(version.collection.retrieval)
    try:
        return pipeline.prepared(Asked(text, mode, user=user), opened=opened, options=ranking, clock=pipeline.Clock())[
            0
        ]
    except InvalidFilter:
        return None


def _matching(query: Query | None, rows: dict[int, VisibleHit], document: Document) -> list[int]:
    """Return the chunks that would be an answer by themselves, best first."""
    if query is None:
        return []
    candidates.score(query, list(rows))
    hits = [hit for hit in candidates.fused(query) if hit.chunk_id in rows]
    if query.vector is None:
        return [hit.chunk_id for hit in hits if query.lexical.scores.get(hit.chunk_id)]
    known = Calibration.from_json(query.opened.version.calibration)
    best = [hit.chunk_id for hit in hits[:_MOST_JUDGED]]
    return [pk for pk in best if strength_of(query, rows[pk], document, known) != Strength.WEAK]


def _words(query: Query | None, document: Document, found: VisibleHit) -> tuple[tuple[int, int], ...]:
    if query is None:
        return ()
    matches = joined(document.body, query.matching.places(document.body, found.start, found.end, telling_terms(query)))
    return tuple((match.start, match.end) for match in matches)
