"""Many documents in one request."""

import io
import json
from collections import Counter
from typing import Any, cast

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from search.api import bulk, bulk_results, bulk_views
from search.ingestion import document_writes, export
from search.models import Collection, Document, IndexVersion, PendingChange
from tests.conftest import MakeDocument
from tests.ingestion.test_export import make_odd, stored

from .conftest import Client, MakeUser, assert_problem, client_of

URL = "/api/v1/collections/docs/documents/bulk/"
NDJSON = "application/x-ndjson"


def send(client: Client, *lines: Any, status: int = 200) -> dict[str, Any]:
    """Send each line (text as it is, anything else as JSON) and return the answer."""
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    response = client.generic("POST", URL, body, content_type=NDJSON)
    assert response.status_code == status, response.content
    answer: dict[str, Any] = response.json()
    return answer


def statuses(answer: dict[str, Any]) -> list[str]:
    return [result["status"] for result in answer["results"]]


def test_each_line_has_a_result_with_exactly_the_documented_shape(curator: Client, collection: Collection) -> None:
    answer = send(curator, {"external_id": "a", "title": "One"}, {"external_id": "b", "state": "gone"}, status=207)

    document = Document.objects.get()
    assert answer == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "failed": 1,
        "left_out": 0,
        "results": [
            {"line": 1, "status": "created", "id": document.pk, "external_id": "a", "errors": []},
            {
                "line": 2, "status": "error", "id": None, "external_id": "b",
                "errors": [{"pointer": "#/state", "detail": '"gone" is not one of draft, published, archived.'}],
            },
        ],
    }  # fmt: skip


def test_every_line_of_an_export_is_taken_and_gives_the_same_document(curator: Client, collection: Collection) -> None:
    other = Collection.objects.create(slug="other", name="Other")
    make_odd(other)
    exported = b"".join(export.jsonl(other)).decode().strip("\n").split("\n")

    answer = send(curator, *exported)

    assert (answer["created"], answer["failed"], answer["results"][0]["errors"]) == (len(exported), 0, [])
    assert stored(collection) == stored(other)
    assert send(curator, *exported)["unchanged"] == len(exported)


def test_a_line_for_selected_groups_must_name_one(curator: Client, collection: Collection) -> None:
    answer = send(curator, {"external_id": "a", "visibility": "groups"}, status=207)

    [error] = answer["results"][0]["errors"]
    assert (error["pointer"], Document.objects.count()) == ("#/groups", 0)
    assert "Name a group, or make it public or staff." in error["detail"]


def test_documents_are_created_replaced_or_left_alone(curator: Client, make_document: MakeDocument) -> None:
    make_document(external_id="same", title="Same", body="")
    make_document(external_id="other", title="Old", body="Old", metadata={"a": 1})

    answer = send(
        curator,
        {"external_id": "same", "title": "Same"},
        {"external_id": "other", "title": "New", "metadata": {"a": [1, None]}},
        {"external_id": "new", "title": "New"},
    )

    assert statuses(answer) == ["unchanged", "updated", "created"]
    assert list(Document.objects.order_by("external_id").values_list("external_id", "title", "body", "revision")) == [
        ("new", "New", "", 1), ("other", "New", "", 2), ("same", "Same", "", 1),
    ]  # fmt: skip
    assert Document.objects.get(external_id="other").metadata == {"a": [1, None]}


def test_a_json_list_is_taken_like_lines(curator: Client, collection: Collection) -> None:
    response = curator.post(URL, [{"external_id": "a"}, {"external_id": "b", "nope": 1}, {"external_id": "c"}])

    assert response.status_code == 207
    assert [(result["line"], result["status"]) for result in response.json()["results"]] == [
        (1, "created"), (2, "error"), (3, "created"),
    ]  # fmt: skip


