"""Every error below /api/ is a problem answer, and none says more than it should."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import Http404
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from search import query_service
from search.api.problems import MAX_DETAIL_CHARS, field_errors, problem_details_handler
from search.models import Collection

from .conftest import Client, assert_problem

ADDRESSES = [
    "/api/v1/search/", "/api/v1/collections/", "/api/v1/collections/docs/", "/api/v1/documents/",
    "/api/v1/documents/1/", "/api/v1/collections/docs/documents/a/", "/api/v1/collections/docs/documents/bulk/",
    "/api/v1/index-versions/", "/api/v1/index-versions/1/", "/api/schema/", "/api/docs/",
]  # fmt: skip
WRITING = [
    ("POST", "/api/v1/search/"), ("POST", "/api/v1/collections/"), ("PUT", "/api/v1/collections/docs/"),
    ("PATCH", "/api/v1/collections/docs/"), ("POST", "/api/v1/documents/"),
    ("PUT", "/api/v1/collections/docs/documents/a/"), ("POST", "/api/v1/collections/docs/documents/bulk/"),
]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/nothing",
        "/api/v1/",
        "/api/v2/search/",
        "/api/v1/collections/a b/",
        "/api/v1/documents/x/",
        "/api/v1/\x00/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_that_is_nothing_is_a_problem(visitor: Client, path: str, method: str) -> None:
    assert_problem(visitor.generic(method, path), 404, "not-found")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_without_its_slash_is_told_the_right_one(visitor: Client, method: str) -> None:
    problem = assert_problem(visitor.generic(method, "/api/v1/search"), 404, "not-found")

    assert "Did you mean /api/v1/search/" in problem["detail"]


@pytest.mark.parametrize("path", ADDRESSES)
def test_an_unknown_method_is_a_problem(curator: Client, collection: Collection, path: str) -> None:
    assert_problem(curator.generic("BREW", path), 405, "method-not-allowed")


@pytest.mark.parametrize("path", ADDRESSES[:-2])
def test_asking_for_another_format_is_a_problem(curator: Client, collection: Collection, path: str) -> None:
    assert_problem(curator.get(path, HTTP_ACCEPT="text/html"), 406, "not-acceptable")


@pytest.mark.parametrize(("method", "path"), WRITING)
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a", ""]
)
def test_a_wrong_content_type_is_a_problem(
    curator: Client, collection: Collection, method: str, path: str, content_type: str
) -> None:
    response = curator.generic(method, path, "a=b", content_type=content_type)

    assert_problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(("method", "path"), WRITING[:-1])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff\xfe", b"\x00", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 100_000, b'{"a":' * 100_000, b"nul",
        b"{'a': 1}",
    ],
    ids=["empty", "cut", "not-utf-8", "nul", "nan", "infinite", "deep-list", "deep-object", "word", "quotes"],
)  # fmt: skip
def test_a_malformed_body_is_a_problem(
    curator: Client, collection: Collection, method: str, path: str, body: bytes
) -> None:
    response = curator.generic(method, path, body, content_type="application/json")  # type: ignore[arg-type]

    assert_problem(response, 400, "parse-error")


@pytest.mark.parametrize("path", ADDRESSES)
def test_options_are_not_served(curator: Client, collection: Collection, path: str) -> None:
    assert_problem(curator.options(path), 405, "method-not-allowed")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic x", "Basic x y", "Basic AAAA", "Basic YQBiOmM=", "Basic /w==", "Basic 7aCAOmE="]
)
def test_a_malformed_authorization_is_401(visitor: Client, db: None, header: str) -> None:
    response = visitor.get("/api/v1/documents/", HTTP_AUTHORIZATION=header)

    assert_problem(response, 401, "authentication-failed")
    assert response["WWW-Authenticate"] == 'Basic realm="semsearch"'


def test_too_many_parameters_are_a_problem(visitor: Client, collection: Collection) -> None:
    assert_problem(visitor.get("/api/v1/search/?" + "a=1&" * 2000), 400, "parse-error")


def test_a_session_without_its_csrf_token_may_not_write(curator: Client, collection: Collection) -> None:
    curator.handler.enforce_csrf_checks = True

    assert_problem(curator.put("/api/v1/collections/docs/documents/a/", {}), 403, "permission-denied")


def test_what_nobody_expected_is_500_and_tells_nothing(
    visitor: Client, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(query_service, "search", fail)
    visitor.raise_request_exception = False

    response = visitor.get("/api/v1/search/", {"q": "x"})

    assert_problem(response, 500, "internal-error")
    assert b"secret" not in response.content
    assert "secret" in caplog.text


def handled(error: Exception) -> Any:
    request = Request(APIRequestFactory().get("/api/v1/ä b/"))
    return problem_details_handler(error, {"request": request})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404("secret"), 404, "not-found"),
        (PermissionDenied(), 403, "permission-denied"),
        (RequestDataTooBig("secret"), 413, "content-too-large"),
        (SuspiciousOperation("secret"), 400, "parse-error"),
        (IntegrityError("secret"), 409, "conflict"),
        (OperationalError("secret"), 503, "database-unavailable"),
    ],
)
def test_what_django_raises_is_translated(error: Exception, status: int, code: str) -> None:
    response = handled(error)

    problem = json.loads(response.content)
    assert (response.status_code, problem["type"]) == (status, f"urn:semsearch:problem:{code}")
    assert problem["instance"] == "/api/v1/%C3%A4%20b/"


def test_a_throttled_client_learns_when_to_come_back() -> None:
    response = handled(Throttled(wait=7))

    assert (response.status_code, response["Retry-After"]) == (429, "7")


def test_a_database_that_does_not_answer_says_when_to_come_back_and_nothing_else() -> None:
    response = handled(OperationalError("connection to 10.0.0.5 refused"))

    assert response["Retry-After"]
    assert b"10.0.0.5" not in response.content


def test_nested_errors_become_pointers() -> None:
    detail = {"a": {"b/c": ["one", "two"]}, "non_field_errors": ["three"], "list": {1: ["four"]}}

    assert list(field_errors(detail)) == [
        {"pointer": "#/a/b~1c", "detail": "one"},
        {"pointer": "#/a/b~1c", "detail": "two"},
        {"pointer": "#", "detail": "three"},
        {"pointer": "#/list/1", "detail": "four"},
    ]


def test_what_a_client_sent_is_not_sent_back_without_end() -> None:
    [error] = field_errors({"x" * 10_000: ["y" * 10_000]})

    assert len(error["pointer"]) <= MAX_DETAIL_CHARS + 2
    assert len(error["detail"]) <= MAX_DETAIL_CHARS + 1
