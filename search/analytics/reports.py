"""Reports on the log of searches: what people did not find, put together by what they meant. Reads only."""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet

from search import registry
from search.analytics.grouping import groups_of
from search.datatypes import Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.models import Collection, IndexVersion, SearchLog, SearchReaction

MOST_TEXTS = 300
SAME_MEANING = 0.65  # of all-MiniLM-L6-v2: "parental leave" and "maternity leave" .71, and "sick leave" .55
FEW_CLICKS = 0.2
ENOUGH_SEARCHES = 3
ENCODE_SECONDS = 3.0
_MOST_REMEMBERED = 5_000

_vectors: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
_guard = threading.Lock()


class Report(StrEnum):
    """What a report is about."""

    NOTHING = "nothing"  # nothing was found, or no good match
    FEW_CLICKS = "few-clicks"  # asked often, opened rarely
    ABANDONED = "abandoned"  # answered, nothing opened, nothing asked afterwards
    REWORDED = "reworded"  # answered, nothing opened, asked anew in other words
    DISLIKED = "disliked"  # somebody said that a result is not helpful
    ALL = "all"


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """One query as it was asked, and how it fared. `log_id` is its newest search."""

    text: str
    searches: int
    nothing: int
    clicked: int
    abandoned: int
    reworded: int
    up: int
    down: int
    last_at: datetime
    log_id: int

    @property
    def click_share(self) -> float:
        """The share of its searches after which a result was opened."""
        return self.clicked / self.searches


@dataclass(frozen=True, slots=True)
class QueryGroup:
    """Queries of one meaning, the most frequent first."""

    queries: tuple[QueryFigures, ...]

    @property
    def text(self) -> str:
        """The query that most people asked."""
        return self.queries[0].text

    @property
    def others(self) -> tuple[QueryFigures, ...]:
        """The other ways in which it was asked."""
        return self.queries[1:]

    @property
    def searches(self) -> int:
        """How often it was asked, in all its ways."""
        return sum(query.searches for query in self.queries)

    @property
    def nothing(self) -> int:
        """How often nothing good was found."""
        return sum(query.nothing for query in self.queries)

    @property
    def click_share(self) -> float:
        """The share of the searches after which a result was opened."""
        return sum(query.clicked for query in self.queries) / self.searches

    @property
    def down(self) -> int:
        """How often a result was called not helpful."""
        return sum(query.down for query in self.queries)

    @property
    def last_at(self) -> datetime:
        """When it was last asked."""
        return max(query.last_at for query in self.queries)


@dataclass(frozen=True, slots=True)
class Totals:
    """All searches of a time, and how they fared."""

    searches: int
    nothing: int
    clicked: int
    abandoned: int
    median_ms: float | None


def totals(collection: Collection, *, since: datetime) -> Totals:
    """Return the figures of everything that was asked since then."""
    found = _fared(collection, since)
    row = found.aggregate(
        searches=Count("pk"),
        nothing=Count("pk", filter=_NOTHING),
        clicked=Count("pk", filter=Q(was_opened=True)),
        abandoned=Count("pk", filter=_ABANDONED),
    )
    middle = row["searches"] // 2
    times = found.order_by("took_ms").values_list("took_ms", flat=True)[middle : middle + 1]
    return Totals(**row, median_ms=next(iter(times), None))


@dataclass(frozen=True, slots=True)
class NotFound:
    """A query of a collection to which nothing good was found, and how often."""

    collection: Collection
    text: str
    searches: int


def not_found(collections: Sequence[Collection], *, since: datetime, most: int) -> tuple[NotFound, ...]:
    """Return what was asked for in vain since then, the most frequent first, each text for itself."""
    of = {collection.pk: collection for collection in collections}
    rows = (
        SearchLog.objects.filter(_NOTHING, collection__in=of, at__gte=since)
        .order_by()
        .values_list("collection_id", "text")
        .annotate(searches=Count("pk"))
        .order_by("-searches", "text")
    )
    return tuple(NotFound(of[pk], text, searches) for pk, text, searches in rows[:most])


