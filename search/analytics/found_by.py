"""Which logged queries brought a document, how high it stood, and what people did with it. Reads only.

The log keeps the documents that were shown as a list in each row, so the newest rows of the collection are looked
through; how many is said, because older ones are not.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from search.models import Document, SearchLog, SearchReaction

LOOKED_THROUGH = 5_000
_MOST_QUERIES = 20
_BATCH = 500


@dataclass(slots=True)
class FoundBy:
    """One query, as it was typed first; `best_rank` counts from 1."""

    text: str
    times: int = 0
    best_rank: int = 0
    last_at: datetime | None = None
    reactions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How often it was opened, found helpful and not, by the kind of reaction."""


@dataclass(frozen=True, slots=True)
class FoundByReport:
    """The queries that brought a document most often, of how many searches."""

    queries: tuple[FoundBy, ...]
    looked_through: int


def found_by(document: Document) -> FoundByReport:
    """Return the queries among the newest searches of its collection that brought `document`."""
    queries: dict[str, FoundBy] = {}
    query_of: dict[int, FoundBy] = {}
    looked_through = 0
    rows = SearchLog.objects.filter(collection=document.collection_id).order_by("-id")[:LOOKED_THROUGH]
    for pk, text, shown, at in rows.values_list("pk", "text", "shown", "at").iterator(chunk_size=_BATCH):
        looked_through += 1
        rank = next((place for place, pair in enumerate(shown, 1) if pair[0] == document.pk), 0)
        if rank:
            entry = queries.setdefault(" ".join(text.lower().split()), FoundBy(text))
            entry.times += 1
            entry.best_rank = min(rank, entry.best_rank or rank)
            entry.last_at = entry.last_at or at
            query_of[pk] = entry
    for pk, kind in SearchReaction.objects.filter(document_id=document.pk).values_list("search_id", "kind"):
        if pk in query_of:
            query_of[pk].reactions[kind] += 1
    most = sorted(queries.values(), key=lambda entry: (-entry.times, entry.best_rank, entry.text))
    return FoundByReport(tuple(most[:_MOST_QUERIES]), looked_through)
