"""Figures as people read them."""

import pytest

from search.admin import figures


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (1, "1.00"), (0.99999, "0.9999"), (0.98, "0.9800"), (0.5, "0.5000")]
)
def test_a_recall_below_one_never_looks_like_one(value: float | None, text: str) -> None:
    assert figures.recall(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (31.08, "31 µs"), (9_999, "9999 µs"), (20_000, "20.0 ms")])
def test_the_time_of_a_query_has_a_unit_that_fits(value: float | None, text: str) -> None:
    assert figures.microseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.104, "0.10 s"), (12.4, "12 s"), (600, "10 min"), (5_400, "1 h 30 min"), (86_400, "24 h 0 min")],
)
def test_a_length_of_time_has_a_unit_that_fits(value: float | None, text: str) -> None:
    assert figures.seconds(value) == text


def test_counts_are_grouped() -> None:
    assert figures.whole(1_234_567) == "1,234,567"


def test_no_bytes_are_a_dash() -> None:
    assert (figures.size(0), figures.size(2048)) == ("–", "2.0\xa0KB")
