"""Files sent to be imported: what is made of a request, whole or not at all, and what is told of it."""

import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from rest_framework.test import APIClient

from search.ingestion import runner
from search.models import Collection, Document, ImportFile, ImportJob
from tests.ingestion.imports import draft, finished, lines

from .conftest import Client, MakeUser, assert_problem, client_of, pointers

URL = "/api/v1/import-jobs/"
ROWS = lines({"id": "1", "title": "One"}, {"id": "2", "title": "Two"})


def file(name: str = "rows.jsonl", content: str = ROWS) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode())


def post(client: Client, *files: Any, key: str = "", address: str = URL, **fields: Any) -> Any:
    """Send files with fields, as a browser or curl would."""
    headers = {"idempotency-key": key} if key else {}
    body = {**fields, **({"files": list(files)} if files else {})}
    return client.post(address, body, format="multipart", headers=headers)


def run(pk: int) -> ImportJob:
    while runner.run(pk):
        pass
    return ImportJob.objects.get(pk=pk)


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "imports").rglob("*") if path.is_file()]


# --- Sending files


def test_files_are_imported(curator: Client, collection: Collection) -> None:
    response = post(curator, file(), file("note.txt", "A note."), collection="docs")

    assert response.status_code == 201
    answer = response.json()
    assert (answer["status"], answer["source"], answer["files_total"]) == ("queued", "api", 2)
    assert response["Location"] == answer["links"]["self"]
    assert run(answer["id"]).status == ImportJob.Status.FINISHED
    shown = curator.get(response["Location"]).json()
    assert shown["counts"] | {"read": 3, "created": 3} == shown["counts"]
    assert [(item["name"], item["status"], item["records"]) for item in shown["files"]] == [
        ("rows.jsonl", "finished", 2), ("note.txt", "finished", 1),
    ]  # fmt: skip
    assert shown["rows_per_second"] > 0
    assert shown["created_by"] == "curator"
    assert set(Document.objects.values_list("external_id", flat=True)) == {"1", "2", "note.txt"}


def test_paths_name_the_files(curator: Client, collection: Collection) -> None:
    answer = post(curator, file("a.txt", "A"), file("a.txt", "B"), collection="docs", paths=["x/a.txt", "../y\\a.txt"])

    assert [item["name"] for item in answer.json()["files"]] == ["x/a.txt", "y/a.txt"]


def test_options_say_how_rows_become_documents(curator: Client, collection: Collection) -> None:
    answer = post(
        curator, file("faq.csv", "nr,Frage,Antwort\n7,Was?,Das.\n"), collection="docs", name="Fragen",
        mapping='{"Frage": "title", "Antwort": "body", "nr": ""}', key_column="nr",
        defaults='{"state": "draft"}', duplicates="skip",
    ).json()  # fmt: skip
    run(answer["id"])

    assert (answer["name"], answer["duplicates"], answer["key_column"]) == ("Fragen", "skip", "nr")
    document = Document.objects.get()
    assert (document.external_id, document.title, document.body, document.state) == ("7", "Was?", "Das.", "draft")


def test_the_encoding_of_texts_can_be_said_and_is_shown(curator: Client, collection: Collection) -> None:
    content = SimpleUploadedFile("a.txt", "Größe".encode("cp850"))
    answer = post(curator, content, collection="docs", encoding="IBM850").json()
    previewed = curator.get(answer["links"]["preview"]).json()["files"][0]
    run(answer["id"])

    assert (answer["encoding"], previewed["encoding"], previewed["warnings"]) == ("cp850", "cp850", [])
    shown = curator.get(answer["links"]["files"]).json()["results"][0]
    assert (shown["encoding"], shown["warnings"], Document.objects.get().body) == ("cp850", [], "Größe")


