"""Documents by their ids: list, create, read, replace, change, delete."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.models import Collection, Document
from tests.conftest import MakeDocument

from .conftest import Client, assert_problem, pointers

URL = "/api/v1/documents/"


def address(document: Document) -> str:
    return f"{URL}{document.pk}/"


def test_a_document_has_exactly_the_documented_shape(
    curator: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document(external_id="a", title="Leave", body="Ask ahead.", metadata={"team": "hr"})
    indexed()

    answer = curator.get(address(document)).json()

    indexing = answer.pop("indexing")
    del answer["created_at"], answer["updated_at"]
    assert answer == {
        "id": document.pk, "collection": "docs", "external_id": "a", "title": "Leave", "body": "Ask ahead.",
        "url": "", "language": "", "metadata": {"team": "hr"}, "anchors": [], "state": "published",
        "visibility": "public", "groups": [], "revision": 1,
    }  # fmt: skip
    way = indexing.pop("way")
    assert way.keys() == {"queued_at", "encoded_at", "indexed_at", "visible_at", "seconds"}
    assert all(way.values())
    assert indexing.pop("indexed_at") == way["indexed_at"]
    held = {"version": 1, "revision": 1, "chunks": 1, "tokens": 4, "coverage": 1.0}
    assert indexing == {"stage": "indexed", "reason": "", **held}


def test_a_new_document_is_created_and_has_an_address(curator: Client, collection: Collection) -> None:
    response = curator.post(URL, {"collection": "docs", "external_id": "a/b c", "title": "Leave"})

    assert response.status_code == 201
    assert response["Location"] == "/api/v1/collections/docs/documents/a/b%20c/"
    assert curator.get(response["Location"]).json() == response.json()


def test_a_new_document_without_an_external_id_gets_one(curator: Client, collection: Collection) -> None:
    assert curator.post(URL, {"collection": "docs", "title": "Leave"}).json()["external_id"]


def test_creating_a_document_that_exists_is_a_conflict_that_names_the_way_out(
    curator: Client, make_document: MakeDocument
) -> None:
    make_document(external_id="a", title="Old")

    problem = assert_problem(curator.post(URL, {"collection": "docs", "external_id": "a"}), 409, "conflict")

    assert "PUT at /api/v1/collections/docs/documents/a/" in problem["detail"]
    assert Document.objects.get().title == "Old"


def test_put_replaces_the_content_and_keeps_who_may_see_it(curator: Client, make_document: MakeDocument) -> None:
    document = make_document(title="Old", body="Old", url="/old", state="draft", visibility="staff")

    answer = curator.put(address(document), {"title": "New"}).json()

    assert (answer["title"], answer["body"], answer["url"]) == ("New", "", "")
    assert (answer["state"], answer["visibility"]) == ("draft", "staff")


def test_patch_changes_only_what_it_names(curator: Client, make_document: MakeDocument) -> None:
    document = make_document(title="Old", body="Old", metadata={"a": 1})

    answer = curator.patch(address(document), {"title": "New"}).json()

    assert (answer["title"], answer["body"], answer["metadata"], answer["revision"]) == ("New", "Old", {"a": 1}, 2)


def test_an_answer_can_be_changed_and_sent_back(curator: Client, make_document: MakeDocument) -> None:
    document = make_document(title="Old")
    answer = curator.get(address(document)).json()

    changed = curator.put(address(document), {**answer, "title": "New"}).json()

    assert {**changed, "updated_at": 0} == {**answer, "title": "New", "revision": 2, "updated_at": 0}


def test_a_write_that_changes_nothing_leaves_the_document_alone(curator: Client, make_document: MakeDocument) -> None:
    document = make_document(metadata={"a": 1})

    answer = curator.patch(address(document), {"metadata": {"a": 1}}).json()

    assert answer["revision"] == 1
    document.refresh_from_db()
    assert answer["updated_at"] == document.updated_at.isoformat().replace("+00:00", "Z")


def test_true_in_metadata_is_not_taken_for_1(curator: Client, make_document: MakeDocument) -> None:
    document = make_document(metadata={"a": 1})

    assert curator.patch(address(document), {"metadata": {"a": True}}).json()["metadata"]["a"] is True


def test_delete_removes_the_document(curator: Client, make_document: MakeDocument) -> None:
    document = make_document()

    assert curator.delete(address(document)).status_code == 204
    assert_problem(curator.get(address(document)), 404, "not-found")


def test_groups_are_given_by_name_and_replaced(curator: Client, make_document: MakeDocument) -> None:
    for name in ("sales", "legal"):
        Group.objects.create(name=name)
    document = make_document()

    first = curator.patch(address(document), {"visibility": "groups", "groups": ["sales", "legal", "sales"]}).json()
    second = curator.patch(address(document), {"groups": ["legal"]}).json()

    assert (first["groups"], second["groups"]) == (["legal", "sales"], ["legal"])


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"state": "gone"}, "#/state"),
        ({"visibility": "nobody"}, "#/visibility"),
        ({"visibilty": "staff"}, "#/visibilty"),
        ({"metadata": ["a"]}, "#/metadata"),
        ({"metadata": "a"}, "#/metadata"),
        ({"title": None}, "#/title"),
        ({"title": ["a"]}, "#/title"),
        ({"title": "x" * 1001}, "#/title"),
        ({"external_id": ""}, "#/external_id"),
        ({"external_id": "x" * 501}, "#/external_id"),
        ({"external_id": "a\x00b"}, "#/external_id"),
        ({"external_id": "a\ud800b"}, "#/external_id"),
        ({"groups": ["nobody"]}, "#/groups"),
        ({"groups": "sales"}, "#/groups"),
        ({"url": "javascript:alert(1)"}, "#/url"),
        ({"url": " java\nscript:alert(1)"}, "#/url"),
        ({"url": "DATA:text/html,x"}, "#/url"),
        ({"url": "ftp://example.org"}, "#/url"),
        ({"language": "english"}, "#/language"),
        ({"visibility": "groups"}, "#/groups"),
        ({"anchors": [[5, "page 2"], [0, "page 1"]]}, "#/anchors"),
        ({"collection": "nowhere"}, "#/collection"),
        ({"collection": 7}, "#/collection"),
        ({"a/b~c": 1}, "#/a~1b~0c"),
        ({"\ud800": 1}, "#/\ufffd"),
    ],
)
def test_what_is_wrong_with_a_document_is_named(
    curator: Client, collection: Collection, fields: dict[str, Any], pointer: str
) -> None:
    body = json.dumps({"collection": "docs", **fields})

    problem = assert_problem(curator.generic("POST", URL, body, content_type="application/json"), 400, "invalid")

    assert pointers(problem) == [pointer]
    assert not Document.objects.exists()


def test_a_text_over_the_limit_is_refused(curator: Client, collection: Collection, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 10}

    problem = assert_problem(curator.post(URL, {"collection": "docs", "body": "x" * 11}), 400, "invalid")

    assert "limit is 10" in problem["detail"]


def test_nul_and_lone_surrogates_in_a_text_are_stored_as_what_can_be(curator: Client, collection: Collection) -> None:
    body = json.dumps({"collection": "docs", "title": "a\ud800", "body": "b\x00c", "metadata": {"k\x00": "\udfff"}})

    answer = curator.generic("POST", URL, body, content_type="application/json").json()

    assert (answer["title"], answer["body"], answer["metadata"]) == ("a\ufffd", "b c", {"k ": "\ufffd"})


@pytest.mark.parametrize("field", ["collection", "external_id"])
def test_a_documents_identity_does_not_change(curator: Client, make_document: MakeDocument, field: str) -> None:
    problem = assert_problem(curator.patch(address(make_document()), {field: "other"}), 400, "invalid")

    assert pointers(problem) == [f"#/{field}"]


def test_the_list_is_paged_without_repeating_or_skipping(curator: Client, make_document: MakeDocument) -> None:
    ids = [make_document().pk for _ in range(5)]
    seen: list[int] = []
    url: str | None = f"{URL}?page_size=2"

    while url:
        page = curator.get(url).json()
        seen += [document["id"] for document in page["results"]]
        Document.objects.filter(pk=seen[0]).delete()  # what is written meanwhile moves no page
        url = page["next"]

    assert seen == ids


def test_pages_can_be_walked_back(curator: Client, make_document: MakeDocument) -> None:
    ids = [make_document().pk for _ in range(4)]
    second = curator.get(curator.get(URL, {"page_size": 2}).json()["next"]).json()

    first = curator.get(second["previous"]).json()

    assert [document["id"] for document in first["results"]] == ids[:2]


def test_the_list_leaves_out_texts(curator: Client, make_document: MakeDocument) -> None:
    document = make_document()

    [listed] = curator.get(URL).json()["results"]

    whole = curator.get(address(document)).json()
    assert listed == {name: value for name, value in whole.items() if name not in ("body", "anchors")}


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("collection", "docs", {"old", "new", "draft"}),
        ("collection", "other", {"elsewhere"}),
        ("state", "draft", {"draft"}),
        ("external_id", "new", {"new"}),
        ("external_id", "none", set()),
    ],
)
def test_the_list_can_be_filtered(
    curator: Client, make_document: MakeDocument, name: str, value: str, found: set[str]
) -> None:
    make_document(external_id="old")
    make_document(external_id="new")
    make_document(external_id="draft", state="draft")
    make_document(external_id="elsewhere", collection=Collection.objects.create(slug="other", name="Other"))

    listed = curator.get(URL, {name: value}).json()["results"]

    assert {document["external_id"] for document in listed} == found


def test_the_list_can_start_at_a_time_of_change(curator: Client, make_document: MakeDocument) -> None:
    make_document(external_id="old")
    new = make_document(external_id="new")
    Document.objects.filter(external_id="old").update(updated_at=new.updated_at - timedelta(hours=1))

    listed = curator.get(URL, {"updated_since": new.updated_at.isoformat()}).json()["results"]

    assert [document["external_id"] for document in listed] == ["new"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("collection", "nowhere"), ("collection", "a b"), ("state", "gone"), ("updated_since", "yesterday"),
        ("updated_since", "0001-01-01T00:00:00+14:00"), ("external_id", "a\x00b"),
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_named(curator: Client, collection: Collection, name: str, value: str) -> None:
    assert pointers(assert_problem(curator.get(URL, {name: value}), 400, "invalid")) == [f"#/{name}"]


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "cD0lMDA=", "bz0tMQ=="])
def test_a_cursor_that_nobody_gave_is_404(curator: Client, make_document: MakeDocument, cursor: str) -> None:
    make_document()

    assert_problem(curator.get(URL, {"cursor": cursor}), 404, "not-found")


@pytest.mark.parametrize("page_size", ["0", "-1", "abc", "1000000000", "9" * 5000])
def test_an_impossible_page_size_is_answered_with_a_possible_one(
    curator: Client, make_document: MakeDocument, page_size: str
) -> None:
    make_document()

    assert len(curator.get(URL, {"page_size": page_size}).json()["results"]) == 1


@pytest.mark.parametrize("pk", ["0", "9223372036854775808", "9" * 30, "9" * 5000])
def test_an_id_beyond_what_a_database_counts_is_404(curator: Client, pk: str) -> None:
    assert_problem(curator.get(f"{URL}{pk}/"), 404, "not-found")


def test_the_number_of_queries_does_not_grow_with_the_page(
    curator: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    group = Group.objects.create(name="sales")
    for number in range(20):
        make_document(title=f"{number}").groups.add(group)
    indexed()

    def queries(page_size: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(curator.get(URL, {"page_size": page_size}).json()["results"]) == page_size
        return len(captured)

    assert queries(20) == queries(1)
