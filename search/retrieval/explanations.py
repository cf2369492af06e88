"""Why a search shows a document where it does, or at which stage it lost it. Asks the pipeline of people's queries.

Never decides who may know of a document: whoever calls this has made sure that its asker may.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from django.utils.translation import gettext as _

from search.datatypes import SearchResponse
from search.lexical.lexical_reader import TermScore
from search.models import Chunk, Document, IndexVersion
from search.retrieval import candidates, pipeline
from search.retrieval.curation import rules
from search.retrieval.curation.rules import Effect
from search.retrieval.filtering.filters import Filters
from search.retrieval.filtering.scope import scope_of
from search.retrieval.open_index import open_version
from search.retrieval.query import Asked, Query, Reranked
from search.retrieval.trace import Trace
from search.retrieval.visible_hits import VisibleHit, visible_documents
from search.retrieval_options import RetrievalOptions

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

_MOST_CHUNKS = 2_000


class Stage(StrEnum):
    """How far a document came in a search."""

    SHOWN = "shown"
    BEYOND_THE_PAGE = "beyond_the_page"
    HIDDEN_BY_RULE = "hidden_by_rule"
    BELOW_CUT_OFF = "below_cut_off"
    NOT_PERMITTED = "not_permitted"
    NOT_IN_FILTER = "not_in_filter"
    NOT_INDEXED = "not_indexed"
    NOT_VISIBLE = "not_visible"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg says of a document: its best chunk, that chunk's score, and its rank among the leg's candidates.

    `rank` is None for a chunk that is no candidate of this leg: `candidates` others are better. `start` and `end` are
    characters of the document's body.
    """

    score: float
    rank: int | None
    candidates: int
    chunk_id: int
    start: int
    end: int
    place: str = ""
    terms: tuple[TermScore, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a search made of one document. Ranks count from 1; None where the document did not come so far."""

    query: str
    document_id: int
    title: str
    stage: Stage
    reason: str
    dense: Leg | None = None
    lexical: Leg | None = None
    dense_weight: float = 0.0
    fusion: str = ""
    fused_rank: int | None = None
    fused_score: float | None = None
    rerank: Reranked | None = None
    effects: tuple[Effect, ...] = ()
    rank: int | None = None
    score: float | None = None
    found: int = 0
    degraded: tuple[str, ...] = ()


def explain(
    version: IndexVersion,
    text: str,
    document: Document,
    *,
    user: "AbstractBaseUser | AnonymousUser | None",
    mode: str = "hybrid",
    k: int = 10,
    filters: Sequence[str] = (),
) -> Explanation:
    """Return why `user`, who asks `text`, finds this document where it is, or at which stage it is lost.

    Raises InvalidFilter for a filter that cannot be applied.
    """
    asked = Asked(text.strip(), mode, k, user, Filters.of(parameters=filters))
    options = RetrievalOptions.over_defaults(version.collection.retrieval)
    if document.collection_id != version.collection_id:
        reason = _("It belongs to another collection, %(name)s.") % {"name": document.collection}
        return Explanation(asked.text, document.pk, document.title, Stage.ELSEWHERE, reason)
    opened, trace = open_version(version), Trace()
    if not opened.usable:
        reason = _("Nothing of this collection is indexed yet, or its index is being restored.")
        return Explanation(asked.text, document.pk, document.title, Stage.NOT_INDEXED, reason)
    outcome = pipeline.run(asked, opened=opened, options=options, trace=trace)
    assert trace.query is not None  # noqa: S101
    return _explained(trace, trace.query, document, outcome.degraded)


def with_explanations(trace: Trace, response: SearchResponse) -> SearchResponse:
    """Return an answer each of whose results says why it is where it is; the search has left this trace."""
    query = trace.query
    assert query is not None  # noqa: S101
    documents = Document.objects.in_bulk([result.document_id for result in response.results])
    results = tuple(
        replace(result, explanation=_explained(trace, query, documents[result.document_id], response.degraded))
        for result in response.results
        if result.document_id in documents
    )
    return replace(response, results=results)


def _explained(trace: Trace, query: Query, document: Document, degraded: tuple[str, ...]) -> Explanation:
    chunks = _chunks(query, document)
    fused_rank, fused = _place(trace.ranked, document.pk)
    rank, final = _place(query.found, document.pk)
    effects = tuple(effect for effect in query.effects if effect.rule.document_id == document.pk)
    stage, reason = _stage(query, document, chunks, rank, effects)
    return Explanation(
        query=query.asked.text,
        document_id=document.pk,
        title=document.title,
        stage=stage,
        reason=reason,
        dense=_dense(query, document, chunks),
        lexical=_lexical(query, document, chunks),
        dense_weight=round(candidates.dense_weight(query.options.dense_weight, candidates.words_worth(query)), 3),
        fusion=query.options.fusion,
        fused_rank=fused_rank,
        fused_score=fused.hit.score if fused else None,
        rerank=query.reranked.get(document.pk),
        effects=effects,
        rank=rank,
        score=final.hit.score if final else None,
        found=len(query.found),
        degraded=degraded,
    )


def _chunks(query: Query, document: Document) -> dict[int, tuple[int, int]]:
    """Return the ranges of the document's chunks in the version searched, by id."""
    rows = Chunk.objects.filter(version=query.opened.version, document_id=document.pk).live().order_by("ordinal")
    return {pk: (start, end) for pk, start, end in rows.values_list("pk", "start", "end")[:_MOST_CHUNKS]}


def _place(ranking: Sequence[VisibleHit], document_id: int) -> tuple[int | None, VisibleHit | None]:
    for rank, hit in enumerate(ranking, start=1):
        if hit.document_id == document_id:
            return rank, hit
    return None, None


def _dense(query: Query, document: Document, chunks: dict[int, tuple[int, int]]) -> Leg | None:
    cosines = query.near(list(chunks)) if query.use_dense else {}
    return _leg(document, chunks, cosines, query.dense.ranking(), lambda pk: ())


def _lexical(query: Query, document: Document, chunks: dict[int, tuple[int, int]]) -> Leg | None:
    reader = query.opened.lexical
    if reader is None or not (query.use_lexical or query.vector is None):
        return None
    scores = reader.scores(query.words, list(chunks))
    return _leg(document, chunks, scores, query.lexical.ranking(), lambda pk: reader.explain(query.words, pk))


def _leg(
    document: Document,
    chunks: dict[int, tuple[int, int]],
    scores: dict[int, float],
    ranking: Sequence[int],
    terms_of: Callable[[int], tuple[TermScore, ...]],
) -> Leg | None:
    """Return what a leg says of the document's best chunk, or None when it says nothing of any."""
    if not scores:
        return None
    best = max(scores, key=lambda pk: (scores[pk], -pk))
    start, end = chunks[best]
    rank = ranking.index(best) + 1 if best in ranking else None
    place = document.place_at(start)
    return Leg(scores[best], rank, len(ranking), best, start, end, place, terms_of(best))


def _stage(
    query: Query, document: Document, chunks: dict[int, tuple[int, int]], rank: int | None, effects: Sequence[Effect]
) -> tuple[Stage, str]:
    """Return the stage that the document reached, and in words why it is there."""
    if rank is not None and rank <= query.asked.k:
        return Stage.SHOWN, _("It is shown at place %(rank)d.") % {"rank": rank}
    if rank is not None:
        return Stage.BEYOND_THE_PAGE, _("It is at place %(rank)d; the first page ends with place %(last)d.") % {
            "rank": rank,
            "last": query.asked.k,
        }
    return _before_ranking(query, document, chunks) or _after_ranking(effects)


def _before_ranking(query: Query, document: Document, chunks: dict[int, tuple[int, int]]) -> tuple[Stage, str] | None:
    """Return why the document could not take part at all, or None when it could."""
    version, user = query.opened.version, query.asked.user
    if not visible_documents(version, user).filter(pk=document.pk).exists():
        if document.state != Document.State.PUBLISHED:
            reason = _("It is not published: %(state)s.") % {"state": document.get_state_display()}
        else:
            reason = _("Who asks may not see it: %(who)s.") % {"who": document.get_visibility_display()}
        return Stage.NOT_VISIBLE, reason
    if not chunks:
        waiting = version.pending_changes.filter(document_id=document.pk).first()
        why = waiting.last_error if waiting is not None else ""
        return Stage.NOT_INDEXED, why or _("It is not indexed yet, or has no text.")
    scope = scope_of(version, user, query.filters)
    if not scope.documents.filter(pk=document.pk).exists():
        return Stage.NOT_IN_FILTER, _("The filters leave it out: %(filters)s.") % {
            "filters": ", ".join(query.filters.texts)
        }
    if query.allowed is not None and not np.isin(list(chunks), query.allowed).any():
        return Stage.NOT_PERMITTED, _("It lacks a phrase that the query asks for, or has a word that it excludes.")
    return None


def _after_ranking(effects: Sequence[Effect]) -> tuple[Stage, str]:
    hidden = next((effect for effect in effects if effect.rule.action == rules.HIDE), None)
    if hidden is not None:
        return Stage.HIDDEN_BY_RULE, _("Rule %(rule)d hides it for this query.") % {"rule": hidden.rule.rule_id}
    return Stage.BELOW_CUT_OFF, _("It is among the best candidates neither by meaning nor by words.")