def test_a_draft_takes_more_files_and_other_options_before_it_starts(curator: Client, collection: Collection) -> None:
    made = curator.post(URL, {"collection": "docs", "start": False, "defaults": {"language": "de"}}).json()
    links = made["links"]

    more = post(curator, file("a.txt", "A"), address=links["files"])
    changed = curator.patch(links["self"], {"mapping": {"x": "title"}})

    assert (more.status_code, changed.status_code) == (201, 200)
    assert (changed.json()["status"], changed.json()["files_total"]) == ("draft", 1)
    assert (changed.json()["mapping"], changed.json()["defaults"]) == ({"x": "title"}, {"language": "de"})
    assert curator.post(links["start"]).status_code == 202
    assert_problem(post(curator, file(), address=links["files"]), 400, "invalid")
    assert_problem(curator.patch(links["self"], {"mapping": {}}), 409, "conflict")


def test_a_dry_run_writes_nothing_and_can_then_be_started(curator: Client, collection: Collection) -> None:
    made = post(curator, file(), collection="docs", dry_run="true").json()

    dry = run(made["id"])
    assert (dry.dry_run, dry.created, Document.objects.count()) == (True, 2, 0)
    curator.post(made["links"]["start"])
    assert run(made["id"]).created == Document.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"collection": "nowhere"}, "#/collection"),
        ({}, "#/collection"),
        ({"collection": "docs", "mapping": "{oops"}, "#/mapping"),
        ({"collection": "docs", "mapping": "[]"}, "#/mapping"),
        ({"collection": "docs", "mapping": '{"a": "titel"}'}, "#/mapping"),
        ({"collection": "docs", "defaults": '{"title": "x"}'}, "#/defaults"),
        ({"collection": "docs", "defaults": '{"state": {}}'}, "#/defaults"),
        ({"collection": "docs", "duplicates": "maybe"}, "#/duplicates"),
        ({"collection": "docs", "encoding": "latin-eins"}, "#/encoding"),
        ({"collection": "docs", "paths": ["a", "b"]}, "#/paths"),
        ({"collection": "docs", "paths": [".."]}, "#/files"),
        ({"collection": "docs", "paths": ["x" * 501]}, "#/files"),
        ({"collection": "docs", "colection": "docs"}, "#/colection"),
        ({"collection": "docs", "start": "perhaps"}, "#/start"),
    ],
)
def test_what_cannot_be_done_is_refused_whole(
    curator: Client, collection: Collection, data_dir: Path, fields: dict[str, Any], pointer: str
) -> None:
    response = post(curator, file(), **fields)

    assert pointers(assert_problem(response, 400, "invalid")) == [pointer]
    assert not ImportJob.objects.exists()
    assert stored(data_dir) == []


def test_two_files_of_one_name_are_refused_by_that_name(
    curator: Client, collection: Collection, data_dir: Path
) -> None:
    problem = assert_problem(post(curator, file(), file(), collection="docs"), 400, "invalid")

    assert "rows.jsonl" in problem["detail"]
    assert not ImportJob.objects.exists()
    assert stored(data_dir) == []


def test_nothing_to_import_is_refused(curator: Client, collection: Collection) -> None:
    assert pointers(assert_problem(post(curator, collection="docs"), 400, "invalid")) == ["#/files"]


def test_a_file_over_the_limit_is_413(curator: Client, collection: Collection, settings: Any, data_dir: Path) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "IMPORT_MAX_FILE_MB": 1}

    response = post(curator, file("big.txt", "x" * (1024 * 1024 + 1)), collection="docs")

    assert "big.txt has more than 1 MB" in assert_problem(response, 413, "content-too-large")["detail"]
    assert not ImportJob.objects.exists()
    assert stored(data_dir) == []


