"""The planner's decisions, each case by hand."""

import pytest

from search.datatypes import TextChunk
from search.indexing.plan import DocumentNow, HeldChunk, Outcome, decide, diff_chunks


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
