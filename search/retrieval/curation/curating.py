"""The stage at which curators' rules are applied: after ranking, before anything is shown.

What a rule brings in has passed the same checks as everything else: it is visible to the user and within the filters.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from search.retrieval.curation import rules
from search.retrieval.curation.rule_matching import rules_for
from search.retrieval.curation.rules import RankedDocument
from search.retrieval.query import Query
from search.retrieval.visible_hits import VisibleHit, nearest_of

if TYPE_CHECKING:
    from search.models.corpus import DocumentQuerySet


def curate(query: Query, allowed: "DocumentQuerySet") -> None:
    """Apply the rules that the query meets to what was found, and note what each of them did."""
    version = query.opened.version
    met = rules_for(version, query.parsed.plain or query.asked.text, query.vector)
    if not met:
        return
    found = {hit.document_id: hit for hit in query.found}

    def bring_in(document_ids: Sequence[int]) -> Iterable[RankedDocument]:
        for hit in nearest_of(version, allowed, document_ids, query.near):
            found[hit.document_id] = hit
            yield _ranked(hit)

    curated = rules.apply([_ranked(hit) for hit in query.found], met, bring_in)
    query.effects = curated.effects
    query.found = [found[document.document_id].scored(document.score) for document in curated.documents]


def _ranked(hit: VisibleHit) -> RankedDocument:
    return RankedDocument(hit.document_id, hit.hit.chunk_id, hit.hit.score)