def test_too_many_files_in_one_request_are_refused_with_the_way_out(
    curator: Client, collection: Collection, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2

    problem = assert_problem(
        post(curator, *(file(f"{n}.txt", "x") for n in range(3)), collection="docs"), 400, "invalid"
    )

    assert "Send a ZIP" in problem["detail"]


@pytest.mark.parametrize("by_session", [False, True])
def test_a_body_that_breaks_off_imports_nothing(make_user: MakeUser, collection: Collection, by_session: bool) -> None:
    whole = encode_multipart(BOUNDARY, {"collection": "docs", "files": [file("a.txt", "x" * 5_000)]})
    user = make_user("sender", "add_importjob", "add_document", "change_document")
    client = APIClient(enforce_csrf_checks=True)
    headers: dict[str, Any] = {"HTTP_AUTHORIZATION": "Basic c2VuZGVyOmEtbG9uZy1wYXNzd29yZA=="}
    if by_session:
        client.force_login(user)
        client.cookies["csrftoken"] = "x" * 32
        headers = {"HTTP_X_CSRFTOKEN": "x" * 32}

    response = client.generic(
        "POST", URL, "", content_type=MULTIPART_CONTENT,
        **cast(Any, {"CONTENT_LENGTH": str(len(whole)), "wsgi.input": io.BytesIO(whole[:3_000]), **headers}),
    )  # fmt: skip

    assert "broke off after 3000 of" in assert_problem(response, 400, "parse-error")["detail"]
    assert not ImportJob.objects.exists()


def test_the_session_of_the_admin_will_do_with_its_csrf_token(make_user: MakeUser, collection: Collection) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("sender", "add_importjob", "add_document", "change_document"))
    client.cookies["csrftoken"] = "x" * 32

    refused = post(client, file(), collection="docs")
    taken = client.post(URL, {"collection": "docs", "files": [file()]}, format="multipart", HTTP_X_CSRFTOKEN="x" * 32)

    assert_problem(refused, 403, "permission-denied")
    assert taken.status_code == 201, taken.content
    assert taken.json()["files_total"] == 1


# --- Idempotency


def test_the_same_request_under_its_key_gives_the_same_import(
    curator: Client, collection: Collection, data_dir: Path
) -> None:
    first = post(curator, file(), key="k-1", collection="docs")
    files = stored(data_dir)

    second = post(curator, file(), key="k-1", collection="docs")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert ImportJob.objects.count() == 1
    assert stored(data_dir) == files


@pytest.mark.parametrize("other", [{"files": ["other.jsonl"]}, {"content": "{}"}, {"dry_run": "true"}])
def test_another_request_under_a_used_key_is_refused(
    curator: Client, collection: Collection, data_dir: Path, other: dict[str, Any]
) -> None:
    post(curator, file(), key="k-1", collection="docs")
    files = stored(data_dir)
    name, content = other.pop("files", ["rows.jsonl"])[0], other.pop("content", ROWS)

    assert_problem(post(curator, file(name, content), key="k-1", collection="docs", **other), 409, "conflict")
    assert ImportJob.objects.count() == 1
    assert stored(data_dir) == files


def test_a_key_of_a_bulk_request_is_not_one_of_an_import(curator: Client, collection: Collection) -> None:
    bulk = "/api/v1/collections/docs/documents/bulk/"
    curator.post(bulk, [{"external_id": "a"}], headers={"idempotency-key": "k-1"})

    assert_problem(post(curator, file(), key="k-1", collection="docs"), 409, "conflict")
    assert ImportJob.objects.count() == 1


def test_what_a_killed_request_left_does_not_take_its_key(curator: Client, collection: Collection) -> None:
    draft(collection, {"rows.jsonl": ROWS})

    assert post(curator, file(), key="k-1", collection="docs").status_code == 201


# --- Seeing them


def test_the_list_can_be_narrowed(curator: Client, collection: Collection) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    over, waiting = finished(draft(collection, {"a.txt": "A"})), draft(other, {"a.txt": "A"})

    def listed(**filters: str) -> list[int]:
        return [job["id"] for job in curator.get(URL, filters).json()["results"]]

    assert listed() == [over.pk, waiting.pk]
    assert listed(collection="other") == listed(status="draft") == [waiting.pk]
    assert listed(page_size="1") == [over.pk]
    assert_problem(curator.get(URL, {"status": "gone"}), 400, "invalid")
    assert_problem(curator.get(URL, {"collection": "nowhere"}), 400, "invalid")


