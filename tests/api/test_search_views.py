"""Searching over HTTP, with the real index and the fake encoder."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.indexing import applier
from search.models import Collection
from tests.conftest import MakeDocument

from .conftest import Client, assert_problem, pointers

URL = "/api/v1/search/"
Indexed = Callable[[], int]


def search(client: Client, **asked: Any) -> dict[str, Any]:
    """Search by GET and return the answer."""
    answer: dict[str, Any] = client.get(URL, asked).json()
    return answer


@pytest.fixture
def leave(make_document: MakeDocument, indexed: Indexed) -> int:
    """One searchable document about leave."""
    document = make_document(
        external_id="handbook/leave", title="Leave", body="Ask for annual leave three weeks ahead.",
        url="https://example.org/leave", metadata={"team": "hr"},
    )  # fmt: skip
    indexed()
    return document.pk


def test_an_answer_says_in_its_headers_where_its_time_went(visitor: Client, leave: int) -> None:
    answer = visitor.get(URL, {"q": "annual leave", "collection": "docs"})

    told = dict(entry.split(";dur=") for entry in answer.headers["Server-Timing"].split(", "))
    assert {name: float(ms) for name, ms in told.items()} == {
        name: pytest.approx(ms, abs=0.06) for name, ms in answer.json()["took_ms"].items() if ms >= 0.05
    }
    assert "total" in told


def test_the_answer_has_exactly_the_documented_shape(visitor: Client, leave: int) -> None:
    answer = visitor.get(URL, {"q": "annual leave", "collection": "docs"}).json()

    assert set(answer) == {
        "query", "mode", "collection", "index_version", "total", "total_relation", "took_ms", "degraded",
        "degraded_reasons", "good_match", "pending_documents", "results", "filters", "sort", "weak_left_out",
        "facets", "next_cursor",
        "did_you_mean",
        "query_id",
    }  # fmt: skip
    stages = {"parse", "encode", "filter", "dense", "lexical", "fuse", "rerank", "fetch", "total"}
    assert set(answer["took_ms"]) == stages
    assert (answer["query"], answer["mode"], answer["collection"]) == ("annual leave", "hybrid", "docs")
    assert (answer["index_version"], answer["total"], answer["degraded"]) == (1, 1, False)
    [result] = answer["results"]
    assert set(result) == {
        "rank", "score", "strength", "pinned", "collection", "scores", "document", "chunk", "snippet",
    }  # fmt: skip
    assert set(result["scores"]) == {"dense", "lexical", "rerank"}
    assert set(result["chunk"]) == {"id", "start", "end", "place"}
    assert result["document"] == {
        "id": leave, "external_id": "handbook/leave", "title": "Leave", "url": "https://example.org/leave",
        "metadata": {"team": "hr"},
    }  # fmt: skip


def test_highlights_are_ranges_of_the_snippets_text(visitor: Client, leave: int) -> None:
    [result] = visitor.get(URL, {"q": "annual", "mode": "lexical"}).json()["results"]

    snippet = result["snippet"]
    assert [snippet["text"][start:end].lower() for start, end in snippet["highlights"]] == ["annual"]


def test_a_post_asks_the_same_as_a_get(visitor: Client, leave: int) -> None:
    asked = {"q": "annual leave", "collection": "docs", "k": 5, "mode": "lexical"}

    by_get, by_post = search(visitor, **asked), visitor.post(URL, asked).json()

    assert by_post["results"] == by_get["results"]
    assert by_post["mode"] == "lexical"


def test_k_limits_the_results(visitor: Client, make_document: MakeDocument, indexed: Indexed) -> None:
    for number in range(5):
        make_document(title=f"Leave {number}", body="Annual leave.")
    indexed()

    assert len(search(visitor, q="annual leave", k=2)["results"]) == 2


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_each_mode_is_served(visitor: Client, leave: int, mode: str) -> None:
    assert visitor.get(URL, {"q": "annual leave", "mode": mode}).json()["mode"] == mode


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "#/q"),
        ({"q": ""}, "#/q"),
        ({"q": " \t\n"}, "#/q"),
        ({"q": "x" * 10_000}, "#/q"),
        ({"q": "x", "k": "0"}, "#/k"),
        ({"q": "x", "k": "-1"}, "#/k"),
        ({"q": "x", "k": "101"}, "#/k"),
        ({"q": "x", "k": "1000000000"}, "#/k"),
        ({"q": "x", "k": "9" * 5000}, "#/k"),
        ({"q": "x", "k": "abc"}, "#/k"),
        ({"q": "x", "k": "\x00"}, "#/k"),
        ({"q": "x", "k": "1e9"}, "#/k"),
        ({"q": "x", "mode": "magic"}, "#/mode"),
        ({"q": "x", "sort": "random"}, "#/sort"),
        ({"q": "x", "filter": ["colour:red"]}, "#/filter"),
        ({"q": "x", "filter": ["tag:a", "created:soon"]}, "#/filter"),
        ({"q": "tag:a created:soon"}, "#/filter"),
        ({"q": "x", "facets": ["title"]}, "#/facets"),
        ({"q": "x", "cursor": "abc"}, "#/cursor"),
    ],
)
def test_bad_parameters_are_named(visitor: Client, leave: int, asked: dict[str, Any], pointer: str) -> None:
    by_get = assert_problem(visitor.get(URL, asked), 400, "invalid")
    by_post = assert_problem(visitor.post(URL, asked), 400, "invalid")

    assert pointers(by_get) == pointers(by_post) == [pointer]


@pytest.mark.parametrize(
    "body",
    [
        '{"q": null}', '{"q": ["a"]}', '{"q": {"a": 1}}', '{"q": true}', "[]", '"leave"', "null", "7",
        '{"q": "leave", "k": null}', '{"q": "leave", "k": [[[1]]]}', '{"q": "leave", "k": 1.5}',
        '{"q": "leave", "limit": 5}', '{"q": "leave", "filter": "tag:a"}', '{"q": "leave", "facets": {"a": 1}}',
    ],
)  # fmt: skip
def test_values_of_a_wrong_type_are_400(visitor: Client, leave: int, body: str) -> None:
    response = visitor.generic("POST", URL, body, content_type="application/json")

    assert_problem(response, 400, "invalid")


@pytest.mark.parametrize("q", ["annual \x00 leave", "annual \ud800 leave", "annual \udfff\ud800 leave"])
def test_nul_and_lone_surrogates_in_a_query_are_answered_cleanly(visitor: Client, leave: int, q: str) -> None:
    response = visitor.generic("POST", URL, json.dumps({"q": q}), content_type="application/json")

    assert response.status_code == 200
    assert [result["document"]["id"] for result in response.json()["results"]] == [leave]


def test_invalid_utf_8_in_the_address_is_answered_cleanly(visitor: Client, leave: int) -> None:
    assert visitor.get(f"{URL}?q=leave%ff%fe").status_code == 200


def test_an_unknown_collection_is_404_and_says_where_the_known_ones_are(visitor: Client, leave: int) -> None:
    problem = assert_problem(visitor.get(URL, {"q": "x", "collection": "nowhere"}), 404, "unknown-collection")

    assert "nowhere" in problem["detail"]
    assert "/api/v1/collections/" in problem["detail"]


@pytest.mark.parametrize("slug", ["\x00", "a b", "a\ud800", "x" * 5000])
def test_an_impossible_collection_is_404(visitor: Client, leave: int, slug: str) -> None:
    body = json.dumps({"q": "x", "collection": slug})

    response = visitor.generic("POST", URL, body, content_type="application/json")

    assert_problem(response, 404, "unknown-collection")


def test_without_an_active_version_the_answer_is_503_with_retry_after(visitor: Client, collection: Collection) -> None:
    response = visitor.get(URL, {"q": "x"})

    assert_problem(response, 503, "not-ready")
    assert int(response["Retry-After"]) >= 1


def test_a_visitor_gets_401_where_search_is_not_public(visitor: Client, leave: int, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PUBLIC_SEARCH": False}

    response = visitor.get(URL, {"q": "leave"})

    assert_problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == 'Basic realm="semsearch"'


def test_somebody_with_an_account_searches_where_search_is_not_public(
    outsider: Client, leave: int, settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PUBLIC_SEARCH": False}

    assert outsider.get(URL, {"q": "leave"}).status_code == 200


def test_other_methods_are_405(visitor: Client, db: None) -> None:
    response = visitor.delete(URL)

    assert_problem(response, 405, "method-not-allowed")
    assert set(response["Allow"].split(", ")) == {"GET", "POST", "HEAD", "OPTIONS"}


def test_a_body_over_the_limit_is_413(visitor: Client, leave: int) -> None:
    assert_problem(visitor.post(URL, {"q": "x" * 1024 * 1024}), 413, "content-too-large")


def test_the_number_of_queries_does_not_grow_with_k(
    visitor: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    for number in range(30):
        make_document(title=f"Leave {number}", body="Annual leave.")
    indexed()
    visitor.get(URL, {"q": "annual leave"})

    def queries(k: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(search(visitor, q="annual leave", k=k)["results"]) == k
        return len(captured)

    assert queries(30) == queries(1)


def test_filters_hold_wherever_they_are_given(visitor: Client, make_document: MakeDocument, indexed: Indexed) -> None:
    for number in range(4):
        metadata = {"tags": ["a"] if number % 2 else [], "team": "hr, it" if number > 1 else "it"}
        make_document(external_id=f"d{number}", body="Annual leave.", metadata=metadata)
    indexed()

    def found(q: str, *filters: str) -> set[str]:
        answer = visitor.get(URL, {"q": q, "filter": filters}).json()
        assert (answer["total"], answer["total_relation"]) == (len(answer["results"]), "eq")
        return {result["document"]["external_id"] for result in answer["results"]}

    assert found("leave", "tag:a") == {"d1", "d3"}
    assert found("leave", "-tag:a", 'metadata.team:"hr, it"') == {"d2"}
    assert found('leave tag:a -metadata.team:"hr, it"') == {"d1"}
    by_post = visitor.post(URL, {"q": "leave metadata.team:it", "filter": ["tag:*"]}).json()
    assert by_post["filters"] == ["metadata.team:it", "tag:*"]
    assert [result["document"]["external_id"] for result in by_post["results"]] == ["d1"]


def test_facets_are_counted_when_they_are_asked_for(
    visitor: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    for number in range(5):
        make_document(body="Annual leave.", language="de" if number < 2 else "en", metadata={"n": number})
    make_document(body="Annual leave.", language="fr", visibility="staff")
    indexed()

    assert search(visitor, q="leave")["facets"] == []
    [facet] = search(visitor, q="leave", facets="auto")["facets"]
    assert (facet["field"], facet["distinct"], facet["exact"]) == ("language", 2, True)
    assert facet["values"] == [
        {"value": "en", "label": "English", "count": 3, "selected": False, "filter": "language:en"},
        {"value": "de", "label": "German", "count": 2, "selected": False, "filter": "language:de"},
    ]
    named = search(visitor, q="leave", facets="language,metadata.n", filter="language:de")["facets"]
    assert [(each["field"], len(each["values"])) for each in named] == [("language", 1), ("metadata.n", 2)]
    assert named[0]["values"][0]["selected"]


def test_pages_show_each_document_once_while_others_come_and_go(
    visitor: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    made = [make_document(title=f"Leave {number}", body="Annual leave.") for number in range(9)]
    indexed()
    asked = {"q": "annual leave", "k": 2, "sort": "title", "facets": "auto"}
    page = search(visitor, **asked)
    seen = [result["document"]["title"] for result in page["results"]]
    made[3].delete()
    made[8].visibility = "staff"
    made[8].save()
    make_document(title="Leave 0", body="Annual leave.")
    indexed()

    while page["next_cursor"]:
        page = search(visitor, **asked, cursor=page["next_cursor"])
        seen += [result["document"]["title"] for result in page["results"]]
        assert (page["total"], page["total_relation"]) == (7, "eq")

    assert seen == [f"Leave {number}" for number in (0, 1, 2, 4, 5, 6, 7)]


def test_a_cursor_is_good_for_its_search_and_its_user_only(
    visitor: Client, outsider: Client, make_document: MakeDocument, indexed: Indexed
) -> None:
    for _ in range(3):
        make_document(body="Annual leave.")
    indexed()
    cursor = search(visitor, q="annual leave", k=1)["next_cursor"]

    for client, asked in [
        (visitor, {"q": "annual"}),
        (visitor, {"q": "annual leave", "sort": "newest"}),
        (visitor, {"q": "annual leave", "filter": "tag:a"}),
        (outsider, {"q": "annual leave"}),
    ]:
        assert_problem(client.get(URL, {**asked, "k": 1, "cursor": cursor}), 400, "invalid")
    assert len(search(visitor, q="annual leave", k=2, cursor=cursor)["results"]) == 2


def test_several_collections_are_named_with_commas_or_one_by_one(
    visitor: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    make_document(external_id="here", title="Leave")
    indexed()
    other = Collection.objects.create(slug="other", name="Other")
    make_document(collection=other, external_id="there", title="Leave")
    applier.drain(other.pk, budget_seconds=60)

    asked = [
        visitor.get(f"{URL}?q=leave&collection=docs&collection=other"),
        visitor.get(URL, {"q": "leave", "collection": "docs,other"}),
        visitor.post(URL, {"q": "leave", "collection": "docs,other"}, format="json"),
    ]

    for answer in asked:
        assert answer.json()["collection"] == "docs,other"
        found = {(result["collection"], result["document"]["external_id"]) for result in answer.json()["results"]}
        assert found == {("docs", "here"), ("other", "there")}
    assert_problem(visitor.get(URL, {"q": "leave", "collection": "docs,nowhere"}), 404, "unknown-collection")
