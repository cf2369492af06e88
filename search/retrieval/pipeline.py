"""One query through its stages: terms and vector → candidates of both legs → fusion → visible documents → results.

The number of candidates grows until there are `k` documents that the user may see, or no candidates are left.
"""

import logging
import time
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from search.datatypes import Hit, SearchResult, Timings
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.lexical.tantivy_index import analyzer
from search.retrieval import answers, fusion
from search.retrieval.good_match import good_match
from search.retrieval.legs import add_bm25, add_cosines, dense_candidates, lexical_candidates
from search.retrieval.open_index import OpenVersion
from search.retrieval.query import Asked, Query
from search.retrieval.query_vectors import query_vector
from search.retrieval.visible_hits import best_visible, visible_documents
from search.retrieval_options import RetrievalOptions

logger = logging.getLogger(__name__)

_FIRST_CANDIDATES = 200
_WIDEN = 8


@dataclass
class Outcome:
    """What a run of the pipeline found, and what it had to do without."""

    results: tuple[SearchResult, ...] = ()
    total: int = 0
    total_relation: str = "eq"
    good_match: bool = True
    degraded: tuple[str, ...] = ()
    took: Timings = field(default_factory=Timings)


def run(asked: Asked, *, opened: OpenVersion, options: RetrievalOptions) -> Outcome:
    """Return the best documents for what was asked among those that its user may see. `opened` must be usable."""
    begun = time.perf_counter()
    query = Query(asked, opened, options)
    query.terms = _terms(opened, asked.text)
    parsed = time.perf_counter()
    _encode(query)
    encoded = time.perf_counter()
    fused_ms = fetch_ms = 0.0
    allowed = visible_documents(opened.version, asked.user)
    limit = max(_FIRST_CANDIDATES, asked.k)
    while True:
        _collect(query, limit)
        at = time.perf_counter()
        hits = _fuse(query)
        fused_ms += _since(at)
        at = time.perf_counter()
        visible = best_visible(opened.version, allowed, hits)
        fetch_ms += _since(at)
        if len(visible) >= asked.k or query.exhausted:
            break
        limit *= _WIDEN
    at = time.perf_counter()
    shown = visible[: asked.k]
    documents = allowed.in_bulk([found.document_id for found in shown])
    results = answers.results(query, shown, documents)
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
        good_match=good_match(query, shown, documents),
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
        query.vector = query_vector(query.opened.version, query.asked.text)
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


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1_000
