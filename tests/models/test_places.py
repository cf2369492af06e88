"""A document knows in which of its pages or chapters a character lies."""

import pytest

from search.models import Document

PAGES = [[0, "page 1"], [100, "page 2"], [250, "page 3"]]


@pytest.mark.parametrize(
    ("anchors", "offset", "place"),
    [(PAGES, 0, "page 1"), (PAGES, 99, "page 1"), (PAGES, 100, "page 2"), (PAGES, 9_999, "page 3"), ([], 5, ""),
     ([[10, "Chapter 1"]], 3, "")],
)  # fmt: skip
def test_a_character_lies_in_the_last_place_that_begins_before_it(
    anchors: list[list[object]], offset: int, place: str
) -> None:
    assert Document(anchors=anchors).place_at(offset) == place
