"""Another order than relevance has the answers and not everything; counts and verdict stay honest."""

from collections.abc import Callable
from unittest import mock

import pytest
from django.test import Client

from search import query_service
from search.datatypes import SearchResponse
from search.models import Collection, CurationRule, Document
from search.retrieval import pipeline, weak_tail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def camp(collection: Collection, indexed: Callable[[], int]) -> Collection:
    """Three documents about leave between sixty about tents."""
    Document.objects.bulk_create(
        [Document(collection=collection, external_id=f"d{n:02}", title=f"Z{n:02}", body=f"Tents and ropes of kind {n}.")
         for n in range(60)]
        + [Document(collection=collection, external_id=f"leave{n}", title=f"M{n}", body="Quarterly leave of absence.")
           for n in range(3)]
    )  # fmt: skip
    indexed()
    return collection


def ids(response: SearchResponse) -> list[str]:
    """Return what is shown, in its order."""
    return [result.external_id for result in response.results]


def test_an_order_by_title_has_the_answers_alone_and_counts_them_exactly(camp: Collection) -> None:
    found = query_service.search("quarterly leave of absence", sort="title", k=100)
    assert ids(found) == ["leave0", "leave1", "leave2"]
    assert (found.total, found.total_relation, found.weak_left_out, found.good_match) == (3, "eq", 60, True)


def test_with_the_weak_ones_it_has_all_that_relevance_has(camp: Collection) -> None:
    asked = "quarterly leave of absence"
    by_relevance = query_service.search(asked, k=100)
    everything = query_service.search(asked, sort="title", weak=True, k=100)
    assert sorted(ids(everything)) == sorted(ids(by_relevance))
    assert ids(everything)[:3] == ["leave0", "leave1", "leave2"]
    assert (by_relevance.weak_left_out, everything.weak_left_out, everything.total) == (0, 0, 63)


def test_where_nothing_is_an_answer_the_nearest_few_are_put_in_order(camp: Collection) -> None:
    nearest = ids(query_service.search("zxcv qwer", k=10))
    found = query_service.search("zxcv qwer", sort="title", k=100)
    assert sorted(ids(found)) == ids(found)
    assert set(ids(found)) == set(nearest)
    assert not found.good_match


def test_what_a_curator_has_pinned_stays(camp: Collection) -> None:
    CurationRule.objects.create(collection=camp, external_id="d07", queries="quarterly leave of absence", action="pin")
    assert "d07" in ids(query_service.search("quarterly leave of absence", sort="oldest", k=100))


def test_words_alone_leave_nothing_out(camp: Collection) -> None:
    found = query_service.search("tents", sort="title", mode="lexical", k=100)
    assert (found.total, found.weak_left_out) == (60, 0)


def test_pages_lead_through_the_answers_and_end_there(camp: Collection) -> None:
    asked = {"sort": "newest", "k": 2}
    first = query_service.search("quarterly leave of absence", **asked)  # type: ignore[arg-type]
    second = query_service.search("quarterly leave of absence", **asked, cursor=first.next_cursor)  # type: ignore[arg-type]
    assert sorted(ids(first) + ids(second)) == ["leave0", "leave1", "leave2"]
    assert second.next_cursor == ""
    with pytest.raises(query_service.InvalidQuery, match="cursor|page"):
        query_service.search("quarterly leave of absence", sort="newest", weak=True, k=2, cursor=first.next_cursor)


def test_more_answers_than_were_judged_are_a_minimum(camp: Collection) -> None:
    few = 10  # of the 60 about tents, all of them answers
    with mock.patch.object(weak_tail, "JUDGED", few), mock.patch.object(pipeline, "JUDGED", few):
        found = query_service.search("tents and ropes", sort="title", k=100)
    assert (found.total, found.total_relation) == (few, "gte")


def test_several_collections_leave_out_what_is_weak_in_each(camp: Collection, client: Client) -> None:
    Collection.objects.create(slug="other", name="Other")
    found = query_service.search("quarterly leave of absence", collection=f"{camp.slug},other", sort="title", k=100)
    assert ids(found) == ["leave0", "leave1", "leave2"]
    assert found.weak_left_out == 60


def test_the_page_and_the_api_say_what_is_left_out_and_give_it_on_request(camp: Collection, client: Client) -> None:
    asked = {"q": "quarterly leave of absence", "sort": "title"}
    page = client.get("/", asked)
    assert "3 documents" in page.text
    assert 'href="/?q=quarterly+leave+of+absence&amp;sort=title&amp;weak=1"' in page.text
    everything = client.get("/", asked | {"weak": "1"})
    assert "of 63 documents" in everything.text
    assert "data-left-out" not in everything.text
    assert "data-left-out" not in client.get("/", {"q": asked["q"]}).text
    assert client.get("/api/v1/search/", asked).json()["weak_left_out"] == 60
    assert client.get("/api/v1/search/", asked | {"weak": "true"}).json()["total"] == 63
