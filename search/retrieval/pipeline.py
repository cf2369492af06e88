"""One query through its stages: terms and vector → candidates of both legs → fusion → visible documents → results.

The number of candidates grows until there are `k` documents that the user may see, or no candidates are left.
"""

import logging
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from search.datatypes import Hit, SearchResult, Snippet, Timings, Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.lexical.tantivy_index import analyzer
from search.models import Document
from search.retrieval import fusion
from search.retrieval.highlighting import snippet
from search.retrieval.legs import (
    Candidates,
    add_bm25,
    add_cosines,
    dense_candidates,
    lexical_candidates,
)
from search.retrieval.open_index import OpenVersion
from search.retrieval.query_vectors import query_vector
from search.retrieval.visible_hits import VisibleHit, best_visible, visible_documents
from search.retrieval_options import RetrievalOptions

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

logger = logging.getLogger(__name__)

_FIRST_CANDIDATES = 200
_WIDEN = 8
_TELLING_CHUNKS = 1_000
_COMMON_RARITY = math.log(5)  # of a term that every fifth chunk has


@dataclass
class Outcome:
    """What a run of the pipeline found, and what it had to do without."""

    results: tuple[SearchResult, ...] = ()
    total: int = 0
    total_relation: str = "eq"
    good_match: bool = True
    degraded: tuple[str, ...] = ()
    took: Timings = field(default_factory=Timings)


@dataclass
class Query:
    """A query on its way, with what each stage has added to it."""

    text: str
    k: int
    opened: OpenVersion
    options: RetrievalOptions
    use_dense: bool
    use_lexical: bool
    terms: list[str] = field(default_factory=list)
    vector: Vectors | None = None
    dense: Candidates = field(default_factory=Candidates)
    lexical: Candidates = field(default_factory=Candidates)
    degraded: list[str] = field(default_factory=list)

    @property
    def exhausted(self) -> bool:
        """True when neither leg has more candidates to offer."""
        return self.dense.exhausted and self.lexical.exhausted


def run(
    text: str,
    *,
    opened: OpenVersion,
    mode: str,
    k: int,
    user: "AbstractBaseUser | AnonymousUser | None",
    options: RetrievalOptions,
) -> Outcome:
    """Return the `k` best documents for `text` among those that `user` may see. `opened` must be usable."""
    begun = time.perf_counter()
    query = Query(text, k, opened, options, mode in ("hybrid", "dense"), mode in ("hybrid", "lexical"))
    query.terms = _terms(opened, text)
    parsed = time.perf_counter()
    _encode(query)
    encoded = time.perf_counter()
    fused_ms = fetch_ms = 0.0
    allowed = visible_documents(opened.version, user)
    limit = max(_FIRST_CANDIDATES, k)
    while True:
        _collect(query, limit)
        at = time.perf_counter()
        hits = _fuse(query)
        fused_ms += _since(at)
        at = time.perf_counter()
        visible = best_visible(opened.version, allowed, hits)
        fetch_ms += _since(at)
        if len(visible) >= k or query.exhausted:
            break
        limit *= _WIDEN
    at = time.perf_counter()
    documents = allowed.in_bulk([found.document_id for found in visible[:k]])
    results = _results(query, visible[:k], documents)
    fetch_ms += _since(at)
    timings = Timings(
        parse=(parsed - begun) * 1_000,
        encode=(encoded - parsed) * 1_000,
        dense=query.dense.milliseconds,
        lexical=query.lexical.milliseconds,
        fuse=fused_ms,
        fetch=fetch_ms,
        total=_since(begun),
    )
    return Outcome(
        results=results,
        total=len(visible),
        total_relation="eq" if query.exhausted else "gte",
        good_match=_good_match(query, visible[:k], documents),
        degraded=tuple(query.degraded),
        took=timings,
    )


def _terms(opened: OpenVersion, text: str) -> list[str]:
    """The query's terms, as the lexical index has them."""
    if opened.lexical is not None:
        return opened.lexical.terms(text)
    return list(analyzer().analyze(text))


