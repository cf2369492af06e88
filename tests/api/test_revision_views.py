"""A document's history over HTTP: what was, by whom, the way back, and for whom it is."""

import pytest

from search.access import tokens
from search.access.scopes import Scope
from search.models import Document
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(make_user: MakeUser) -> Client:
    return client_of(make_user("editor", "change_document"))


@pytest.fixture
def document(editor: Client, make_document: MakeDocument) -> Document:
    """A document that was changed twice by the API."""
    made = make_document(title="One", metadata={"team": "sales"})
    for values in ({"title": "Two"}, {"title": "Three", "metadata": {}}):
        assert editor.patch(f"/api/v1/documents/{made.pk}/", values, format="json").status_code == 200
    return made


def address(document: Document, end: str = "") -> str:
    return f"/api/v1/documents/{document.pk}/revisions/{end}"


def test_changes_are_listed_newest_first(editor: Client, document: Document) -> None:
    first, second = editor.get(address(document)).json()["results"]

    assert (first["revision"], first["replaced"]) == (2, {"title": "Two", "metadata": {"team": "sales"}})
    assert (second["revision"], second["replaced"]) == (1, {"title": "One"})
    assert (second["by"], second["how"], second["detail"]) == ("editor", "api", "")


def test_they_are_paged(editor: Client, document: Document) -> None:
    page = editor.get(address(document), {"page_size": 1}).json()
    assert [row["revision"] for row in page["results"]] == [2]
    assert [row["revision"] for row in editor.get(page["next"]).json()["results"]] == [1]


def test_a_token_signs_with_its_name(make_user: MakeUser, document: Document) -> None:
    owner = make_user("bot", "change_document")
    scopes = [Scope.DOCUMENTS_READ, Scope.DOCUMENTS_WRITE]
    client = Client(headers={"Authorization": f"Bearer {tokens.issue(owner, 'intranet', scopes).text}"})

    client.patch(f"/api/v1/documents/{document.pk}/", {"title": "Four"}, format="json")

    newest = client.get(address(document)).json()["results"][0]
    assert (newest["by"], newest["how"], newest["detail"]) == ("bot", "api", "intranet")


def test_what_it_was_and_back_to_it(editor: Client, document: Document) -> None:
    was = editor.get(address(document, "1/")).json()
    assert (was["title"], was["metadata"], was["revision"]) == ("One", {"team": "sales"}, 1)

    answer = editor.post(address(document, "1/restore/"))

    assert (answer.status_code, answer.json()["title"], answer.json()["revision"]) == (200, "One", 4)
    assert answer["ETag"] == editor.get(f"/api/v1/documents/{document.pk}/")["ETag"]


def test_a_change_meanwhile_is_not_overwritten(editor: Client, document: Document) -> None:
    tag = editor.get(f"/api/v1/documents/{document.pk}/")["ETag"]
    editor.patch(f"/api/v1/documents/{document.pk}/", {"title": "Meanwhile"}, format="json")

    refused = editor.post(address(document, "1/restore/"), headers={"If-Match": tag})

    assert_problem(refused, 412, "precondition-failed")
    document.refresh_from_db()
    assert document.title == "Meanwhile"


@pytest.mark.parametrize("end", ["3/", "99/", "99/restore/"])
def test_a_revision_that_is_not_kept(editor: Client, document: Document, end: str) -> None:
    answer = editor.post(address(document, end)) if end.endswith("restore/") else editor.get(address(document, end))

    assert_problem(answer, 404, "not-found")


def test_a_document_that_is_gone(editor: Client, document: Document) -> None:
    document.delete()

    assert_problem(editor.get(address(document)), 404, "not-found")


def test_history_is_for_those_who_read_everything(
    visitor: Client, member: Client, make_user: MakeUser, document: Document
) -> None:
    for client, status, code in ((visitor, 401, "not-authenticated"), (member, 403, "permission-denied")):
        assert_problem(client.get(address(document)), status, code)
        assert_problem(client.get(address(document, "1/")), status, code)
        assert_problem(client.post(address(document, "1/restore/")), status, code)
    viewer = client_of(make_user("viewer", "view_document"))
    assert viewer.get(address(document, "1/")).status_code == 200
    assert_problem(viewer.post(address(document, "1/restore/")), 403, "permission-denied")
