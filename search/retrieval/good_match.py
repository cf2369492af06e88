"""Tells whether the best hits deserve to be shown as answers: near in meaning, sharing the rare words, or both."""

from collections.abc import Sequence

from search.models import Document
from search.retrieval.calibration import Calibration, Signals
from search.retrieval.query import Query
from search.retrieval.visible_hits import VisibleHit

_TELLING = 3


def good_match(query: Query, visible: Sequence[VisibleHit], documents: dict[int, Document]) -> bool:
    """Tell whether one of the best hits deserves to be shown as an answer.

    A version that is not calibrated goes by the collection's thresholds, either of which suffices.
    """
    best = visible[:_TELLING]
    if not best or query.vector is None:
        return bool(best)
    found = [signals(query, each, documents[each.document_id]) for each in best if each.document_id in documents]
    calibration = Calibration.from_json(query.opened.version.calibration)
    if calibration is not None:
        return calibration.good_match(found)
    return any(
        (each.cosine if each.cosine is not None else -1.0) >= query.options.min_cosine
        or (each.shared or 0.0) >= query.options.min_shared_words
        for each in found
    )


def signals(query: Query, found: VisibleHit, document: Document) -> Signals:
    """Return what tells how sure one may be of a document found."""
    return Signals(query.dense.scores.get(found.hit.chunk_id), _shared_words(query, found, document))


def _shared_words(query: Query, found: VisibleHit, document: Document) -> float | None:
    """Return the share of the query's words, weighted by how rare they are, that a chunk or its title has."""
    lexical = query.opened.lexical
    if lexical is None:
        return None
    there = set(lexical.terms(f"{document.title}\n{document.body[found.start : found.end]}"))
    weights = {term: lexical.rarity(term) for term in query.terms}
    everything = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in there) / everything if everything else None
