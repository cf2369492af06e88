"""How sure one may be of each document found, and whether the best of them deserve to be shown as answers."""

from collections.abc import Mapping, Sequence

from search.models import Document
from search.retrieval.calibration import TELLING, Calibration, Signals, Strength
from search.retrieval.curation.rules import PIN
from search.retrieval.query import Query
from search.retrieval.visible_hits import VisibleHit


def strengths(query: Query, visible: Sequence[VisibleHit], documents: Mapping[int, Document]) -> dict[int, Strength]:
    """Return how sure one may be of each document, by its id.

    A version that is not calibrated goes by the collection's thresholds, either of which suffices. A document that the
    query names is an answer in any case.
    """
    calibration = Calibration.from_json(query.opened.version.calibration)
    found = {each.document_id: strength_of(query, each, documents[each.document_id], calibration)
             for each in visible if each.document_id in documents}  # fmt: skip
    return found | dict.fromkeys(query.named & found.keys(), Strength.STRONG)


def strength_of(query: Query, found: VisibleHit, document: Document, calibration: Calibration | None) -> Strength:
    """Return how sure one may be that a chunk of a document answers, whatever the document is called."""
    seen = signals(query, found, document, calibration)
    return calibration.strength(seen) if calibration is not None else _by_thresholds(query, seen)


def good_match(query: Query, found: Mapping[int, Strength]) -> bool:
    """Tell whether one of the best documents, in whatever order they are shown, deserves to be shown as an answer.

    What a curator has pinned does. `found` has the strengths of the first documents by relevance.
    """
    if any(effect.rule.action == PIN and effect.rank_after for effect in query.effects):
        return True
    best = [found[each.document_id] for each in telling(query) if each.document_id in found]
    if query.vector is None:
        return bool(best)
    return any(strength != Strength.WEAK for strength in best)


def telling(query: Query) -> list[VisibleHit]:
    """Return the documents that tell whether there is a good match: the best, by relevance."""
    return query.found[:TELLING]


def _by_thresholds(query: Query, found: Signals) -> Strength:
    near = found.cosine is not None and found.cosine >= query.options.min_cosine
    worded = found.shared is not None and found.shared >= query.options.min_shared_words
    return Strength.POSSIBLE if near or worded or query.vector is None else Strength.WEAK


def signals(query: Query, found: VisibleHit, document: Document, calibration: Calibration | None = None) -> Signals:
    """Return what tells how sure one may be of a document found; words of a foreign query tell nothing."""
    cosine = query.dense.scores.get(found.hit.chunk_id)
    if query.foreign:
        return Signals(cosine, None, _lead(query, calibration, cosine))
    return Signals(cosine, _shared_words(query, found, document))


def _lead(query: Query, calibration: Calibration | None, cosine: float | None) -> float | None:
    """Return how far a cosine is ahead of that of a chunk further down, if it is known what that means here."""
    if cosine is None or calibration is None or calibration.leads is None:
        return None
    cosines = sorted(query.dense.scores.values(), reverse=True)
    return cosine - cosines[calibration.leads.over - 1] if len(cosines) >= calibration.leads.over else None


def _shared_words(query: Query, found: VisibleHit, document: Document) -> float | None:
    """Return the share of the query's words, weighted by how rare they are, that a chunk or its title has."""
    if query.opened.lexical is None:
        return None
    there = query.matching.terms_in(f"{document.title}\n{document.body[found.start : found.end]}")
    everything = sum(weight for weight, _ in query.weighed_words)
    shared = sum(
        weight * max((worth for term, worth in ways if term in there), default=0.0)
        for weight, ways in query.weighed_words
    )
    return shared / everything if everything else None
