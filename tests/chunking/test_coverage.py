"""Coverage counts what can be read, once."""

import pytest

from search.chunking.coverage import coverage


@pytest.mark.parametrize(
    ("body", "ranges", "expected"),
    [
        ("abcd", [(0, 4)], 1.0),
        ("abcd", [(0, 2)], 0.5),
        ("abcd", [], 0.0),
        ("", [], 1.0),
        (" \n\x00\u200b\ufffd", [], 1.0),
        ("ab  cd\n", [(0, 2), (4, 6)], 1.0),
        ("abcd", [(2, 4), (0, 3)], 1.0),
        ("abcdefgh", [(0, 6), (1, 3)], 0.75),
        ("a字é!", [(0, 1)], 0.25),
    ],
)
def test_coverage_is_the_share_of_what_can_be_read(body: str, ranges: list[tuple[int, int]], expected: float) -> None:
    assert coverage(body, ranges) == expected
