"""The two ways to find candidates, each with its own time and its own reason for not taking part.

Both legs also score candidates that only the other one found, exactly, so that fusion compares like with like.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from search.datatypes import Ids, Vectors
from search.engines.base import IndexReader
from search.lexical.lexical_query import LexicalQuery
from search.lexical.lexical_reader import LexicalReader


@dataclass
class Candidates:
    """Raw scores by chunk id, and whether the leg has no further candidate to offer."""

    scores: dict[int, float] = field(default_factory=dict)
    exhausted: bool = True
    milliseconds: float = 0.0

    def ranking(self) -> list[int]:
        """The ids, best first."""
        return sorted(self.scores, key=lambda chunk_id: (-self.scores[chunk_id], chunk_id))


def dense_candidates(reader: IndexReader, vector: Vectors, limit: int, allowed: Ids | None = None) -> Candidates:
    """Return the `limit` nearest chunks, of those `allowed`, with their cosines."""
    begun = time.perf_counter()
    found = reader.search(vector[None], limit, allowed=allowed)[0]
    cosines = 1.0 - found.distances / 2.0
    scores = dict(zip(found.ids.tolist(), cosines.tolist(), strict=True))
    return Candidates(scores, len(scores) < limit, _since(begun))


def add_cosines(candidates: Candidates, reader: IndexReader, vector: Vectors, chunk_ids: Iterable[int]) -> None:
    """Score chunks that only the other leg found; those that the index does not hold stay without."""
    begun = time.perf_counter()
    missing = np.fromiter((pk for pk in chunk_ids if pk not in candidates.scores), np.int64)
    if len(missing):
        cosines = 1.0 - reader.distances(vector, missing) / 2.0
        known = np.isfinite(cosines)
        candidates.scores.update(zip(missing[known].tolist(), cosines[known].tolist(), strict=True))
    candidates.milliseconds += _since(begun)


def lexical_candidates(
    reader: LexicalReader, words: LexicalQuery, limit: int, allowed: Ids | None = None
) -> Candidates:
    """Return the `limit` best chunks, of those `allowed`, by BM25."""
    begun = time.perf_counter()
    hits = reader.search(words, limit, allowed)
    return Candidates({hit.chunk_id: hit.score for hit in hits}, len(hits) < limit, _since(begun))


def add_bm25(candidates: Candidates, reader: LexicalReader, words: LexicalQuery, chunk_ids: Iterable[int]) -> None:
    """Score chunks that only the other leg found; those without any of the words stay without."""
    begun = time.perf_counter()
    missing = [pk for pk in chunk_ids if pk not in candidates.scores]
    candidates.scores.update(reader.scores(words, missing))
    candidates.milliseconds += _since(begun)


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1_000