def _encode(query: Query) -> None:
    """Give the query its vector, or note why the dense leg cannot take part."""
    words_are_off = query.opened.lexical is None and query.opened.lexical_problem
    if not query.use_dense and not words_are_off:
        return
    if query.opened.dense is None:
        query.degraded.append(_("Search by meaning is off: its index cannot be opened and waits to be restored."))
        return
    try:
        query.vector = query_vector(query.opened.version, query.text)
    except (EncoderUnavailable, EncodingFailed) as error:
        logger.error("A query was answered without its meaning: %s", error)
        query.degraded.append(_("Search by meaning is off: the encoder of this index version cannot be used."))


def _collect(query: Query, limit: int) -> None:
    """Fill both legs with up to `limit` candidates each, and score each leg's finds by the other too.

    When the leg that was asked for cannot answer, the other stands in.
    """
    dense, lexical = query.opened.dense, query.opened.lexical
    wants_lexical = query.use_lexical or query.vector is None
    if wants_lexical and lexical is None and query.opened.lexical_problem and not query.lexical.scores:
        message = _("Search by words is off: its index is being built anew.")
        query.degraded.extend([] if message in query.degraded else [message])
    if dense is not None and query.vector is not None:
        spent = query.dense.milliseconds
        query.dense = dense_candidates(dense, query.vector, limit)
        query.dense.milliseconds += spent
    if wants_lexical and lexical is not None:
        spent = query.lexical.milliseconds
        query.lexical = lexical_candidates(lexical, query.terms, limit, query.options.title_weight)
        query.lexical.milliseconds += spent
    if query.dense.scores and query.lexical.scores and dense is not None and query.vector is not None:
        found_by_words = list(query.lexical.scores)
        if lexical is not None:
            add_bm25(query.lexical, lexical, query.terms, query.dense.scores, query.options.title_weight)
        add_cosines(query.dense, dense, query.vector, found_by_words)


def _fuse(query: Query) -> list[Hit]:
    if not query.lexical.scores:
        return fusion.ranked(query.dense.scores)
    if not query.dense.scores:
        return fusion.ranked(query.lexical.scores)
    if query.options.fusion == "rrf":
        return fusion.rrf(query.dense.ranking(), query.lexical.ranking())
    return fusion.convex(query.dense.scores, query.lexical.scores, dense_weight=query.options.dense_weight)


def _good_match(query: Query, visible: list[VisibleHit], documents: dict[int, Document]) -> bool:
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


def _telling_terms(query: Query) -> list[str]:
    """Return the terms worth marking: in a corpus that is large enough to tell, not those of every fifth chunk."""
    lexical = query.opened.lexical
    if lexical is None or lexical.size < _TELLING_CHUNKS:
        return query.terms
    return [term for term in query.terms if lexical.rarity(term) > _COMMON_RARITY] or query.terms


def _results(query: Query, visible: list[VisibleHit], documents: dict[int, Document]) -> tuple[SearchResult, ...]:
    analyze = query.opened.lexical.analyzer.analyze if query.opened.lexical else analyzer().analyze
    telling = _telling_terms(query)
    results: list[SearchResult] = []
    for found in visible:
        document = documents.get(found.document_id)
        if document is None:
            continue  # it went between the two looks at the database
        start, end = (0, len(document.body)) if found.changed or found.start == found.end else (found.start, found.end)
        cut = snippet(document.body, start, end, telling, analyze) if document.body else Snippet("")
        results.append(_result(query, len(results) + 1, found, document, cut))
    return tuple(results)


def _result(query: Query, rank: int, found: VisibleHit, document: Document, cut: Snippet) -> SearchResult:
    return SearchResult(
        rank=rank,
        score=found.hit.score,
        dense_score=query.dense.scores.get(found.hit.chunk_id),
        lexical_score=query.lexical.scores.get(found.hit.chunk_id),
        document_id=document.pk,
        external_id=document.external_id,
        title=document.title,
        url=document.url,
        metadata=document.metadata,
        chunk_id=found.hit.chunk_id,
        chunk_start=found.start,
        chunk_end=found.end,
        snippet=cut,
        place=document.place_at(found.start),
    )


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1_000
