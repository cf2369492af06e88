"""Frozen values that cross the borders between packages. No Django, no FAISS, no behaviour beyond properties."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextChunk:
    """A chunk of a document: `body[start:end]`, offsets in characters, `tokens` as the encoder counts them."""

    ordinal: int
    start: int
    end: int
    tokens: int
    encoded_text: str
    text_hash: str


class Hit(NamedTuple):
    """A chunk that a retriever found; higher scores are better. Searches make hundreds of them."""

    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An index type that a build tried, how well it did, and in a few words why it was kept or left."""

    index_type: str
    parameters: tuple[tuple[str, float], ...]
    recall: float
    median_us: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class SegmentMeasures:
    """What was measured on a finished segment with `queries` held-out queries, one at a time.

    Microseconds are computing time of one thread, so that a busy machine measures alike.
    """

    recall: float  # share of the true 10 nearest neighbours that come back, against exact search
    target: float
    median_us: float
    p95_us: float
    bytes_per_vector: float
    build_seconds: float
    peak_memory_mb: float
    queries: int
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """An immutable part of a dense index on disk: its vectors' file and the file of their ids, each with its hash.

    `index_type` is what was really built, which is `Flat` when there were too few vectors for the type asked for;
    `parameters` are the search parameters it is searched with, sorted by name, whole numbers as int.
    """

    path: Path
    sha256: str
    ids_path: Path
    ids_sha256: str
    rows: int
    size_bytes: int
    index_type: str = "Flat"
    parameters: tuple[tuple[str, float], ...] = ()
    measured: SegmentMeasures | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BuildStep:
    """How far the build of a segment is: `done` of `total` within its phase."""

    phase: str  # "training", "adding", "measuring" or "writing"
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class IndexState:
    """What the database says a version's dense index consists of, at one generation."""

    generation: int
    dimension: int
    segments: tuple[SegmentFile, ...]
    tail_ids: Ids
    tail_vectors: Vectors
    dead_ids: Ids


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text cut from a document, with the character ranges in it that match the query.

    `kind` says why this part: for its "words", for its "meaning" (it begins with the sentence nearest to the
    query, with which it shares no word), or because it is the "beginning".
    """

    text: str
    highlights: tuple[tuple[int, int], ...] = ()
    kind: str = "beginning"

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The text in order as (piece, is a match), ready to be escaped piece by piece."""
        result: list[tuple[str, bool]] = []
        at = 0
        for start, end in self.highlights:
            if start > at:
                result.append((self.text[at:start], False))
            result.append((self.text[start:end], True))
            at = end
        if at < len(self.text):
            result.append((self.text[at:], False))
        return result


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent in each stage of one search."""

    parse: float = 0.0
    encode: float = 0.0
    filter: float = 0.0
    dense: float = 0.0
    lexical: float = 0.0
    fuse: float = 0.0
    rerank: float = 0.0
    fetch: float = 0.0
    total: float = 0.0

    @property
    def header(self) -> str:
        """The stages that took time, as the value of a Server-Timing header: browsers show them beside the request."""
        return ", ".join(f"{stage};dur={spent:.1f}" for stage, spent in asdict(self).items() if spent >= 0.05)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One document found, with its best chunk. `dense_score` is a cosine, `lexical_score` a BM25 sum."""

    rank: int
    score: float
    dense_score: float | None
    lexical_score: float | None
    document_id: int
    external_id: str
    title: str
    url: str
    metadata: Mapping[str, Any]
    chunk_id: int
    chunk_start: int
    chunk_end: int
    snippet: Snippet
    place: str = ""  # where in the document the chunk begins, for example "page 3"
    strength: str = "possible"  # how sure one may be that it answers: "strong", "possible" or "weak"
    pinned: bool = False  # a curator's rule put it where it is
    collection: str = ""  # slug of the collection that it was found in
    rerank_score: float | None = None  # of the reranker, where one has looked at it
    explanation: object = None  # why it is where it is (retrieval/explanations.py), where that was asked for


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value, how many of the documents have it, and whether it is asked for."""

    value: str
    label: str
    count: int
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """The most frequent values of a field; `distinct` is how many there are, `exact` is false for a capped set."""

    field: str
    label: str
    values: tuple[FacetValue, ...]
    distinct: int
    exact: bool


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """The answer to one search. `degraded` names, in words, each leg that could not take part."""

    query: str
    mode: str
    collection: str  # slug; of several that were searched together, with commas between them
    index_version: int  # of the first
    total: int
    total_relation: str  # "eq": exactly so many; "gte": at least so many
    took_ms: Timings
    degraded: tuple[str, ...] = ()
    good_match: bool = True
    pending_documents: int = 0
    results: tuple[SearchResult, ...] = field(default=())
    filters: tuple[str, ...] = ()  # all that held, those in the query too
    sort: str = "relevance"
    weak_left_out: int = 0  # found, but no part of another order than by relevance: weak, or beyond those judged
    facets: tuple[Facet, ...] = ()
    next_cursor: str = ""  # names the next page of this very result set; "" when there is none
    did_you_mean: str = ""  # the query with mistyped words corrected; "" when there is nothing to propose
    query_id: str = ""  # names the search in its log, for what people do with the results; "" when none is kept