def test_of_a_thousand_lines_the_bad_ones_stop_no_other(curator: Client, collection: Collection) -> None:
    bad: dict[int, Any] = {
        3: "{oops", 10: "[]", 77: {"external_id": "x", "titel": "Typo"}, 400: {"external_id": "\ud800"},
        500: {"external_id": "x", "metadata": "none"}, 501: "NaN", 999: '{"external_id": "x", "title": ' + "[" * 5000,
    }  # fmt: skip
    lines = [bad.get(number, {"external_id": f"id-{number}", "title": f"T{number}"}) for number in range(1, 1001)]

    answer = send(curator, *lines, status=207)

    assert Counter(statuses(answer)) == {"created": 993, "error": 7}
    assert [result["line"] for result in answer["results"]] == list(range(1, 1001))
    assert {result["line"] for result in answer["results"] if result["status"] == "error"} == set(bad)
    assert all(result["errors"] for result in answer["results"] if result["status"] == "error")
    assert Document.objects.count() == 993


def test_a_line_that_is_not_utf_8_stops_no_other(curator: Client, collection: Collection) -> None:
    body = b'{"external_id": "a"}\n{"external_id": "\xff"}\n{"external_id": "c"}'

    response = curator.generic("POST", URL, body, content_type=NDJSON)  # type: ignore[arg-type]

    assert statuses(response.json()) == ["created", "error", "created"]


def test_the_later_of_two_lines_with_the_same_external_id_wins(curator: Client, collection: Collection) -> None:
    answer = send(
        curator,
        {"external_id": "a", "title": "One", "body": "One", "state": "draft"},
        {"external_id": "b"},
        {"external_id": "a", "title": "Two"},
        {"external_id": "a", "title": "Two"},
    )

    assert statuses(answer) == ["created", "created", "updated", "unchanged"]
    assert len({answer["results"][line]["id"] for line in (0, 2, 3)}) == 1
    document = Document.objects.get(external_id="a")
    assert (document.title, document.body, document.state) == ("Two", "", "draft")


