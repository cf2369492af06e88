"""Changing many documents over HTTP: which ones, what for, and by whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from search.models import BulkChange, Collection, Document
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of, pointers

pytestmark = pytest.mark.django_db
CHANGE, LIST = "/api/v1/collections/docs/bulk-changes/", "/api/v1/bulk-changes/"


@pytest.fixture
def editor(make_user: MakeUser) -> Client:
    return client_of(make_user("editor", "change_document"))


@pytest.fixture
def three(make_document: MakeDocument) -> list[Document]:
    """Two German drafts and an English one that is public, all in `docs`; and one elsewhere."""
    made = [make_document(external_id=name, title=f"Leave {name}", language="de", state="draft") for name in "ab"]
    made.append(make_document(external_id="c", title="Expenses", language="en"))
    make_document(collection=Collection.objects.create(slug="other", name="Other"), external_id="a", title="Leave")
    return made


def post(client: Client, action: str, conditions: dict[str, Any], **more: Any) -> Any:
    return client.post(CHANGE, {"action": action, "documents": conditions, **more}, format="json")


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({"all": True}, "abc"),
        ({"external_ids": ["a", "c", "nowhere"]}, "ac"),
        ({"external_ids": []}, ""),
        ({"state": "draft"}, "ab"),
        ({"state": "draft", "language": "en"}, ""),
        ({"language": "en"}, "c"),
        ({"visibility": "public", "text": "leave"}, "ab"),
        ({"text": "LEAVE B"}, "b"),
        ({"text": "100%"}, ""),
        ({"updated_before": "2000-01-01T00:00:00Z"}, ""),
        ({"updated_since": "2000-01-01T00:00:00Z"}, "abc"),
    ],
)
def test_documents_are_chosen_by_all_conditions(
    editor: Client, three: list[Document], conditions: dict[str, Any], found: str
) -> None:
    answer = post(editor, "archive", conditions, dry_run=True)

    assert answer.json() == {"total": len(found), "affected": len(found)}
    if found:
        change = post(editor, "archive", conditions).json()
        assert (change["status"], change["changed"]) == ("finished", len(found))
    archived = Document.objects.filter(state="archived").order_by("external_id")
    assert "".join(archived.values_list("external_id", flat=True)) == found


def test_by_ids(editor: Client, three: list[Document]) -> None:
    elsewhere = Document.objects.get(collection__slug="other")

    answer = post(editor, "archive", {"ids": [three[0].pk, elsewhere.pk]})

    assert (answer.status_code, answer.json()["total"]) == (201, 1)
    elsewhere.refresh_from_db()
    assert elsewhere.state == "published"
    assert editor.get(answer["Location"]).json() == answer.json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "archive", "documents": {}}, "/documents"),
        ({"action": "archive", "documents": {"all": False}}, "/documents"),
        ({"action": "archive"}, "/documents"),
        ({"action": "burn", "documents": {"all": True}}, "/action"),
        ({"action": "archive", "documents": {"all": True, "sate": "draft"}}, "/documents/sate"),
        ({"action": "archive", "visibility": "staff", "documents": {"all": True}}, "/visibility"),
        ({"action": "audience", "documents": {"all": True}}, "/visibility"),
        ({"action": "audience", "visibility": "groups", "documents": {"all": True}}, "/visibility"),
        ({"action": "audience", "visibility": "groups", "groups": ["No"], "documents": {"all": True}}, "/groups"),
        ({"action": "archive", "documents": {"updated_since": "yesterday"}}, "/documents/updated_since"),
        ({"action": "archive", "documents": {"ids": [0]}}, "/documents/ids/0"),
        ({"action": "archive", "documents": {"all": True}, "expected": 0}, "/expected"),
    ],
)
def test_what_is_not_said_clearly_is_refused(
    editor: Client, three: list[Document], body: dict[str, Any], pointer: str
) -> None:
    problem = assert_problem(editor.post(CHANGE, body, format="json"), 400, "invalid")

    assert f"#{pointer}" in pointers(problem)
    assert not BulkChange.objects.exists()


def test_another_number_than_expected_is_a_conflict(editor: Client, three: list[Document]) -> None:
    assert_problem(post(editor, "archive", {"all": True}, expected=2), 409, "conflict")
    assert_problem(post(editor, "archive", {"state": "archived"}), 409, "conflict")

    assert not Document.objects.filter(state="archived").exists()


def test_an_audience_by_names(editor: Client, three: list[Document]) -> None:
    Group.objects.create(name="Board")

    answer = post(editor, "audience", {"all": True}, visibility="groups", groups=["Board"])

    assert (answer.json()["groups"], answer.json()["changed"]) == (["Board"], 3)
    assert all(list(document.groups.values_list("name", flat=True)) == ["Board"] for document in three)


def test_deleting_needs_its_own_permission(editor: Client, make_user: MakeUser, three: list[Document]) -> None:
    assert_problem(post(editor, "delete", {"all": True}), 403, "permission-denied")
    deleter = client_of(make_user("deleter", "delete_document"))
    assert_problem(post(deleter, "archive", {"all": True}), 403, "permission-denied")

    assert post(deleter, "delete", {"all": True}).json()["changed"] == 3
    assert Document.objects.count() == 1


def test_changes_are_listed_narrowed_and_stopped(editor: Client, three: list[Document]) -> None:
    waiting = BulkChange.objects.create(
        action="archive", documents=b"", total=9, collection=Collection.objects.get(slug="other")
    )
    BulkChange.objects.create(action="delete", documents=b"", total=9, finished_at=timezone.now() - timedelta(days=1))
    assert len(editor.get(LIST).json()["results"]) == 2
    assert [row["id"] for row in editor.get(LIST, {"collection": "other"}).json()["results"]] == [waiting.pk]

    stopped = editor.post(f"{LIST}{waiting.pk}/cancel/").json()

    assert stopped["status"] == "cancelled"
    assert editor.post(f"{LIST}{waiting.pk}/cancel/").json() == stopped
    assert [row["id"] for row in editor.get(LIST, {"status": "cancelled"}).json()["results"]] == [waiting.pk]


def test_stopping_needs_the_permission_of_the_action(editor: Client, db: None) -> None:
    change = BulkChange.objects.create(action="delete", documents=b"", total=9)

    assert_problem(editor.post(f"{LIST}{change.pk}/cancel/"), 403, "permission-denied")
    assert_problem(editor.get(f"{LIST}999/"), 404, "not-found")


def test_who_may_change_nothing_sees_nothing(make_user: MakeUser, three: list[Document]) -> None:
    viewer = client_of(make_user("viewer", "view_document"))

    for answer in (viewer.get(LIST), post(viewer, "archive", {"all": True})):
        assert_problem(answer, 403, "permission-denied")
