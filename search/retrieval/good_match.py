"""Tells whether the best hits deserve to be shown as answers: near in meaning, or sharing the rare words."""

from search.models import Document
from search.retrieval.query import Query
from search.retrieval.visible_hits import VisibleHit


def good_match(query: Query, visible: list[VisibleHit], documents: dict[int, Document]) -> bool:
    """Tell whether the best hits deserve to be shown as answers: near in meaning, or sharing the rare words."""
    best = visible[:3]
    if not best or query.vector is None:
        return bool(best)
    nearest = max(query.dense.scores.get(found.hit.chunk_id, -1.0) for found in best)
    return nearest >= query.options.min_cosine or any(
        _shared_words(query, found, documents[found.document_id]) >= query.options.min_shared_words
        for found in best
        if found.document_id in documents
    )


def _shared_words(query: Query, found: VisibleHit, document: Document) -> float:
    """Return the share of the query's words, weighted by how rare they are, that a chunk or its title has."""
    lexical = query.opened.lexical
    if lexical is None:
        return 0.0
    there = set(lexical.terms(f"{document.title}\n{document.body[found.start : found.end]}"))
    weights = {term: lexical.rarity(term) for term in query.terms}
    everything = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in there) / everything if everything else 0.0