def test_one_that_runs_says_how_long_it_will_take(
    curator: Client, collection: Collection, django_assert_max_num_queries: Any
) -> None:
    job = draft(collection, {"a.txt": "x" * 100})
    ImportJob.objects.filter(pk=job.pk).update(
        status="running", started_at="2020-01-01T00:00:00Z", bytes_done=50, read=5, current_file="a.txt"
    )

    with django_assert_max_num_queries(8):
        shown = curator.get(f"{URL}{job.pk}/").json()

    assert shown["remaining_seconds"] > 0
    assert shown["current_file"] == "a.txt"


def test_its_files_are_listed(curator: Client, collection: Collection) -> None:
    job = draft(collection, {f"{number:03}.txt": "x" for number in range(3)})
    ImportFile.objects.bulk_create(ImportFile(job=job, name=f"more-{number}") for number in range(120))

    assert len(curator.get(f"{URL}{job.pk}/").json()["files"]) == 100
    page = curator.get(f"{URL}{job.pk}/files/", {"page_size": "100"}).json()
    assert [len(page["results"]), len(curator.get(page["next"]).json()["results"])] == [100, 23]


def test_one_that_is_not_at_work_can_be_removed(curator: Client, collection: Collection, data_dir: Path) -> None:
    job = draft(collection, {"a.txt": "A"})
    ImportJob.objects.filter(pk=job.pk).update(status="running")
    assert_problem(curator.delete(f"{URL}{job.pk}/"), 409, "conflict")
    ImportJob.objects.filter(pk=job.pk).update(status="draft")

    assert curator.delete(f"{URL}{job.pk}/").status_code == 204
    assert not ImportJob.objects.exists()
    assert stored(data_dir) == []
    assert_problem(curator.get(f"{URL}{job.pk}/"), 404, "not-found")


# --- Who may do it


@pytest.mark.parametrize(
    ("permissions", "reads", "writes", "removes"),
    [
        ((), 403, 403, 403),
        (("view_importjob",), 200, 403, 403),
        (("view_document", "add_document", "change_document"), 403, 403, 403),
        (("view_importjob", "add_importjob", "add_document"), 200, 403, 403),
        (("add_importjob", "add_document", "change_document"), 200, 201, 403),
        (("delete_importjob",), 403, 403, 204),
    ],
)
def test_importing_needs_what_an_import_does(
    make_user: MakeUser, collection: Collection, permissions: tuple[str, ...], reads: int, writes: int, removes: int
) -> None:
    client = client_of(make_user("someone", *permissions))
    job = draft(collection, {"a.txt": "A"})

    assert client.get(URL).status_code == client.get(f"{URL}{job.pk}/").status_code == reads
    assert client.get(f"{URL}{job.pk}/failures/").status_code == reads
    assert client.get(f"{URL}{job.pk}/failures.jsonl").status_code == reads
    assert post(client, file(), collection="docs").status_code == writes
    assert client.post(f"{URL}{job.pk}/retry/").status_code in (403, 400, 409)
    assert (client.patch(f"{URL}{job.pk}/", {}).status_code == 403) == (writes == 403)
    assert client.delete(f"{URL}{job.pk}/").status_code == removes


def test_a_visitor_is_asked_for_a_password(visitor: Client, collection: Collection) -> None:
    job = draft(collection, {"a.txt": "A"})

    for address in (URL, f"{URL}{job.pk}/", f"{URL}{job.pk}/failures.jsonl"):
        assert_problem(visitor.get(address), 401, "not-authenticated")
    assert_problem(post(visitor, file(), collection="docs"), 401, "not-authenticated")
    assert ImportJob.objects.count() == 1


def test_answers_are_json_that_says_no_path_of_this_machine(
    curator: Client, collection: Collection, data_dir: Path
) -> None:
    made = post(curator, file(), collection="docs").json()

    assert str(data_dir) not in json.dumps(made)
