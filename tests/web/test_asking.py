"""Reading what was asked from an address, and writing it back."""

import pytest
from django.http import QueryDict

from search.web.asking import Asked


def test_an_address_leads_back_to_the_same_question() -> None:
    asked = Asked("bread & butter", "docs", "lexical", 40, ('tag:"a, b"', "-language:de"), "newest")

    assert Asked.from_parameters(QueryDict(asked.parameters)) == asked


def test_what_is_the_default_is_left_out_of_the_address() -> None:
    assert Asked("bread").url == "/?q=bread"
    assert Asked().url == "/"


@pytest.mark.parametrize(("k", "read"), [("", 20), ("x", 20), ("0", 1), ("-3", 1), ("40", 40), ("101", 100)])
def test_the_number_of_results_stays_between_1_and_100(k: str, read: int) -> None:
    assert Asked.from_parameters(QueryDict(f"k={k}")).k == read


def test_a_cursor_is_in_the_address_of_the_next_page_only() -> None:
    asked = Asked("bread", filters=("tag:a",))

    following = Asked.from_parameters(QueryDict(asked.following("x:y").split("?")[1]))

    assert (following.cursor, following.url) == ("x:y", asked.url)


def test_empty_and_doubled_filters_are_left_out() -> None:
    assert Asked.from_parameters(QueryDict("filter=tag:a&filter=&filter=+tag:a+")).filters == ("tag:a",)


def test_another_collection_starts_with_the_first_results() -> None:
    assert Asked("bread", "docs", k=80, filters=("tag:a",)).within("other") == Asked("bread", "other", k=20)
