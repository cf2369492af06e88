"""One query in several collections: each searched as it is alone, by its own version, options, rules and synonyms.

What they found is merged by how sure one may be of it (calibration.py), which means the same in each of them; scores
do not. Within a collection its own order stays. The merged set is frozen like that of one collection.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from search.datatypes import Facet, SearchResult
from search.models import Document
from search.retrieval import answers, candidates
from search.retrieval.calibration import TELLING, Calibration
from search.retrieval.curation.rules import PIN
from search.retrieval.filtering.facets import facets_of
from search.retrieval.good_match import good_match, signals, strengths, telling
from search.retrieval.open_index import OpenVersion
from search.retrieval.pipeline import Clock, Outcome, found, prepared, wanted
from search.retrieval.query import Asked, Query
from search.retrieval.result_set import (
    MOST,
    SORTS,
    Place,
    ResultSet,
    ordered,
    read_cursor,
    relation,
    turned,
    with_chunks,
    write_cursor,
)  # fmt: skip
from search.retrieval.rewording import proposal
from search.retrieval.visible_hits import VisibleHit
from search.retrieval_options import RetrievalOptions

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet

_FALL = 6.0  # log odds that a document without any score is behind the best of its collection
_SURE = 20.0
_MOST_ODDS = 40.0
_USUAL_BACKGROUND = 0.4  # of the cosines, where a version is not calibrated yet


@dataclass(frozen=True, slots=True)
class _One:
    """The search in one of the collections."""

    query: Query
    documents: "DocumentQuerySet"

    @property
    def slug(self) -> str:
        return self.query.opened.version.collection.slug


def run(asked: Asked, searched: Sequence[tuple[OpenVersion, RetrievalOptions]]) -> Outcome:
    """Return a page of the best documents of several collections among those that the user may see.

    Every version must be usable. Raises InvalidFilter and InvalidCursor.
    """
    clock = Clock()
    ones = [_One(*prepared(asked, opened=opened, options=options, clock=clock)) for opened, options in searched]
    bound_to = [part for one in ones for part in one.query.identity]
    frozen = read_cursor(asked.cursor, bound_to=bound_to) if asked.cursor else _merged(asked, ones, clock)
    outcome, rest = _page(asked, ones, frozen)
    outcome.next_cursor = write_cursor(rest, bound_to=bound_to) if rest is not None else ""
    clock.lap("fetch")
    outcome.took = clock.timings([one.query for one in ones])
    return outcome


def _merged(asked: Asked, ones: Sequence[_One], clock: Clock) -> ResultSet:
    """Search each of the collections and return what was found in one order."""
    in_order = [_with_certainty(one, found(one.query, one.documents, clock, wanted(one.query))) for one in ones]
    _drop_the_merely_near(ones, in_order)
    merged = list(heapq.merge(*in_order, key=lambda each: -each.hit.score))
    if asked.sort != SORTS[0]:
        merged = ordered(merged, Document.objects.visible_to(asked.user), asked.sort)
    complete = all(one.query.complete for one in ones) and len(merged) <= MOST
    places = (Place(each.document_id, each.ordinal, each.hit.score) for each in merged[:MOST])
    return ResultSet(tuple(places), complete, answered=any(_answered(one) for one in ones))


def _drop_the_merely_near(ones: Sequence[_One], in_order: list[list[VisibleHit]]) -> None:
    """Empty what has no answers in another order than by relevance, where another of the collections has some."""
    if any(one.query.has_answers for one in ones):
        for number, one in enumerate(ones):
            if not one.query.has_answers:
                one.query.left_out += len(in_order[number])
                in_order[number] = []


def _answered(one: _One) -> bool:
    documents = one.documents.in_bulk([each.document_id for each in telling(one.query)])
    return good_match(one.query, strengths(one.query, telling(one.query), documents))


def _with_certainty(one: _One, ranked: Sequence[VisibleHit]) -> list[VisibleHit]:
    """Return what one collection found with scores that compare with those of others, falling along its own order.

    They say how sure one may be of the best of it, and how far behind the best a document is. One that comes before a
    better one, by a curator's rule for example, counts as much as that; what is named or pinned is sure.
    """
    certainty = _certainty(one, ranked[:TELLING])
    best = max((each.hit.score for each in ranked), default=0.0) or 1.0
    scores: list[float] = []
    least = 0.0
    for each in reversed(ranked):
        least = max(least, _squashed(certainty + _FALL * (each.hit.score / best - 1)))
        scores.append(least)
    found = zip(ranked, reversed(scores), strict=True)
    return [each.scored(score) for each, score in found]


def _certainty(one: _One, best: Sequence[VisibleHit]) -> float:
    """Return the log odds of the surest of the best documents."""
    sure = one.query.named | {effect.rule.document_id for effect in one.query.effects if effect.rule.action == PIN}
    if any(each.document_id in sure for each in best):
        return _SURE
    calibration = Calibration.from_json(one.query.opened.version.calibration) or Calibration(_USUAL_BACKGROUND)
    documents = one.documents.in_bulk([each.document_id for each in best])
    telling = [signals(one.query, each, documents[each.document_id], calibration)
               for each in best if each.document_id in documents]  # fmt: skip
    odds = [calibration.log_odds(each) for each in telling]
    return max(odds, default=-_SURE)


def _squashed(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-_MOST_ODDS, min(_MOST_ODDS, odds))))


def _page(asked: Asked, ones: Sequence[_One], frozen: ResultSet) -> tuple[Outcome, ResultSet | None]:
    """Return the page that the set goes on with, without its cursor, and what the next one begins with."""
    ids = [place.document_id for place in frozen.places]
    at_home = {pk: number for number, one in enumerate(ones)
               for pk in one.documents.order_by().filter(pk__in=ids).values_list("pk", flat=True)}  # fmt: skip
    shown, rest = turned(frozen, at_home, asked.k)
    results: dict[int, SearchResult] = {}
    for number, one in enumerate(ones):
        places = [place for place in shown if at_home[place.document_id] == number]
        results |= {result.document_id: result for result in _shown(one, places)}
    there = [results[place.document_id] for place in shown if place.document_id in results]
    left = [pk for pk in ids if pk in at_home]
    outcome = Outcome(
        results=tuple(replace(result, rank=frozen.at + number) for number, result in enumerate(there, 1)),
        total=len(left),
        total_relation=relation(frozen.complete),
        good_match=frozen.answered,
        degraded=tuple(f"{one.slug}: {reason}" for one in ones for reason in one.query.degraded),
        filters=ones[0].query.filters.texts,
        facets=_facets(asked, ones, left, exact=frozen.complete),
        weak_left_out=sum(one.query.left_out for one in ones),
        did_you_mean=_meant(ones),
    )
    return outcome, rest


def _shown(one: _One, places: Sequence[Place]) -> tuple[SearchResult, ...]:
    """Return what is shown of one collection's documents on the page."""
    visible = with_chunks(one.query.opened.version, places)
    candidates.score(one.query, [each.hit.chunk_id for each in visible])
    documents = one.documents.in_bulk([each.document_id for each in visible])
    sure = strengths(one.query, visible, documents)
    return answers.results(one.query, visible, documents, sure)


def _facets(asked: Asked, ones: Sequence[_One], ids: Sequence[int], *, exact: bool) -> tuple[Facet, ...]:
    if asked.facets is None:
        return ()
    documents = Document.objects.visible_to(asked.user)
    return facets_of(documents, ids, ones[0].query.filters, exact=exact, fields=asked.facets)


def _meant(ones: Sequence[_One]) -> str:
    """Return the query as it was probably meant, where none of the collections knows its words as they are."""
    proposals = [proposal(one.query, one.documents) for one in ones]
    return proposals[0] if all(proposals) else ""
