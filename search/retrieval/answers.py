"""From ranked documents to what people see: the best place of each text, cut out, with what matches marked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from search.datatypes import SearchResult, Snippet
from search.models import Document
from search.retrieval.calibration import Strength
from search.retrieval.curation import rules
from search.retrieval.highlighting import past_title, snippet, snippet_from
from search.retrieval.query import Query
from search.retrieval.reranking.nearest_sentence import nearest_sentences
from search.retrieval.visible_hits import VisibleHit

_TELLING_CHUNKS = 1_000
_COMMON_RARITY = math.log(5)  # of a term that every fifth chunk has


def telling_terms(query: Query) -> Sequence[str]:
    """Return the terms worth marking: in a corpus that is large enough to tell, not those of every fifth chunk."""
    lexical = query.opened.lexical
    if lexical is None or lexical.size < _TELLING_CHUNKS:
        return query.terms
    return [term for term in query.terms if lexical.rarity(term) > _COMMON_RARITY] or query.terms


def results(
    query: Query,
    visible: Sequence[VisibleHit],
    documents: Mapping[int, Document],
    strengths: Mapping[int, Strength],
) -> tuple[SearchResult, ...]:
    """Return what is shown of the documents found; `documents` are those that are still there, by id."""
    there = [(found, documents[found.document_id]) for found in visible if found.document_id in documents]
    pinned = {effect.rule.document_id for effect in query.effects if effect.rule.action == rules.PIN}
    results: list[SearchResult] = []
    for (found, document), cut in zip(there, _snippets(query, there), strict=True):
        made = _result(query, query.offset + len(results) + 1, found, document, cut)
        results.append(replace(made, strength=strengths[document.pk], pinned=document.pk in pinned))
    return tuple(results)


def _snippets(query: Query, there: Sequence[tuple[VisibleHit, Document]]) -> list[Snippet]:
    """Return the part of each text that answers best: by its words, or where it has none of them by its meaning."""
    telling = telling_terms(query)
    ranges = [(document.body, *_range(found, document)) for found, document in there]
    cuts = [snippet(body, start, end, query.matching, telling) if body else Snippet("") for body, start, end in ranges]
    wordless = [at for at, cut in enumerate(cuts) if cut.text and cut.kind == "beginning"]
    for at, place in zip(wordless, nearest_sentences(query, [ranges[at] for at in wordless]), strict=True):
        if place is not None:
            cuts[at] = snippet_from(ranges[at][0], place[0], ranges[at][2])
    return cuts


def _range(found: VisibleHit, document: Document) -> tuple[int, int]:
    """Return the chunk's place in the text without a title above it; the whole text, where it has changed since."""
    is_whole = found.changed or found.start == found.end
    start, end = (0, len(document.body)) if is_whole else (found.start, found.end)
    return past_title(document.body, start, end, document.title), end


def _result(query: Query, rank: int, found: VisibleHit, document: Document, cut: Snippet) -> SearchResult:
    reranked = query.reranked.get(document.pk)
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
        collection=query.opened.version.collection.slug,
        rerank_score=reranked.score if reranked else None,
    )
