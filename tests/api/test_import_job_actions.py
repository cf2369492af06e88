"""What can be done with an import over HTTP, and with the rows of it that failed."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group

from search.ingestion import preview, runner
from search.models import Collection, Document, ImportFailure, ImportJob
from search.readers.child_process.reader_process import ReadersUnavailable
from tests.ingestion.imports import draft, finished, lines

from .conftest import Client, assert_problem, pointers

URL = "/api/v1/import-jobs/"
GOOD = {"id": "1", "title": "One"}
SCRIPT = {"id": "2", "title": "Two", "url": "javascript:alert(1)"}
ROWS = lines(GOOD, SCRIPT) + "{oops\n" + lines({"id": "4", "title": "Four", "groups": ["nobody"]})


@pytest.fixture
def job(collection: Collection) -> ImportJob:
    """An import that is over, of whose rows 2, 3 and 4 failed."""
    return finished(draft(collection, {"rows.jsonl": ROWS}))


def failed(job: ImportJob, line: int) -> str:
    """Return the address of a failed row."""
    return f"{URL}{job.pk}/failures/{job.failures.get(line=line).pk}/"


# --- Steering


def test_starting_takes_place_once(curator: Client, collection: Collection) -> None:
    address = f"{URL}{draft(collection, {'a.txt': 'A'}).pk}/start/"

    assert curator.post(address).json()["status"] == "queued"
    assert "started already" in assert_problem(curator.post(address), 409, "conflict")["detail"]


def test_an_import_that_failed_as_a_whole_goes_on(curator: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A"})
    ImportJob.objects.filter(pk=job.pk).update(status="failed", error="OSError: the disk is full")

    answer = curator.post(f"{URL}{job.pk}/start/")

    assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (202, "queued", "")
    ImportJob.objects.filter(pk=job.pk).update(status="failed", source="stream")
    assert_problem(curator.post(f"{URL}{job.pk}/start/"), 409, "conflict")


def test_an_import_without_files_does_not_start(curator: Client, collection: Collection) -> None:
    address = f"{URL}{draft(collection, {}).pk}/start/"

    assert "no file to import" in assert_problem(curator.post(address), 409, "conflict")["detail"]
    assert_problem(curator.post(address, {"dry": True}), 400, "invalid")


def test_cancelling_stops_what_has_not_been_done(curator: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A"})
    curator.post(f"{URL}{job.pk}/start/")

    answer = curator.post(f"{URL}{job.pk}/cancel/")
    runner.run(job.pk)

    assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)
    assert curator.get(f"{URL}{job.pk}/").json()["status"] == "cancelled"
    assert not Document.objects.exists()
    assert_problem(curator.post(f"{URL}{job.pk}/cancel/"), 409, "conflict")


def test_the_preview_shows_what_the_first_rows_would_become(curator: Client, collection: Collection) -> None:
    Document.objects.create(collection=collection, external_id="1", title="Old")
    job = draft(collection, {"rows.jsonl": ROWS})

    shown = curator.get(f"{URL}{job.pk}/preview/", {"rows": "3"}).json()

    assert shown["columns"][:3] == ["id", "title", "url"]
    assert shown["mapping"]["id"] == "external_id"
    assert [(row["number"], row["outcome"]) for row in shown["rows"]] == [(1, "updated"), (2, "failed"), (3, "failed")]
    assert shown["rows"][0]["values"]["title"] == "One"
    assert "url" in shown["rows"][1]["problems"]
    assert Document.objects.get().title == "Old"
    assert_problem(curator.get(f"{URL}{job.pk}/preview/", {"rows": "0"}), 400, "invalid")


def test_the_preview_of_what_no_answer_can_hold_is_an_answer_all_the_same(
    curator: Client, collection: Collection
) -> None:
    job = draft(
        collection, {"a\ud800.jsonl": '{"t\\ud800": "\\ud800\\u0000", "n": 1e999}\n', "b.csv": b"\x00\xff,\x00\n1"}
    )

    assert len(curator.get(f"{URL}{job.pk}/preview/").json()["files"]) == 2


def test_a_preview_that_no_reader_can_give_is_503(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*args: Any, **options: Any) -> None:
        raise ReadersUnavailable("No child process can be started.")

    monkeypatch.setattr(preview, "preview", unavailable)

    address = f"{URL}{draft(collection, {'a.txt': 'A'}).pk}/preview/"
    assert "child process" in assert_problem(curator.get(address), 503, "unavailable")["detail"]


def test_there_is_no_preview_of_what_is_over(curator: Client, job: ImportJob) -> None:
    assert_problem(curator.get(f"{URL}{job.pk}/preview/"), 409, "conflict")


@pytest.mark.parametrize("action", ["start", "cancel", "retry", "preview", "files", "failures", "failures.jsonl"])
def test_an_import_that_does_not_exist_is_404(curator: Client, action: str) -> None:
    address = f"{URL}7/{action}" if action.endswith("jsonl") else f"{URL}7/{action}/"
    method = curator.post if action in ("start", "cancel", "retry") else curator.get

    assert_problem(method(address), 404, "not-found")


# --- What did not get in


def test_failures_are_listed_with_line_and_reason(curator: Client, job: ImportJob) -> None:
    listed = curator.get(f"{URL}{job.pk}/failures/").json()["results"]

    assert [(item["file"], item["line"], item["state"]) for item in listed] == [
        ("rows.jsonl", 2, "open"), ("rows.jsonl", 3, "open"), ("rows.jsonl", 4, "open"),
    ]  # fmt: skip
    assert (listed[0]["field"], json.loads(listed[0]["original"])) == ("url", SCRIPT)
    assert "No group is called nobody" in listed[2]["reason"]


def test_they_can_be_narrowed_to_a_state(curator: Client, job: ImportJob) -> None:
    curator.post(f"{failed(job, 2)}dismiss/")

    def count(state: str) -> int:
        return len(curator.get(f"{URL}{job.pk}/failures/", {"state": state}).json()["results"])

    assert (count("open"), count("dismissed"), count("sent")) == (2, 1, 0)


def test_a_row_can_be_mended_in_the_field_that_was_wrong(curator: Client, job: ImportJob) -> None:
    shown = curator.get(failed(job, 2)).json()
    assert shown["document"]["title"] == "Two"

    mended = curator.post(f"{failed(job, 2)}mend/", {"url": "https://example.org/"})

    assert mended.status_code == 200
    assert (mended.json()["status"], mended.json()["failure"]["state"]) == ("created", "sent")
    document = Document.objects.get(external_id="2")
    assert (document.pk, document.title, document.url) == (mended.json()["id"], "Two", "https://example.org/")
    assert_problem(curator.post(f"{failed(job, 2)}mend/", {"url": ""}), 409, "conflict")


def test_a_row_that_could_not_be_read_is_mended_by_giving_all_of_it(curator: Client, job: ImportJob) -> None:
    mended = curator.post(f"{failed(job, 3)}mend/", {"external_id": "3", "title": "Three", "metadata": {"a": 1}})

    assert mended.json()["external_id"] == "3"
    assert Document.objects.get(external_id="3").metadata == {"a": 1}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "javascript:alert(2)"}, "#/url"),
        ({"url": "", "title": ["Two"]}, "#/title"),
        ({"url": "", "titel": "x"}, "#/titel"),
        ({"url": "", "groups": ["nobody"]}, "#/groups"),
        ({"url": "", "collection": "other"}, "#/collection"),
        ({"url": "", "external_id": "\ud800"}, "#/external_id"),
    ],
)
def test_what_is_still_wrong_is_said_and_the_row_stays_open(
    curator: Client, job: ImportJob, body: dict[str, Any], pointer: str
) -> None:
    answer = curator.generic("POST", f"{failed(job, 2)}mend/", json.dumps(body), content_type="application/json")

    assert pointers(assert_problem(answer, 400, "invalid")) == [pointer]
    assert job.failures.get(line=2).state == ImportFailure.State.OPEN
    assert not Document.objects.filter(external_id="2").exists()


def test_a_dismissed_row_is_not_dismissed_twice(curator: Client, job: ImportJob) -> None:
    assert curator.post(f"{failed(job, 2)}dismiss/").json()["state"] == "dismissed"
    assert_problem(curator.post(f"{failed(job, 2)}dismiss/"), 409, "conflict")


def test_a_failure_of_another_import_is_404(curator: Client, job: ImportJob) -> None:
    other = draft(job.collection, {"a.txt": "A"})

    address = failed(job, 2).replace(f"/{job.pk}/failures", f"/{other.pk}/failures")

    assert_problem(curator.get(address), 404, "not-found")
    assert_problem(curator.post(f"{address}mend/", {"url": ""}), 404, "not-found")


def test_open_failures_come_as_lines_that_can_be_mended_and_sent_again(curator: Client, job: ImportJob) -> None:
    Group.objects.create(name="nobody")
    response: Any = curator.get(f"{URL}{job.pk}/failures.jsonl")
    rows = [json.loads(line) for line in response.getvalue().splitlines()]

    assert "attachment" in response["Content-Disposition"]
    assert [(row["_line"], row["_file"], bool(row["_reason"])) for row in rows] == [
        (2, "rows.jsonl", True), (3, "rows.jsonl", True), (4, "rows.jsonl", True),
    ]  # fmt: skip
    again = finished(draft(job.collection, {"mended.jsonl": lines({**rows[0], "url": ""}, rows[2])}))
    assert (again.created, again.failed) == (2, 0)
    assert set(Document.objects.values_list("external_id", flat=True)) == {"1", "2", "4"}
    assert not any(name.startswith("_") for row in Document.objects.all() for name in row.metadata)


def test_failed_rows_are_sent_again_without_the_others(curator: Client, job: ImportJob) -> None:
    Group.objects.create(name="nobody")

    answer = curator.post(f"{URL}{job.pk}/retry/")

    assert answer.status_code == 201
    assert (answer.json()["source"], answer.json()["retry_of"]) == ("retry", job.pk)
    while runner.run(answer.json()["id"]):
        pass
    again = ImportJob.objects.get(pk=answer.json()["id"])
    assert (again.read, again.created, again.failed) == (2, 1, 1)
    assert Document.objects.filter(external_id="4").exists()
    assert_problem(curator.post(f"{URL}{job.pk}/retry/"), 409, "conflict")
