"""ETag and If-Match: nobody overwrites a change that they have not seen."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection

from search.ingestion.document_writes import DocumentWrite, Outcome, Rights, write_documents
from search.ingestion.state_tags import state_tag
from search.models import Collection, Document

from .conftest import Client, assert_problem

pytestmark = pytest.mark.django_db
BY_NAME = "/api/v1/collections/docs/documents/a/"


@pytest.fixture(params=["by its id", "by its external id"])
def address(request: pytest.FixtureRequest, make_document: Callable[..., Document]) -> str:
    document = make_document(external_id="a", title="First")
    return f"/api/v1/documents/{document.pk}/" if request.param == "by its id" else BY_NAME


def put(client: Client, address: str, title: str, tag: str) -> Any:
    return client.put(address, {"title": title, "body": "b"}, format="json", headers={"If-Match": tag})


def test_a_change_made_for_the_present_state_is_written_and_names_the_next_one(curator: Client, address: str) -> None:
    first = curator.get(address)["ETag"]

    answer = put(curator, address, "Second", first)

    assert answer.status_code == 200
    assert answer["ETag"] not in ("", first)
    assert curator.get(address)["ETag"] == answer["ETag"]


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_change_made_for_an_older_state_is_refused_and_changes_nothing(
    curator: Client, address: str, method: str
) -> None:
    first = curator.get(address)["ETag"]
    put(curator, address, "Second", first)

    refused = getattr(curator, method)(address, {"title": "Third"}, format="json", headers={"If-Match": first})

    present = curator.get(address)
    problem = assert_problem(refused, 412, "precondition-failed")
    assert refused["ETag"] == present["ETag"]
    assert f"revision {present.json()['revision']} " in problem["detail"]
    assert Document.objects.get().title == "Second"


def test_one_of_several_tags_is_enough_and_a_weak_one_names_nothing(curator: Client, address: str) -> None:
    tag = curator.get(address)["ETag"]

    assert_problem(put(curator, address, "x", f"W/{tag}"), 412, "precondition-failed")
    assert put(curator, address, "Second", f'"other", {tag}').status_code == 200


def test_without_if_match_or_with_a_star_the_last_word_counts(curator: Client, address: str) -> None:
    assert curator.put(address, {"title": "x"}, format="json").status_code == 200
    assert put(curator, address, "y", "*").status_code == 200


def test_rubbish_in_if_match_is_an_error_that_names_it(curator: Client, address: str) -> None:
    problem = assert_problem(put(curator, address, "x", "abc"), 400, "invalid")

    assert problem["errors"][0]["pointer"] == "#/If-Match"
    assert Document.objects.get().title == "First"


def test_putting_over_a_document_that_was_deleted_is_refused(curator: Client, collection: Collection) -> None:
    refused = put(curator, BY_NAME, "x", '"0123456789abcdef"')

    assert "deleted" in assert_problem(refused, 412, "precondition-failed")["detail"]
    assert not Document.objects.exists()


def test_other_groups_and_anchors_are_another_state(curator: Client, address: str) -> None:
    document = Document.objects.get()
    seen = {state_tag(document)}
    document.groups.add(Group.objects.create(name="sales"))
    seen.add(state_tag(document))
    Document.objects.update(anchors=[[0, "page 1"]])
    seen.add(state_tag(Document.objects.get()))

    assert len(seen) == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_at_once_for_the_same_state_one_is_refused(collection: Collection) -> None:
    document = Document.objects.create(collection=collection, external_id="a", title="First", body="b")
    tag, outcomes, start = state_tag(document), [], threading.Barrier(4)

    def write(title: str) -> None:
        start.wait()
        rights = Rights(create=False, replace=True)
        while True:
            try:
                written = write_documents(collection, [DocumentWrite("a", {"title": title}, expected=(tag,))], rights)
                break
            except OperationalError:  # SQLite in memory does not wait for another writer
                continue
        outcomes.append(written[0].outcome)
        connection.close()

    threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == sorted([Outcome.UPDATED, *[Outcome.CHANGED_SINCE] * 3])
