"""Looks at the first documents once more, closer than an index can, and puts them in a better order in a given time.

Only the order of the first ones changes, never which documents are found. A reranker that cannot be used leaves the
order as it is and is named in the answer. Rules of curators come afterwards, so that a pin stays where it is.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from search import registry
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.models import Document
from search.retrieval.query import Query, Reranked
from search.retrieval.reranking.sentence_vectors import Deadline, sentence_vectors
from search.retrieval.reranking.sentences import sentences
from search.retrieval.visible_hits import VisibleHit

logger = logging.getLogger(__name__)

_PAIRS_AT_ONCE = 4
_MOST_SENTENCES = 16
_MOST_CHARACTERS = 4_000  # of a chunk


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that is looked at once more: its best chunk, and the score that it came with."""

    found: VisibleHit
    title: str
    body: str

    @property
    def passage(self) -> str:
        """Return the title and the chunk, as one text."""
        return f"{self.title}\n{self.body[self.found.start : self._end]}".strip()

    @property
    def sentences(self) -> list[str]:
        """Return the title and the chunk's sentences."""
        places = sentences(self.body, self.found.start, self._end, _MOST_SENTENCES)
        return [text for text in (self.title, *(self.body[start:end] for start, end in places)) if text]

    @property
    def _end(self) -> int:
        return min(self.found.end, self.found.start + _MOST_CHARACTERS)


def rerank(query: Query) -> None:
    """Put the first documents of the query in the order of its reranker, and note what each score was."""
    options, head = query.options, query.found[: query.options.rerank_top]
    method = _METHODS.get(options.rerank)
    if method is None or len(head) < 2 or query.asked.sort != "relevance":
        return
    try:
        scores = method(query, _candidates(head), Deadline(options.rerank_ms))
    except (EncoderUnavailable, EncodingFailed) as error:
        logger.error("A query was answered without its reranker: %s", error)
        query.degraded.append(_("Reranking is off: what it needs cannot be loaded."))
        return
    _reorder(query, head, scores)


def _candidates(head: Sequence[VisibleHit]) -> list[Candidate]:
    texts = Document.objects.in_bulk([found.document_id for found in head])
    there = ((found, texts.get(found.document_id)) for found in head)
    return [Candidate(found, document.title, document.body) if document else Candidate(found, "", "")
            for found, document in there]  # fmt: skip


def _reorder(query: Query, head: Sequence[VisibleHit], scores: Sequence[float]) -> None:
    """Sort those that were scored among themselves; they are the first ones, for which there was time."""
    order = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    query.reranked = {
        head[at].document_id: Reranked(query.options.rerank, scores[at], at + 1, rank)
        for rank, at in enumerate(order, start=1)
    }
    query.found = [*(head[at] for at in order), *query.found[len(order) :]]


def _by_cross_encoder(query: Query, candidates: Sequence[Candidate], deadline: Deadline) -> list[float]:
    """Return the scores of as many candidates, from the first on, as there is time for."""
    model = registry.cross_encoder(query.options.cross_encoder)
    model.load()
    scores: list[float] = []
    for at in range(0, len(candidates), _PAIRS_AT_ONCE):
        if scores and not deadline.allows(0):
            break
        passages = [candidate.passage for candidate in candidates[at : at + _PAIRS_AT_ONCE]]
        scores.extend(model.scores(query.parsed.plain or query.asked.text, passages))
    return scores


def _by_sentences(query: Query, candidates: Sequence[Candidate], deadline: Deadline) -> list[float]:
    """Return, for as many as there is time for, the score by fusion blended with the nearest sentence's cosine."""
    if query.vector is None:
        return []
    nearest: list[float] = []
    for candidate in candidates:
        texts = candidate.sentences
        vectors = sentence_vectors(query.opened.version, texts, deadline)
        if vectors is None:
            break
        nearest.append(max((float(vectors[text] @ query.vector) for text in texts), default=-1.0))
    fused = [candidate.found.hit.score for candidate in candidates[: len(nearest)]]
    return blended(fused, nearest, query.options.rerank_weight)


def blended(fused: Sequence[float], nearest: Sequence[float], weight: float) -> list[float]:
    """Return (1 - `weight`) × fused + `weight` × nearest, each from 0 to 1 over the candidates."""
    scores: list[float] = ((1 - weight) * _spread(fused) + weight * _spread(nearest)).tolist()
    return scores


def _spread(scores: Sequence[float]) -> np.ndarray:
    values = np.asarray(scores, np.float64)
    width = float(np.ptp(values)) if len(values) else 0.0
    return (values - values.min()) / width if width > 0 else np.zeros(len(values))


_METHODS: Mapping[str, Callable[[Query, Sequence[Candidate], Deadline], list[float]]] = {
    "maxsim": _by_sentences,
    "cross_encoder": _by_cross_encoder,
}
