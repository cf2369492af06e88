"""Whatever is sent, the answer is clean or says what is wrong: random bodies, addresses and parameters."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.ingestion import jobs, judgments
from search.ingestion.judgments import JudgedQuery
from search.models import Collection, Document, EvaluationQuerySet, ImportJob
from tests.conftest import MakeDocument

from .conftest import Client, assert_problem

EXAMPLES = settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXTS = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff/%?#.\n"), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from(["draft", "docs", 10**30])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
FIELDS = st.sampled_from(
    [
        "q", "k", "mode", "collection", "external_id", "title", "body", "url", "language", "metadata", "state",
        "visibility", "groups", "slug", "name", "chunking", "engine", "retrieval", "encoder_runtime", "id",
        "mapping", "key_column", "defaults", "duplicates", "paths", "start", "dry_run",
        "query_set", "queries", "text", "judgments", "grade", "options", "label", "guards_gate",
    ]
)  # fmt: skip
OBJECTS = st.dictionaries(FIELDS, VALUES, max_size=6)
ADDRESSES = st.sampled_from(
    [
        "/api/v1/search/", "/api/v1/collections/", "/api/v1/collections/docs/", "/api/v1/documents/",
        "/api/v1/documents/1/", "/api/v1/collections/docs/documents/a/",
        "/api/v1/collections/docs/documents/bulk/", "/api/v1/import-jobs/", "/api/v1/import-jobs/1/",
        "/api/v1/import-jobs/1/start/", "/api/v1/import-jobs/1/files/", "/api/v1/import-jobs/1/failures/1/mend/",
        "/api/v1/evaluation/query-sets/", "/api/v1/evaluation/query-sets/1/", "/api/v1/evaluation/runs/",
        "/api/v1/evaluation/query-sets/1/queries/", "/api/v1/evaluation/queries/1/judgments/",
    ]
)  # fmt: skip
PARAMETERS = st.sampled_from(
    ["q", "k", "mode", "collection", "cursor", "page_size", "state", "updated_since", "external_id", "exclude"]
)


@pytest.fixture(autouse=True)
def corpus(make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    """One searchable document."""
    document = make_document(external_id="a")
    indexed()
    jobs.create(document.collection, source=ImportJob.Source.API, name="any").files.create(name="a.txt")
    query_set = EvaluationQuerySet.objects.create(collection=document.collection, name="any")
    judgments.store(query_set, [JudgedQuery("q", "words", {"a": 1})])


def assert_clean(response: Any) -> None:
    """Check that nothing failed; a search without an index may say that it has to wait."""
    assert response.status_code < 500 or b":not-ready" in response.content, response.content
    if response.status_code >= 400:
        assert response["Content-Type"] == "application/problem+json"
        assert b":internal-error" not in response.content


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="/")


@EXAMPLES
@given(ADDRESSES, st.sampled_from(["POST", "PUT", "PATCH"]), OBJECTS | VALUES | st.lists(OBJECTS, max_size=4))
def test_any_json_is_answered_cleanly(curator: Client, address: str, method: str, body: Any) -> None:
    assert_clean(curator.generic(method, address, json.dumps(body), content_type="application/json"))


@EXAMPLES
@given(st.lists(OBJECTS.map(json.dumps) | TEXTS, max_size=5))
def test_any_lines_are_answered_cleanly(curator: Client, lines: list[str]) -> None:
    body = "\n".join(lines).encode("utf-8", "surrogatepass")

    response = curator.generic(
        "POST", "/api/v1/collections/docs/documents/bulk/", body, content_type="application/x-ndjson"  # type: ignore[arg-type]
    )  # fmt: skip

    assert_clean(response)


@EXAMPLES
@given(ADDRESSES, TEXTS, st.dictionaries(PARAMETERS, TEXTS, max_size=4), st.sampled_from(["GET", "PUT", "DELETE"]))
def test_any_address_is_answered_cleanly(
    curator: Client, address: str, more: str, parameters: dict[str, str], method: str
) -> None:
    query = "&".join(f"{name}={encoded(value)}" for name, value in parameters.items())

    assert_clean(curator.generic(method, f"{address}{encoded(more)}?{query}", "{}", content_type="application/json"))


@pytest.mark.parametrize("field", ["title", "body", "language", "external_id"])
def test_a_number_is_no_text_and_the_problem_says_how_to_write_it(
    curator: Client, collection: Collection, field: str
) -> None:
    sent = {"collection": collection.slug, "external_id": "a", "title": "t", field: 12}
    before = Document.objects.count()

    problem = assert_problem(curator.post("/api/v1/documents/", sent, format="json"), 400, "invalid")

    message = "12 is not a text. Put it into quotation marks."
    assert problem["errors"] == [{"pointer": f"#/{field}", "detail": message}]
    assert problem["detail"] == f"{field}: {message}"
    assert Document.objects.count() == before


def test_a_line_with_a_number_as_its_title_is_refused_and_the_others_are_written(
    curator: Client, collection: Collection
) -> None:
    lines = [{"external_id": "a", "title": 12}, {"external_id": "b", "title": "12"}]

    answer = curator.post(f"/api/v1/collections/{collection.slug}/documents/bulk/", lines, format="json")

    assert [result["status"] for result in answer.json()["results"]] == ["error", "created"]
