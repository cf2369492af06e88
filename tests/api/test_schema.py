"""The OpenAPI schema: valid, complete, true to the answers, and readable without a network."""

import re
from collections.abc import Callable
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from search.api.examples import recorded
from search.ingestion import runner
from search.models import Collection, ImportJob, IndexVersion
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt

from .conftest import Client

CURATED = ("curation-rules", "synonym-groups")
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema as served to everyone."""
    generated: dict[str, Any] = SchemaGenerator().get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    return generated


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_it_is_valid(schema: dict[str, Any]) -> None:
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_it_describes_every_address_and_method(schema: dict[str, Any]) -> None:
    assert {(path, method) for path, method, _operation in operations(schema)} == {
        *(("/api/v1/search/", method) for method in ("get", "post")),
        ("/api/v1/search/feedback/", "post"),
        ("/api/v1/search/explain/", "get"),
        ("/api/v1/search/similar/", "post"),
        ("/api/v1/search/suggest/", "get"),
        ("/api/v1/documents/{id}/similar/", "get"),
        *(("/api/v1/collections/", method) for method in ("get", "post")),
        *(("/api/v1/collections/{slug}/", method) for method in ("get", "put", "patch", "delete")),
        *(("/api/v1/collections/{slug}/documents/{external_id}/", method) for method in ("get", "put", "delete")),
        ("/api/v1/collections/{slug}/documents/bulk/", "post"),
        *((f"/api/v1/collections/{{slug}}/export.{ending}", "get") for ending in ("jsonl", "csv", "zip")),
        ("/api/v1/collections/{slug}/duplicates/", "post"),
        ("/api/v1/collections/{slug}/search-report/", "get"),
        ("/api/v1/collections/{slug}/chunks/preview/", "post"),
        ("/api/v1/evaluation/query-sets/{id}/learn-weights/", "post"),
        ("/api/v1/duplicates/", "get"),
        *(("/api/v1/duplicates/{id}/", method) for method in ("get", "patch")),
        ("/api/v1/documents/{id}/revisions/", "get"),
        ("/api/v1/documents/{id}/revisions/{revision}/", "get"),
        ("/api/v1/documents/{id}/revisions/{revision}/restore/", "post"),
        ("/api/v1/collections/{slug}/bulk-changes/", "post"),
        ("/api/v1/bulk-changes/", "get"),
        ("/api/v1/bulk-changes/{id}/", "get"),
        ("/api/v1/bulk-changes/{id}/cancel/", "post"),
        ("/api/v1/pending-changes/", "get"),
        ("/api/v1/pending-changes/retry/", "post"),
        ("/api/v1/search-log/", "get"),
        ("/api/v1/status/", "get"),
        *(("/api/v1/documents/", method) for method in ("get", "post")),
        *(("/api/v1/documents/{id}/", method) for method in ("get", "put", "patch", "delete")),
        ("/api/v1/index-versions/", "get"),
        ("/api/v1/index-versions/{id}/", "get"),
        ("/api/v1/index-versions/{id}/missed/", "get"),
        *((f"/api/v1/index-versions/{{id}}/{action}/", "post") for action in ("activate", "roll-back", "cancel")),
        ("/api/v1/index-versions/{id}/prune/", "post"),
        *(("/api/v1/index-versions/{id}/check/", method) for method in ("get", "post")),
        ("/api/v1/collections/{slug}/index-versions/", "post"),
        *(("/api/v1/evaluation/query-sets/", method) for method in ("get", "post")),
        *(("/api/v1/evaluation/query-sets/{id}/", method) for method in ("get", "patch", "delete")),
        *(("/api/v1/evaluation/query-sets/{id}/queries/", method) for method in ("get", "post")),
        *((f"/api/v1/evaluation/query-sets/{{id}}/judgments.{ending}", "get") for ending in ("jsonl", "qrels")),
        ("/api/v1/evaluation/queries/{id}/judgments/", "put"),
        ("/api/v1/me/", "get"),
        ("/api/v1/me/token/", "delete"),
        ("/api/v1/me/token/rotate/", "post"),
        ("/api/v1/evaluation/queries/{id}/pool/", "get"),
        *(("/api/v1/evaluation/runs/", method) for method in ("get", "post")),
        *(("/api/v1/evaluation/runs/{id}/", method) for method in ("get", "delete")),
        *((f"/api/v1/evaluation/runs/{{id}}/{action}/", "post") for action in ("cancel", "rescore")),
        *((f"/api/v1/evaluation/runs/{{id}}/{part}/", "get") for part in ("queries", "compare/{other}")),
        *((f"/api/v1/{kind}/", method) for kind in CURATED for method in ("get", "post")),
        *((f"/api/v1/{kind}/{{id}}/", method) for kind in CURATED for method in ("get", "patch", "delete")),
        *((f"/api/v1/{kind}/{part}try/", "post") for kind in CURATED for part in ("", "{id}/")),
        *(("/api/v1/import-jobs/", method) for method in ("get", "post")),
        *(("/api/v1/import-jobs/{id}/", method) for method in ("get", "patch", "delete")),
        *(("/api/v1/import-jobs/{id}/files/", method) for method in ("get", "post")),
        *((f"/api/v1/import-jobs/{{id}}/{action}/", "post") for action in ("start", "cancel", "retry")),
        *((f"/api/v1/import-jobs/{{id}}/{part}", "get") for part in ("preview/", "failures/", "failures.jsonl")),
        ("/api/v1/import-jobs/{id}/failures/{failure_id}/", "get"),
        *((f"/api/v1/import-jobs/{{id}}/failures/{{failure_id}}/{action}/", "post") for action in ("mend", "dismiss")),
    }


def test_every_error_is_described_as_a_problem(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert "401" in errors, (path, method)
        for status, answer in errors.items():
            assert list(answer["content"]) == ["application/problem+json"], (path, method, status)


def test_every_operation_shows_what_was_sent_and_answered(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        example = recorded()[f"{method.upper()} {path}"]
        places: list[tuple[dict[str, Any], dict[str, Any]]] = [
            (operation.get("requestBody", {}), example["request"]),
            (operation["responses"][example["status"]], example["response"]),
        ]
        for place, body in places:
            if body:
                assert "Recorded" in place["content"][body["content_type"]]["examples"], (path, method)


def check(schema: dict[str, Any], path: str, method: str, response: Any) -> None:
    """Check an answer against what the schema says of it, objects closed."""
    contents = schema["paths"][path][method]["responses"][str(response.status_code)]["content"]
    content = contents[response["Content-Type"]]
    closed = closed_objects({**content["schema"], "components": schema["components"]})
    jsonschema.Draft202012Validator(closed).validate(response.json())


def closed_objects(node: Any) -> Any:
    """Return the schema with every object that lists its properties allowing no others."""
    if isinstance(node, list):
        return [closed_objects(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {name: closed_objects(item) for name, item in node.items()}
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        result.setdefault("additionalProperties", False)
    return result


def test_answers_are_as_it_says(
    schema: dict[str, Any], curator: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document(external_id="a", title="Leave", metadata={"team": ["hr", 1]})
    indexed()
    v1 = "/api/v1/"
    version = IndexVersion.objects.get().pk
    docs, bulk = f"{v1}collections/docs/", f"{v1}collections/docs/documents/bulk/"

    check(schema, f"{v1}search/", "get", curator.get(f"{v1}search/", {"q": "leave"}))
    check(schema, f"{v1}search/", "post", curator.post(f"{v1}search/", {"q": "leave"}))
    check(schema, f"{v1}search/similar/", "post", curator.post(f"{v1}search/similar/", {"text": "leave"}))
    why = {"q": "leave", "document": str(document.pk)}
    check(schema, f"{v1}search/explain/", "get", curator.get(f"{v1}search/explain/", why))
    check(schema, f"{v1}search/suggest/", "get", curator.get(f"{v1}search/suggest/", {"q": "lea"}))
    check(schema, f"{v1}documents/{{id}}/similar/", "get", curator.get(f"{v1}documents/{document.pk}/similar/"))
    check(schema, f"{v1}collections/", "get", curator.get(f"{v1}collections/"))
    check(schema, f"{v1}collections/", "post", curator.post(f"{v1}collections/", {"slug": "new", "name": "New"}))
    check(schema, f"{v1}collections/{{slug}}/", "patch", curator.patch(docs, {"name": "Docs"}))
    check(schema, f"{v1}documents/", "get", curator.get(f"{v1}documents/"))
    check(schema, f"{v1}documents/{{id}}/", "get", curator.get(f"{v1}documents/{document.pk}/"))
    check(
        schema, f"{v1}collections/{{slug}}/documents/{{external_id}}/", "put",
        curator.put(f"{docs}documents/new/", {"title": "New"}),
    )  # fmt: skip
    check(
        schema,
        f"{v1}collections/{{slug}}/documents/bulk/",
        "post",
        curator.post(bulk, [{"external_id": "b"}, {"x": 1}]),
    )
    check(schema, f"{v1}index-versions/", "get", curator.get(f"{v1}index-versions/"))
    check(schema, f"{v1}index-versions/{{id}}/", "get", curator.get(f"{v1}index-versions/{version}/"))


def test_answers_about_index_versions_are_as_it_says(
    schema: dict[str, Any], curator: Client, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    document = make_document()
    indexed()
    first = IndexVersion.objects.get()
    second = rebuilt(document.collection, live=False)
    make_document()
    indexed()
    below, rebuild = "/api/v1/index-versions/", "/api/v1/collections/{slug}/index-versions/"

    def done(version: IndexVersion, action: str, method: str = "post") -> None:
        answer = getattr(curator, method)(f"{below}{version.pk}/{action}/")
        check(schema, f"{below}{{id}}/{action}/", method, answer)

    check(schema, f"{below}{{id}}/", "get", curator.get(f"{below}{second.pk}/"))
    done(second, "prune")
    done(second, "activate")
    make_document()
    done(first, "missed", "get")
    done(first, "roll-back")
    done(first, "cancel")
    done(first, "prune")
    check(schema, rebuild, "post", curator.post(rebuild.replace("{slug}", "docs")))


def test_answers_about_imports_are_as_it_says(schema: dict[str, Any], curator: Client, collection: Collection) -> None:
    below = "/api/v1/import-jobs/"
    form = {"collection": "docs", "start": "false", "files": SimpleUploadedFile("a.jsonl", b'{"title": "A"}\n{oops\n')}
    made = curator.post(below, form, format="multipart")
    check(schema, below, "post", made)
    job = ImportJob.objects.get()

    def done(path: str, method: str = "get", body: Any = None, **more: Any) -> None:
        address = f"{below}{{id}}/{path}"
        real = address.replace("{id}", str(job.pk)).replace("{failure_id}", str(more.pop("failure", "")))
        check(schema, address, method, getattr(curator, method)(real, body, **more))

    done("", "patch", {"key_column": "title"})
    done("preview/")
    done("start/", "post")
    while runner.run(job.pk):
        pass
    done("")
    done("files/")
    done("failures/")
    failure = job.failures.get().pk
    done("failures/{failure_id}/", failure=failure)
    done("failures/{failure_id}/mend/", "post", {"title": "Mended"}, failure=failure)
    done("failures/{failure_id}/dismiss/", "post", failure=failure)
    done("retry/", "post")
    done("cancel/", "post")
    check(schema, below, "get", curator.get(below))


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("/api/v1/search/", "post", {"q": ""}),
        ("/api/v1/search/", "post", {"q": "x", "collection": "nowhere"}),
        ("/api/v1/documents/", "post", {}),
    ],
)
def test_problems_are_as_it_says(
    schema: dict[str, Any], curator: Client, path: str, method: str, body: dict[str, Any]
) -> None:
    check(schema, path, method, getattr(curator, method)(path, body))


def test_it_is_served_to_everyone(visitor: Client, db: None) -> None:
    response = visitor.get("/api/schema/", {"format": "json"})

    assert response.status_code == 200
    assert response.json()["openapi"].startswith("3.1")


def test_the_page_that_shows_it_loads_nothing_from_elsewhere(visitor: Client, db: None) -> None:
    response = visitor.get("/api/docs/")

    page = response.content.decode()
    assert response.status_code == 200
    assert "/api/schema/" in page
    assert re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert not re.findall(r"https?://[^\"'\s]+", page)
    assert '"validatorUrl": null' in page


def test_it_says_what_needs_no_account(schema: dict[str, Any]) -> None:
    open_to_all = {(path, method) for path, method, operation in operations(schema) if {} in operation["security"]}

    assert open_to_all == {
        (path, method)
        for path, method, _operation in operations(schema)
        if path.startswith("/api/v1/search/")
        or (
            method == "get"
            and not re.match(
                r"/api/v1/(me/|index-versions/|import-jobs/|evaluation/|curation-|synonym-|duplicates/|bulk-changes/|pending-"
                r"|search-log/|status/|.*/(export\.|search-report/|revisions/))",
                path,
            )
        )
    }
