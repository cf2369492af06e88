"""Documents that are about the same as a document or a pasted text, by the vectors of their chunks.

Shows nothing that its asker may not see, and never the document itself. A document that is indexed is not encoded
again: its vectors lie in the database.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from django.utils.translation import gettext as _

from search import registry
from search.datatypes import Hit, SearchResult, Snippet, Vectors
from search.embedding.base import EncoderUnavailable
from search.engines.base import IndexReader
from search.index_state import vectors_of
from search.models import Chunk, Document, IndexVersion
from search.retrieval.filtering.filters import Filters
from search.retrieval.filtering.scope import Scope, scope_of
from search.retrieval.highlighting import past_title, snippet
from search.retrieval.open_index import open_version
from search.retrieval.query_words import QueryWords, english_terms
from search.retrieval.visible_hits import VisibleHit, best_visible

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

_MOST_CHUNKS = 16  # of what is compared; of a longer text evenly spaced ones
_NEIGHBOURS = 50  # of each chunk
_WIDEN = 8

T = TypeVar("T")


class CannotCompare(Exception):
    """Nothing can be compared at the moment: the index or its encoder is not to be had."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What documents are to be like: unit vectors, shape (n, d), and how much each counts, summing to 1."""

    vectors: Vectors
    weights: Vectors


def similar_to_document(
    document: Document,
    *,
    user: "AbstractBaseUser | AnonymousUser | None",
    k: int = 10,
    filters: Sequence[str] = (),
) -> tuple[SearchResult, ...]:
    """Return the `k` documents of the collection that are most like this one, which `user` must be allowed to see.

    Scores are mean cosines: of each chunk of the document with what is nearest to it in the other. One whose text is
    not indexed is compared as a text. Raises CannotCompare, and InvalidFilter for a filter that cannot be applied.
    """
    version = document.collection.active_version()
    if version is None:
        raise CannotCompare(_("Nothing of this collection is indexed yet."))
    source = _of_chunks(version, document) or _of_text(version, document.title, document.body)
    return _most_similar(version, source, _scope(version, user, filters, document), k)


def similar_to_text(
    version: IndexVersion,
    text: str,
    *,
    user: "AbstractBaseUser | AnonymousUser | None",
    k: int = 10,
    filters: Sequence[str] = (),
) -> tuple[SearchResult, ...]:
    """Return the `k` documents that are most like a text. Raises as `similar_to_document`."""
    return _most_similar(version, _of_text(version, "", text), _scope(version, user, filters), k)


def _scope(
    version: IndexVersion,
    user: "AbstractBaseUser | AnonymousUser | None",
    filters: Sequence[str],
    but: Document | None = None,
) -> Scope:
    scope = scope_of(version, user, Filters.of(parameters=filters))
    return Scope(scope.documents.exclude(pk=but.pk), scope.allowed) if but is not None else scope


def _of_chunks(version: IndexVersion, document: Document) -> _Source | None:
    """Return the document by its vectors, or None where it has none of its text as it is now."""
    if version.pending_changes.filter(document_id=document.pk).exists():
        return None
    rows = Chunk.objects.filter(version=version, document_id=document.pk).live().order_by("ordinal")
    chunks = _spread(list(rows.values_list("pk", "text_hash", "tokens")))
    if not chunks:
        return None
    _ids, vectors = vectors_of(version, [(pk, text_hash) for pk, text_hash, _tokens in chunks])
    return _source(vectors, [tokens for _pk, _hash, tokens in chunks])


def _of_text(version: IndexVersion, title: str, body: str) -> _Source:
    """Return a text, cut and encoded as the version's documents are."""
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    try:
        if encoder.fingerprint != version.encoder_fingerprint:
            raise CannotCompare(_("The encoder of this index version cannot be used."))
        chunks = _spread(registry.chunker_for(encoder, version.chunking).split(title, body))
        vectors = encoder.encode_documents([chunk.encoded_text for chunk in chunks])
    except EncoderUnavailable as error:
        raise CannotCompare(_("The encoder of this index version cannot be used.")) from error
    return _source(vectors, [chunk.tokens for chunk in chunks])


