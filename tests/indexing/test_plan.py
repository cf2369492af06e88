"""The planner's decisions, each case by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.datatypes import TextChunk
from search.indexing.plan import (
    DocumentNow,
    HeldChunk,
    Outcome,
    SegmentSize,
    choose_merge,
    decide,
    diff_chunks,
    is_compact,
)


@pytest.mark.parametrize(
    ("document", "held", "outcome"),
    [
        (None, None, Outcome.NOTHING),
        (None, "h", Outcome.REMOVE),
        (DocumentNow(1, False, "h"), None, Outcome.NOTHING),
        (DocumentNow(1, False, "h"), "h", Outcome.REMOVE),
        (DocumentNow(2, True, "h"), "h", Outcome.REMOVE),
        (DocumentNow(1, True, "h"), "h", Outcome.METADATA),
        (DocumentNow(1, True, "h"), "other", Outcome.CONTENT),
        (DocumentNow(1, True, "h"), "", Outcome.CONTENT),
        (DocumentNow(1, True, "h"), None, Outcome.CONTENT),
    ],
)
def test_a_document_as_it_is_now_decides(document: DocumentNow | None, held: str | None, outcome: Outcome) -> None:
    assert decide(document, collection_id=1, held_content_hash=held) is outcome


def text(ordinal: int, start: int, end: int, key: str) -> TextChunk:
    return TextChunk(ordinal, start, end, 5, key, key)


def test_new_chunks_are_added_and_old_ones_removed() -> None:
    diff = diff_chunks([HeldChunk(10, 0, 0, 5, "a")], [text(0, 0, 6, "b")])
    assert (diff.added, diff.moved, diff.removed) == ((text(0, 0, 6, "b"),), (), (10,))


def test_an_unchanged_chunk_is_left_alone() -> None:
    diff = diff_chunks([HeldChunk(10, 0, 0, 5, "a")], [text(0, 0, 5, "a")])
    assert (diff.added, diff.moved, diff.removed) == ((), (), ())


def test_a_chunk_whose_place_changed_keeps_its_id() -> None:
    diff = diff_chunks([HeldChunk(10, 0, 0, 5, "a")], [text(0, 0, 9, "new"), text(1, 10, 15, "a")])
    assert diff.moved == ((10, text(1, 10, 15, "a")),)
    assert diff.added == (text(0, 0, 9, "new"),)
    assert diff.removed == ()


def test_equal_texts_are_matched_one_to_one() -> None:
    held = [HeldChunk(10, 0, 0, 5, "a"), HeldChunk(11, 1, 5, 9, "a"), HeldChunk(12, 2, 9, 14, "a")]
    diff = diff_chunks(held, [text(0, 0, 5, "a"), text(1, 5, 9, "a")])
    assert (diff.added, diff.moved, diff.removed) == ((), (), (12,))


def sizes(*rows: int | tuple[int, int]) -> list[SegmentSize]:
    """Return segments of these sizes; a pair is (rows, dead rows)."""
    return [SegmentSize(*row) if isinstance(row, tuple) else SegmentSize(row) for row in rows]


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (sizes(), None),
        (sizes(10, 10, 10), None),
        (sizes(10, 10, 10, 10), (0, 4)),
        (sizes(40, 10, 10, 10), None),
        (sizes(40, 10, 10, 10, 10), (1, 5)),
        (sizes(40, 40, 40, 40), (0, 4)),
        (sizes(40, 40, 40, 40, 10, 10), (0, 6)),
        (sizes(160, 40, 40, 40, 40, 10), (1, 6)),
        (sizes(10, 160, 10, 10, 10), None),
        (sizes(100, (40, 20)), (1, 2)),
        (sizes(100, (40, 5)), None),
    ],
)
def test_neighbouring_segments_of_similar_size_are_merged(
    segments: list[SegmentSize], expected: tuple[int, int] | None
) -> None:
    assert choose_merge(segments, base=10, fanout=4, dead_share=0.2) == expected


@given(st.lists(st.integers(1, 40), min_size=1, max_size=300))
def test_a_growing_index_has_few_segments_and_writes_each_vector_a_few_times(sealed: list[int]) -> None:
    segments: list[SegmentSize] = []
    written = 0
    for rows in sealed:
        segments.append(SegmentSize(rows))
        while chosen := choose_merge(segments, base=10, fanout=4, dead_share=0.2):
            merged = sum(segment.rows for segment in segments[slice(*chosen)])
            written += merged
            segments[slice(*chosen)] = [SegmentSize(merged)]
    levels = 2 + math.log(max(sum(sealed) / 10, 1), 4)
    assert len(segments) <= 4 * 3 * levels
    assert written <= sum(sealed) * 3 * levels


@pytest.mark.parametrize(
    ("segments", "tail", "compact"),
    [
        (sizes(), 0, True),
        (sizes(), 5, False),
        (sizes(100), 0, True),
        (sizes(100), 10, True),
        (sizes(100, 10), 0, True),
        (sizes(50, 50), 0, False),
        (sizes((100, 30)), 0, False),
    ],
)
def test_an_index_is_compact_when_nearly_everything_is_in_one_segment(
    segments: list[SegmentSize], tail: int, compact: bool
) -> None:
    assert is_compact(segments, tail, dead_share=0.2) is compact
