"""Bulk requests with an Idempotency-Key: done once, answered alike, and done again when they broke off."""

import io
import json
from typing import Any, cast

import pytest

from search.api import bulk
from search.ingestion import document_writes, failures, jobs, uploads
from search.models import Collection, Document, ImportFailure, ImportJob
from search.processes import new_holder

from .conftest import Client, MakeUser, assert_problem, client_of, pointers

URL = "/api/v1/collections/docs/documents/bulk/"
NDJSON = "application/x-ndjson"
LINES = [{"external_id": "a", "title": "One"}, {"external_id": "b", "state": "gone"}, {"external_id": "c"}]


def send(client: Client, lines: list[Any], key: str = "k-1", **more: Any) -> Any:
    """Send lines under a key."""
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return client.generic("POST", URL, body, content_type=NDJSON, headers={"idempotency-key": key}, **more)


def break_off(client: Client, lines: list[Any], key: str = "k-1") -> Any:
    """Send lines of a body that was announced to be longer."""
    body = "\n".join(json.dumps(line) for line in lines).encode()
    return client.generic(
        "POST", URL, "", content_type=NDJSON, headers={"idempotency-key": key},
        **cast(Any, {"CONTENT_LENGTH": str(len(body) + 9), "wsgi.input": io.BytesIO(body)}),
    )  # fmt: skip


def test_the_same_again_is_answered_alike_and_writes_nothing(curator: Client, collection: Collection) -> None:
    first = send(curator, LINES)
    Document.objects.all().delete()

    second = send(curator, LINES)

    assert (first.status_code, second.status_code) == (207, 207)
    assert first.json() == second.json()
    assert first.json()["created"] == 2
    assert not Document.objects.exists()


def test_the_repeated_answer_comes_in_the_form_that_is_asked_for(curator: Client, collection: Collection) -> None:
    results = send(curator, LINES).json()["results"]

    repeated: Any = curator.generic(
        "POST", URL, "\n".join(map(json.dumps, LINES)), content_type=NDJSON,
        headers={"idempotency-key": "k-1", "accept": NDJSON},
    )  # fmt: skip

    lines = [json.loads(line) for line in repeated.getvalue().splitlines()]
    assert lines == [*results, {"created": 2, "updated": 0, "unchanged": 0, "failed": 1}]


def test_another_request_under_the_same_key_is_refused(curator: Client, collection: Collection) -> None:
    Collection.objects.create(slug="other", name="Other")
    send(curator, LINES)

    other_body = send(curator, LINES[:1])
    other_address = curator.generic(
        "POST", URL.replace("docs", "other"), json.dumps(LINES[0]), content_type=NDJSON,
        headers={"idempotency-key": "k-1"},
    )  # fmt: skip

    for response in (other_body, other_address):
        assert "used for another request" in assert_problem(response, 409, "conflict")["detail"]
    assert Document.objects.count() == 2


def test_a_key_belongs_to_its_user(curator: Client, make_user: MakeUser, collection: Collection) -> None:
    send(curator, LINES)

    other = send(client_of(make_user("other", "add_document", "change_document")), LINES)

    assert other.json()["unchanged"] == 2


def test_a_request_that_is_being_done_is_refused_for_a_moment(curator: Client, collection: Collection) -> None:
    send(curator, LINES)
    ImportJob.objects.update(status=ImportJob.Status.RUNNING, holder=new_holder())

    response = send(curator, LINES)

    assert_problem(response, 409, "conflict")
    assert response["Retry-After"] == "5"


def test_one_whose_process_was_killed_is_done_again(curator: Client, collection: Collection) -> None:
    send(curator, LINES)
    dead = new_holder().rsplit(":", 2)[0] + ":0.00:gone"
    ImportJob.objects.update(status=ImportJob.Status.RUNNING, holder=dead)
    Document.objects.filter(external_id="c").delete()

    answer = send(curator, LINES).json()

    assert [result["status"] for result in answer["results"]] == ["unchanged", "error", "created"]
    job = ImportJob.objects.get()
    assert (job.status, job.read, job.created, job.unchanged, job.failed) == ("finished", 3, 1, 1, 1)
    assert job.failures.count() == 1


def test_one_that_broke_off_is_shown_as_failed_and_done_again(curator: Client, collection: Collection) -> None:
    assert_problem(break_off(curator, LINES), 400, "parse-error")

    job = ImportJob.objects.get()
    assert job.status == ImportJob.Status.FAILED
    assert "broke off" in job.error
    assert send(curator, LINES).status_code == 207
    job.refresh_from_db()
    assert (job.status, job.error, job.read) == (ImportJob.Status.FINISHED, "", 3)


def test_one_whose_answer_was_cleared_away_is_done_again(curator: Client, collection: Collection) -> None:
    send(curator, LINES)
    uploads.remove_all(ImportJob.objects.get().pk)

    assert send(curator, LINES).json()["unchanged"] == 2


def test_a_cancelled_one_stops_and_keeps_what_it_wrote(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LINES_PER_TRANSACTION", 1)
    write = document_writes.write_documents

    def cancelling(*args: Any) -> Any:
        jobs.cancel(ImportJob.objects.get())
        return write(*args)

    monkeypatch.setattr(bulk, "write_documents", cancelling)

    assert "cancelled after line 1" in assert_problem(send(curator, LINES), 409, "conflict")["detail"]
    assert ImportJob.objects.get().status == ImportJob.Status.CANCELLED
    assert Document.objects.get().external_id == "a"


def test_lines_that_failed_can_be_mended_like_those_of_any_import(curator: Client, collection: Collection) -> None:
    send(curator, [*LINES, "oops", {"titel": "Typo", "external_id": "d"}])

    gone, oops, typo = ImportFailure.objects.order_by("line")

    assert (gone.line, gone.external_id, gone.field, gone.values) == (2, "b", "state", LINES[1])
    assert (oops.line, oops.values, oops.original) == (4, None, "oops")
    assert (typo.field, json.loads(typo.original)["titel"]) == ("titel", "Typo")
    failures.mend(gone, {**failures.fields_of(gone), "state": "draft"})
    assert Document.objects.get(external_id="b").state == "draft"


def test_a_list_can_have_a_key_too(curator: Client, collection: Collection) -> None:
    first, second = (curator.post(URL, LINES, headers={"idempotency-key": "k-1"}) for _attempt in range(2))

    assert first.json() == second.json()
    assert first.json()["created"] == 2


@pytest.mark.parametrize("key", ["x" * 256, "two words", "ümlaut", "tab\t"])
def test_a_key_that_is_none_is_refused(curator: Client, collection: Collection, key: str) -> None:
    response = curator.post(URL, LINES, HTTP_IDEMPOTENCY_KEY=key)

    assert pointers(assert_problem(response, 400, "invalid")) == ["#/Idempotency-Key"]
    assert not Document.objects.exists()


def test_without_a_key_nothing_is_remembered(curator: Client, collection: Collection) -> None:
    curator.post(URL, LINES)

    assert not ImportJob.objects.exists()
