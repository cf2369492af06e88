"""Documents by the identity that they have in the system they come from."""

from typing import Any
from urllib.parse import quote

import pytest

from search.models import Collection, Document
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of, pointers


def address(external_id: str, slug: str = "docs") -> str:
    return f"/api/v1/collections/{slug}/documents/{quote(external_id, safe='')}/"


def test_put_creates_and_then_replaces(curator: Client, collection: Collection) -> None:
    created = curator.put(address("a"), {"title": "One", "body": "Text"})
    replaced = curator.put(address("a"), {"title": "Two"})

    assert (created.status_code, replaced.status_code) == (201, 200)
    assert created["Location"] == address("a")
    assert replaced.json()["id"] == created.json()["id"]
    assert (replaced.json()["title"], replaced.json()["body"]) == ("Two", "")


@pytest.mark.parametrize(
    "external_id",
    [
        "handbook/leave",
        "a b",
        " a ",
        "ünïcödé/日本",
        "100%",
        "%2F",
        "a//b",
        "/a/",
        "..",
        "bulk",
        "a?b#c",
        "a\nb",
        "😀",
        "x" * 500,
    ],
)
def test_any_external_id_finds_its_own_document(curator: Client, make_document: MakeDocument, external_id: str) -> None:
    make_document(external_id="another")

    created = curator.put(address(external_id), {"title": "One"})

    assert (created.status_code, created.json()["external_id"]) == (201, external_id)
    assert curator.get(address(external_id)).json()["title"] == "One"
    assert curator.delete(address(external_id)).status_code == 204
    assert [document.external_id for document in Document.objects.all()] == ["another"]


def test_slashes_need_not_be_encoded(curator: Client, make_document: MakeDocument) -> None:
    make_document(external_id="handbook/leave", title="Leave")

    assert curator.get("/api/v1/collections/docs/documents/handbook/leave/").json()["title"] == "Leave"


def test_the_same_external_id_in_another_collection_is_another_document(
    curator: Client, make_document: MakeDocument
) -> None:
    make_document(external_id="a", title="Here")
    Collection.objects.create(slug="other", name="Other")

    assert curator.put(address("a", "other"), {"title": "There"}).status_code == 201
    assert curator.get(address("a")).json()["title"] == "Here"


@pytest.mark.parametrize("field", ["collection", "external_id"])
def test_a_body_that_names_another_document_is_refused(curator: Client, collection: Collection, field: str) -> None:
    problem = assert_problem(curator.put(address("a"), {field: "other"}), 400, "invalid")

    assert pointers(problem) == [f"#/{field}"]
    assert not Document.objects.exists()


@pytest.mark.parametrize("external_id", ["x" * 501, "a\x00b"])
def test_an_external_id_that_cannot_be_stored_is_refused(
    curator: Client, collection: Collection, external_id: str
) -> None:
    assert pointers(assert_problem(curator.put(address(external_id), {}), 400, "invalid")) == ["#/external_id"]


def test_a_put_that_leaves_out_state_and_visibility_publishes_nothing(
    curator: Client, make_document: MakeDocument
) -> None:
    make_document(external_id="a", state="draft", visibility="staff")

    answer = curator.put(address("a"), {"title": "New"}).json()

    assert (answer["state"], answer["visibility"]) == ("draft", "staff")


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_unknown_collection_is_404(curator: Client, method: str) -> None:
    body: dict[str, Any] = {"data": {}} if method == "put" else {}

    assert_problem(getattr(curator, method)(address("a", "nowhere"), **body), 404, "not-found")


@pytest.mark.parametrize("body", ["[]", "7", "null", '"a"'])
def test_a_body_that_is_no_object_is_refused(curator: Client, collection: Collection, body: str) -> None:
    assert_problem(curator.generic("PUT", address("a"), body, content_type="application/json"), 400, "invalid")


def test_a_put_without_a_body_is_refused(curator: Client, make_document: MakeDocument) -> None:
    make_document(external_id="a", title="Old")

    assert_problem(curator.generic("PUT", address("a"), "", content_type="application/json"), 400, "parse-error")
    assert Document.objects.get().title == "Old"


@pytest.mark.parametrize(
    ("permission", "create", "replace"),
    [("add_document", 201, 403), ("change_document", 403, 200), ("delete_document", 403, 403)],
)
def test_creating_and_replacing_each_need_their_permission(
    make_user: MakeUser, make_document: MakeDocument, permission: str, create: int, replace: int
) -> None:
    client = client_of(make_user("someone", permission))
    make_document(external_id="old", title="Old")

    statuses = (
        client.put(address("new"), {"title": "New"}).status_code,
        client.put(address("old"), {"title": "New"}).status_code,
    )

    assert statuses == (create, replace)
    assert Document.objects.filter(title="New").count() == [create, replace].count(201) + [create, replace].count(200)


def test_who_may_only_add_gets_the_draft_that_they_made(make_user: MakeUser, collection: Collection) -> None:
    client = client_of(make_user("someone", "add_document"))

    answer: Any = client.put(address("a"), {"state": "draft"})

    assert (answer.status_code, answer.json()["state"]) == (201, "draft")
    assert_problem(client.get(address("a")), 404, "not-found")