def _spread(chunks: Sequence[T]) -> Sequence[T]:
    """Return at most so many as are compared, evenly spaced."""
    return chunks[:: max(1, -(-len(chunks) // _MOST_CHUNKS))]


def _source(vectors: Vectors, tokens: Sequence[int]) -> _Source:
    weights = np.array([max(1, count) for count in tokens], np.float32)
    return _Source(vectors, weights / max(1.0, float(weights.sum())))


def _most_similar(version: IndexVersion, source: _Source, scope: Scope, k: int) -> tuple[SearchResult, ...]:
    """Look at more and more neighbours until `k` documents may be shown, or there are no more."""
    opened = open_version(version)
    if opened.dense is None:
        raise CannotCompare(_("Search by meaning is off: its index cannot be opened and waits to be restored."))
    if not len(source.vectors):
        return ()
    limit = max(_NEIGHBOURS, k)
    while True:
        near = _near(opened.dense, source, limit, scope)
        found = best_visible(opened.version, scope.documents, near)
        if len(found) >= k or limit >= opened.dense.size:
            break
        limit *= _WIDEN
    scored = _scored(opened.dense, source, opened.version, found, k)
    documents = scope.documents.in_bulk([hit.document_id for hit in scored])
    there = [hit for hit in scored if hit.document_id in documents]
    slug = version.collection.slug
    return tuple(_result(rank, hit, documents[hit.document_id], slug) for rank, hit in enumerate(there, start=1))


def _near(reader: IndexReader, source: _Source, limit: int, scope: Scope) -> list[Hit]:
    """Return the chunks that are nearest to any chunk of the source, nearest first."""
    best: dict[int, float] = {}
    for neighbours in reader.search(source.vectors, limit, allowed=scope.allowed):
        for chunk_id, distance in zip(neighbours.ids.tolist(), neighbours.distances.tolist(), strict=True):
            best[chunk_id] = max(best.get(chunk_id, -1.0), 1.0 - distance / 2.0)
    return [Hit(pk, score) for pk, score in sorted(best.items(), key=lambda item: (-item[1], item[0]))]


def _scored(
    reader: IndexReader, source: _Source, version: IndexVersion, found: Sequence[VisibleHit], k: int
) -> list[VisibleHit]:
    """Return the `k` best of the documents found, each by how near it comes to every chunk of the source."""
    candidates = {hit.document_id: hit for hit in found[: max(4 * k, _NEIGHBOURS)]}
    rows = Chunk.objects.filter(version=version, document_id__in=candidates).live().values_list("document_id", "pk")
    chunks: dict[int, list[int]] = defaultdict(list)
    for document_id, pk in rows:
        chunks[document_id].append(pk)
    ids = np.array([pk for each in chunks.values() for pk in each], np.int64)
    cosines = 1.0 - np.array([reader.distances(vector, ids) for vector in source.vectors]) / 2.0
    cosines = np.where(np.isfinite(cosines), cosines, -1.0)
    scores, at = {}, 0
    for document_id, theirs in chunks.items():
        scores[document_id] = float(cosines[:, at : at + len(theirs)].max(axis=1) @ source.weights)
        at += len(theirs)
    order = sorted(scores, key=lambda document_id: (-scores[document_id], document_id))[:k]
    return [_with_score(candidates[document_id], scores[document_id]) for document_id in order]


def _with_score(found: VisibleHit, score: float) -> VisibleHit:
    return VisibleHit(
        Hit(found.hit.chunk_id, score), found.document_id, found.start, found.end, found.changed, found.ordinal
    )


def _result(rank: int, found: VisibleHit, document: Document, slug: str) -> SearchResult:
    start, end = (0, len(document.body)) if found.changed or found.start == found.end else (found.start, found.end)
    shown_from = past_title(document.body, start, end, document.title)
    return SearchResult(
        rank=rank,
        score=found.hit.score,
        dense_score=found.hit.score,
        lexical_score=None,
        document_id=document.pk,
        external_id=document.external_id,
        title=document.title,
        url=document.url,
        metadata=document.metadata,
        chunk_id=found.hit.chunk_id,
        chunk_start=found.start,
        chunk_end=found.end,
        snippet=snippet(document.body, shown_from, end, QueryWords((), english_terms))
        if document.body
        else Snippet(""),
        place=document.place_at(found.start),
        collection=slug,
    )
