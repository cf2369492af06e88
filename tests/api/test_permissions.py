"""Who sees and writes what. Hidden documents appear nowhere: not in answers, lists, counts or refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from search.models import Collection, Document, PendingChange
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of

Indexed = Callable[[], int]

SEEN_BY = {
    "visitor": {"public"},
    "outsider": {"public"},
    "staff": {"public", "staff"},
    "member": {"public", "groups"},
    "curator": {"public", "staff", "groups", "draft", "archived"},
}
FOUND_BY = {**SEEN_BY, "curator": {"public"}}


@pytest.fixture
def corpus(make_document: MakeDocument, indexed: Indexed, member: Client) -> dict[str, Document]:
    """One searchable document of each kind, named by who may see it or by its state."""
    documents = {
        kind: make_document(external_id=kind, title=f"Leave for {kind}", body=f"Annual leave of {kind}.", **fields)
        for kind, fields in {
            "public": {}, "staff": {"visibility": "staff"}, "groups": {"visibility": "groups"},
            "draft": {}, "archived": {},
        }.items()
    }  # fmt: skip
    documents["groups"].groups.set([Group.objects.get(name="sales"), Group.objects.create(name="secret-group")])
    indexed()
    for kind in ("draft", "archived"):  # still in the index, no longer meant to be found
        Document.objects.filter(external_id=kind).update(state=kind)
    return documents


@pytest.fixture(params=SEEN_BY)
def asker(request: pytest.FixtureRequest, corpus: dict[str, Document]) -> tuple[str, Client]:
    """Each of the cast in turn."""
    return request.param, request.getfixturevalue(request.param)


def test_search_finds_only_what_the_asker_may_see(asker: tuple[str, Client]) -> None:
    name, client = asker

    answer = client.get("/api/v1/search/", {"q": "annual leave", "k": "100"}).json()

    assert {result["document"]["external_id"] for result in answer["results"]} == FOUND_BY[name]
    assert answer["total"] == len(FOUND_BY[name])


def test_the_list_shows_only_what_the_asker_may_see(asker: tuple[str, Client]) -> None:
    name, client = asker

    listed = client.get("/api/v1/documents/").json()["results"]

    assert {document["external_id"] for document in listed} == SEEN_BY[name]


def test_filters_reach_nothing_hidden(asker: tuple[str, Client]) -> None:
    name, client = asker

    listed = client.get("/api/v1/documents/", {"state": "draft"}).json()["results"]

    assert {document["external_id"] for document in listed} == SEEN_BY[name] & {"draft"}


def test_hidden_documents_are_absent_by_either_address(asker: tuple[str, Client], corpus: dict[str, Document]) -> None:
    name, client = asker

    for kind, document in corpus.items():
        expected = 200 if kind in SEEN_BY[name] else 404
        by_id = client.get(f"/api/v1/documents/{document.pk}/")
        by_external_id = client.get(f"/api/v1/collections/docs/documents/{kind}/")
        assert (by_id.status_code, by_external_id.status_code) == (expected, expected), kind


def test_a_hidden_document_is_refused_in_the_words_for_none_at_all(
    visitor: Client, corpus: dict[str, Document]
) -> None:
    hidden = visitor.get("/api/v1/collections/docs/documents/draft/").json()
    none = visitor.get("/api/v1/collections/docs/documents/nodoc/").json()

    own = {"instance": "", "request_id": ""}
    assert {**hidden, **own} == {**none, **own, "detail": none["detail"].replace("nodoc", "draft")}


def test_progress_counts_only_what_the_asker_may_see(asker: tuple[str, Client]) -> None:
    name, client = asker
    visible = SEEN_BY[name] - {"draft", "archived"}

    progress = client.get("/api/v1/collections/docs/").json()["progress"]

    assert progress["documents"] == len(visible)
    assert progress["pending"] == (2 if name == "curator" else 0)


def test_a_pending_hidden_document_makes_no_visitor_wait(visitor: Client, corpus: dict[str, Document]) -> None:
    corpus["staff"].title = "Changed"
    corpus["staff"].save()

    progress = visitor.get("/api/v1/collections/docs/").json()["progress"]

    assert (progress["pending"], progress["up_to_date"], progress["oldest_pending_since"]) == (0, True, None)


def test_of_the_groups_of_a_document_a_member_learns_only_their_own(
    member: Client, corpus: dict[str, Document]
) -> None:
    assert member.get(f"/api/v1/documents/{corpus['groups'].pk}/").json()["groups"] == ["sales"]


def test_the_reason_of_a_failure_is_for_those_who_run_the_corpus(
    visitor: Client, curator: Client, corpus: dict[str, Document]
) -> None:
    corpus["public"].title = "Changed"
    corpus["public"].save()
    PendingChange.objects.filter(document=corpus["public"]).update(quarantined=True, last_error="/secret/path")
    Collection.objects.update(last_error="/secret/path")
    url, progress = f"/api/v1/documents/{corpus['public'].pk}/", "/api/v1/collections/docs/"

    assert visitor.get(url).json()["indexing"]["stage"] == "failed"
    assert b"secret" not in visitor.get(url).content + visitor.get(progress).content
    assert curator.get(url).json()["indexing"]["reason"] == "/secret/path"
    assert curator.get(progress).json()["progress"]["last_error"] == "/secret/path"


WRITES: list[tuple[str, str, Any]] = [
    ("post", "/api/v1/documents/", {"collection": "docs", "external_id": "new"}),
    ("put", "/api/v1/documents/{id}/", {"title": "Changed"}),
    ("patch", "/api/v1/documents/{id}/", {"title": "Changed"}),
    ("delete", "/api/v1/documents/{id}/", None),
    ("put", "/api/v1/collections/docs/documents/public/", {"title": "Changed"}),
    ("put", "/api/v1/collections/docs/documents/new/", {"title": "Changed"}),
    ("delete", "/api/v1/collections/docs/documents/public/", None),
    ("post", "/api/v1/collections/docs/documents/bulk/", [{"external_id": "public", "title": "Changed"}]),
    ("post", "/api/v1/collections/", {"slug": "new", "name": "New"}),
    ("put", "/api/v1/collections/docs/", {"slug": "docs", "name": "Changed"}),
    ("patch", "/api/v1/collections/docs/", {"name": "Changed"}),
    ("delete", "/api/v1/collections/docs/", None),
]


def stored() -> list[Any]:
    documents = Document.objects.order_by("pk").values_list("external_id", "title", "state")
    return [*documents, *Collection.objects.values_list("slug", "name")]


@pytest.mark.parametrize(("method", "url", "body"), WRITES)
@pytest.mark.parametrize(
    ("name", "status", "code"), [("visitor", 401, "not-authenticated"), ("staff", 403, "permission-denied")]
)
def test_who_has_no_permission_writes_nothing(
    request: pytest.FixtureRequest,
    corpus: dict[str, Document],
    method: str,
    url: str,
    body: Any,
    name: str,
    status: int,
    code: str,
) -> None:
    client: Client = request.getfixturevalue(name)
    before = stored()

    response = getattr(client, method)(url.format(id=corpus["public"].pk), body)

    assert_problem(response, status, code)
    assert stored() == before


@pytest.mark.parametrize(("method", "url", "body"), WRITES)
def test_a_curator_may_write(curator: Client, corpus: dict[str, Document], method: str, url: str, body: Any) -> None:
    response = getattr(curator, method)(url.format(id=corpus["public"].pk), body)

    assert response.status_code in (200, 201, 204)


def test_a_refusal_does_not_tell_whether_the_document_exists(outsider: Client, corpus: dict[str, Document]) -> None:
    there = outsider.delete(f"/api/v1/documents/{corpus['draft'].pk}/")
    nowhere = outsider.delete("/api/v1/documents/999999/")

    assert (there.status_code, nowhere.status_code) == (403, 403)


def test_who_may_only_delete_deletes_nothing_hidden(make_user: MakeUser, corpus: dict[str, Document]) -> None:
    client = client_of(make_user("someone", "delete_document"))

    statuses = [client.delete(f"/api/v1/documents/{corpus[kind].pk}/").status_code for kind in ("public", "draft")]

    assert statuses == [204, 404]


@pytest.mark.parametrize(
    "url", ["/api/v1/documents/", "/api/v1/collections/", "/api/v1/collections/docs/documents/public/"]
)
def test_a_visitor_reads_nothing_where_search_is_not_public(
    visitor: Client, outsider: Client, corpus: dict[str, Document], settings: Any, url: str
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "PUBLIC_SEARCH": False}

    response = visitor.get(url)

    assert_problem(response, 401, "not-authenticated")
    assert response["WWW-Authenticate"] == 'Basic realm="semsearch"'
    assert outsider.get(url).status_code == 200


def test_name_and_password_do(visitor: Client, make_user: MakeUser, collection: Collection) -> None:
    make_user("connector", "add_document")
    visitor.credentials(HTTP_AUTHORIZATION="Basic Y29ubmVjdG9yOmEtbG9uZy1wYXNzd29yZA==")

    assert visitor.put("/api/v1/collections/docs/documents/a/", {}).status_code == 201


def test_an_account_that_is_switched_off_does_not(visitor: Client, make_user: MakeUser, collection: Collection) -> None:
    make_user("connector", "add_document", is_active=False)
    visitor.credentials(HTTP_AUTHORIZATION="Basic Y29ubmVjdG9yOmEtbG9uZy1wYXNzd29yZA==")

    assert_problem(visitor.get("/api/v1/collections/"), 401, "authentication-failed")
