"""One query in several collections: each ranks for itself, what it finds is merged by how sure one may be of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.datatypes import SearchResponse
from search.indexing import applier
from search.models import Collection, CurationRule, Document, SynonymSet
from search.query_service import InvalidQuery, NotReady, UnknownCollection, search
from search.retrieval import open_index

pytestmark = pytest.mark.django_db(transaction=True)

Collections = dict[str, Collection]


def fill(collection: Collection, bodies: dict[str, str], **fields: Any) -> None:
    for external_id, body in bodies.items():
        Document.objects.create(collection=collection, external_id=external_id, body=body, **fields)
    applier.drain(collection.pk, budget_seconds=60)


@pytest.fixture
def collections(db: None) -> Collections:
    """Lamps in two collections and bread in a third."""
    made = {slug: Collection.objects.create(slug=slug, name=slug.title()) for slug in ("sea", "home", "bakery")}
    fill(made["sea"], {"keeper": "The keeper lights the lamp.", "ship": "A ship is in the harbour."}, language="en")
    fill(made["home"], {"lamp": "A lamp on the table.", "chair": "A chair and a table."}, language="de")
    fill(made["bakery"], {f"bread{number}": f"Bread number {number} is baked." for number in range(8)})
    return made


def places(response: SearchResponse) -> list[tuple[str, str]]:
    return [(result.collection, result.external_id) for result in response.results]


def pages(query: str, between: Callable[[], object] = lambda: None, **asked: Any) -> list[tuple[str, str]]:
    """Return what all the pages show."""
    response = search(query, **asked)
    shown = places(response)
    while response.next_cursor:
        between()
        response = search(query, cursor=response.next_cursor, **asked)
        shown += places(response)
    return shown


def test_the_best_of_each_come_first_with_their_collection(collections: Collections) -> None:
    response = search("lamp", collection="sea,home,bakery", mode="lexical")
    assert sorted(places(response)) == [("home", "lamp"), ("sea", "keeper")]
    assert (response.collection, response.total, response.total_relation) == ("sea,home,bakery", 2, "eq")
    assert [result.rank for result in response.results] == [1, 2]
    assert search("lamp", collection="sea").results[0].collection == "sea"


def test_within_a_collection_the_order_is_its_own(collections: Collections) -> None:
    merged = pages("lamp on the table", collection="bakery,home,sea", k=3)
    for slug in collections:
        alone = places(search("lamp on the table", collection=slug, k=100))
        assert [place for place in merged if place[0] == slug] == alone
    assert len(merged) == 12
    scores = [result.score for result in search("lamp", collection="bakery,home,sea", k=100).results]
    assert scores == sorted(scores, reverse=True)


def test_pages_are_a_frozen_set_without_what_went(collections: Collections) -> None:
    expected = pages("bread lamp", collection="sea,bakery", k=100)

    def write() -> None:
        Document.objects.create(collection=collections["sea"], body="Bread and a lamp.")
        applier.drain(collections["sea"].pk, budget_seconds=60)
        Document.objects.filter(external_id=expected[-1][1]).delete()

    assert pages("bread lamp", write, collection="sea,bakery", k=3) == expected[:-1]


def test_facets_count_all_of_them(collections: Collections) -> None:
    response = search("lamp", collection="sea,home,bakery", facets=("collection", "language"))
    counted = {facet.field: {value.value: value.count for value in facet.values} for facet in response.facets}
    assert counted == {"collection": {"bakery": 8, "home": 2, "sea": 2}, "language": {"en": 2, "de": 2}}


def test_filters_and_other_orders_hold_in_all_of_them(collections: Collections) -> None:
    asked: dict[str, Any] = {"collection": "home,sea,bakery", "k": 2}
    assert {slug for slug, _ in pages("lamp", filters=["language:en"], **asked)} == {"sea"}
    by_title = [external_id for _, external_id in pages("lamp", sort="title", weak=True, **asked)]
    assert (len(by_title), by_title) == (12, sorted(by_title))
    answers = pages("lamp", sort="title", **asked)
    assert {slug for slug, _ in answers} == {"sea", "home"}  # the bakery has none


def test_nobody_sees_what_they_may_not_see_in_any_of_them(collections: Collections) -> None:
    Document.objects.filter(external_id__in=["lamp", "bread1"]).update(visibility="staff")
    shown = pages("lamp bread", collection="home,sea,bakery", k=5)
    assert len(shown) == 10
    assert {"lamp", "bread1"}.isdisjoint(external_id for _, external_id in shown)


def test_rules_and_synonyms_are_those_of_each_collection(collections: Collections) -> None:
    CurationRule.objects.create(collection=collections["sea"], external_id="keeper", queries="lamp", action="hide")
    CurationRule.objects.create(collection=collections["bakery"], external_id="bread7", queries="lamp", action="pin")
    SynonymSet.objects.create(collection=collections["sea"], words="lamp, harbour")
    response = search("lamp", collection="home,sea,bakery", mode="lexical")
    assert sorted(places(response)[:2]) == [("bakery", "bread7"), ("home", "lamp")]  # pinned, and called so
    assert places(response)[2:] == [("sea", "ship")]
    assert response.good_match


def test_an_unknown_collection_is_unknown_however_many_are_known(collections: Collections) -> None:
    with pytest.raises(UnknownCollection, match="nowhere"):
        search("lamp", collection="sea,nowhere")
    many = ",".join(f"c{number}" for number in range(21))
    with pytest.raises(InvalidQuery, match="20"):
        search("lamp", collection=many)


def test_one_that_cannot_answer_is_named_and_the_others_do(collections: Collections) -> None:
    Collection.objects.create(slug="new", name="New")
    response = search("lamp", collection="new,sea")
    assert response.collection == "sea"
    assert len(response.degraded) == 1
    assert "new" in response.degraded[0]
    Collection.objects.create(slug="late", name="Late")
    with pytest.raises(NotReady, match="late"):
        search("lamp", collection="late,new")


def test_a_cursor_belongs_to_its_collections(collections: Collections) -> None:
    cursor = search("lamp", collection="sea,bakery", k=1).next_cursor
    for others in ("sea,home", "sea"):
        with pytest.raises(InvalidQuery):
            search("lamp", collection=others, cursor=cursor)


def test_each_collection_costs_the_same(collections: Collections) -> None:
    def cost(slugs: str) -> int:
        search("lamp", collection=slugs)
        with CaptureQueriesContext(connection) as captured:
            search("lamp", collection=slugs)
        return len(captured)

    two, three = cost("sea,home"), cost("sea,home,bakery")
    fill(collections["bakery"], {f"more{number}": f"Bread {number}." for number in range(8)})
    open_index.close_all()
    assert three - two <= two / 2 + 1
    assert cost("sea,home,bakery") == three