def test_the_later_line_wins_across_transactions(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LINES_PER_TRANSACTION", 2)

    send(curator, *({"external_id": "a", "title": str(number)} for number in range(5)))

    assert Document.objects.get().title == "4"


def test_a_line_without_an_external_id_becomes_a_new_document(curator: Client, collection: Collection) -> None:
    answer = send(curator, {"title": "One"}, {"title": "One"})

    assert statuses(answer) == ["created", "created"]
    assert {result["external_id"] for result in answer["results"]} == set(
        Document.objects.values_list("external_id", flat=True)
    )


def test_blank_lines_are_skipped_but_counted(curator: Client, collection: Collection) -> None:
    answer = send(curator, "", {"external_id": "a"}, "  \r", {"external_id": "b"}, "")

    assert [result["line"] for result in answer["results"]] == [2, 4]


def test_what_a_refused_line_sent_comes_back_safely(curator: Client, collection: Collection) -> None:
    answer = send(curator, {"external_id": "a\ud800", "state": "\udfff" * 10_000, "\ud801": 1}, status=207)

    assert answer["results"][0]["external_id"] == "a\ufffd"
    assert len(json.dumps(answer)) < 10_000


def test_of_a_list_that_is_too_long_the_rest_is_not_read_and_the_answer_says_so(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_views, "MAX_LINES", 3)

    answer = curator.post(URL, [{"external_id": str(number)} for number in range(6)]).json()

    assert statuses(answer) == ["created", "created", "created", "error"]
    assert "A JSON list takes 3 documents" in answer["results"][3]["errors"][0]["detail"]
    assert Document.objects.count() == 3


def test_exactly_as_many_documents_as_allowed_are_taken(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_views, "MAX_LINES", 3)

    answer = curator.post(URL, [{"external_id": str(number)} for number in range(3)]).json()

    assert statuses(answer) == ["created"] * 3


def test_a_list_over_the_limit_is_413_and_writes_nothing(
    curator: Client, collection: Collection, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = json.dumps([{"external_id": "a", "body": "x" * 100}])

    assert_problem(curator.generic("POST", URL, body, content_type="application/json"), 413, "content-too-large")
    assert not Document.objects.exists()


def test_lines_may_be_more_than_the_limit_of_a_body_and_each_less(
    curator: Client, collection: Collection, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = send(
        curator, *({"external_id": str(number)} for number in range(20)), {"body": "x" * 200}, {"title": "Last"},
        status=207,
    )  # fmt: skip

    assert (answer["created"], answer["failed"]) == (21, 1)
    assert "more than 100 bytes" in answer["results"][20]["errors"][0]["detail"]


def test_of_too_many_lines_the_answer_has_only_the_first_errors(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_results, "MOST_SHOWN", 5)
    monkeypatch.setattr(bulk_results, "MOST_ERRORS_SHOWN", 2)
    lines = [{"external_id": str(number)} for number in range(5)]

    assert len(send(curator, *lines)["results"]) == 5
    answer = send(curator, *lines, "oops", "oops", {"external_id": "6"}, "oops", status=207)

    assert (answer["created"], answer["unchanged"], answer["failed"]) == (1, 5, 3)
    assert [result["line"] for result in answer["results"]] == [6, 7]
    assert answer["left_out"] == 7


def send_for_lines(client: Client, *lines: Any, **headers: str) -> tuple[Any, list[dict[str, Any]]]:
    """Send lines asking for lines; return the response and its lines."""
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    response: Any = client.generic("POST", URL, body, content_type=NDJSON, headers={"accept": NDJSON, **headers})
    return response, [json.loads(line) for line in response.getvalue().splitlines()]


def test_results_come_as_lines_when_asked_for(curator: Client, collection: Collection) -> None:
    response, lines = send_for_lines(curator, {"external_id": "a"}, {"external_id": "b", "state": "gone"})

    assert (response.status_code, response["Content-Type"]) == (207, NDJSON)
    assert [line.get("status") for line in lines] == ["created", "error", None]
    assert lines[0] == {
        "line": 1, "status": "created", "id": Document.objects.get().pk, "external_id": "a", "errors": [],
    }  # fmt: skip
    assert lines[2] == {"created": 1, "updated": 0, "unchanged": 0, "failed": 1}


def test_lines_may_come_in_pieces_of_unknown_length(curator: Client, collection: Collection) -> None:
    body = io.BytesIO(b'{"external_id": "a"}\n{"external_id": "b"}\n')

    response = curator.generic(
        "POST", URL, "", content_type=NDJSON, HTTP_TRANSFER_ENCODING="chunked",
        **cast(Any, {"wsgi.input": body, "wsgi.input_terminated": True}),
    )  # fmt: skip

    assert response.status_code == 200
    assert statuses(response.json()) == ["created", "created"]


def test_pieces_that_the_server_cannot_put_together_are_an_error_of_the_request(
    curator: Client, collection: Collection
) -> None:
    class BadPieces(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise ValueError("Invalid chunk size: b'zz'")

    response = curator.generic(
        "POST", URL, "", content_type=NDJSON, HTTP_TRANSFER_ENCODING="chunked",
        **cast(Any, {"wsgi.input": BadPieces(), "wsgi.input_terminated": True}),
    )  # fmt: skip

    assert_problem(response, 400, "parse-error")


def test_a_body_that_breaks_off_is_an_error_and_what_was_written_stays(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LINES_PER_TRANSACTION", 1)
    body = b'{"external_id": "a"}\n{"external_id": "b"}\n{"external'

    response = curator.generic(
        "POST", URL, "", content_type=NDJSON,
        **cast(Any, {"CONTENT_LENGTH": str(len(body) + 50), "wsgi.input": io.BytesIO(body)}),
    )  # fmt: skip

    assert f"broke off after {len(body)} bytes" in assert_problem(response, 400, "parse-error")["detail"]
    assert set(Document.objects.values_list("external_id", flat=True)) == {"a", "b"}


@pytest.mark.parametrize("body", ["{}", '{"external_id": "a"}', "7", "oops"])
def test_json_that_is_no_list_is_refused_whole(curator: Client, collection: Collection, body: str) -> None:
    response = curator.generic("POST", URL, body, content_type="application/json")

    assert_problem(response, 400, "parse-error")


def test_another_content_type_is_415(curator: Client, collection: Collection) -> None:
    assert_problem(curator.generic("POST", URL, "a", content_type="text/csv"), 415, "unsupported-media-type")


def test_a_body_of_unknown_length_is_411(curator: Client, collection: Collection) -> None:
    response = curator.generic("POST", URL, "", content_type=NDJSON, HTTP_TRANSFER_ENCODING="chunked")

    assert_problem(response, 411, "length-required")


def test_an_unknown_collection_is_404(curator: Client) -> None:
    url = "/api/v1/collections/nowhere/documents/bulk/"

    assert_problem(curator.generic("POST", url, "{}", content_type=NDJSON), 404, "not-found")


def test_groups_are_given_replaced_and_kept(curator: Client, make_document: MakeDocument) -> None:
    sales, legal = Group.objects.create(name="sales"), Group.objects.create(name="legal")
    for name in ("kept", "replaced", "same"):
        make_document(external_id=name, title="", body="").groups.set([sales])

    answer = send(
        curator,
        {"external_id": "kept"},
        {"external_id": "replaced", "groups": ["legal"]},
        {"external_id": "same", "groups": ["sales"]},
        {"external_id": "new", "groups": ["sales", "legal"]},
        {"external_id": "wrong", "groups": ["sales", "nobody"]},
        status=207,
    )

    assert statuses(answer) == ["unchanged", "updated", "unchanged", "created", "error"]
    assert answer["results"][4]["errors"][0]["pointer"] == "#/groups"
    groups = {document.external_id: set(document.groups.all()) for document in Document.objects.all()}
    assert groups == {"kept": {sales}, "replaced": {legal}, "same": {sales}, "new": {sales, legal}}


@pytest.mark.parametrize(
    ("permission", "outcomes"),
    [("add_document", ["created", "error"]), ("change_document", ["error", "updated"])],
)
def test_a_line_needs_the_permission_for_what_it_does(
    make_user: MakeUser, make_document: MakeDocument, permission: str, outcomes: list[str]
) -> None:
    make_document(external_id="old")
    client = client_of(make_user("someone", permission))

    answer = send(client, {"external_id": "new"}, {"external_id": "old"}, status=207)

    assert statuses(answer) == outcomes


def test_every_written_document_is_queued_for_the_index(
    curator: Client, make_document: MakeDocument, indexed: Any
) -> None:
    make_document(external_id="old")
    make_document(external_id="same", title="", body="")
    indexed()

    send(curator, {"external_id": "old", "title": "New"}, {"external_id": "same"}, {"external_id": "new"})

    version = IndexVersion.objects.active().get()
    queued = PendingChange.objects.filter(version=version).values_list("document__external_id", flat=True)
    assert set(queued) == {"old", "new"}


def test_a_batch_that_the_database_refuses_is_reported_and_stops_no_other(
    curator: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LINES_PER_TRANSACTION", 2)
    write = document_writes.write_documents

    def failing_once(*args: Any) -> Any:
        monkeypatch.setattr(bulk, "write_documents", write)
        raise DatabaseError("the disk is full: /secret/path")

    monkeypatch.setattr(bulk, "write_documents", failing_once)

    answer = send(curator, *({"external_id": str(number)} for number in range(4)), status=207)

    assert statuses(answer) == ["error", "error", "created", "created"]
    assert "secret" not in json.dumps(answer)


def test_the_number_of_queries_grows_with_batches_and_not_with_lines(curator: Client, collection: Collection) -> None:
    def queries(lines: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            send(curator, *({"external_id": f"{lines}-{number}"} for number in range(lines)))
        return len(captured)

    queries(1)
    assert queries(50) == queries(20) <= queries(2)  # a few saves go before the bulk, which is one more
    assert queries(500) < 30


def test_a_compressed_body_is_refused_as_such(curator: Client, collection: Collection) -> None:
    answer = curator.post(
        "/api/v1/collections/docs/documents/bulk/",
        b"\x1f\x8b",
        content_type="application/x-ndjson",
        headers={"content-encoding": "gzip"},
    )
    assert answer.status_code == 415
    assert "gzip" in answer.json()["detail"]
