"""What a query says of itself holds in every mode: phrases, exclusions, filters, before the best are chosen."""

from collections.abc import Callable

import pytest

from search import query_service
from search.models import Collection, Document
from search.query_service import InvalidQuery

pytestmark = pytest.mark.django_db(transaction=True)

MODES = query_service.MODES


@pytest.fixture
def lamps(collection: Collection, indexed: Callable[[], int]) -> None:
    """Three hundred documents about lamps, one of which is news and says so in other words."""
    Document.objects.bulk_create(
        Document(
            collection=collection, external_id=f"d{number}", title="A lamp",
            body=f"The lamp of house {number} is lit." if number != 299 else "Oil was lit by the lamp that burned.",
            metadata={"tags": ["news"] if number == 299 else ["old"]},
        )
        for number in range(300)
    )  # fmt: skip
    indexed()


def found(query: str, **wanted: object) -> list[str]:
    """Return what is found, best first."""
    return [result.external_id for result in query_service.search(query, **wanted).results]  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", MODES)
def test_a_filter_that_leaves_one_of_many_gives_that_one(lamps: None, mode: str) -> None:
    assert found("the lamp of a house is lit tag:news", mode=mode) == ["d299"]
    assert found("the lamp of a house is lit", mode=mode, filters=["tag:news"]) == ["d299"]


@pytest.mark.parametrize("mode", MODES)
def test_a_phrase_must_be_there_as_it_was_asked_for(lamps: None, mode: str) -> None:
    assert found('"lamp that burned"', mode=mode) == ["d299"]
    assert found('"burned that lamp"', mode=mode) == []


@pytest.mark.parametrize("mode", MODES)
def test_what_is_excluded_does_not_come(lamps: None, mode: str) -> None:
    assert "d299" not in found("lamp -burned", mode=mode, k=100)
    assert found("lamp -house", mode=mode, k=100) == ["d299"]


def test_a_filter_that_cannot_be_applied_says_so(lamps: None) -> None:
    with pytest.raises(InvalidQuery, match="no date"):
        query_service.search("lamp", filters=["created:yesterday"])
    with pytest.raises(InvalidQuery, match="no field colour"):
        query_service.search("lamp", filters=["colour:red"])


def test_the_total_counts_what_the_filter_leaves(lamps: None) -> None:
    response = query_service.search("lamp", filters=["tag:news"])
    assert (response.total, response.total_relation) == (1, "eq")


def test_pages_have_every_document_once_and_end(lamps: None) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        response = query_service.search("lamp", k=40, cursor=cursor)
        seen += [result.external_id for result in response.results]
        cursor = response.next_cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == response.total >= 200
    assert seen[:10] == found("lamp")


def test_a_cursor_of_another_search_says_so(lamps: None) -> None:
    cursor = query_service.search("lamp").next_cursor
    with pytest.raises(InvalidQuery, match="another search"):
        query_service.search("oil", cursor=cursor)


def test_facets_count_the_result_set(lamps: None) -> None:
    response = query_service.search("lamp", filters=["tag:news,old"], facets=["tag"])
    assert {value.value: value.count for value in response.facets[0].values}["news"] == 1
    assert sum(value.count for value in response.facets[0].values) == response.total


def test_a_mistyped_word_is_proposed_as_it_was_meant(lamps: None) -> None:
    assert query_service.search("a burnde lamp").did_you_mean == "a burned lamp"
    assert query_service.search("a burned lamp").did_you_mean == ""
    assert query_service.search("many lamp that burned").did_you_mean == ""  # and not "man" or "may"


def test_words_of_hidden_documents_are_not_proposed(lamps: None) -> None:
    Document.objects.filter(external_id="d299").update(visibility=Document.Visibility.STAFF)
    assert query_service.search("a burnde lamp").did_you_mean == ""


def test_the_verdict_is_of_the_query_and_not_of_the_order_or_the_page(
    collection: Collection, indexed: Callable[[], int]
) -> None:
    Document.objects.bulk_create(
        Document(collection=collection, external_id=f"d{n}", title=f"Z{n}", body=f"Tents and ropes of kind {n}.")
        for n in range(60)
    )
    Document.objects.create(collection=collection, external_id="hit", title="A", body="Quarterly leave of absence.")
    indexed()
    asked = "quarterly leave of absence"
    verdicts = {
        sort: query_service.search(asked, sort=sort, k=5) for sort in ("relevance", "newest", "title", "oldest")
    }
    assert {sort: found.good_match for sort, found in verdicts.items()} == dict.fromkeys(verdicts, True)
    second = query_service.search(asked, sort="oldest", k=5, cursor=verdicts["oldest"].next_cursor)
    assert second.good_match
    nothing = query_service.search("zxcv qwer", k=5)
    assert not nothing.good_match
    if nothing.next_cursor:
        assert not query_service.search("zxcv qwer", k=5, cursor=nothing.next_cursor).good_match
