"""One query through its stages: terms and vector → candidates of both legs → fusion → visible documents → results.

The number of candidates grows until there are more documents that the user may see than the page shows, or no
candidates are left; and once more, up to the most that a result set holds, for who turns its last page.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from search.datatypes import Facet, Ids, SearchResult, Timings
from search.retrieval import answers, candidates, query_language
from search.retrieval.curation.curating import curate
from search.retrieval.curation.synonyms import synonyms_of
from search.retrieval.filtering.facets import facets_of
from search.retrieval.filtering.filters import Filters, is_field
from search.retrieval.filtering.scope import scope_of
from search.retrieval.good_match import good_match, strengths, telling
from search.retrieval.naming import named_first
from search.retrieval.open_index import OpenVersion
from search.retrieval.query import Asked, Query
from search.retrieval.query_words import english_terms, marked_terms
from search.retrieval.reranking.reranking import rerank
from search.retrieval.result_set import MOST, SORTS, Page, first_page, ordered, read_cursor, write_cursor
from search.retrieval.result_set import page as page_of
from search.retrieval.rewording import proposal
from search.retrieval.trace import Trace
from search.retrieval.visible_hits import VisibleHit, best_visible
from search.retrieval.weak_tail import JUDGED, without_weak
from search.retrieval_options import RetrievalOptions

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

_FIRST_CANDIDATES = 200
_WIDEN = 8


@dataclass
class Outcome:
    """What a run of the pipeline found, and what it had to do without. `total` is of the whole result set."""

    results: tuple[SearchResult, ...] = ()
    total: int = 0
    total_relation: str = "eq"
    good_match: bool = True
    degraded: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    next_cursor: str = ""
    weak_left_out: int = 0
    did_you_mean: str = ""
    took: Timings = field(default_factory=Timings)


def run(asked: Asked, *, opened: OpenVersion, options: RetrievalOptions, trace: Trace | None = None) -> Outcome:
    """Return a page of the best documents for what was asked among those that its user may see.

    `opened` must be usable. Raises InvalidFilter for a filter in the query that cannot be applied, and InvalidCursor.
    What the stages found out goes into `trace`.
    """
    clock = Clock()
    query, documents = prepared(asked, opened=opened, options=options, clock=clock)
    if trace is not None:
        trace.query = query
    if asked.cursor:
        page = _next_page(query, documents, clock)
    else:
        in_order = found(query, documents, clock, wanted(query), trace)
        page = first_page(in_order, asked.k, complete=query.complete)
    clock.lap("fetch")
    looked_at = list({each.document_id: each for each in [*page.found, *telling(query)]}.values())
    there = documents.in_bulk([each.document_id for each in looked_at])
    found_strengths = strengths(query, looked_at, there)
    answered = good_match(query, found_strengths) if query.answered is None else query.answered
    outcome = Outcome(
        results=answers.results(query, page.found, there, found_strengths),
        total=page.total,
        total_relation=page.total_relation,
        good_match=answered,
        degraded=tuple(query.degraded),
        filters=query.filters.texts,
        facets=_facets(query, documents, page),
        next_cursor=write_cursor(replace(page.rest, answered=answered), bound_to=query.identity) if page.rest else "",
        weak_left_out=query.left_out,
        did_you_mean=proposal(query, documents),
    )
    clock.lap("fetch")
    outcome.took = clock.timings([query])
    return outcome


def prepared(
    asked: Asked, *, opened: OpenVersion, options: RetrievalOptions, clock: "Clock"
) -> tuple[Query, "DocumentQuerySet"]:
    """Return what was asked with its words and vector, and the documents that it may find. Raises InvalidFilter."""
    parsed = query_language.parse(asked.text, is_field)
    query = Query(asked, opened, options, parsed, asked.filters + Filters.of(parsed.filters))
    candidates.begin_encoding(query)
    _read_words(query)
    clock.lap("parse")
    scope = scope_of(opened.version, asked.user, query.filters)
    query.allowed = _both(query.allowed, scope.allowed)
    clock.lap("filter")
    return query, scope.documents


def _next_page(query: Query, documents: "DocumentQuerySet", clock: "Clock") -> Page:
    """Go on in the result set that the cursor holds; where it ends before what was to be found, it grows."""
    frozen = read_cursor(query.asked.cursor, bound_to=query.identity)
    query.offset, query.answered = frozen.at, frozen.answered
    shown = page_of(query.opened.version, documents, frozen, query.asked.k)
    if shown.rest is None and frozen.may_grow and query.asked.sort == SORTS[0]:
        frozen = frozen.grown(found(query, documents, clock, MOST), complete=query.complete)
        shown = page_of(query.opened.version, documents, frozen, query.asked.k)
    candidates.score(query, [each.hit.chunk_id for each in shown.found])
    return shown


def wanted(query: Query) -> int:
    """Return how many documents the first page needs: another order is that of all that can be had, or are judged."""
    if query.asked.sort == SORTS[0]:
        return query.asked.k + 1
    return JUDGED + 1 if query.leaves_out_weak and query.vector is not None else MOST


def found(
    query: Query, documents: "DocumentQuerySet", clock: "Clock", wanted: int, trace: Trace | None = None
) -> list[VisibleHit]:
    """Return the documents found, in the order that was asked for: at least so many as wanted, or all.

    In another order than by relevance, without the weak ones unless they are asked for too.
    """
    _rank(query, documents, clock, wanted, trace)
    if not query.asked.cursor:  # the documents of the first pages have their order
        rerank(query)
        clock.lap("rerank")
    named_first(query, documents)
    curate(query, documents)
    query.complete = query.exhausted
    if not query.leaves_out_weak:
        return ordered(query.found, documents, query.asked.sort)
    cut = without_weak(query, query.found, documents)
    query.left_out, query.complete, query.has_answers = cut.left_out, cut.complete, cut.has_answers
    return ordered(cut.kept, documents, query.asked.sort)


def _facets(query: Query, documents: "DocumentQuerySet", page: Page) -> tuple[Facet, ...]:
    wanted = query.asked.facets
    if wanted is None:
        return ()
    exact = page.total_relation == "eq"
    return facets_of(documents, page.document_ids, query.filters, exact=exact, fields=wanted)


def _rank(query: Query, allowed: "DocumentQuerySet", clock: "Clock", wanted: int, trace: Trace | None = None) -> None:
    """Find documents, best first, until there are as many as wanted or no candidates are left."""
    limit = max(_FIRST_CANDIDATES, wanted)
    while True:
        candidates.collect(query, limit)
        clock.skip()  # the legs have their own clocks
        hits = candidates.fused(query)
        clock.lap("fuse")
        query.found = best_visible(query.opened.version, allowed, hits)
        clock.lap("fetch")
        if trace is not None:
            trace.fused, trace.ranked = hits, query.found
        if len(query.found) >= wanted or query.exhausted:
            return
        limit *= _WIDEN


def _read_words(query: Query) -> None:
    """Say the query as the lexical index understands it, and which chunks may take part because of it."""
    lexical = query.opened.lexical
    if lexical is None:
        query.terms = tuple(english_terms(query.parsed.plain))
        return
    synonyms = synonyms_of(query.opened.version.collection_id)
    query.foreign = lexical.is_foreign(query.parsed.plain)
    query.words = lexical.query(
        query.parsed, synonyms=synonyms, title_weight=query.options.title_weight, typos=not query.foreign
    )
    query.terms = marked_terms(query.words, lexical.analyze)
    query.allowed = lexical.permitted(query.words)


def _both(one: Ids | None, other: Ids | None) -> Ids | None:
    """Return what two restrictions, each ascending, leave together."""
    if one is None or other is None:
        return other if one is None else one
    return np.intersect1d(one, other, assume_unique=True)


class Clock:
    """Milliseconds by stage, each from the end of the one before."""

    def __init__(self) -> None:
        self._begun = self._last = time.perf_counter()
        self._spent: dict[str, float] = defaultdict(float)

    def lap(self, stage: str) -> None:
        """Count what has passed since the last lap for a stage."""
        now = time.perf_counter()
        self._spent[stage] += (now - self._last) * 1_000
        self._last = now

    def skip(self) -> None:
        """Count what has passed for nobody."""
        self._last = time.perf_counter()

    def timings(self, queries: Sequence[Query]) -> Timings:
        """Return what was counted, and what the legs of the queries counted by themselves."""
        total = (time.perf_counter() - self._begun) * 1_000
        dense = sum(query.dense.milliseconds for query in queries)
        lexical = sum(query.lexical.milliseconds for query in queries)
        encode = sum(query.encode_milliseconds for query in queries)
        return Timings(**self._spent, encode=encode, dense=dense, lexical=lexical, total=total)