def report(
    collection: Collection, kind: Report, *, since: datetime, similarity: float = SAME_MEANING
) -> tuple[QueryGroup, ...]:
    """Return the queries that a report is about, grouped by meaning, the most frequent first.

    At most MOST_TEXTS different texts; where there is no encoder, and as long as one has not come to them, each stands
    for itself.
    """
    queries = _figures(collection, kind, since)
    vectors = _vectors_of(collection, [query.text for query in queries])
    weights = [query.searches for query in queries]
    places = groups_of(vectors, weights, similarity=similarity)
    return tuple(QueryGroup(tuple(queries[place] for place in group)) for group in places)


_NOTHING = Q(total=0) | Q(good_match=False)
_UNOPENED = Q(total__gt=0, good_match=True, was_opened=False, was_liked=False)
_ABANDONED = _UNOPENED & Q(followed_by=None)
_REWORDED = _UNOPENED & Q(followed_by__isnull=False)


def _fared(collection: Collection, since: datetime) -> "QuerySet[SearchLog, Any]":
    reactions = SearchReaction.objects.filter(search=OuterRef("pk"))
    return SearchLog.objects.filter(collection=collection, at__gte=since).annotate(
        was_opened=Exists(reactions.filter(kind=SearchReaction.Kind.CLICK)),
        was_liked=Exists(reactions.filter(kind=SearchReaction.Kind.UP)),
        was_disliked=Exists(reactions.filter(kind=SearchReaction.Kind.DOWN)),
    )


def _figures(collection: Collection, kind: Report, since: datetime) -> list[QueryFigures]:
    rows = (
        _fared(collection, since)
        .order_by()
        .values("text")
        .annotate(
            searches=Count("pk"),
            nothing=Count("pk", filter=_NOTHING),
            clicked=Count("pk", filter=Q(was_opened=True)),
            abandoned=Count("pk", filter=_ABANDONED),
            reworded=Count("pk", filter=_REWORDED),
            up=Count("pk", filter=Q(was_liked=True)),
            down=Count("pk", filter=Q(was_disliked=True)),
            last_at=Max("at"),
            log_id=Max("pk"),
        )
    )
    chosen = {
        Report.NOTHING: rows.filter(nothing__gt=0).order_by("-nothing", "text"),
        Report.FEW_CLICKS: rows.filter(
            searches__gte=ENOUGH_SEARCHES, nothing=0, clicked__lt=F("searches") * FEW_CLICKS
        ).order_by("-searches", "text"),
        Report.ABANDONED: rows.filter(abandoned__gt=0).order_by("-abandoned", "text"),
        Report.REWORDED: rows.filter(reworded__gt=0).order_by("-reworded", "text"),
        Report.DISLIKED: rows.filter(down__gt=0).order_by("-down", "text"),
        Report.ALL: rows.order_by("-searches", "text"),
    }[kind]
    return [QueryFigures(**row) for row in chosen[:MOST_TEXTS]]


def _vectors_of(collection: Collection, texts: Sequence[str]) -> Vectors | None:
    """Return the texts' vectors by the live version's encoder, or None where there is none that can be used.

    Somebody waits for the page: what is not encoded within ENCODE_SECONDS has a vector of zeros, like nothing else,
    and is encoded when the page is opened again.
    """
    version = collection.active_version()
    if version is None or not texts:
        return None
    deadline = time.monotonic() + ENCODE_SECONDS
    try:
        found = [_vector(version, text, deadline) for text in texts]
    except (EncoderUnavailable, EncodingFailed):
        return None
    return np.stack([np.zeros(version.dimension, np.float32) if vector is None else vector for vector in found])


def _vector(version: IndexVersion, text: str, deadline: float) -> Vectors | None:
    key = (version.encoder_fingerprint, text)
    with _guard:
        if key in _vectors:
            return _vectors[key]
    if time.monotonic() > deadline:
        return None
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    vector = encoder.encode_query(text)
    with _guard:
        _vectors[key] = vector
        while len(_vectors) > _MOST_REMEMBERED:
            _vectors.popitem(last=False)
    return vector
