"""Decides what a pending change asks for. Pure: values in, values out; the applier does it.

The document is judged as it is now, not as it was when the change was announced, so that lost, doubled and
reordered messages all end in the same state.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from search.datatypes import TextChunk


class Outcome(StrEnum):
    """What has to happen to one document in one version."""

    NOTHING = "nothing"  # it is not in the index and does not belong there
    REMOVE = "remove"  # it is in the index and does not belong there
    METADATA = "metadata"  # its text is as indexed: note the new revision, encode nothing
    CONTENT = "content"  # chunk it, and encode what has no vector yet


@dataclass(frozen=True, slots=True)
class DocumentNow:
    """What the planner needs to know of a document that exists."""

    collection_id: int
    published: bool
    content_hash: str


@dataclass(frozen=True, slots=True)
class HeldChunk:
    """A live chunk of the document in the version."""

    chunk_id: int
    ordinal: int
    start: int
    end: int
    text_hash: str


@dataclass(frozen=True, slots=True)
class ChunkDiff:
    """How to come from the chunks that are held to those that are wanted."""

    added: tuple[TextChunk, ...]
    moved: tuple[tuple[int, TextChunk], ...]  # the same text at another place: (chunk id, where it is now)
    removed: tuple[int, ...]


def decide(document: DocumentNow | None, *, collection_id: int, held_content_hash: str | None) -> Outcome:
    """Return what to do; `held_content_hash` is what the version holds of the document, None if nothing."""
    belongs = document is not None and document.published and document.collection_id == collection_id
    if not belongs:
        return Outcome.NOTHING if held_content_hash is None else Outcome.REMOVE
    if document is not None and document.content_hash == held_content_hash:
        return Outcome.METADATA
    return Outcome.CONTENT


def diff_chunks(held: Sequence[HeldChunk], wanted: Sequence[TextChunk]) -> ChunkDiff:
    """Match chunks by the text that was encoded, so that an edit elsewhere in the document leaves them alone."""
    by_hash: defaultdict[str, list[HeldChunk]] = defaultdict(list)
    for chunk in sorted(held, key=lambda chunk: chunk.ordinal, reverse=True):
        by_hash[chunk.text_hash].append(chunk)
    added, moved = [], []
    for text in wanted:
        if not by_hash[text.text_hash]:
            added.append(text)
            continue
        chunk = by_hash[text.text_hash].pop()
        if (chunk.ordinal, chunk.start, chunk.end) != (text.ordinal, text.start, text.end):
            moved.append((chunk.chunk_id, text))
    removed = sorted(chunk.chunk_id for rest in by_hash.values() for chunk in rest)
    return ChunkDiff(tuple(added), tuple(moved), tuple(removed))


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """How many vectors a segment holds, and how many of them have left the index."""

    rows: int
    dead: int = 0


def choose_merge(
    segments: Sequence[SegmentSize], *, base: int, fanout: int, dead_share: float
) -> tuple[int, int] | None:
    """Return which neighbouring segments to write as one, as (first, behind the last), or None.

    `segments` are in the order of their ids. Segments of similar size are merged once there are `fanout` of them,
    the smallest first, so that a vector is written again only as often as the index grows by that factor. One that
    has too many dead rows is written again alone.
    """
    for position, segment in enumerate(segments):
        if segment.dead > max(segment.rows * dead_share, base / 4):
            return position, position + 1
    tiers = [_tier(segment.rows, base, fanout) for segment in segments]
    for most in sorted(set(tiers)):
        begin = 0
        for end, tier in enumerate([*tiers, most + 1]):
            if tier > most:
                if tiers[begin:end].count(most) >= fanout:
                    return begin, end
                begin = end + 1
    return None


def is_compact(segments: Sequence[SegmentSize], tail_rows: int, *, dead_share: float) -> bool:
    """Tell whether nearly everything is in one segment with few dead rows, so that writing it again gains little."""
    total = sum(segment.rows for segment in segments) + tail_rows
    if not total:
        return True
    largest = max(segments, key=lambda segment: segment.rows, default=SegmentSize(0))
    return largest.rows >= 0.8 * total and largest.dead <= largest.rows * dead_share


def _tier(rows: int, base: int, fanout: int) -> int:
    tier = 0
    while rows > base * fanout**tier * 1.5:
        tier += 1
    return tier
